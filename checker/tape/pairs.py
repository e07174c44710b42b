"""Complex numbers as pairs of scalars.

Comes in: real and imaginary parts.  Goes out: `Pair` and its arithmetic.  Why: written in the real operations, a complex one
takes its value, its derivative, its rounding and its path from the same places as a real one. Functions of pairs are in `analytic.py`.

The array of a complex tensor holds pairs and nothing else: `paired(array)` tells it from a real one. A rule that asks a pair for its
`value` was written for real numbers, and is refused by name. A holomorphic function has one complex derivative; its parts are the
Cauchy–Riemann block [[u, −v], [v, u]], whose transpose on (∂L/∂re, ∂L/∂im) is PyTorch's convention: the upstream times the conjugate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.arrays import each
from checker.values import Array

if TYPE_CHECKING:
    from checker.tape.graph import Graph
    from checker.tape.scalars import Scalar


COMPLEX = "complex numbers have no rule here"


class ComplexValue(Unsupported):
    """A rule that was written for real numbers asked a complex one for its value."""


class Pair:
    """re + i im. Arithmetic with scalars, Python numbers and other pairs."""

    __slots__ = ("im", "re")

    def __init__(self, re: Scalar, im: Scalar) -> None:
        self.re, self.im = re, im

    @property
    def graph(self) -> Graph[Any]:
        return self.re.graph

    @property
    def index(self) -> int:
        """−1 where nothing differentiable reaches either part."""
        return max(self.re.index, self.im.index)

    @property
    def value(self) -> Any:
        raise ComplexValue("complex", COMPLEX, line=self.graph.line)

    def each(self, function: Callable[[Scalar], Scalar]) -> Pair:
        """`function` of each part."""
        return Pair(function(self.re), function(self.im))

    def plain(self) -> Pair:
        """The same numbers as constants of the graph."""
        return self.each(plain)

    def conjugate(self) -> Pair:
        return Pair(self.re, -self.im)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = pair(self.graph, other)
        return Pair(_plus(self.re, other.re), _plus(self.im, other.im))

    def __radd__(self, other: Any) -> Any:
        return pair(self.graph, other) + self

    def __neg__(self) -> Pair:
        return self.each(lambda x: -x)

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        other = pair(self.graph, other)
        return Pair(self.re - other.re, self.im - other.im)

    def __rsub__(self, other: Any) -> Any:
        return pair(self.graph, other) - self

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented
        return dot(self.graph, (self,), (other,))

    def __rmul__(self, other: Any) -> Any:
        return pair(self.graph, other) * self

    def __truediv__(self, other: Any) -> Any:
        """z / w. As in torch, the derivative by w is −(z / w) / w."""
        if isinstance(other, np.ndarray):
            return NotImplemented
        g = self.graph
        other = pair(g, other)
        z, w = self.plain(), other.plain()
        value = _quotient(z, w)
        slopes = []
        if self.index >= 0:
            slopes.append((self, _quotient(pair(g, 1), w)))
        if other.index >= 0:
            slopes.append((other, -_quotient(value, w)))
        return holomorphic(g, value, slopes)

    def __rtruediv__(self, other: Any) -> Any:
        return pair(self.graph, other) / self

    def __repr__(self) -> str:
        return f"Pair({self.re}, {self.im})"


def plain(x: Scalar) -> Scalar:
    """The same number as a constant of its graph."""
    return x.graph.node(x.value, ())


def paired(array: Any) -> bool:
    """Whether an array is that of a complex tensor."""
    return isinstance(array, np.ndarray) and array.dtype == object and array.size > 0 and isinstance(array.flat[0], Pair)


def real_part(array: Array) -> Array:
    """The real parts of an array of pairs."""
    return each(array, lambda z: z.re)


def parts(items: Sequence[Any]) -> list[Scalar]:
    """The scalars that scalars and pairs consist of."""
    if items and isinstance(items[0], Pair):
        return [part for z in items for part in (z.re, z.im)]
    return list(items)


def part_by_part(function: Callable[[Scalar], Scalar], array: Array) -> Callable[[Any], Any]:
    """`function`, as it is mapped over `array`: of each part where that is the array of a complex tensor."""
    return (lambda z: z.each(function)) if paired(array) else function


def pair(g: Graph[Any], x: Any) -> Pair:
    """A pair, a scalar or a Python number as a pair."""
    if isinstance(x, Pair):
        return x
    if isinstance(x, complex | np.complexfloating):
        return Pair(*(g.scalar(part) if part else g.zero for part in (x.real, x.imag)))
    return Pair(g.scalar(x), g.zero)


def _plus(x: Scalar, y: Scalar) -> Scalar:
    return x if y is y.graph.zero else y if x is x.graph.zero else x + y


def holomorphic(g: Graph[Any], value: Pair, slopes: Iterable[tuple[Pair, Pair]]) -> Pair:
    """The pair `value`, whose complex derivative with respect to each (operand, derivative) is given."""
    re, im, minus = [], [], g.numbers.negate
    for x, slope in slopes:
        u, v = slope.re.value, slope.im.value
        re += [(x.re, u), (x.im, minus(v))]
        im += [(x.re, v), (x.im, u)]
    return Pair(g.node(value.re.value, re), g.node(value.im.value, im))


def add(g: Graph[Any], terms: Sequence[Any]) -> Pair:
    """The sum of `terms`, part by part."""
    pairs = [pair(g, t) for t in terms]
    return Pair(g.add([p.re for p in pairs]), g.add([p.im for p in pairs]))


def product(g: Graph[Any], factors: Sequence[Pair]) -> Pair:
    """Π xᵢ. The derivative by xᵢ is Π xⱼ / xᵢ as in torch, and where a factor is zero the product of the others."""
    plain = [z.plain() for z in factors]
    value = _product(g, plain)
    if nonzero(g, plain):
        return holomorphic(g, value, [(x, value / z) for x, z in zip(factors, plain, strict=True)])
    return holomorphic(g, value, [(x, _product(g, plain[:i] + plain[i + 1 :])) for i, x in enumerate(factors)])


def running_products(g: Graph[Any], factors: Sequence[Pair]) -> list[Pair]:
    """Π xⱼ over j ≤ i, for every i. As in torch, the derivatives go through those of the logarithms, 1 / xⱼ; no factor is zero."""
    logarithms = [holomorphic(g, pair(g, 0), [(x, 1 / x.plain())] if x.index >= 0 else []) for x in factors]
    plain = [z.plain() for z in factors]
    values = [_product(g, plain[: i + 1]) for i in range(len(plain))]
    return [holomorphic(g, value, [(d, value) for d in logarithms[: i + 1]]) for i, value in enumerate(values)]


def _product(g: Graph[Any], factors: Sequence[Pair]) -> Pair:
    """Π xᵢ of constants, by halves: a box that is turned n times one after the other grows by √2 each time, here log₂ n times.

    Kernels multiply one after the other: each product is within √5 unit roundoffs of its modulus (Brent, Percival and Zimmermann, 2007).
    """

    def halves(rest: Sequence[Pair]) -> Pair:
        middle = len(rest) // 2
        return halves(rest[:middle]) * halves(rest[middle:]) if middle else rest[0]

    if not factors:
        return pair(g, 1)
    value = halves(factors)
    terms, units = (value.re.value, value.im.value), math.sqrt(5) * (len(factors) - 1)
    return value.each(lambda x: g.node(g.numbers.spread(x.value, terms, units), ()))


def nonzero(g: Graph[Any], factors: Sequence[Pair]) -> bool:
    """Whether no factor is zero, so that products can be divided by them."""
    return all(g.numbers.sign(z.re.value) or g.numbers.sign(z.im.value) for z in factors)


def dot(g: Graph[Any], xs: Iterable[Any], ys: Iterable[Any]) -> Pair:
    """Σ xᵢ yᵢ without conjugates, each part as one sum of real products, whose order kernels are free to choose."""
    multiply, negate, zero = g.numbers.multiply, g.numbers.negate, g.zero
    terms: tuple[list[Any], list[Any]] = ([], [])
    edges: tuple[list[tuple[Scalar, Any]], list[tuple[Scalar, Any]]] = ([], [])
    for x, y in zip(xs, ys, strict=True):
        x, y = pair(g, x), pair(g, y)
        for part, a, b, sign in ((0, x.re, y.re, 1), (0, x.im, y.im, -1), (1, x.re, y.im, 1), (1, x.im, y.re, 1)):
            if a is zero or b is zero:
                continue
            product = multiply(a.value, b.value)
            terms[part].append(product if sign > 0 else negate(product))
            if a.index >= 0:
                edges[part].append((a, b.value if sign > 0 else negate(b.value)))
            if b.index >= 0:
                edges[part].append((b, a.value if sign > 0 else negate(a.value)))
    re, im = (g.node(g.numbers.add(t), e) if t else zero for t, e in zip(terms, edges, strict=True))
    return Pair(re, im)


def _quotient(z: Pair, w: Pair) -> Pair:
    """z / w = z w̄ / |w|², of constants.

    Kernels divide as Smith (1962) does, by the ratio of the parts of w, or scale both by the larger part of w first. Either is within 9
    unit roundoffs of the sum of the sizes of the two products; the formula above accounts for 5 of them.
    """
    g, numbers = z.graph, z.graph.numbers
    square = numbers.add((numbers.multiply(w.re.value, w.re.value), numbers.multiply(w.im.value, w.im.value)))

    def part(a: Scalar, b: Scalar, sign: int) -> Scalar:
        products = numbers.multiply(a.value, w.re.value), numbers.multiply(b.value, w.im.value)
        total = numbers.add((products[0], products[1] if sign > 0 else numbers.negate(products[1])))
        sizes = [numbers.divide(p, square) for p in products]
        return g.node(numbers.spread(numbers.divide(total, square), sizes, 4), ())

    return Pair(part(z.re, z.im, 1), part(z.im, z.re, -1))
