"""Symbolic numbers: sympy expressions, each with its number.

Comes in: numbers to add, multiply, solve.  Goes out: `Term`s, and the program that names their parts.  Why: the interpreter that finds the
truth reads formulas too, where numbers are written as symbols.

Whatever is more than a symbol gets a fresh one: a straight-line program, where expressions written out would explode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy
import torch

from checker.errors import Unsupported
from checker.tape.elementary import FUNCTIONS, mp
from checker.tape.numbers import Implicit, Role
from checker.values import Array

WRITTEN_OUT = 3  #: rows of a matrix whose inverse is written by cofactors


@dataclass(frozen=True, slots=True)
class Term:
    """A symbolic number: how it is written, in symbols of the program, and what it is at the recorded point."""

    written: sympy.Expr
    value: Any  #: mpmath.mpf


class Symbols:
    """The number system: sympy expressions, each with its number."""

    overflows = False
    order = 1

    def __init__(self) -> None:
        self.program: dict[sympy.Symbol, sympy.Expr] = {}
        self.point: dict[sympy.Symbol, Any] = {}  # what every symbol is at the recorded point
        self.zero = Term(sympy.Integer(0), mp.mpf(0))
        self.one = Term(sympy.Integer(1), mp.mpf(1))

    def variable(self, name: str, index: tuple[int, ...], value: float) -> Term:
        symbol = sympy.Symbol(f"{name}[{', '.join(map(str, index))}]" if index else name, real=True)
        self.point[symbol] = mp.mpf(value)
        return Term(symbol, self.point[symbol])

    def upstream(self, name: str, vector: torch.Tensor) -> Array:
        """The upstream gradient of one output; that of a scalar is left out where it is one."""
        array = np.empty(tuple(vector.shape), object)
        for index in np.ndindex(array.shape):
            value = float(vector[index])
            array[index] = self.one if array.ndim == 0 and value == 1.0 else self.variable(name, index, value)
        return array

    def exact(self, value: float) -> Term:
        return Term(_decimal(value), mp.mpf(value))

    def constant(self, value: float) -> Term:
        return self.exact(value)

    def pi(self) -> Term:
        return Term(sympy.pi, mp.pi())

    def root_of_unity(self, k: int, n: int) -> tuple[Term, Term]:
        turn = sympy.Rational(2 * k, n)
        return Term(sympy.cos(turn * sympy.pi), mp.cospi(mp.mpf(2 * k) / n)), Term(sympy.sin(turn * sympy.pi), mp.sinpi(mp.mpf(2 * k) / n))

    def add(self, terms: Sequence[Term]) -> Term:
        written = [t.written for t in terms]
        # sympy's search for like terms costs far more than the sum; a long one is not read by anyone
        total = sympy.Add(*written) if len(written) <= 32 else sympy.Add._from_args(written)
        return Term(total, mp.fsum(t.value for t in terms))

    def negate(self, x: Term) -> Term:
        return Term(-x.written, -x.value)

    def multiply(self, x: Term, y: Term) -> Term:
        one, other = x.written, y.written
        plain = one.is_Symbol and other.is_Symbol and one is not other  # nothing to simplify, and ten times faster said so
        return Term(sympy.Mul._from_args((one, other)) if plain else one * other, x.value * y.value)

    def divide(self, x: Term, y: Term) -> Term:
        return Term(x.written / y.written, x.value / y.value) if y.value != 0 else self._nowhere()

    def power(self, x: Term, y: Term) -> Term:
        return self._defined(lambda: x.written**y.written, lambda: mp.power(x.value, y.value))

    def function(self, name: str, x: Term, *parameters: Term) -> Term:
        write, compute = FUNCTIONS[name]
        terms = (x, *parameters)
        return self._defined(lambda: write(*(t.written for t in terms)), lambda: compute(*(t.value for t in terms)))

    def solve(self, matrix: Sequence[Sequence[Term]], right: Sequence[Sequence[Term]]) -> list[list[Term]]:
        """By Cramer's rule where that is short, else by elimination; pivots are chosen by their numbers."""
        rows = [[*a, *b] for a, b in zip(matrix, right, strict=True)]
        size = len(rows)
        if size <= WRITTEN_OUT:
            determinant, adjugate = self.adjugate(matrix)
            if determinant.value == 0:
                raise ZeroDivisionError("singular matrix")
            columns = list(zip(*right, strict=True))
            products = [[self.add([self.multiply(x, y) for x, y in zip(row, c, strict=True)]) for c in columns] for row in adjugate]
            return [[self.divide(x, determinant) for x in row] for row in products]
        for column in range(size):
            pivot = max(range(column, size), key=lambda r: abs(rows[r][column].value))
            if rows[pivot][column].value == 0:
                raise ZeroDivisionError("singular matrix")
            rows[column], rows[pivot] = rows[pivot], rows[column]
            top = rows[column] = [self.keep(self.divide(entry, rows[column][column]), "value") for entry in rows[column]]
            for r in range(size):
                if r != column:
                    factor = self.negate(rows[r][column])
                    rows[r] = [self.keep(self.add((a, self.multiply(factor, b))), "value") for a, b in zip(rows[r], top, strict=True)]
        return [row[size:] for row in rows]

    def adjugate(self, matrix: Sequence[Sequence[Term]]) -> tuple[Term, list[list[Term]]]:
        """By cofactors, as textbooks write them; each minor once."""
        size = len(matrix)
        if size > 2 * WRITTEN_OUT:
            raise Unsupported("det", f"the cofactors of {size} rows are too many to write")

        @cache
        def minor(rows: tuple[int, ...], columns: tuple[int, ...]) -> Term:
            if not rows:
                return self.one
            terms = []
            for place, column in enumerate(columns):
                term = self.multiply(matrix[rows[0]][column], minor(rows[1:], columns[:place] + columns[place + 1 :]))
                terms.append(self.negate(term) if place % 2 else term)
            return self.keep(self.add(terms), "value")

        every = tuple(range(size))

        def cofactor(i: int, j: int) -> Term:
            value = minor(every[:i] + every[i + 1 :], every[:j] + every[j + 1 :])
            return self.negate(value) if (i + j) % 2 else value

        return minor(every, every), [[cofactor(i, j) for i in every] for j in every]

    def implicit(self, function: Implicit, matrix: Sequence[Sequence[Term]]) -> list[Any]:
        raise Unsupported(function.name, "there is no formula to show for it")

    def sign(self, x: Term) -> int | None:
        """By the number. Zero only where it is written as zero: a value that happens to vanish here is a function that does not."""
        if x.value == 0 or mp.isnan(x.value):
            return 0 if x.written.is_zero else None
        return 1 if x.value > 0 else -1

    def either(self, x: Term, y: Term) -> Term:
        return self._nowhere()  # `express` refuses the point, by the check that could not be told

    def shift(self, x: Term) -> Term:
        return self.zero

    def stopped(self, x: Term) -> Term:
        return x

    def rounded(self, x: Term) -> Term:
        return x

    def spread(self, x: Term, terms: Sequence[Term], units: float) -> Term:
        return x

    def stored(self, x: Term) -> Term:
        return x

    def keep(self, x: Term, role: Role) -> Term:
        """Give a fresh symbol to whatever is more than a symbol or a number."""
        if x.written.is_Atom:
            return x
        symbol = sympy.Symbol(f"#{len(self.program)}", real=True)
        self.program[symbol] = x.written
        self.point[symbol] = x.value
        return Term(symbol, x.value)

    def approximate(self, x: Term) -> float:
        return float(x.value)

    def working(self, dtype: str) -> None:
        """Nothing to do: symbols are exact in every dtype."""

    def _defined(self, write: Callable[[], Any], compute: Callable[[], Any]) -> Term:
        try:
            value = compute()
        except (ZeroDivisionError, ValueError):
            return self._nowhere()
        return Term(write(), value) if isinstance(value, mp.mpf) else self._nowhere()

    def _nowhere(self) -> Term:
        return Term(sympy.nan, mp.nan)


def _decimal(value: float) -> sympy.Expr:
    """A number as people write it: 0.1 is 1/10, also where a dtype stores the binary fraction next to it."""
    if isinstance(value, bool | int) or value == int(value) if np.isfinite(value) else False:
        return sympy.Integer(int(value))
    if not np.isfinite(value):
        return sympy.nan if np.isnan(value) else sympy.oo * int(np.sign(value))
    short = np.float32(value)
    return sympy.Rational(str(short) if float(short) == value else repr(value))
