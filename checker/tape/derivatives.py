"""The elementary functions and their derivatives, by the formulas that torch itself uses.

Comes in: x and y = f(x), as scalars without derivative.  Goes out: f′(x).  Why: rounding enters a derivative through its formula:
torch's tanh′ is 1 − y² from the *rounded* y, so the widened replay must compute the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.tape.scalars import Graph, Scalar

Derivative = Callable[["Graph[Any]", "Scalar", "Scalar"], "Scalar"]


def _at(name: str) -> Derivative:
    return lambda g, x, y: g.function(name, x)


def _pi(g: Graph[Any]) -> Scalar:
    return type(g.one)(g, g.numbers.pi())


#: f → f′, as a function of the graph g, x and y = f(x).
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
    "erf": lambda g, x, y: 2 * g.function("rsqrt", _pi(g)) * g.function("exp", -(x * x)),
    "erfc": lambda g, x, y: -2 * g.function("rsqrt", _pi(g)) * g.function("exp", -(x * x)),
    "erfinv": lambda g, x, y: g.function("sqrt", _pi(g)) / 2 * g.function("exp", y * y),
    "lgamma": _at("digamma"),
    "digamma": _at("trigamma"),
}
