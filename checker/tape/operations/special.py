"""Special functions: those of Euler, Bessel and Hurwitz, the normal distribution's, and products with a logarithm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from checker.errors import Unsupported
from checker.tape.gamma import polygamma, zeta
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


def _one(name: str, *names: str) -> None:
    rule(*(names or (name,)))(lambda g, x: g.map(lambda a: g.function(name, a), x))


_one("lgamma")
_one("erf")
_one("erfc")
_one("erfinv", "special_erfinv", "erfinv")
_one("ndtri", "special_ndtri")
_one("i0")
_one("i1", "special_i1")
_one("i1e", "special_i1e")


@rule("special_i0e")
def _i0e(g: G, x: Any) -> Array:
    """exp(−|x|) I₀(x), which has a kink at 0."""

    def one(a: Scalar) -> Scalar:
        if a.index >= 0:
            g.check("i0e", a)
        return g.function("i0e", a)

    return g.map(one, x)


def _with_slope(g: G, a: Scalar, value: Callable[[Scalar], Scalar], slope: Callable[[Scalar], Scalar]) -> Scalar:
    x = Scalar(g, a.value)
    return g.node(value(x).value, [(a, slope(x).value)] if a.index >= 0 else [])


@rule("special_erfcx")
def _erfcx(g: G, x: Any) -> Array:
    """exp(x²) erfc(x), below 0 by 2 exp(x²) − erfcx(−x)."""

    def one(a: Scalar) -> Scalar:
        v = Scalar(g, a.value)
        right = g.numbers.approximate(a.value) >= 0
        y = g.function("erfcx", v) if right else 2 * g.function("exp", v * v) - g.function("erfcx", -v)
        return g.node(y.value, [(a, (2 * v * y - 2 * g.function("rsqrt", g.pi())).value)])

    return g.map(one, x)


@rule("polygamma")
def _polygamma(g: G, x: Any, n: int) -> Array:
    return g.map(lambda a: _with_slope(g, a, lambda v: polygamma(g, n, v), lambda v: polygamma(g, n + 1, v)), x)


@rule("digamma")
def _digamma(g: G, x: Any) -> Array:
    return _polygamma(g, x, 0)


@rule("special_zeta")
def _zeta(g: G, x: Any, y: Any) -> Array:
    """Hurwitz's ζ(x, y). torch has no derivative by the order x."""

    def one(s: Scalar, q: Scalar) -> Scalar:
        if s.index >= 0:
            raise Unsupported("aten.special_zeta", "its derivative by the order has no rule here", line=g.line)
        return _with_slope(g, q, lambda v: zeta(g, v, s), lambda v: -s * zeta(g, v, s + 1))

    return g.map(one, x, y)


@rule("igamma")
def _igamma(g: G, x: Any, y: Any) -> Array:
    """The regularized lower incomplete gamma function P(x, y). torch has no derivative by the order x."""
    return g.map(lambda a, b: g.function("gammainc", b, a), x, y)


@rule("igammac")
def _igammac(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: g.function("gammaincc", b, a), x, y)


@rule("special_log_ndtr")
def _log_ndtr(g: G, x: Any) -> Array:
    """log Φ(x). Its derivative is exp(−(y + x²/2)) / √(2π), from the rounded y, as torch has it."""
    root, pi = g.function("rsqrt", g.scalar(2)), g.pi()

    def one(a: Scalar) -> Scalar:
        v = Scalar(g, a.value)
        t = v * root
        if g.numbers.approximate(a.value) < -1:
            y = g.function("log", g.function("erfcx", -t) / 2) - t * t
        else:
            y = g.function("log1p", -g.function("erfc", t) / 2)
        slope = g.function("exp", -(y + v * v / 2)) * g.function("rsqrt", 2 * pi)
        return g.node(y.value, [(a, slope.value)])

    return g.map(one, x)


@rule("sinc")
def _sinc(g: G, x: Any) -> Array:
    """sin(πx) / (πx), 1 at 0. Its derivative is (πx cos πx − sin πx) / (πx²) as torch has it."""
    pi = g.pi()

    def one(a: Scalar) -> Scalar:
        v = Scalar(g, a.value)
        if g.numbers.sign(a.value) == 0:
            return g.node(g.numbers.one, [(a, g.numbers.zero)])
        turn = v * pi
        sine = g.function("sin", turn)
        slope = (turn * g.function("cos", turn) - sine) / (v * v * pi)
        return g.node((sine / turn).value, [(a, slope.value)])

    return g.map(one, x)


@rule("logit", "special_logit")
def _logit(g: G, x: Any, eps: float | None = None) -> Array:
    """log(x / (1 − x)) of x kept between eps and 1 − eps. Its derivative is 1 / (x (1 − x)) inside."""
    low, high = (None, None) if eps is None else (g.scalar(eps), 1 - g.scalar(eps))

    def inside(a: Scalar) -> Scalar:
        v = Scalar(g, a.value)
        return g.node(g.function("log", v / (1 - v)).value, [(a, (1 / (v * (1 - v))).value)])

    def one(a: Scalar) -> Scalar:
        if low is None or high is None:
            return inside(a)
        below = lambda: g.branch("logit", a - low, lambda: inside(a), lambda: inside(low), lambda: inside(a))  # noqa: E731
        return g.branch("logit", high - a, below, lambda: inside(high), below)

    return g.map(one, x)


# x log x and its relatives: continuous at 0, where the slope is infinite


@rule("special_entr")
def _entr(g: G, x: Any) -> Array:
    """−x log x, 0 at 0 and −∞ below. Its derivative is −(1 + log x)."""

    def one(a: Scalar) -> Scalar:
        def inside() -> Scalar:
            v = Scalar(g, a.value)
            log = g.function("log", v)
            return g.node((-v * log).value, [(a, (-(1 + log)).value)])

        return g.branch("entr", a, inside, lambda: g.scalar(-float("inf")), lambda: g.zero)

    return g.map(one, x)


def _times_logarithm(log: str, decides: str, slope: Callable[[Scalar, Scalar], Scalar], edge: int) -> Callable[[G, Any, Any], Array]:
    """x · log(y) for one way of writing the logarithm, which is finite above `edge`. Where x is 0 the product is 0, whatever y.

    On the edge of the logarithm's domain it is not differentiable by x: noted as a tie.
    """

    def function(g: G, x: Any, y: Any) -> Array:
        def one(a: Scalar, b: Scalar) -> Scalar:
            x, y = Scalar(g, a.value), Scalar(g, b.value)
            if g.numbers.sign(x.value) == 0 and g.numbers.sign((y - edge).value) != 1:
                if a.index >= 0:
                    g.check(decides, a)
                return g.zero
            value = g.function(log, y)
            return g.node((x * value).value, [(a, value.value), (b, slope(x, y).value)])

        return g.map(one, x, y)

    return function


rule("xlogy")(_times_logarithm("log", "xlogy", lambda x, y: x / y, 0))
rule("special_xlog1py")(_times_logarithm("log1p", "xlog1py", lambda x, y: x / (y + 1), -1))
