"""The Wengert list of one replay, and what makes its scalars.

Comes in: a number system.  Goes out: `Graph`, and the `Check`s that its path rests on.  Why: every operation leaves its local derivatives
in one list, which the reverse sweep walks back, and every decision is noted in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, cast

import numpy as np

from checker.errors import Unsupported
from checker.tape import analytic, pairs
from checker.tape.arrays import objects
from checker.tape.derivatives import DERIVATIVES
from checker.tape.numbers import N, NumberSystem
from checker.tape.pairs import Pair, pair, part_by_part
from checker.tape.scalars import Array, Scalar

Found = Literal["ok", "tied", "mismatch", "undecided"]


@dataclass(frozen=True, slots=True)
class Check(Generic[N]):
    """A decision that the replayed path rests on: the `sign` of `difference`, as `decides` ("relu", "max", "lt") at `line`.

    `found`: "ok"; "tied" (the difference is zero exactly, so the function may have a kink here); "mismatch" (the float run went the
    other way); "undecided" (the sign cannot be told in this number system). What is not `followed` moves the value only: the gradient is
    stopped behind it.
    """

    decides: str
    line: str
    difference: N
    sign: int | None
    found: Found
    followed: bool = True

    @property
    def settled(self) -> bool:
        """Whether the derivative exists as far as this decision goes, and is that of the float run's branch."""
        return self.found == "ok" or not self.followed


class Graph(Generic[N]):
    """The Wengert list of one replay, the path it rests on, and the operations that make its scalars.

    `edges[i]` has the (index, local derivative) pairs of the scalar `i`. `spans` notes from which index on which dtype is at work.
    `line` and `followed` are those of the operation that is being made.
    """

    def __init__(self, numbers: NumberSystem[N]) -> None:
        self.numbers = numbers
        self.edges: list[list[tuple[int, N]]] = []
        self.checks: list[Check[N]] = []
        self.spans: list[tuple[int, str]] = []
        self.line = ""
        self.followed = True
        self.zero = Scalar(self, numbers.zero)
        self.one = Scalar(self, numbers.one)
        self.minus_one = numbers.negate(numbers.one)

    # scalars and arrays of them

    def choose(self, condition: Array, x: Any, y: Any) -> Array:
        """Entries of `x` where `condition` holds, else of `y`."""
        return np.where(condition, self.array(x), self.array(y))

    def working(self, dtype: str) -> None:
        """From now on operations are of `dtype`."""
        if not self.spans or self.spans[-1][1] != dtype:
            self.spans.append((len(self.edges), dtype))
            self.numbers.working(dtype)

    def variable(self, value: N) -> Scalar:
        """A new input of the graph."""
        self.edges.append([])
        return Scalar(self, value, len(self.edges) - 1)

    def node(self, value: N, edges: Iterable[tuple[Scalar, N]]) -> Scalar:
        """The scalar `value`, whose derivative with respect to each (operand, derivative) is given; a constant where none is active."""
        active = [(operand.index, derivative) for operand, derivative in edges if operand.index >= 0]
        if not active:
            return Scalar(self, value)
        self.edges.append(active)
        return Scalar(self, self.numbers.keep(value, "value"), len(self.edges) - 1)

    def scalar(self, value: Any) -> Scalar:
        """`value` as a scalar: itself, or the constant that a Python number is; a complex one is a pair."""
        if isinstance(value, Scalar | Pair):
            return cast("Scalar", value)
        if isinstance(value, complex):
            return cast("Scalar", pair(self, value))
        if isinstance(value, np.generic):
            return Scalar(self, self.numbers.exact(value.item()))
        return Scalar(self, self.numbers.constant(value))

    def pi(self) -> Scalar:
        """π, stored in the working dtype."""
        return Scalar(self, self.numbers.rounded(self.numbers.pi()))

    def array(self, operand: Any) -> Array:
        """An operand as an array of scalars, or of pairs: what torch recorded exactly, a Python number as a constant."""
        if isinstance(operand, np.ndarray):
            if operand.dtype == object:
                return operand
            if operand.dtype.kind == "c":
                return self.map(Pair, operand.real, operand.imag)
            exact = self.numbers.exact
            return objects([Scalar(self, exact(v)) for v in operand.ravel().tolist()], operand.shape)
        return objects([self.scalar(operand)], ())

    def full(self, shape: Sequence[int], value: Scalar) -> Array:
        """An array of `shape` filled with `value`."""
        result = np.empty(shape, object)
        result.fill(value)
        return result

    def map(self, function: Callable[..., Any], *operands: Any) -> Array:
        """`function` entry by entry, over operands broadcast together."""
        result = np.frompyfunc(function, len(operands), 1)(*(self.array(o) for o in operands))
        return result if isinstance(result, np.ndarray) else self.array(result)

    def stop(self, array: Array) -> Array:
        """The same values with no derivative: a cut."""

        def still(x: Scalar) -> Scalar:
            return Scalar(self, self.numbers.stopped(x.value))

        return self.map(part_by_part(still, array), array)

    # operations

    def add(self, terms: Sequence[Scalar]) -> Scalar:
        """The sum of `terms`, as one operation."""
        if len(terms) == 1:
            return terms[0]
        if terms and isinstance(terms[0], Pair):
            return pairs.add(self, terms)
        one = self.numbers.one
        return self.node(self.numbers.add([t.value for t in terms]), [(t, one) for t in terms])

    def dot(self, xs: Iterable[Scalar], ys: Iterable[Scalar]) -> Scalar:
        """Σ xᵢ yᵢ, as one operation."""
        xs = xs if isinstance(xs, list) else list(xs)
        ys = ys if isinstance(ys, list) else list(ys)
        if xs and (isinstance(xs[0], Pair) or isinstance(ys[0], Pair)):
            return cast("Scalar", pairs.dot(self, xs, ys))
        multiply = self.numbers.multiply
        products: list[N] = []
        edges: list[tuple[Scalar, N]] = []
        zero = self.zero
        for x, y in zip(xs, ys, strict=True):
            if x is zero or y is zero:
                continue
            products.append(multiply(x.value, y.value))
            if x.index >= 0:
                edges.append((x, y.value))
            if y.index >= 0:
                edges.append((y, x.value))
        return self.node(self.numbers.add(products), edges)

    def function(self, name: str, x: Scalar, *parameters: Scalar) -> Scalar:
        """A function with the local derivative by x that torch computes, in the same number system.

        Raises:
            Unsupported: a derivative by one of the parameters is asked for.
        """
        if isinstance(x, Pair):
            return analytic.function(self, name, x)
        if parameters and any(p.index >= 0 for p in parameters):
            raise Unsupported(name, "its derivative by its parameter has no rule here", line=self.line)
        value = self.numbers.function(name, x.value, *(p.value for p in parameters))
        if x.index < 0:
            return Scalar(self, value)
        derivative = DERIVATIVES[name](self, Scalar(self, x.value), Scalar(self, value), *parameters)
        return self.node(value, ((x, derivative.value),))

    def power(self, x: Scalar, y: Scalar) -> Scalar:
        """x to the y. As in torch, the derivative by x is 0 where y = 0, and the derivative by y is 0 where x = 0 and y ≥ 0."""
        if isinstance(x, Pair) or isinstance(y, Pair):
            return analytic.power(self, pair(self, x), pair(self, y))
        numbers = self.numbers
        value = numbers.power(x.value, y.value)
        edges = []
        if x.index >= 0 and numbers.sign(y.value) != 0:
            lower = numbers.add((y.value, self.minus_one))
            edges.append((x, numbers.multiply(y.value, numbers.power(x.value, lower))))
        if y.index >= 0 and not (numbers.sign(x.value) == 0 and numbers.sign(y.value) in (0, 1)):
            edges.append((y, numbers.multiply(value, numbers.function("log", x.value))))
        return self.node(value, edges)

    # decisions

    def check(self, decides: str, difference: Scalar | N, expected: Sequence[int] | None = None) -> int | None:
        """Note that the path rests on the sign of `difference`, and that the float run saw it among `expected` (None: not recorded)."""
        value = difference.value if isinstance(difference, Scalar | Pair) else difference
        sign = self.numbers.sign(value)
        found: Found = "ok"
        if sign is None:
            found = "undecided"
        elif expected is not None and sign not in expected:
            found = "mismatch"
        elif sign == 0:
            found = "tied"
        self.checks.append(Check(decides, self.line, value, sign, found, self.followed))
        return sign

    def compare(self, decides: str, x: Scalar, y: Scalar, expected: Sequence[int] | None = None) -> int | None:
        """The sign of x − y, noted as a check unless both are constants."""
        difference = self.numbers.add((x.value, self.numbers.negate(y.value)))
        if x.index < 0 and y.index < 0:
            return self.numbers.sign(difference)
        return self.check(decides, difference, expected)

    def joint(self, decides: str, x: Scalar, bound: float) -> None:
        """Note that two pieces meet where |x| = `bound`, in value and slope: a kink of the gradient, not of the function, so that it is
        only second derivatives that rest on the side that was taken."""
        if self.numbers.order > 1 and x.index >= 0:
            numbers, at = self.numbers, self.numbers.constant(bound)
            square = numbers.add((numbers.multiply(x.value, x.value), numbers.negate(numbers.multiply(at, at))))
            self.check(decides, square)

    def branch(
        self,
        decides: str,
        difference: Scalar,
        positive: Callable[[], Scalar],
        negative: Callable[[], Scalar],
        tied: Callable[[], Scalar] | None = None,
    ) -> Scalar:
        """One of two by the sign of `difference`; `tied` (torch's convention, else `negative`) at zero; both where it cannot be told.

        Only a difference that an input reaches is noted.
        """
        sign = self.numbers.sign(difference.value) if difference.index < 0 else self.check(decides, difference)
        if sign is None:
            return self.either(positive(), negative())
        if sign == 0:
            return (tied or negative)()
        return positive() if sign > 0 else negative()

    def either(self, x: Scalar, y: Scalar) -> Scalar:
        """A scalar that stands for both `x` and `y`, and its derivative for both of theirs."""
        numbers = self.numbers
        share = numbers.either(numbers.zero, numbers.one)
        return self.node(numbers.either(x.value, y.value), ((x, share), (y, share)))
