"""Every entry of a Jacobian compared with the truth.

Comes in: a derivation of J = ∂fᵢ/∂xⱼ, the truth about it.  Goes out: one `Comparison` an argument that names the worst entry.  Why: a
vector–Jacobian product tells that a column is wrong; the entry tells which output and which input, and so where to look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from msgspec.structs import replace as with_fields

from checker.inputs import Input
from checker.judge.compare import compare, told
from checker.values import Array, Case, Comparison, Derivation, Reference, Verdict, Worst, number

#: What is said of a point at which the function may have no Jacobian.
NOT_SMOOTH = "the point lies on a kink, a jump or an edge, where J need not exist: the mode vjp tells which gradients are valid here"


def compare_jacobian(
    derivation: Derivation, reference: Reference, case: Case, *, smooth: bool, complexes: Sequence[int] = ()
) -> list[Comparison]:
    """Compare every entry of J with the truth; the worst entry of each argument is named.

    Of an elementwise function the diagonal is compared with the truth and every other entry with 0, exactly. Where the point may not be
    `smooth` nothing can be said. `complexes` are the outputs that are complex, of which a row is a real or an imaginary part.
    """
    gradients = {name: _known(g, reference.high[name]) for name, g in derivation.gradients.items() if name in reference.high}
    error = {name: _known(e, reference.high[name]) for name, e in derivation.error.items() if name in reference.high}
    compared = compare(replace(derivation, gradients=gradients, error=error), reference, case)
    named = [_named(c, case, derivation.gradients[c.argument], gradients[c.argument], complexes) for c in compared]
    return named if smooth else [with_fields(c, verdict=Verdict.INCONCLUSIVE, message=f"∂f/∂{c.argument}: {NOT_SMOOTH}") for c in named]


def _known(entries: Array, high: Array) -> Array:
    """The entries of J of which `high` is the truth: all of them, or those on the diagonals."""
    if entries.shape == high.shape:
        return entries
    every = np.arange(int(np.prod(high.shape[1:])))
    return entries.reshape(len(high), len(every), len(every))[:, every, every].reshape(high.shape)


def _stray(got: Array, known: Array) -> tuple[int, int] | None:
    """Row and column of the largest entry of J that is not on a diagonal and not 0; None where there is none."""
    if got.shape == known.shape or np.count_nonzero(got != 0) == np.count_nonzero(known != 0):
        return None
    entries = int(np.prod(known.shape[1:]))
    rest, every = np.abs(got).reshape(len(known), entries, entries), np.arange(entries)
    rest[:, every, every] = 0.0
    return divmod(int(np.argmax(np.nan_to_num(rest, nan=np.inf))), entries)


def _named(found: Comparison, case: Case, got: Array, known: Array, complexes: Sequence[int]) -> Comparison:
    """The comparison, with row and entry of the worst place in J and a sentence that names it."""
    name, stray = found.argument, _stray(got, known)
    if stray is None and found.worst is None:
        return found
    if stray is not None:
        value, infinite = got.reshape(len(got), -1)[stray], number(np.inf)
        size = number(abs(value))
        worst = Worst(index=(), got=number(value), expected=0.0, absolute=size, relative=infinite, ulp=infinite, allowed=0.0)
        row, entry = stray
    else:
        assert found.worst is not None
        worst = found.worst
        row, entry = _place(worst.index, known, diagonal=got.shape != known.shape)
    place = tuple(int(i) for i in np.unravel_index(entry, case.arguments[name].shape)) if case.arguments[name].dim() else ()
    worst = with_fields(worst, index=(row, *place))
    argument = by(name)
    message = f"{output(case, row, complexes)}/{argument}{case.exercise.input(name).entry(place).removeprefix(name)}"
    if stray is not None or found.verdict is Verdict.WRONG:
        message += f": {told(worst.got, worst.expected, worst.allowed)}"
        return with_fields(found, verdict=Verdict.WRONG, worst=worst, message=message)
    message = f"every entry of ∂f/{argument} agrees" if found.verdict is Verdict.AGREES else found.message
    return with_fields(found, worst=worst, message=message)


def by(name: str) -> str:
    """The denominator of a derivative by an argument: `∂x`, `∂(input 0)`."""
    return f"∂({name})" if " " in name else f"∂{name}"


def _place(index: tuple[int, ...], known: Array, *, diagonal: bool) -> tuple[int, int]:
    """Row of J and flat entry of the argument, of a place in `known`."""
    entry = int(np.ravel_multi_index(index[1:], known.shape[1:])) if known.ndim > 1 else 0
    return (index[0] * int(np.prod(known.shape[1:])) + entry if diagonal else index[0]), entry


def output(case: Case, row: int, complexes: Sequence[int] = ()) -> str:
    """`∂f[3]` for a row of J; `∂f₁[3]` where there are several outputs, counted from 0; `∂f` where it is a single number, `∂f.real` where
    that is complex."""
    floating = [(k, v) for k, v in enumerate(case.upstream) if v is not None]
    for k, v in floating:
        if row < v.numel():
            number = "".join(chr(0x2080 + int(digit)) for digit in str(k)) if len(case.upstream) > 1 else ""
            place = [int(i) for i in np.unravel_index(row, tuple(v.shape))] if v.dim() else []
            return Input(f"∂f{number}", None, "complex" if k in complexes else "real").entry(place)
        row -= v.numel()
    raise IndexError(row)
