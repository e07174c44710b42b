"""Sums of exponentials: softmax and the logarithms of such sums."""

from __future__ import annotations

import math
from typing import Any

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.reductions import Dims, along, reduce
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


def _log_total(g: G, items: list[Scalar]) -> tuple[list[Scalar], Scalar, Scalar]:
    """The values without derivative, a shift c near their maximum, and log Σ exp(xᵢ − c)."""
    values = [Scalar(g, x.value) for x in items]
    top = max(values, key=lambda v: g.numbers.approximate(v.value))
    shift = Scalar(g, g.numbers.shift(top.value))
    return values, shift, g.function("log", g.add([g.function("exp", v - shift) for v in values]))


def logarithm_of_sum(g: G, items: list[Scalar]) -> tuple[Scalar, list[Scalar]]:
    """z = log Σ exp xᵢ, and xᵢ − z without derivative. dz/dxᵢ = exp(xᵢ − z), from the rounded z, as torch computes it."""
    values, shift, log = _log_total(g, items)
    z = log + shift
    logs = [v - z for v in values]
    return g.node(z.value, [(x, g.function("exp", p).value) for x, p in zip(items, logs, strict=True)]), logs


@rule("logsumexp")
def _logsumexp(g: G, x: Array, dim: Dims, keepdim: bool = False) -> Array:
    return reduce(g, lambda items: logarithm_of_sum(g, items)[0], x, dim, keepdim)


@rule("logcumsumexp")
def _logcumsumexp(g: G, x: Array, dim: int) -> Array:
    """zᵢ = log Σ exp xⱼ over j ≤ i, each from the one before it. dzᵢ/dxⱼ = exp(xⱼ − zᵢ), from the rounded zᵢ.

    torch sums the adjoints by their logarithms too: exp(xⱼ + log Σ exp(log |vᵢ| − zᵢ)) over i ≥ j, for the vᵢ > 0 and for the others.
    Each step of that sum rounds numbers of the size of zᵢ and of log |vᵢ|, which is taken to be 13/3, no binary fraction.
    """
    size = g.scalar(13) / g.scalar(3)

    def row(items: list[Scalar]) -> list[Scalar]:
        results: list[Scalar] = []
        z: Scalar | None = None
        values = [Scalar(g, x.value) for x in items]
        for i, v in enumerate(values):
            z = v if z is None else _log_of_two(g, z, v)
            negative = size - z
            for _ in range(len(items) - i):
                negative = Scalar(g, g.numbers.rounded(negative.value))
            slopes = [(x, g.function("exp", (w + negative) - size).value) for x, w in zip(items, values[: i + 1], strict=False)]
            results.append(g.node(z.value, slopes))
        return results

    return along(g, row, x, dim)


def _log_of_two(g: G, x: Scalar, y: Scalar) -> Scalar:
    high, low = (x, y) if g.numbers.approximate(x.value) >= g.numbers.approximate(y.value) else (y, x)
    return high if g.numbers.approximate(low.value) == -math.inf else high + g.function("log1p", g.function("exp", low - high))


@rule("_log_softmax")
def _log_softmax(g: G, x: Array, dim: int) -> Array:
    """yᵢ = (xᵢ − c) − log Σ exp(xⱼ − c), subtracted in this order as torch does. The slopes of the sum are exp yⱼ."""

    def row(items: list[Scalar]) -> list[Scalar]:
        values, shift, log = _log_total(g, items)
        logs = [(v - shift) - log for v in values]
        z = g.node((log + shift).value, [(x, g.function("exp", p).value) for x, p in zip(items, logs, strict=True)])
        return [g.node(p.value, [(x, g.numbers.one), (z, g.minus_one)]) for x, p in zip(items, logs, strict=True)]

    return along(g, row, x, dim)


@rule("_softmax")
def _softmax(g: G, x: Array, dim: int) -> Array:
    return along(g, lambda items: softmax(g, items), x, dim)


@rule("_softmax_backward_data")
def _softmax_backward(g: G, grad_output: Array, output: Array, dim: int, input_dtype: Any = None) -> Array:
    """y (v − ⟨v, y⟩) along `dim`."""
    weighted = g.map(lambda v, y: v * y, grad_output, output)
    total = reduce(g, g.add, weighted, dim, keepdim=True)
    return g.map(lambda w, y, t: w - y * t, weighted, output, total)


@rule("_safe_softmax")
def _safe_softmax(g: G, x: Array, dim: int) -> Array:
    """A softmax that is 0 where everything is masked by −∞."""

    def row(items: list[Scalar]) -> list[Scalar]:
        masked = all(g.numbers.approximate(x.value) == -math.inf for x in items)
        return [g.zero] * len(items) if masked else softmax(g, items)

    return along(g, row, x, dim)


def softmax(g: G, items: list[Scalar]) -> list[Scalar]:
    """yᵢ = exp xᵢ / Σ exp x. Through z = log Σ exp x: dyᵢ/dxᵢ = yᵢ, dyᵢ/dz = −yᵢ, dz/dxⱼ = yⱼ."""
    values = [Scalar(g, x.value) for x in items]
    top = max(values, key=lambda v: g.numbers.approximate(v.value))
    shift = Scalar(g, g.numbers.shift(top.value))
    powers = [g.function("exp", v - shift) for v in values]
    total = g.add(powers)
    shares = [p / total for p in powers]
    z = g.node(g.function("log", total).value, [(x, y.value) for x, y in zip(items, shares, strict=True)])
    return [g.node(y.value, [(x, y.value), (z, (-y).value)]) for x, y in zip(items, shares, strict=True)]
