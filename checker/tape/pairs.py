"""Complex numbers as pairs of scalars.

Comes in: real and imaginary parts.  Goes out: `Pair`, its arithmetic, and the elementary functions of it.  Why: written in the real
operations, a complex function takes its value, its derivative, its rounding and its path from the same places as a real one.

The array of a complex tensor holds pairs and nothing else: `paired(array)` tells it from a real one. A rule that asks a pair for its
`value` was written for real numbers, and is refused by name. A holomorphic function has one complex derivative; its parts are the
Cauchy–Riemann block [[u, −v], [v, u]], whose transpose on (∂L/∂re, ∂L/∂im) is PyTorch's convention: the upstream times the conjugate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.derivatives import DERIVATIVES
from checker.values import Array

if TYPE_CHECKING:
    from checker.tape.scalars import Graph, Scalar


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
        return self.each(_plain)

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


def _plain(x: Scalar) -> Scalar:
    return x.graph.node(x.value, ())


def paired(array: Any) -> bool:
    """Whether an array is that of a complex tensor."""
    return isinstance(array, np.ndarray) and array.dtype == object and array.size > 0 and isinstance(array.flat[0], Pair)


def real_part(array: Array) -> Array:
    """The real parts of an array of pairs."""
    flat = np.empty(array.size, object)
    flat[:] = [z.re for z in array.reshape(-1)]
    return flat.reshape(array.shape)


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
    before, after = [pair(g, 1)], [pair(g, 1)]
    for z, w in zip(plain, reversed(plain), strict=True):
        before.append(before[-1] * z)
        after.append(after[-1] * w)
    after.reverse()
    if all(g.numbers.sign(part.value) for z in plain for part in (z.re, z.im)):
        return holomorphic(g, before[-1], [(x, before[-1] / z) for x, z in zip(factors, plain, strict=True)])
    return holomorphic(g, before[-1], [(x, before[i] * after[i + 1]) for i, x in enumerate(factors)])


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


# elementary functions: the value from the real ones; the derivative by the same formulas as that of a real argument


def function(g: Graph[Any], name: str, z: Pair) -> Pair:
    """An elementary function with the derivative that torch computes.

    Raises:
        Unsupported: torch has no such function of a complex number, or it has no rule here.
    """
    if name not in FUNCTIONS:
        raise Unsupported(f"aten.{name}", COMPLEX, line=g.line)
    at = z.plain()
    if z.index >= 0 and name in _CUTS:
        _note_cut(g, z, _CUTS[name](at))
    value = FUNCTIONS[name](g, at)
    if z.index < 0:
        return value
    return holomorphic(g, value, [(z, pair(g, _SLOPES[name](g, at, value)))])


def power(g: Graph[Any], x: Pair, y: Pair) -> Pair:
    """x to the y: by products where y is a small integer, else exp(y log x). As in torch, the derivative by x is 0 where y = 0."""
    base, exponent, sign = x.plain(), y.plain(), g.numbers.sign
    value = _power(g, base, exponent)
    at_zero = sign(base.re.value) == 0 and sign(base.im.value) == 0
    slopes = []
    if x.index >= 0 and not (sign(exponent.re.value) == 0 and sign(exponent.im.value) == 0):
        if _integer(g, exponent) is None:
            _note_cut(g, x, _cut_below(base, 0))
        slopes.append((x, exponent * _power(g, base, exponent - 1)))
    if y.index >= 0 and not at_zero:
        slopes.append((y, value * function(g, "log", base)))
    return holomorphic(g, value, slopes)


def _power(g: Graph[Any], x: Pair, y: Pair) -> Pair:
    whole = _integer(g, y)
    if whole is not None and abs(whole) <= 3:
        value = pair(g, 1)
        for _ in range(abs(whole)):
            value = value * x
        return value if whole >= 0 else 1 / value
    if g.numbers.sign(x.re.value) == 0 and g.numbers.sign(x.im.value) == 0 and (g.numbers.sign(y.re.value) or 0) > 0:
        return pair(g, 0)
    return function(g, "exp", y * function(g, "log", x))


def _integer(g: Graph[Any], y: Pair) -> int | None:
    """The whole number that a constant is, or None."""
    if g.numbers.sign(y.im.value) != 0:
        return None
    near = g.numbers.approximate(y.re.value)
    return int(near) if near == near // 1 and g.numbers.sign((y.re - near).value) == 0 else None


def angle(g: Graph[Any], y: Scalar, x: Scalar) -> Scalar:
    """The angle of the point (x, y), by its quadrant; derivatives x / r² and −y / r². It jumps by 2π across the negative half-axis."""
    up, right = _plain(y), _plain(x)
    rise, run = g.numbers.sign(up.value), g.numbers.sign(right.value)
    if rise == 0 and run == 0:
        if max(x.index, y.index) >= 0:
            g.check("angle", up)
        return g.zero
    pi = g.pi()
    if abs(g.numbers.approximate(right.value)) >= abs(g.numbers.approximate(up.value)):
        value = g.function("atan", up / right)
        if g.numbers.approximate(right.value) < 0:
            value = value + (g.either(pi, -pi) if rise is None else pi if rise >= 0 else -pi)
            if rise in (0, None) and y.index >= 0:
                g.check("branch cut", up)
    else:
        value = (pi / 2 if g.numbers.approximate(up.value) > 0 else -pi / 2) - g.function("atan", right / up)
    square = right * right + up * up
    return g.node(value.value, [(y, (right / square).value), (x, (-up / square).value)])


def _note_cut(g: Graph[Any], z: Pair, cut: Scalar | None) -> None:
    """Note that the function jumps where `cut` is zero; None: nowhere near."""
    if cut is not None and g.numbers.sign(cut.value) in (0, None):
        g.check("branch cut", cut)


def _cut_below(z: Pair, edge: int) -> Scalar | None:
    return z.im if z.graph.numbers.approximate(z.re.value) < edge else None


def _cut_above(z: Pair, edge: int) -> Scalar | None:
    return z.im if z.graph.numbers.approximate(z.re.value) > edge else None


def _cut_outside(z: Pair) -> Scalar | None:
    return z.im if abs(z.graph.numbers.approximate(z.re.value)) > 1 else None


def _cut_beyond(z: Pair) -> Scalar | None:
    return z.re if abs(z.graph.numbers.approximate(z.im.value)) > 1 else None


#: Where a principal value jumps: the part that is zero there.
_CUTS: dict[str, Callable[[Pair], Any]] = {
    **dict.fromkeys(("log", "log2", "log10", "sqrt", "rsqrt"), lambda z: _cut_below(z, 0)),
    "log1p": lambda z: _cut_below(z, -1),
    **dict.fromkeys(("asin", "acos", "atanh"), _cut_outside),
    **dict.fromkeys(("atan", "asinh"), _cut_beyond),
    "acosh": lambda z: _cut_below(z, 1),
}


def _exp(g: Graph[Any], z: Pair) -> Pair:
    size = g.function("exp", z.re)
    return Pair(size * g.function("cos", z.im), size * g.function("sin", z.im))


def _expm1(g: Graph[Any], z: Pair) -> Pair:
    half = g.function("sin", z.im / 2)
    re = g.function("expm1", z.re) * g.function("cos", z.im) - 2 * (half * half)
    return Pair(re, g.function("exp", z.re) * g.function("sin", z.im))


def _log(g: Graph[Any], z: Pair) -> Pair:
    return Pair(g.function("log", z.re * z.re + z.im * z.im) / 2, angle(g, z.im, z.re))


def _log1p(g: Graph[Any], z: Pair) -> Pair:
    return Pair(g.function("log1p", z.re * (z.re + 2) + z.im * z.im) / 2, angle(g, z.im, z.re + 1))


def _sqrt(g: Graph[Any], z: Pair) -> Pair:
    """The part of the larger size first; the other is im z over twice it. On the cut the root is above, as of im z = +0."""
    rise = g.numbers.sign(z.im.value)
    if rise == 0 and g.numbers.sign(z.re.value) == 0:
        return z
    size = g.function("sqrt", z.re * z.re + z.im * z.im)
    if g.numbers.approximate(z.re.value) >= 0:
        large = g.function("sqrt", (size + z.re) / 2)
        return Pair(large, z.im / (2 * large))
    large = g.function("sqrt", (size - z.re) / 2)
    height = g.either(z.im, -z.im) if rise is None else z.im if rise >= 0 else -z.im
    return Pair(height / (2 * large), g.either(large, -large) if rise is None else large if rise >= 0 else -large)


def _tanh(g: Graph[Any], z: Pair) -> Pair:
    """(sinh x cosh x + i sin y cos y) / (sinh² x + cos² y): no term cancels."""
    wide, tall = g.function("sinh", z.re), g.function("cos", z.im)
    below = wide * wide + tall * tall
    return Pair(wide * g.function("cosh", z.re) / below, g.function("sin", z.im) * tall / below)


def _times_i(z: Pair) -> Pair:
    return Pair(-z.im, z.re)


def _asin(g: Graph[Any], z: Pair) -> Pair:
    return -_times_i(_log(g, _times_i(z) + _sqrt(g, 1 - z * z)))


def _atanh(g: Graph[Any], z: Pair) -> Pair:
    return (_log(g, z + 1) - _log(g, 1 - z)).each(lambda x: x / 2)


def _over_log(base: int) -> Callable[[Graph[Any], Pair], Pair]:
    return lambda g, z: _log(g, z).each(lambda x: x / g.function("log", g.scalar(base)))


FUNCTIONS: dict[str, Callable[[Any, Pair], Pair]] = {
    "exp": _exp,
    "exp2": lambda g, z: _exp(g, z * g.function("log", g.scalar(2))),
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "log2": _over_log(2),
    "log10": _over_log(10),
    "sqrt": _sqrt,
    "rsqrt": lambda g, z: 1 / _sqrt(g, z),
    "sin": lambda g, z: -_times_i(_sinh(g, _times_i(z))),
    "cos": lambda g, z: _cosh(g, _times_i(z)),
    "tan": lambda g, z: -_times_i(_tanh(g, _times_i(z))),
    "asin": _asin,
    "acos": lambda g, z: g.pi() / 2 - _asin(g, z),
    "atan": lambda g, z: -_times_i(_atanh(g, _times_i(z))),
    "sinh": lambda g, z: _sinh(g, z),
    "cosh": lambda g, z: _cosh(g, z),
    "tanh": _tanh,
    "asinh": lambda g, z: -_times_i(_asin(g, _times_i(z))),
    "acosh": lambda g, z: _log(g, z + _sqrt(g, z + 1) * _sqrt(g, z - 1)),
    "atanh": _atanh,
    "sigmoid": lambda g, z: 1 / (1 + _exp(g, -z)),
}


#: The formulas of real arguments hold but where a root of a product is not the product of the roots.
_SLOPES: dict[str, Callable[..., Any]] = {**DERIVATIVES, "acosh": lambda g, x, y: g.function("rsqrt", x + 1) * g.function("rsqrt", x - 1)}


def _sinh(g: Graph[Any], z: Pair) -> Pair:
    return Pair(g.function("sinh", z.re) * g.function("cos", z.im), g.function("cosh", z.re) * g.function("sin", z.im))


def _cosh(g: Graph[Any], z: Pair) -> Pair:
    return Pair(g.function("cosh", z.re) * g.function("cos", z.im), g.function("sinh", z.re) * g.function("sin", z.im))
