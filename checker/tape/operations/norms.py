"""Norms and distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from checker.tape.analytic import modulus
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.ordering import extreme
from checker.tape.operations.reductions import Dims, reduce
from checker.tape.pairs import Pair, parts
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


def norm(g: G, items: Sequence[Scalar | Pair]) -> Scalar:
    """‖x‖₂, with derivative xᵢ / ‖x‖₂; 0 at the origin, which is a kink. Of complex numbers, that of all their parts."""
    items = parts(items)
    squares = [g.numbers.multiply(x.value, x.value) for x in items]
    total = g.numbers.add(squares)
    active = any(x.index >= 0 for x in items)
    if active and g.check("norm", total) == 0:
        return Scalar(g, g.numbers.zero)
    value = g.numbers.function("sqrt", total)
    return g.node(value, [(x, g.numbers.divide(x.value, value)) for x in items] if active else [])


def absolute(g: G, x: Scalar | Pair) -> Scalar:
    """|x|, with derivative 0 at 0 as in torch."""
    if isinstance(x, Pair):
        return modulus(g, x)
    return g.branch("abs", x, lambda: x, lambda: -x, lambda: Scalar(g, g.numbers.zero))


def _size(g: G, x: Scalar | Pair) -> Scalar:
    """|x| where a power of it follows that is smooth at 0."""
    if isinstance(x, Pair):
        return modulus(g, x)
    sign = g.numbers.sign(x.value)
    return g.either(x, -x) if sign is None else x if sign > 0 else -x


def _power_norm(g: G, items: list[Scalar], p: float) -> Scalar:
    """(Σ |xᵢ|ᵖ)^(1/p) for any p but 0 and ±∞. With p < 0 it is 0 where an entry is."""
    sizes = [(absolute if p <= 1 else _size)(g, x) for x in items]
    if p == 1:
        return g.add(sizes)
    if p < 0 and any(g.numbers.sign(s.value) == 0 for s in sizes):
        return Scalar(g, g.numbers.zero)
    total = g.add([g.power(s, g.scalar(p)) for s in sizes])
    if total.index >= 0 and g.check("norm", total) == 0:
        return Scalar(g, g.numbers.zero)
    exact = math.frexp(p)[0] in (0.5, -0.5)  # then so is 1 / p
    return g.power(total, g.scalar(1 / p) if exact else 1 / g.scalar(p))


def _count(g: G, items: list[Scalar]) -> Scalar:
    """How many are not zero: a step where one is."""
    return Scalar(g, g.numbers.add([g.numbers.zero if g.compare("nonzero", v, g.zero) == 0 else g.numbers.one for v in items]))


@rule("linalg_vector_norm")
def _vector_norm(g: G, x: Array, ord: float = 2, dim: Dims = None, keepdim: bool = False) -> Array:  # noqa: A002 (ATen's name)
    def one(items: list[Scalar]) -> Scalar:
        if ord == 2:
            return norm(g, items)
        if ord == 0:
            return _count(g, items)
        if math.isinf(ord):
            return extreme(g, "max" if ord > 0 else "min", [absolute(g, v) for v in items])
        return _power_norm(g, items, ord)

    return reduce(g, one, x, dim, keepdim)


@rule("dist")
def _dist(g: G, x: Array, y: Array, p: float = 2) -> Array:
    return _vector_norm(g, g.map(lambda a, b: a - b, x, y), p)


@rule("_cdist_forward")
def _cdist(g: G, x1: Array, x2: Array, p: float, compute_mode: int | None = None) -> Array:
    """‖xᵢ − yⱼ‖ₚ of every row of one with every row of the other."""
    return _vector_norm(g, g.map(lambda a, b: a - b, x1[..., :, None, :], x2[..., None, :, :]), p, -1)


@rule("_pdist_forward")
def _pdist(g: G, x: Array, p: float = 2) -> Array:
    """‖xᵢ − xⱼ‖ₚ of every two rows, i < j."""
    first, second = np.triu_indices(len(x), 1)
    return _vector_norm(g, g.map(lambda a, b: a - b, x[first], x[second]), p, -1)
