"""Judging every entry of the Jacobian J = ∂fᵢ/∂xⱼ.

Comes in: a case, its tape, derivations.  Goes out: the truth about J, and one `Comparison` an argument that names the worst entry.  Why:
a vector–Jacobian product tells that a column is wrong; the entry tells which output and which input, and so where to look.

Row i of J is Jᵀeᵢ. Where the tape is small enough each row is enclosed as any gradient is; else the reference is the differences of the
columns, and what rounding may do to a column is measured between float32 and float64.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from msgspec.structs import replace as with_fields

from checker.errors import UsageError
from checker.judge.belief import Belief
from checker.judge.compare import compare
from checker.judge.measured import MEASURED
from checker.judge.reference import UNPROVED_UNITS, Truth, fixed, refer
from checker.judge.rows import told_rows
from checker.memory import written
from checker.methods.columns import Columns, columns
from checker.methods.differences import function_of
from checker.methods.jacobian import outputs_of
from checker.methods.lines import Called, Replayed
from checker.tape.formats import FORMATS
from checker.tape.replay import replay
from checker.tape.size import scalar_operations
from checker.tape.structure import elementwise
from checker.tape.tape import Tape
from checker.values import Array, Case, Comparison, Derivation, Mode, Reference, Verdict, Worst, number

#: Arrays of the size of J that are alive together: J, the truth, its error, what is allowed, and what comparing makes.
ARRAYS = 8
#: Scalar operations, over all columns, that take about a minute.
LONGEST = 3e10
#: Scalar operations, over all rows, up to which the rows are enclosed: a tenth of a second.
SMALL = 5_000
#: Random combinations of the rows of J from which the rounding of a column is measured.
COMBINED = 8

#: What is said of a point at which the function may have no Jacobian.
NOT_SMOOTH = "the point lies on a kink, a jump or an edge, where J need not exist: the mode vjp tells which gradients are valid here"


def refer_jacobian(case: Case, tape: Tape | None, belief: Belief) -> Truth:
    """The truth about J: `high`, `low`, `radius` and `allowed` have the shape (outputs, *argument), or where the function is elementwise
    that of the diagonal, (number of outputs, *argument)."""
    if not belief.repeats:
        return Truth(reference=None, reason=belief.reason)
    _affordable(case, tape)
    trusted = tape if tape is not None and belief.trusts(case.exercise.cuts) else None
    reason = belief.reason or "the function could not be recorded"
    if trusted is not None:
        work = scalar_operations(trusted) * outputs_of(case)
        if work <= SMALL:
            found = _enclosed(case, trusted, belief)
            if found.reference is not None and found.reference.kind == "certified":
                return found
            reason = found.reason
        else:
            reason = f"{work:,} scalar operations for all rows are more than the {SMALL:,} that balls are used for"
    start = time.perf_counter()
    function, _ = function_of(case, trusted)
    told = told_rows(function) if isinstance(function, Replayed) and not _elementwise(case, function.tape) else None
    if told is not None:
        exact = {name: Columns(entries, np.zeros(entries.shape)) for name, entries in told.items()}
        where = "the recorded operations' own derivative in float64, every row of which values along random directions tell"
        return Truth(reference=_estimated(case, function, exact, where, reason, start), reason=reason)
    try:
        found_columns = {name: columns(function, case, name) for name in case.differentiated}
    except Exception as error:  # the function may raise at any perturbed point
        return Truth(reference=None, reason=f"{reason}; and differences failed: {type(error).__name__}: {error}")
    where = "differences of every column and their error estimate"
    return Truth(reference=_estimated(case, function, found_columns, where, reason, start), reason=reason)


def _affordable(case: Case, tape: Tape | None) -> None:
    """Raise before anything large is taken.

    Raises:
        UsageError: J does not fit into the case's memory, or its columns would take too long.
    """
    rows, entries = outputs_of(case), sum(case.arguments[name].numel() for name in case.differentiated)
    what, instead = (
        f"the Jacobian has {rows:,} × {entries:,} entries",
        "Ask for the mode projection, which judges it along random directions",
    )
    size = ARRAYS * 8 * rows * entries
    if size > case.memory:
        raise UsageError(f"{what} and would take {written(size)}, where {written(case.memory)} are allowed. {instead}, or for more memory.")
    columns_ = sum(case.arguments[n].numel() for n in case.differentiated if tape is None or not elementwise(tape, n))
    work = columns_ * scalar_operations(tape) if tape is not None else 0
    if work > LONGEST:
        raise UsageError(f"{what}, and its columns would take {work:.0e} scalar operations. {instead}.")


def _enclosed(case: Case, tape: Tape, belief: Belief) -> Truth:
    """Every row enclosed by itself; the first row that cannot be says why."""
    rows: list[Reference] = []
    for k, v in enumerate(case.upstream):
        for flat in range(0 if v is None else v.numel()):
            unit = torch.zeros(v.shape, dtype=v.dtype)  # type: ignore[union-attr]
            unit.view(-1)[flat] = 1.0
            upstream = tuple(unit if n == k else None if u is None else torch.zeros_like(u) for n, u in enumerate(case.upstream))
            truth = refer(replace(case, upstream=upstream, mode=Mode.VJP), tape, belief)
            if truth.reference is None or truth.reference.kind != "certified":
                return truth
            rows.append(truth.reference)
    if not rows:
        return Truth(reference=None, reason="the outputs have no entries")

    def stacked(field: str) -> dict[str, Array]:
        return {name: np.stack([getattr(row, field)[name] for row in rows]) for name in case.differentiated}

    reference = replace(
        rows[0],
        high=stacked("high"),
        low=stacked("low"),
        radius=stacked("radius"),
        allowed=stacked("allowed"),
        other_order=stacked("other_order"),
        seconds=sum(row.seconds for row in rows),
    )
    return Truth(reference=reference, enclosure=truth.enclosure)


def _elementwise(case: Case, tape: Tape) -> bool:
    return all(elementwise(tape, name) for name in case.differentiated)


def _estimated(
    case: Case, function: Replayed | Called, found: Mapping[str, Columns], where: str, reason: str, start: float
) -> Reference:  # fmt: skip
    rounding = _rounding(case, function, found)
    zeros = {name: np.zeros(np.shape(one.slope)) for name, one in found.items()}
    diagonal = [name for name, one in found.items() if one.diagonal]
    shown = f"; elementwise in {', '.join(diagonal)}: only the diagonal is not 0" if diagonal else ""
    reference = Reference(
        kind="differences",
        high={name: np.nan_to_num(one.slope) for name, one in found.items()},
        low=zeros,
        radius=zeros,
        allowed={name: one.error + rounding[name] for name, one in found.items()},
        unproved=reason,
        origin=f"{where}, and rounding in {case.dtype} ({reason}){shown}",
        value=function.values_at_point(),
        seconds=time.perf_counter() - start,
    )
    return fixed(reference, case)


def _rounding(case: Case, function: Replayed | Called, found: Mapping[str, Columns]) -> dict[str, Array]:
    """What rounding may do to each entry: some units of it, and some times what is measured in its column where there is a tape."""
    units = UNPROVED_UNITS * FORMATS[case.dtype].unit
    allowance: dict[str, Array] = {name: units * np.abs(one.slope) for name, one in found.items()}
    measured = _measured(function, case.dtype) if isinstance(function, Replayed) else {}
    for name, one in found.items():
        more = MEASURED * measured[name] if name in measured else units * np.max(np.abs(one.slope), initial=0.0)
        allowance[name] = allowance[name] + more
    return allowance


def _measured(function: Replayed, dtype: str) -> dict[str, Array]:
    """√(Σᵢ δᵢⱼ²) of every column j, where δ is what rounding to `dtype` does to the tape's J: the root mean square of (sᵀδ)ⱼ over random
    signs s. Float64 is measured in float32 and scaled. Empty where autograd cannot follow the tape."""
    double = _combined(function, "float64")
    for narrow in dict.fromkeys((dtype if dtype != "float64" else "float32", "float32")):
        single = _combined(function, narrow)
        if double and single:
            scale = FORMATS[dtype].unit / FORMATS[narrow].unit
            return {name: scale * np.sqrt(np.mean(np.nan_to_num(single[name] - g) ** 2, axis=0)) for name, g in double.items()}
    return {}


def _combined(function: Replayed, dtype: str) -> dict[str, Array]:
    """sᵀJ of the tape for some random signs s, in one dtype; empty where torch has no kernel or no derivative for an operation in it."""
    case, generator, wanted = function.case, torch.Generator().manual_seed(function.case.seed), getattr(torch, dtype)
    signs = [torch.randint(0, 2, (COMBINED, *v.shape), generator=generator).double() * 2.0 - 1.0 for v in function.upstream]
    leaves = {name: case.arguments[name].to(wanted).clone().requires_grad_() for name in case.differentiated}
    try:
        with torch.enable_grad():
            arguments = {**case.arguments, **{name: leaf.clone() for name, leaf in leaves.items()}}
            outputs = replay(function.tape, arguments, stopped=function.held, dtype=wanted, signature=False).outputs
            pairs = [(o, s.to(o.dtype)) for o, s in zip(outputs, signs, strict=True) if o.requires_grad]
            found = torch.autograd.grad(
                [o for o, _ in pairs], list(leaves.values()), [s for _, s in pairs], allow_unused=True, is_grads_batched=True
            )
    except RuntimeError:
        return {}
    return {
        name: (torch.zeros(COMBINED, *leaf.shape) if g is None else g).double().numpy()
        for (name, leaf), g in zip(leaves.items(), found, strict=True)
    }


def compare_jacobian(derivation: Derivation, reference: Reference, case: Case, *, smooth: bool) -> list[Comparison]:
    """Compare every entry of J with the truth; the worst entry of each argument is named.

    Of an elementwise function the diagonal is compared with the truth and every other entry with 0, exactly. Where the point may not be
    `smooth` nothing can be said.
    """
    gradients = {name: _known(g, reference.high[name]) for name, g in derivation.gradients.items() if name in reference.high}
    error = {name: _known(e, reference.high[name]) for name, e in derivation.error.items() if name in reference.high}
    compared = compare(replace(derivation, gradients=gradients, error=error), reference, case)
    named = [_named(c, case, derivation.gradients[c.argument], gradients[c.argument]) for c in compared]
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


def _named(found: Comparison, case: Case, got: Array, known: Array) -> Comparison:
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
    argument = f"∂({name})" if " " in name else f"∂{name}"
    message = f"{_output(case, row)}/{argument}{case.exercise.input(name).entry(place).removeprefix(name)}"
    if stray is not None or found.verdict is Verdict.WRONG:
        message += f": got {_digits(worst.got)}, expected {_digits(worst.expected)} within {_digits(worst.allowed, 2)}"
        return with_fields(found, verdict=Verdict.WRONG, worst=worst, message=message)
    message = f"every entry of ∂f/{argument} agrees" if found.verdict is Verdict.AGREES else found.message
    return with_fields(found, worst=worst, message=message)


def _place(index: tuple[int, ...], known: Array, *, diagonal: bool) -> tuple[int, int]:
    """Row of J and flat entry of the argument, of a place in `known`."""
    entry = int(np.ravel_multi_index(index[1:], known.shape[1:])) if known.ndim > 1 else 0
    return (index[0] * int(np.prod(known.shape[1:])) + entry if diagonal else index[0]), entry


def _output(case: Case, row: int) -> str:
    """`∂f[3]` for a row of J; `∂f₁[3]` where there are several outputs, counted from 0; `∂f` where it is a single number."""
    floating = [(k, v) for k, v in enumerate(case.upstream) if v is not None]
    for k, v in floating:
        if row < v.numel():
            number = "".join(chr(0x2080 + int(digit)) for digit in str(k)) if len(case.upstream) > 1 else ""
            place = [int(i) for i in np.unravel_index(row, tuple(v.shape))] if v.dim() else ""
            return f"∂f{number}{place}"
        row -= v.numel()
    raise IndexError(row)


def _digits(value: object, digits: int = 10) -> str:
    return f"{value:.{digits}g}" if isinstance(value, float) else str(value)
