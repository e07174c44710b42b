"""Elementary functions of complex numbers, on their principal branches.

Comes in: pairs of scalars.  Goes out: `function`, `power` and `angle`.  Why: the value comes from the real functions of the parts, and
the derivative from the same formulas as that of a real argument. Where the principal branch jumps the path says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from checker.errors import Unsupported
from checker.tape.derivatives import DERIVATIVES
from checker.tape.pairs import COMPLEX, Pair, holomorphic, pair, plain

if TYPE_CHECKING:
    from checker.tape.graph import Graph
    from checker.tape.scalars import Scalar


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
    return holomorphic(g, value, [(z, pair(g, SLOPES[name](g, at, value)))])


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


def modulus(g: Graph[Any], z: Pair) -> Scalar:
    """|z|, with derivative z / |z|; 0 at 0, which is a kink. Kernels scale it (`hypot`): no square of a part under- or overflows."""
    numbers, largest = g.numbers, max(abs(g.numbers.approximate(part.value)) for part in (z.re, z.im))
    usual = 2.0**-30 < largest < 2.0**30 or not 0 < largest < math.inf
    scale = numbers.exact(1.0 if usual else 2.0 ** max(-1000, min(1000, -math.frexp(largest)[1])))
    scaled = [part.value if usual else numbers.multiply(part.value, scale) for part in (z.re, z.im)]
    square = numbers.add([numbers.multiply(part, part) for part in scaled])
    if z.index >= 0 and g.check("norm", square) == 0:
        return g.zero
    size = numbers.function("sqrt", square)
    size = size if usual else numbers.divide(size, scale)
    return g.node(size, [(part, numbers.divide(part.value, size)) for part in (z.re, z.im) if part.index >= 0])


def angle(g: Graph[Any], y: Scalar, x: Scalar) -> Scalar:
    """The angle of the point (x, y), by its quadrant; derivatives x / r² and −y / r². It jumps by 2π across the negative half-axis."""
    up, right = plain(y), plain(x)
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
    apart: Pair = _log(g, z + 1) - _log(g, 1 - z)
    return apart.each(lambda x: x / 2)


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
SLOPES: dict[str, Callable[..., Any]] = {**DERIVATIVES, "acosh": lambda g, x, y: g.function("rsqrt", x + 1) * g.function("rsqrt", x - 1)}


def _sinh(g: Graph[Any], z: Pair) -> Pair:
    return Pair(g.function("sinh", z.re) * g.function("cos", z.im), g.function("cosh", z.re) * g.function("sin", z.im))


def _cosh(g: Graph[Any], z: Pair) -> Pair:
    return Pair(g.function("cosh", z.re) * g.function("cos", z.im), g.function("sinh", z.re) * g.function("sin", z.im))
