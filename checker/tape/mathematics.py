"""Mathematics to read: an `Expression` substituted back, simplified a little, and written as LaTeX and as words of Python.

Comes in: an `Expression`.  Goes out: `Mathematics`.  Why: the straight-line program is right at any size; people read small formulas. Each
one shown is evaluated again at the point and must give the program's own number, or it is not shown.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from checker.tape.symbolic import Expression, evaluate, mp
from checker.values import Array

ENTRIES = 16  #: of a vector or matrix that is written out
LONGEST = 180  #: an entry that is written out, in numbers, names and operations
SIMPLIFIED = 80  #: an entry for which shorter forms are looked for
SYMBOLS = 4  #: names up to which the slower ones are tried
BUDGET = 800  #: all entries together for which they are

#: Where the float run decides "less", the boundary belongs to "greater or equal"; and so on. Others decide by a sign.
_STRICT_BELOW, _STRICT_ABOVE = frozenset({"lt", "ge"}), frozenset({"gt", "le", "relu"})
_FLIPPED = {"<": ">", "≤": "≥", ">": "<", "≥": "≤", "=": "=", "≠": "≠"}
_LATEX = {"<": "<", "≤": r"\le", ">": ">", "≥": r"\ge", "=": "=", "≠": r"\ne"}
_PYTHON = {"<": "<", "≤": "<=", ">": ">", "≥": ">=", "=": "==", "≠": "!="}


def _greek(letter: str) -> str:
    """`lambda` of λ; empty of any other letter. Unicode spells it lamda."""
    return unicodedata.name(letter, "").partition("GREEK SMALL LETTER ")[2].lower().replace("lamda", "lambda")


_GREEK = frozenset(map(_greek, "αβγδεζηθικλμνξπρστυφχψω"))


@dataclass(frozen=True, kw_only=True)
class Mathematics:
    """LaTeX of the function, of the gradient of each argument, and of the path's conditions; these also in words of Python, with the
    lines that decide. `note` says what is missing and why."""

    function: str = ""
    gradients: Mapping[str, str]
    conditions: tuple[str, ...] = ()
    latex: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
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
        lines=tuple(dict.fromkeys(c.line for c in expression.checks if c.line)),
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
    joined = tuple(_joined([c for c in conditions if c is not None]))
    if len(joined) > ENTRIES:
        notes.append(f"The path has {len(joined)} conditions; the first {ENTRIES} are shown.")
    exact = all(_binary(e) for _, e in program)
    return _Page(
        function,
        tuple((n, g) for n, g in written if g),
        joined[:ENTRIES],
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


def simplest(e: sympy.Expr) -> sympy.Expr:
    """The shortest of a few equal forms. Only steps that are quick at this size are tried."""
    size = length(e)
    if e.is_Atom or size > SIMPLIFIED:
        return e
    forms = [e, sympy.factor_terms(e)]
    if len(e.free_symbols) <= SYMBOLS:
        forms += [sympy.together(e), sympy.powsimp(e)]
        if not e.has(sympy.Function) and size <= SIMPLIFIED // 2:
            forms += [sympy.cancel(e), sympy.factor(e)]
        forms += [sympy.factor_terms(f) for f in forms[2:]]
    return min(forms, key=lambda f: (f.count_ops(), len(str(f))))


# -- conditions


@dataclass(frozen=True)
class Condition:
    """`left` ⋚ `right`, where `left` = `factor` · `base` and `right` is a number."""

    left: sympy.Expr
    relation: str
    right: sympy.Expr
    factor: sympy.Expr
    base: sympy.Expr

    @classmethod
    def of(cls, decides: str, difference: sympy.Expr, sign: int | None) -> Condition | None:
        """The sign of `difference` as a condition, or None where it holds everywhere."""
        constant, left = sympy.expand(difference).as_coeff_Add()
        if not left.free_symbols:
            return None
        factor, base = left.primitive() if left.is_Add else left.as_coeff_Mul()
        if base.could_extract_minus_sign():
            factor, base = -factor, -base
        relation = _relation(decides, sign or 0)
        if factor < 0:
            left, constant, factor, relation = -left, -constant, -factor, _FLIPPED[relation]
        if constant == 0 and base.is_nonnegative:
            if base.is_positive or relation in ("≥", "<"):
                return None
            relation = {">": "≠", "≤": "="}.get(relation, relation)
            base = base.base if base.is_Pow else base
        return cls(left, relation, -constant, factor, base)

    @cached_property
    def bound(self) -> Any:
        return self.right / self.factor

    def write(self) -> tuple[str, str]:
        """With what is subtracted on the other side: a > b."""
        if self.right != 0:
            return _texts([self.left, self.relation, self.right])
        terms = sympy.Add.make_args(self.base)
        negative = [t for t in terms if t.could_extract_minus_sign()]
        left = sympy.Add(*(t for t in terms if t not in negative))
        return _texts([left, self.relation, -sympy.Add(*negative)])


def _relation(decides: str, sign: int) -> str:
    if decides in ("eq", "ne") or sign == 0:
        return "=" if sign == 0 else "≠"
    if sign < 0:
        return "≤" if decides in _STRICT_ABOVE else "<"
    return "≥" if decides in _STRICT_BELOW else ">"


def _joined(conditions: Iterable[Condition]) -> Iterable[tuple[str, str]]:
    """Of several bounds on the same quantity only the tightest: 512|a| < 1000 ≤ 1024|a|."""
    groups: dict[sympy.Expr, list[Condition]] = {}
    for condition in conditions:
        groups.setdefault(condition.base, []).append(condition)
    for base, group in groups.items():
        above = [c for c in group if c.relation in (">", "≥")]
        below = [c for c in group if c.relation in ("<", "≤")]
        low = max(above, key=lambda c: (c.bound, c.relation == ">"), default=None)
        high = min(below, key=lambda c: (c.bound, c.relation == "≤"), default=None)
        if low is not None and high is not None:
            if low.right == high.right != 0:
                yield _texts([high.left, high.relation, high.right, _FLIPPED[low.relation], low.left])
            else:
                yield _texts([low.bound, _FLIPPED[low.relation], base, high.relation, high.bound])
        elif low is not None or high is not None:
            yield (low or high).write()  # type: ignore[union-attr]
        else:
            yield from dict.fromkeys(c.write() for c in group)


def _texts(parts: Sequence[Any]) -> tuple[str, str]:
    words = " ".join(_PYTHON[p] if isinstance(p, str) else _Words().doprint(p) for p in parts)
    return words, " ".join(_LATEX[p] if isinstance(p, str) else latex(p) for p in parts)


# -- printing


class _Words(StrPrinter):  # type: ignore[misc]
    """Python as one would write it."""

    def _print_Abs(self, e: Any) -> str:  # noqa: N802  (sympy finds it by name)
        return f"abs({self._print(e.args[0])})"


class _Tex(LatexPrinter):  # type: ignore[misc]
    """`w[0, 1]` is written with its indices below."""

    def _print_Symbol(self, e: Any, style: str = "plain") -> str:  # noqa: N802  (sympy finds it by name)
        name, _, index = e.name.rstrip("]").partition("[")
        return letters(name, index.replace(" ", ""))


def letters(name: str, index: str = "") -> str:
    """A name in LaTeX. One letter stands as it is, a Greek one by its name; `t_u` has an index, `w1` is the first w, a word is upright."""
    stem, mark = re.fullmatch(r"(.*?)(_hat|_[^\W\d_]+|_?\d+)?", name).groups()  # type: ignore[union-attr]
    greek = _greek(stem) if len(stem) == 1 else stem
    if greek in _GREEK:
        stem = rf"\{greek}"
    elif len(stem) != 1:
        stem, mark = rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}", None
    below = [index] if index else []
    if mark == "_hat":
        stem = rf"\hat{{{stem}}}"
    elif mark and mark.strip("_").isdigit():
        stem = rf"{stem}^{{({mark.strip('_')})}}" if index else rf"{stem}_{{{mark.strip('_')}}}"
    elif mark:
        below.insert(0, rf"\mathrm{{{mark[1:]}}}")
    return stem + (f"_{{{','.join(below)}}}" if below else "")


def latex(e: sympy.Expr) -> str:
    return str(_Tex().doprint(e))


def matrix(entries: Array) -> str:
    """A number, a column, or a matrix."""
    if entries.ndim == 0:
        return latex(entries.item())
    rows = entries.reshape(-1, 1) if entries.ndim == 1 else entries
    return r"\begin{bmatrix}" + r" \\ ".join(" & ".join(latex(e) for e in row) for row in rows) + r"\end{bmatrix}"


def _binary(e: sympy.Expr) -> bool:
    """Whether every number in `e` is a binary fraction, which no dtype has rounded."""
    return all(int(n.q) & (int(n.q) - 1) == 0 for n in e.atoms(sympy.Rational))
