"""Sums, means, products and variances: one operation over all entries along some dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.tape import pairs
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.pairs import Pair
from checker.tape.scalars import Array, Scalar

G = Graph[Any]
Dims = int | Sequence[int] | None


def reduce(g: G, function: Callable[[list[Scalar]], Scalar], x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    """`function` of the list of entries along `dim` (all of them for None or an empty list)."""
    x = g.array(x)
    dims = _dims(x, dim)
    rest = [d for d in range(x.ndim) if d not in dims]
    rows = x.transpose([*rest, *dims]).reshape([*(x.shape[d] for d in rest), math.prod(x.shape[d] for d in dims)])
    result = np.empty(rows.shape[:-1], object)
    for index in np.ndindex(result.shape):
        result[index] = function(list(rows[index]))
    return result.reshape([1 if d in dims else n for d, n in enumerate(x.shape)]) if keepdim else result


def along(g: G, function: Callable[[list[Any]], Sequence[Any]], x: Array, dim: int) -> Array:
    """`function` from a list of entries to one of the same length, along `dim`."""
    x = g.array(x)
    if not x.ndim:
        return g.array(function([x.item()])[0])
    rows = np.moveaxis(x, dim, -1)
    result = np.empty(rows.shape, object)
    for index in np.ndindex(rows.shape[:-1]):
        result[index] = function(list(rows[index]))
    return np.moveaxis(result, -1, dim)


def _dims(x: Array, dim: Dims) -> list[int]:
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        return list(range(x.ndim))
    return sorted({d % max(x.ndim, 1) for d in ([dim] if isinstance(dim, int) else dim)} & set(range(x.ndim)))


def mean(g: G, items: list[Scalar]) -> Scalar:
    return g.add(items) / g.scalar(len(items)) if items else Scalar(g, g.numbers.divide(g.numbers.zero, g.numbers.zero))


@rule("sum")
def _sum(g: G, x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return reduce(g, g.add, x, dim, keepdim)


@rule("mean")
def _mean(g: G, x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return reduce(g, lambda items: mean(g, items), x, dim, keepdim)


@rule("prod")
def _prod(g: G, x: Array, dim: Dims = None, keepdim: bool = False) -> Array:
    return reduce(g, lambda items: product(g, items), x, dim, keepdim)


def product(g: G, items: list[Scalar]) -> Scalar:
    """Π xᵢ. The derivative by xᵢ is Π xⱼ / xᵢ as in torch, and where an entry is zero the product of the others."""
    multiply, one = g.numbers.multiply, g.numbers.one
    if len(items) == 1:
        return items[0]
    if items and isinstance(items[0], Pair):
        return pairs.product(g, items)
    if all(g.numbers.sign(x.value) for x in items):
        value = one
        for x in items:
            value = multiply(value, x.value)
        return g.node(value, [(x, g.numbers.divide(value, x.value)) for x in items if x.index >= 0])
    before, after = [one], [one]
    for x in items:
        before.append(multiply(before[-1], x.value))
    for x in reversed(items):
        after.append(multiply(after[-1], x.value))
    after.reverse()
    return g.node(before[-1], [(x, multiply(before[i], after[i + 1])) for i, x in enumerate(items)])


def product_by_logarithms(g: G, items: list[Scalar]) -> Scalar:
    """Π xᵢ where torch multiplies by the product and then divides by xᵢ: d Π = Π · d log xᵢ."""
    return _running_products(g, items)[-1] if _divisible(g, items) else product(g, items)


def _divisible(g: G, items: Sequence[Scalar | Pair]) -> bool:
    return all(isinstance(x, Scalar) and g.numbers.sign(x.value) for x in items)


def _running_products(g: G, items: list[Scalar]) -> list[Scalar]:
    logarithms = [g.node(g.numbers.zero, [(x, g.numbers.divide(g.numbers.one, x.value))] if x.index >= 0 else []) for x in items]
    value, results = g.numbers.one, []
    for i, x in enumerate(items):
        value = g.numbers.multiply(value, x.value)
        results.append(g.node(value, [(d, value) for d in logarithms[: i + 1]]))
    return results


@rule("cumsum")
def _cumsum(g: G, x: Array, dim: int) -> Array:
    return along(g, lambda items: [g.add(items[: i + 1]) for i in range(len(items))], x, dim)


@rule("cumprod")
def _cumprod(g: G, x: Array, dim: int) -> Array:
    def row(items: list[Any]) -> list[Any]:
        if items and isinstance(items[0], Pair) and pairs.nonzero(g, items):
            return pairs.running_products(g, items)
        if _divisible(g, items):
            return _running_products(g, items)
        return [product(g, items[: i + 1]) for i in range(len(items))]

    return along(g, row, x, dim)


def variance(g: G, items: list[Scalar], correction: float = 1) -> Scalar:
    """Σ |xᵢ − m|² / (n − correction). Its derivative by xᵢ is 2 (xᵢ − m) / (n − correction): what flows through m cancels."""
    if items and isinstance(items[0], Pair):
        return variance(g, [z.re for z in items], correction) + variance(g, [z.im for z in items], correction)
    centre = mean(g, [Scalar(g, x.value) for x in items])
    offsets = [Scalar(g, x.value) - centre for x in items]
    count = g.scalar(len(items) - correction)
    value = g.dot(offsets, offsets) / count
    return g.node(value.value, [(x, (2 * d / count).value) for x, d in zip(items, offsets, strict=True)])


@rule("var", "var.correction")
def _var(g: G, x: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False) -> Array:
    return reduce(g, lambda items: variance(g, items, 1 if correction is None else correction), x, dim, keepdim)


@rule("var_mean.correction")
def _var_mean(g: G, x: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False) -> tuple[Array, Array]:
    return _var(g, x, dim, correction, keepdim), _mean(g, x, dim, keepdim)


@rule("std", "std.correction")
def _std(g: G, x: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False) -> Array:
    return g.map(lambda v: root(g, "std", v), _var(g, x, dim, correction, keepdim))


@rule("std_mean.correction")
def _std_mean(g: G, x: Array, dim: Dims = None, correction: float | None = None, keepdim: bool = False) -> tuple[Array, Array]:
    return _std(g, x, dim, correction, keepdim), _mean(g, x, dim, keepdim)


def root(g: G, decides: str, square: Scalar) -> Scalar:
    """√ of a sum of squares. At zero it has a kink; torch's convention there is a derivative of 0."""
    if square.index >= 0 and g.check(decides, square) == 0:
        return Scalar(g, g.numbers.zero)
    return g.function("sqrt", square)
