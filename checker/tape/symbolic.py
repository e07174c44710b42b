"""A tape as mathematics: its function, its gradients and the condition of its path, as sympy expressions.

Comes in: a tape and the cuts to honour.  Goes out: an `Expression`.  Why: a gradient that can be read is understood, and one derived by
rules for symbols agrees with the others for a reason of its own.

The reverse sweep gives a fresh symbol to every intermediate and every adjoint: a straight-line program, linear in the tape, where
differentiating the expanded expression explodes. Each symbol carries its number (mpmath, 60 digits), so the program is evaluated as it is
written. What people read is that program substituted back: `mathematics.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import sympy
import torch
from mpmath.ctx_mp import MPContext  # type: ignore[import-untyped]

from checker.errors import Unsupported
from checker.tape.graph import Check
from checker.tape.interpreter import interpret, pull
from checker.tape.numbers import Implicit, NumberSystem, Role
from checker.tape.size import scalar_operations
from checker.tape.tape import Tape
from checker.values import Array

DIGITS = 60
LONGEST = 5_000  #: scalar operations of the tape
WRITTEN_OUT = 3  #: rows of a matrix whose inverse is written by cofactors

mp: Any = MPContext()
mp.dps = DIGITS


class sigmoid(sympy.Function):  # type: ignore[misc]  # noqa: N801  (sympy names functions as they are written)
    """σ(x) = 1/(1 + e⁻ˣ), kept whole so that y(1 − y) reads as textbooks write it."""

    nargs = 1

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        power = f"^{{{exp}}}" if exp else ""
        return rf"\sigma{power}\left({printer._print(self.args[0])}\right)"


@dataclass(frozen=True, slots=True)
class Term:
    """A symbolic number: how it is written, in symbols of the program, and what it is at the recorded point."""

    written: sympy.Expr
    value: Any  #: mpmath.mpf


Function = tuple[Callable[..., Any], Callable[..., Any]]

#: Functions of a number, and of the parameters of a family: as sympy writes them, as mpmath computes them.
FUNCTIONS: dict[str, Function] = {
    "exp": (sympy.exp, mp.exp),
    "exp2": (lambda x: 2**x, lambda x: mp.power(2, x)),
    "expm1": (lambda x: sympy.exp(x) - 1, mp.expm1),
    "log": (sympy.log, mp.log),
    "log1p": (lambda x: sympy.log(1 + x), lambda x: mp.log(1 + x)),
    "log2": (lambda x: sympy.log(x) / sympy.log(2), lambda x: mp.log(x) / mp.log(2)),
    "log10": (lambda x: sympy.log(x) / sympy.log(10), mp.log10),
    "sqrt": (sympy.sqrt, mp.sqrt),
    "rsqrt": (lambda x: 1 / sympy.sqrt(x), lambda x: 1 / mp.sqrt(x)),
    "sin": (sympy.sin, mp.sin),
    "cos": (sympy.cos, mp.cos),
    "tan": (sympy.tan, mp.tan),
    "asin": (sympy.asin, mp.asin),
    "acos": (sympy.acos, mp.acos),
    "atan": (sympy.atan, mp.atan),
    "sinh": (sympy.sinh, mp.sinh),
    "cosh": (sympy.cosh, mp.cosh),
    "tanh": (sympy.tanh, mp.tanh),
    "asinh": (sympy.asinh, mp.asinh),
    "acosh": (sympy.acosh, mp.acosh),
    "atanh": (sympy.atanh, mp.atanh),
    "sigmoid": (sigmoid, lambda x: 1 / (1 + mp.exp(-x))),
    "erf": (sympy.erf, mp.erf),
    "erfc": (sympy.erfc, mp.erfc),
    "erfinv": (sympy.erfinv, mp.erfinv),
    "lgamma": (sympy.loggamma, mp.loggamma),
    "digamma": (sympy.digamma, mp.digamma),
    "trigamma": (lambda x: sympy.polygamma(1, x), lambda x: mp.psi(1, x)),
    "zeta": (lambda x, s: sympy.zeta(s, x), lambda x, s: mp.zeta(s, x)),
    "i0": (lambda x: sympy.besseli(0, x), lambda x: mp.besseli(0, x)),
    "i1": (lambda x: sympy.besseli(1, x), lambda x: mp.besseli(1, x)),
    "i0e": (lambda x: sympy.exp(-sympy.Abs(x)) * sympy.besseli(0, x), lambda x: mp.exp(-abs(x)) * mp.besseli(0, x)),
    "i1e": (lambda x: sympy.exp(-sympy.Abs(x)) * sympy.besseli(1, x), lambda x: mp.exp(-abs(x)) * mp.besseli(1, x)),
    "erfcx": (lambda x: sympy.exp(x**2) * sympy.erfc(x), lambda x: mp.exp(x * x) * mp.erfc(x)),
    "ndtri": (lambda p: sympy.sqrt(2) * sympy.erfinv(2 * p - 1), lambda p: mp.sqrt(2) * mp.erfinv(2 * p - 1)),
    "gammainc": (lambda x, a: sympy.lowergamma(a, x) / sympy.gamma(a), lambda x, a: mp.gammainc(a, 0, x, regularized=True)),
    "gammaincc": (lambda x, a: sympy.uppergamma(a, x) / sympy.gamma(a), lambda x, a: mp.gammainc(a, x, regularized=True)),
}


#: Functions that may stand in an expression, by sympy's class.
_COMPUTED: dict[Any, Callable[..., Any]] = {
    **{write: compute for write, compute in FUNCTIONS.values() if isinstance(write, type)},
    sympy.Abs: abs,
    sympy.sign: mp.sign,
    sympy.polygamma: mp.psi,
    sympy.zeta: mp.zeta,
    sympy.besseli: mp.besseli,
    sympy.gamma: mp.gamma,
    sympy.lowergamma: lambda a, x: mp.gammainc(a, 0, x),
    sympy.uppergamma: mp.gammainc,
}


@dataclass(frozen=True, kw_only=True)
class Expression:
    """What a tape says, in symbols.

    `program` assigns each intermediate symbol its expression, in order; `outputs` and `gradients` hold sympy expressions in its symbols and
    those of the arguments (`x[0]`) and of the upstream gradient (`v[0]`). `values` and `numbers` are the same at the recorded point,
    rounded once to float64. `checks` is the path, with differences as `Term`s.
    """

    program: Mapping[sympy.Symbol, sympy.Expr]
    outputs: tuple[Array | None, ...]
    gradients: Mapping[str, Array]
    values: tuple[Array, ...]
    numbers: Mapping[str, Array]
    point: Mapping[sympy.Symbol, Any]
    checks: tuple[Check[Term], ...]


def express(tape: Tape, upstream: Sequence[torch.Tensor | None] | None = None, *, honoured: frozenset[int] = frozenset()) -> Expression:
    """Read `tape` at its recorded point; derivatives stop at the cuts in `honoured`. `upstream` defaults to ones.

    Raises:
        Unsupported: an operation has no rule, two branches meet at the point, or the program is too long to be written in time.
    """
    numbers = Symbols()
    if (count := scalar_operations(tape)) > LONGEST:
        raise Unsupported("symbols", f"{count:,} scalar operations are more than the {LONGEST:,} that are written")
    system: NumberSystem[Term] = numbers
    replayed = interpret(tape, tape.arguments, system, honoured=honoured)
    for check in replayed.graph.checks:
        if check.found == "undecided":
            raise Unsupported(check.decides, "two branches meet at this point: no one expression holds on both sides", line=check.line)
    given = upstream or [None if slot is None else torch.ones(tape.meta[slot].shape) for slot in tape.outputs]
    letter = "upstream" if any(name.startswith("v") for name in tape.inputs) else "v"
    names = [letter] if len(given) == 1 else [f"{letter}_{k}" for k in range(1, len(given) + 1)]
    seeds = [None if v is None else numbers.upstream(name, v) for name, v in zip(names, given, strict=True)]
    gradients = pull(replayed, seeds)
    values = replayed.values()
    return Expression(
        program=numbers.program,
        outputs=tuple(None if v is None else _each(v, lambda t: t.written) for v in values),
        gradients={name: _each(g, lambda t: t.written) for name, g in gradients.items()},
        values=tuple(_floats(v) for v in values if v is not None),
        numbers={name: _floats(g) for name, g in gradients.items()},
        point=numbers.point,
        checks=tuple(replayed.graph.checks),
    )


def evaluate(written: sympy.Expr, point: Mapping[sympy.Symbol, Any]) -> Any:
    """An expression's number where its symbols have the numbers of `point`."""
    match written:
        case sympy.Symbol():
            return point[written]
        case sympy.Rational():
            return mp.mpf(int(written.p)) / int(written.q)
        case sympy.Add():
            return mp.fsum(evaluate(a, point) for a in written.args)
        case sympy.Mul():
            return mp.fprod(evaluate(a, point) for a in written.args)
        case sympy.Pow():
            return mp.power(evaluate(written.base, point), evaluate(written.exp, point))
        case sympy.Function():
            return _COMPUTED[written.func](*(evaluate(a, point) for a in written.args))
    return mp.mpf(written.evalf(DIGITS)) if written.is_finite else mp.nan


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


def _each(array: Array, function: Callable[[Any], Any]) -> Array:
    flat = np.empty(array.size, object)
    flat[:] = [function(x) for x in array.reshape(-1)]
    return flat.reshape(array.shape)


def _floats(array: Array) -> Array:
    return np.array([float(t.value) for t in array.reshape(-1)], np.float64).reshape(array.shape)
