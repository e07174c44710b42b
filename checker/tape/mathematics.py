"""Mathematics to read: an `Expression` substituted back, simplified a little, and written as LaTeX and as words of Python.

Comes in: an `Expression`.  Goes out: `Mathematics`.  Why: the straight-line program is right at any size; people read small formulas. Each
one shown is evaluated again at the point and must give the program's own number, or it is not shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import sympy

from checker.tape.conditions import Condition, joined
from checker.tape.elementary import evaluate, mp
from checker.tape.symbolic import Expression
from checker.tape.typography import matrix

ENTRIES = 16  #: of a vector or matrix that is written out
LONGEST = 180  #: an entry that is written out, in numbers, names and operations
SIMPLIFIED = 80  #: an entry for which shorter forms are looked for
SYMBOLS = 4  #: names up to which the slower ones are tried
BUDGET = 800  #: all entries together for which they are


@dataclass(frozen=True, kw_only=True)
class Mathematics:
    """LaTeX of the function, of the gradient of each argument, and of the path's conditions; these also in words of
    Python. `note` says what is missing and why."""

    function: str = ""
    gradients: Mapping[str, str]
    conditions: tuple[str, ...] = ()
    latex: tuple[str, ...] = ()
    note: str = ""


def typeset(expression: Expression, arguments: Collection[str] | None = None) -> Mathematics:
    """Write `expression`, with the gradients of `arguments` (None: of all)."""
    names = tuple(n for n in expression.gradients if arguments is None or n in arguments)
    gradients = tuple((n, expression.gradients[n].shape, tuple(expression.gradients[n].reshape(-1))) for n in names)
    outputs = tuple((o.shape, tuple(o.reshape(-1))) for o in expression.outputs if o is not None)
    checks = tuple((c.decides, c.difference.written, c.sign) for c in expression.checks)
    page = _write(tuple(expression.program.items()), outputs, gradients, checks)
    for shown, program in page.claims:
        truth, found = expression.point.get(program, None), evaluate(shown, expression.point)
        truth = evaluate(program, expression.point) if truth is None else truth
        if abs(found - truth) > page.tolerance * max(1, abs(truth)) and not (mp.isnan(found) and mp.isnan(truth)):
            return Mathematics(gradients={}, note="The formulas do not give the program's own numbers at this point, so none is shown.")
    return Mathematics(
        function=page.function,
        gradients=dict(page.gradients),
        conditions=tuple(text for text, _ in page.conditions),
        latex=tuple(latex for _, latex in page.conditions),
        note=" ".join(page.notes),
    )


@dataclass(frozen=True)
class _Page:
    function: str
    gradients: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, str], ...]
    claims: tuple[tuple[sympy.Expr, sympy.Expr], ...]  # (as shown, in the program)
    tolerance: float
    notes: tuple[str, ...]


Entries = tuple[sympy.Expr, ...]
Shape = tuple[int, ...]


@lru_cache(maxsize=64)
def _write(
    program: tuple[tuple[sympy.Symbol, sympy.Expr], ...],
    outputs: tuple[tuple[Shape, Entries], ...],
    gradients: tuple[tuple[str, Shape, Entries], ...],
    checks: tuple[tuple[str, sympy.Expr, int | None], ...],
) -> _Page:
    """Everything that does not depend on the point: points on one path share it."""
    back = _Back(program)
    claims: list[tuple[sympy.Expr, sympy.Expr]] = []
    notes: list[str] = []

    budget = BUDGET

    def array(what: str, shape: Shape, entries: Entries) -> str:
        nonlocal budget
        shape = shape if len(shape) <= 2 else tuple(size for size in shape if size != 1)
        if len(entries) > ENTRIES or len(shape) > 2:
            notes.append(f"{what} is written out only where it is a vector or a matrix of up to {ENTRIES} entries.")
            return ""
        found = [read for entry in entries if (read := back.read(entry)) is not None]
        if len(found) < len(entries):
            notes.append(f"{what} needs more than {LONGEST} numbers, names and operations an entry, too many to read.")
            return ""
        shown: list[sympy.Expr] = []
        for f in found:
            budget -= length(f)
            shown.append(simplest(f) if budget > 0 else f)
        claims.extend(zip(shown, entries, strict=True))
        return matrix(np.array([*shown, None], object)[:-1].reshape(shape))

    function = ", ".join(filter(None, (array("The function", shape, entries) for shape, entries in outputs)))
    written = tuple((name, array(f"The gradient of {name}", shape, entries)) for name, shape, entries in gradients)
    conditions = [Condition.of(decides, read, sign) for decides, difference, sign in checks if (read := back.read(difference)) is not None]
    if len(conditions) < len(checks):
        notes.append(f"{len(checks) - len(conditions)} of {len(checks)} conditions of the path are too long to read.")
    path = tuple(joined([c for c in conditions if c is not None]))
    if len(path) > ENTRIES:
        notes.append(f"The path has {len(path)} conditions; the first {ENTRIES} are shown.")
    exact = all(_binary(e) for _, e in program)
    return _Page(
        function,
        tuple((n, g) for n, g in written if g),
        path[:ENTRIES],
        tuple(claims),
        1e-40 if exact else 1e-6,
        tuple(dict.fromkeys(notes)),
    )


class _Back:
    """Symbols of the program replaced by what they stand for, as long as that stays short."""

    def __init__(self, program: tuple[tuple[sympy.Symbol, sympy.Expr], ...]) -> None:
        self.full: dict[sympy.Symbol, sympy.Expr | None] = {}
        for symbol, written in program:
            self.full[symbol] = self.read(written)

    def read(self, written: sympy.Expr) -> sympy.Expr | None:
        names: list[sympy.Symbol] = []
        size = length(written, names)
        known = {name: self.full[name] for name in names if name in self.full}
        if size > LONGEST or any(full is None for full in known.values()):
            return None
        if size + sum(length(full) for full in known.values()) > LONGEST:
            return None
        return _tidy(written.xreplace(known))


def length(e: sympy.Expr, names: list[sympy.Symbol] | None = None) -> int:
    """Numbers, names and operations in `e`, counted no further than is too long; the names are collected."""
    count, waiting = 0, [e]
    while waiting and count <= LONGEST:
        part = waiting.pop()
        count += 1
        if names is not None and part.is_Symbol:
            names.append(part)
        waiting.extend(part.args)
    return count


def _tidy(e: sympy.Expr) -> sympy.Expr:
    """√(16x² + 16y²) is 4√(x² + y²)."""
    if e.is_Pow and e.base.is_Add and e.exp.is_Rational and not e.exp.is_Integer:
        return sympy.Pow(sympy.factor_terms(e.base), e.exp)
    return e


@lru_cache(maxsize=1024)
def simplest(e: sympy.Expr) -> sympy.Expr:
    """The shortest of a few equal forms. Only steps that are quick at this size are tried."""
    size = length(e)
    if e.is_Atom or size > SIMPLIFIED:
        return e
    forms = [e, sympy.factor_terms(e)]
    if len(e.free_symbols) <= SYMBOLS:
        slower = [sympy.together(e), sympy.powsimp(e)]
        if not e.has(sympy.Function) and size <= SIMPLIFIED // 2:
            slower += [sympy.cancel(e), sympy.factor(e)]
        forms += [*slower, *(sympy.factor_terms(f) for f in dict.fromkeys(slower) if f != e)]
    operations = {f: f.count_ops() for f in forms}
    least = min(operations.values())
    shortest = [f for f, count in operations.items() if count == least]
    return shortest[0] if len(shortest) == 1 else min(shortest, key=lambda f: len(str(f)))


def _binary(e: sympy.Expr) -> bool:
    """Whether every number in `e` is a binary fraction, which no dtype has rounded."""
    return all(int(n.q) & (int(n.q) - 1) == 0 for n in e.atoms(sympy.Rational))
