"""Choices between arguments: the piece is the one that the float run took, and every choice is noted as a check."""

from __future__ import annotations

from typing import Any

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.norms import absolute
from checker.tape.operations.ordering import extreme
from checker.tape.scalars import Array

G = Graph[Any]


@rule("abs")
def _abs(g: G, x: Any) -> Array:
    return g.map(lambda a: absolute(g, a), x)


@rule("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")
def _where(g: G, condition: Array, x: Any, y: Any) -> Array:
    return g.choose(condition.astype(bool), x, y)


@rule("masked_fill")
def _masked_fill(g: G, x: Array, mask: Array, value: Any) -> Array:
    return g.choose(mask.astype(bool), value, x)


@rule("maximum", "max.other")
def _maximum(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: extreme(g, "max", [a, b]), x, y)


@rule("minimum", "min.other")
def _minimum(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: extreme(g, "min", [a, b]), x, y)


@rule("fmax")
def _fmax(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: g.branch("fmax", a - b, lambda: a, lambda: b, lambda: a), x, y)


@rule("fmin")
def _fmin(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: g.branch("fmin", b - a, lambda: a, lambda: b, lambda: a), x, y)


@rule("clamp", "clip")
def _clamp(g: G, x: Any, min: Any = None, max: Any = None) -> Array:  # noqa: A002 (ATen's names)
    result = x
    if min is not None:
        result = g.map(lambda a, low: g.branch("clamp", a - low, lambda: a, lambda: low, lambda: a), result, min)
    if max is not None:
        result = g.map(lambda a, high: g.branch("clamp", high - a, lambda: a, lambda: high, lambda: a), result, max)
    return g.array(result)


@rule("clamp_min")
def _clamp_min(g: G, x: Any, min: Any) -> Array:  # noqa: A002
    return _clamp(g, x, min)


@rule("clamp_max")
def _clamp_max(g: G, x: Any, max: Any) -> Array:  # noqa: A002
    return _clamp(g, x, None, max)
