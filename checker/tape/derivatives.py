"""The elementary functions and their derivatives, by the formulas that torch itself uses.

Comes in: x and y = f(x), as scalars without derivative.  Goes out: f′(x).  Why: rounding enters a derivative through its formula:
torch's tanh′ is 1 − y² from the *rounded* y, so the widened replay must compute the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from checker.tape.gamma import digamma, polygamma, trigamma, zeta

if TYPE_CHECKING:
    from checker.tape.graph import Graph
    from checker.tape.scalars import Scalar

#: Of the graph g, x and y = f(x), and of the parameters of a family.
Derivative = Callable[..., "Scalar"]


def _at(name: str) -> Derivative:
    return lambda g, x, y: g.function(name, x)


def _sign(g: Graph[Any], x: Scalar) -> Scalar:
    sign = g.numbers.sign(x.value)
    return g.either(g.scalar(-1), g.one) if sign is None else g.scalar(sign)


def _i1(g: Graph[Any], x: Scalar, y: Scalar) -> Scalar:
    return g.scalar(0.5) if g.numbers.sign(x.value) == 0 else g.function("i0", x) - y * (1 / x)


def _i1e(g: Graph[Any], x: Scalar, y: Scalar) -> Scalar:
    return g.scalar(0.5) if g.numbers.sign(x.value) == 0 else g.function("i0e", x) - y * (_sign(g, x) + 1 / x)


def _gammainc(g: Graph[Any], x: Scalar, y: Scalar, a: Scalar) -> Scalar:
    """x to the a − 1, times e⁻ˣ / Γ(a)."""
    return g.function("exp", (a - 1) * g.function("log", x) - x - g.function("lgamma", a))


#: f → f′, as a function of the graph g, x and y = f(x), and of the parameters of a family.
DERIVATIVES: dict[str, Derivative] = {
    "exp": lambda g, x, y: y,
    "exp2": lambda g, x, y: y * g.function("log", g.scalar(2)),
    "expm1": lambda g, x, y: y + 1,
    "log": lambda g, x, y: 1 / x,
    "log1p": lambda g, x, y: 1 / (x + 1),
    "log2": lambda g, x, y: 1 / (x * g.function("log", g.scalar(2))),
    "log10": lambda g, x, y: 1 / (x * g.function("log", g.scalar(10))),
    "sqrt": lambda g, x, y: 1 / (2 * y),
    "rsqrt": lambda g, x, y: g.scalar(-0.5) * y * y * y,
    "sin": _at("cos"),
    "cos": lambda g, x, y: -g.function("sin", x),
    "tan": lambda g, x, y: 1 + y * y,
    "asin": lambda g, x, y: g.function("rsqrt", 1 - x * x),
    "acos": lambda g, x, y: -g.function("rsqrt", 1 - x * x),
    "atan": lambda g, x, y: 1 / (x * x + 1),
    "sinh": _at("cosh"),
    "cosh": _at("sinh"),
    "tanh": lambda g, x, y: 1 - y * y,
    "asinh": lambda g, x, y: g.function("rsqrt", x * x + 1),
    "acosh": lambda g, x, y: g.function("rsqrt", x * x - 1),
    "atanh": lambda g, x, y: 1 / (1 - x * x),
    "sigmoid": lambda g, x, y: y * (1 - y),
    "erf": lambda g, x, y: 2 * g.function("rsqrt", g.pi()) * g.function("exp", -(x * x)),
    "erfc": lambda g, x, y: -2 * g.function("rsqrt", g.pi()) * g.function("exp", -(x * x)),
    "erfinv": lambda g, x, y: g.function("sqrt", g.pi()) / 2 * g.function("exp", y * y),
    "lgamma": lambda g, x, y: digamma(g, x),
    "digamma": lambda g, x, y: trigamma(g, x),
    "trigamma": lambda g, x, y: polygamma(g, 2, x),
    "zeta": lambda g, x, y, s: -s * zeta(g, x, s + 1),
    "i0": _at("i1"),
    "i1": _i1,
    "i0e": lambda g, x, y: g.function("i1e", x) - _sign(g, x) * y,
    "i1e": _i1e,
    "erfcx": lambda g, x, y: 2 * x * y - 2 * g.function("rsqrt", g.pi()),
    "ndtri": lambda g, x, y: g.function("sqrt", 2 * g.pi()) * g.function("exp", y * y / 2),
    "gammainc": _gammainc,
    "gammaincc": lambda g, x, y, a: -_gammainc(g, x, y, a),
}
