"""Arithmetic and smooth functions, entry by entry."""

from __future__ import annotations

import math
from typing import Any

from checker.errors import Unsupported
from checker.tape.analytic import angle, modulus
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.exponentials import logarithm_of_sum
from checker.tape.operations.norms import norm
from checker.tape.pairs import Pair, parts
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


@rule("add")
def _add(g: G, x: Any, y: Any, alpha: float = 1) -> Array:
    return g.map(lambda a, b: a + (b if alpha == 1 else alpha * b), x, y)


@rule("sub")
def _sub(g: G, x: Any, y: Any, alpha: float = 1) -> Array:
    return g.map(lambda a, b: a - (b if alpha == 1 else alpha * b), x, y)


@rule("rsub")
def _rsub(g: G, x: Any, y: Any, alpha: float = 1) -> Array:
    return g.map(lambda a, b: b - (a if alpha == 1 else alpha * a), x, y)


@rule("mul")
def _mul(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: a * b, x, y)


@rule("div.Tensor", "div.Scalar", "true_divide")
def _div(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: a / b, x, y)


@rule("neg")
def _neg(g: G, x: Any) -> Array:
    return g.map(lambda a: -a, x)


@rule("positive")
def _positive(g: G, x: Any) -> Array:
    return g.array(x)


@rule("reciprocal")
def _reciprocal(g: G, x: Any) -> Array:
    return g.map(lambda a: 1 / a, x)


@rule("square")
def _square(g: G, x: Any) -> Array:
    return g.map(lambda a: a * a, x)


@rule("pow")
def _pow(g: G, x: Any, exponent: Any) -> Array:
    return g.map(g.power, x, exponent)


@rule("ldexp")
def _ldexp(g: G, x: Any, y: Any) -> Array:
    """x · 2ʸ."""
    return g.map(lambda a, b: a * g.power(g.scalar(2), b), x, y)


@rule("addcmul")
def _addcmul(g: G, x: Any, tensor1: Any, tensor2: Any, value: float = 1) -> Array:
    return g.map(lambda a, b, c: a + value * (b * c), x, tensor1, tensor2)


@rule("addcdiv")
def _addcdiv(g: G, x: Any, tensor1: Any, tensor2: Any, value: float = 1) -> Array:
    return g.map(lambda a, b, c: a + value * (b / c), x, tensor1, tensor2)


@rule("lerp")
def _lerp(g: G, x: Any, end: Any, weight: Any) -> Array:
    """a + w (b − a), written from the nearer end as torch does."""

    def one(a: Scalar, b: Scalar, w: Scalar) -> Scalar:
        near = math.hypot(*(g.numbers.approximate(part.value) for part in parts([w]))) < 0.5
        return a + w * (b - a) if near else b - (b - a) * (1 - w)

    return g.map(one, x, end, weight)


def _elementary(name: str) -> None:
    rule(name)(lambda g, x: g.map(lambda a: g.function(name, a), x))


for _name in (
    *("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "rsqrt", "sin", "cos", "tan", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sigmoid"),
):
    _elementary(_name)


def sqrt(g: G, x: Any) -> Any:
    """√x. At zero its slope is infinite: noted as a tie."""
    if x.index >= 0:
        g.check("sqrt", norm(g, parts([x])) if isinstance(x, Pair) else x)
    return g.function("sqrt", x)


@rule("sqrt")
def _sqrt(g: G, x: Any) -> Array:
    return g.map(lambda a: sqrt(g, a), x)


@rule("silu")
def _silu(g: G, x: Any) -> Array:
    return g.map(lambda a: a * g.function("sigmoid", a), x)


@rule("gelu")
def _gelu(g: G, x: Any, approximate: str = "none") -> Array:
    def exact(a: Scalar) -> Scalar:
        half = g.function("rsqrt", g.scalar(2))
        return g.scalar(0.5) * a * (1 + g.function("erf", a * half))

    def by_tanh(a: Scalar) -> Scalar:
        pi = g.pi()
        return g.scalar(0.5) * a * (1 + g.function("tanh", g.function("sqrt", 2 / pi) * (a + g.scalar(0.044715) * a * a * a)))

    if approximate not in ("none", "tanh"):
        raise Unsupported("aten.gelu", f"approximate={approximate!r} has no rule here", line=g.line)
    return g.map(exact if approximate == "none" else by_tanh, x)


@rule("atan2")
def _atan2(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: angle(g, a, b), x, y)


@rule("hypot")
def _hypot(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: modulus(g, Pair(a, b)), x, y)


@rule("logaddexp")
def _logaddexp(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: logarithm_of_sum(g, [a, b])[0], x, y)


@rule("logaddexp2")
def _logaddexp2(g: G, x: Any, y: Any) -> Array:
    """log₂(2ˣ + 2ʸ); the shares of the derivative are those of a softmax to base 2."""
    two = g.function("log", g.scalar(2))

    def one(a: Scalar, b: Scalar) -> Scalar:
        z, logs = logarithm_of_sum(g, [Scalar(g, a.value) * two, Scalar(g, b.value) * two])
        return g.node((z / two).value, [(v, g.function("exp", p).value) for v, p in zip((a, b), logs, strict=True)])

    return g.map(one, x, y)


@rule("mish")
def _mish(g: G, x: Any) -> Array:
    """x·t with t = tanh(log(1 + eˣ)); its derivative is t + x·σ(x)·(1 − t²), σ being the sigmoid, as PyTorch computes it."""

    def one(a: Scalar) -> Scalar:
        z = Scalar(g, a.value)
        t = g.function("tanh", g.function("log1p", g.function("exp", z)))
        return g.node((z * t).value, [(a, (t + z * g.function("sigmoid", z) * (1 - t * t)).value)])

    return g.map(one, x)
