"""Activations: functions of one number, in smooth pieces. The sign decides, and at an exact tie torch's convention."""

from __future__ import annotations

from typing import Any

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


@rule("relu")
def _relu(g: G, x: Any) -> Array:
    return g.map(lambda a: g.branch("relu", a, lambda: a, lambda: g.zero), x)


@rule("leaky_relu")
def _leaky_relu(g: G, x: Any, negative_slope: float = 0.01) -> Array:
    return g.map(lambda a: g.branch("leaky_relu", a, lambda: a, lambda: negative_slope * a), x)


@rule("_prelu_kernel")
def _prelu(g: G, x: Any, weight: Any) -> Array:
    return g.map(lambda a, w: g.branch("prelu", a, lambda: a, lambda: w * a), x, weight)


@rule("elu")
def _elu(g: G, x: Any, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Array:
    def below(a: Scalar) -> Scalar:
        z = input_scale * a
        raised = g.node(g.numbers.function("expm1", z.value), [(z, g.numbers.function("exp", z.value))])
        return g.scalar(alpha) * g.scalar(scale) * raised

    return g.map(lambda a: g.branch("elu", a, lambda: scale * a, lambda: below(a)), x)


@rule("softplus")
def _softplus(g: G, x: Any, beta: float = 1, threshold: float = 20) -> Array:
    def one(a: Scalar) -> Scalar:
        z = a if beta == 1 else beta * a
        soft = lambda: g.function("log1p", g.function("exp", z)) / g.scalar(beta)  # noqa: E731
        return g.branch("softplus threshold", z - threshold, lambda: a, soft)

    return g.map(one, x)


@rule("log_sigmoid_forward")
def _log_sigmoid(g: G, x: Any) -> tuple[Array, None]:
    """min(x, 0) − log(1 + z) with z = exp(−|x|). The derivative is 1 − z / (1 + z) below zero and z / (1 + z) above: no kink."""

    def one(a: Scalar) -> Scalar:
        v = Scalar(g, a.value)
        below = g.numbers.approximate(a.value) < 0
        z = g.function("exp", v if below else -v)
        log, share = g.function("log1p", z), z / (1 + z)
        value, slope = (v - log, 1 - share) if below else (-log, share)
        return g.node(value.value, [(a, slope.value)])

    return g.map(one, x), None


@rule("threshold")
def _threshold(g: G, x: Any, threshold: float, value: float) -> Array:
    return g.map(lambda a: g.branch("threshold", a - threshold, lambda: a, lambda: g.scalar(value)), x)


@rule("hardtanh")
def _hardtanh(g: G, x: Any, min_val: float = -1, max_val: float = 1) -> Array:
    return g.map(lambda a: _limit(g, "hardtanh", a, min_val, max_val), x)


@rule("relu6")
def _relu6(g: G, x: Any) -> Array:
    return _hardtanh(g, x, 0, 6)


@rule("hardsigmoid")
def _hardsigmoid(g: G, x: Any) -> Array:
    return g.map(lambda a: _limit(g, "hardsigmoid", a + 3, 0, 6) / 6, x)


@rule("hardswish")
def _hardswish(g: G, x: Any) -> Array:
    return g.map(lambda a: a * _limit(g, "hardswish", a + 3, 0, 6) / 6, x)


def _limit(g: G, decides: str, x: Scalar, low: float, high: float) -> Scalar:
    """x between two bounds; the derivative is 0 at both, as torch's hardtanh has it."""
    inside = lambda: g.branch(decides, x - high, lambda: g.scalar(high), lambda: x, lambda: g.scalar(high))  # noqa: E731
    return g.branch(decides, x - low, inside, lambda: g.scalar(low))


@rule("softshrink")
def _softshrink(g: G, x: Any, lambd: float = 0.5) -> Array:
    def one(a: Scalar) -> Scalar:
        below = lambda: g.branch("softshrink", a + lambd, lambda: g.zero, lambda: a + lambd, lambda: g.zero)  # noqa: E731
        return g.branch("softshrink", a - lambd, lambda: a - lambd, below)

    return g.map(one, x)
