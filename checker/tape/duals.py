"""Dual numbers: a value, and how it moves along each of several directions.

Comes in: a number system and directions through the point.  Goes out: the number system `Duals` over it.  Why: the reverse sweep over
numbers a + Σ bₖ εₖ, with every product εᵢ εₖ = 0, gives in the parts bₖ of the gradient how the gradient moves: the product of the
Hessian and the direction k. So every rule of an operation, written once, gives second derivatives too (Griewank and Walther, *Evaluating
Derivatives*, section 5.1).

Every operation on parts is the chain rule: a sum of factors, which are numbers of the base, times the operands' parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic

from checker.errors import Unsupported
from checker.tape import dual_matrices
from checker.tape.derivatives import DERIVATIVES
from checker.tape.graph import Graph
from checker.tape.numbers import Implicit, N, NumberSystem, Role
from checker.tape.scalars import Scalar

#: How far an entry of an argument moves along each direction; directions that leave it in place are left out.
Seeds = Callable[[str, tuple[int, ...]], Mapping[int, float]]


class Dual(Generic[N]):
    """`value` + Σ `parts[k]` εₖ. A direction without a part does not move the value at all."""

    __slots__ = ("parts", "value")

    def __init__(self, value: N, parts: Mapping[int, N]) -> None:
        self.value, self.parts = value, parts

    def __repr__(self) -> str:
        return f"Dual({self.value}, {dict(self.parts)})"


Matrix = Sequence[Sequence[Dual[N]]]


class Duals(Generic[N]):
    """Dual numbers over `base`; the variables move as `seeds` says, constants not at all."""

    order = 2

    def __init__(self, base: NumberSystem[N], seeds: Seeds) -> None:
        self.base, self.seeds = base, seeds
        self.graph = Graph(base)
        self.minus_one = self.graph.minus_one
        self.overflows = base.overflows
        self.zero, self.one = self.plain(base.zero), self.plain(base.one)

    def plain(self, value: N) -> Dual[N]:
        """A value that does not move."""
        return Dual(value, {})

    def chain(self, value: N, *terms: tuple[N, Dual[N]]) -> Dual[N]:
        """`value`, which moves by the sum of each factor times the parts of its operand."""
        moving = [(factor, operand.parts) for factor, operand in terms if operand.parts]
        if not moving:
            return Dual(value, {})
        if len(moving) == 1:
            factor, parts = moving[0]
            return Dual(value, parts if factor is self.base.one else {k: self.scaled(factor, b) for k, b in parts.items()})
        sums: dict[int, list[N]] = {}
        for factor, parts in moving:
            for k, b in parts.items():
                sums.setdefault(k, []).append(self.scaled(factor, b))
        return Dual(value, {k: found[0] if len(found) == 1 else self.base.add(found) for k, found in sums.items()})

    def scaled(self, factor: N, part: N) -> N:
        """What one path adds to a part."""
        if factor is self.base.one:
            return part
        return self.base.negate(part) if factor is self.minus_one else self.base.multiply(factor, part)

    def each(self, x: Dual[N], change: Callable[[N], N]) -> Dual[N]:
        """`change` of the value and of every part; `x` itself where nothing changes."""
        value, parts = change(x.value), {k: change(b) for k, b in x.parts.items()}
        return x if value is x.value and all(parts[k] is b for k, b in x.parts.items()) else Dual(value, parts)

    # numbers that are given

    def variable(self, name: str, index: tuple[int, ...], value: float) -> Dual[N]:
        parts = {k: self.base.one if u == 1 else self.base.exact(u) for k, u in self.seeds(name, index).items()}
        return Dual(self.base.variable(name, index, value), parts)

    def exact(self, value: float) -> Dual[N]:
        return self.plain(self.base.exact(value))

    def constant(self, value: float) -> Dual[N]:
        return self.plain(self.base.constant(value))

    def pi(self) -> Dual[N]:
        return self.plain(self.base.pi())

    def root_of_unity(self, k: int, n: int) -> tuple[Dual[N], Dual[N]]:
        cosine, sine = self.base.root_of_unity(k, n)
        return self.plain(cosine), self.plain(sine)

    # arithmetic

    def add(self, terms: Sequence[Dual[N]]) -> Dual[N]:
        return self.chain(self.base.add([t.value for t in terms]), *((self.base.one, t) for t in terms))

    def negate(self, x: Dual[N]) -> Dual[N]:
        return self.chain(self.base.negate(x.value), (self.minus_one, x))

    def multiply(self, x: Dual[N], y: Dual[N]) -> Dual[N]:
        return self.chain(self.base.multiply(x.value, y.value), (y.value, x), (x.value, y))

    def divide(self, x: Dual[N], y: Dual[N]) -> Dual[N]:
        base = self.base
        quotient = base.divide(x.value, y.value)
        terms = [(base.divide(base.one, y.value), x)] if x.parts else []
        terms += [(base.negate(base.divide(quotient, y.value)), y)] if y.parts else []
        return self.chain(quotient, *terms)

    def power(self, x: Dual[N], y: Dual[N]) -> Dual[N]:
        """xʸ, which moves by y xʸ⁻¹ and by xʸ log x; a constant exponent 0 leaves nothing to move."""
        base = self.base
        value = base.power(x.value, y.value)
        terms = []
        if x.parts and base.sign(y.value) != 0:
            terms.append((base.multiply(y.value, base.power(x.value, base.add((y.value, self.minus_one)))), x))
        if y.parts:
            terms.append((base.multiply(value, base.function("log", x.value)), y))
        return self.chain(value, *terms)

    def function(self, name: str, x: Dual[N], *parameters: Dual[N]) -> Dual[N]:
        """A function of one number, which moves by its derivative from the table.

        Raises:
            Unsupported: the table does not know its derivative, or a parameter moves.
        """
        value = self.base.function(name, x.value, *(p.value for p in parameters))
        if any(p.parts for p in parameters):
            raise Unsupported(name, "its derivative by its parameter has no rule here")
        if not x.parts:
            return self.plain(value)
        if name not in DERIVATIVES:
            raise Unsupported(name, "its second derivative has no rule here")
        graph = self.graph
        slope = DERIVATIVES[name](graph, Scalar(graph, x.value), Scalar(graph, value), *(Scalar(graph, p.value) for p in parameters))
        return self.chain(value, (slope.value, x))

    # matrices

    def solve(self, matrix: Matrix[N], right: Matrix[N]) -> list[list[Dual[N]]]:
        return dual_matrices.solve(self, matrix, right)

    def adjugate(self, matrix: Matrix[N]) -> tuple[Dual[N], list[list[Dual[N]]]]:
        return dual_matrices.adjugate(self, matrix)

    def implicit(self, function: Implicit, matrix: Matrix[N]) -> list[Any]:
        return dual_matrices.implicit(self, function, matrix)

    # what is asked of a number

    def sign(self, x: Dual[N]) -> int | None:
        """That of the value. A zero that moves is no exact zero: its sign cannot be told."""
        sign = self.base.sign(x.value)
        return None if sign == 0 and any(self.base.sign(b) != 0 for b in x.parts.values()) else sign

    def either(self, x: Dual[N], y: Dual[N]) -> Dual[N]:
        base, zero = self.base, self.base.zero
        directions = x.parts.keys() | y.parts.keys()
        return Dual(base.either(x.value, y.value), {k: base.either(x.parts.get(k, zero), y.parts.get(k, zero)) for k in directions})

    def shift(self, x: Dual[N]) -> Dual[N]:
        return self.plain(self.base.shift(x.value))

    def stopped(self, x: Dual[N]) -> Dual[N]:
        return self.plain(x.value)

    def rounded(self, x: Dual[N]) -> Dual[N]:
        return self.each(x, self.base.rounded)

    def spread(self, x: Dual[N], terms: Sequence[Dual[N]], units: float) -> Dual[N]:
        base = self.base
        parts = {k: base.spread(b, [t.parts[k] for t in terms if k in t.parts], units) for k, b in x.parts.items()}
        return Dual(base.spread(x.value, [t.value for t in terms], units), parts)

    def stored(self, x: Dual[N]) -> Dual[N]:
        return self.each(x, self.base.stored)

    def keep(self, x: Dual[N], role: Role) -> Dual[N]:
        return x

    def approximate(self, x: Dual[N]) -> float:
        return self.base.approximate(x.value)

    def working(self, dtype: str) -> None:
        self.base.working(dtype)
