"""The condition of a path: the decisions it rests on, as inequalities that can be read.

Comes in: differences and their signs.  Goes out: conditions in words of Python and in LaTeX.  Why: a program with branches has a formula
on each, and which formula holds is half of what it says: 512|a| < 1000 ≤ 1024|a|.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy

from checker.tape.typography import relation as written

#: Where the float run decides "less", the boundary belongs to "greater or equal"; and so on. Others decide by a sign.
_STRICT_BELOW, _STRICT_ABOVE = frozenset({"lt", "ge"}), frozenset({"gt", "le", "relu"})
_STRICT = str.maketrans("≤≥", "<>")
#: Terms beyond which nothing is multiplied out: it would take a minute, and nobody would read it.
EXPANDED = 256
_FLIPPED = {"<": ">", "≤": "≥", ">": "<", "≥": "≤", "=": "=", "≠": "≠"}


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
        constant, left = (sympy.expand(difference) if _terms(difference) <= EXPANDED else difference).as_coeff_Add()
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
        """The number that `base` is compared with."""
        return self.right / self.factor

    def write(self) -> tuple[str, str]:
        """With what is subtracted on the other side: a > b."""
        if self.right != 0:
            return written([self.left, self.relation, self.right])
        terms = sympy.Add.make_args(self.base)
        negative = [t for t in terms if t.could_extract_minus_sign()]
        left = sympy.Add(*(t for t in terms if t not in negative))
        return written([left, self.relation, -sympy.Add(*negative)])


def _terms(e: sympy.Expr) -> int:
    """At most so many terms are multiplied out of the sums in `e`, or in a part of it where these are more."""
    counts = [min(_terms(part), EXPANDED + 1) for part in e.args]
    if e.is_Add:
        return sum(counts)
    if e.is_Mul:
        return math.prod(counts)
    if e.is_Pow and e.exp.is_Integer:
        return int(min(counts[0] ** min(abs(int(e.exp)), 64), EXPANDED + 1))
    return max(counts, default=1)


def _relation(decides: str, sign: int) -> str:
    if decides in ("eq", "ne") or sign == 0:
        return "=" if sign == 0 else "≠"
    if sign < 0:
        return "≤" if decides in _STRICT_ABOVE else "<"
    return "≥" if decides in _STRICT_BELOW else ">"


def joined(conditions: Iterable[Condition]) -> Iterable[tuple[str, str]]:
    """Of several bounds on the same quantity only the tightest: 512|a| < 1000 ≤ 1024|a|."""
    groups: dict[sympy.Expr, list[Condition]] = {}
    for condition in conditions:
        groups.setdefault(condition.base, []).append(condition)
    for base, group in groups.items():
        unequal = {c.bound: c for c in group if c.relation == "≠"}
        bounds = [replace(c, relation=c.relation.translate(_STRICT)) if c.bound in unequal else c for c in group]
        low = max((c for c in bounds if c.relation in (">", "≥")), key=lambda c: (c.bound, c.relation == ">"), default=None)
        high = min((c for c in bounds if c.relation in ("<", "≤")), key=lambda c: (c.bound, c.relation == "≤"), default=None)
        if low is not None and high is not None:
            if low.right == high.right != 0:
                yield written([high.left, high.relation, high.right, _FLIPPED[low.relation], low.left])
            else:
                yield written([low.bound, _FLIPPED[low.relation], base, high.relation, high.bound])
        elif low is not None or high is not None:
            yield (low or high).write()  # type: ignore[union-attr]
        yield from dict.fromkeys(c.write() for c in group if c.relation == "=")
        for bound, condition in unequal.items():
            if not ((low is not None and low.bound >= bound) or (high is not None and high.bound <= bound)):
                yield condition.write()
