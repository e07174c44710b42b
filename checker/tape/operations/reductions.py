"""Sums, means, norms and softmaxes: one operation over all entries along some dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape import pairs
from checker.tape.operations import rule
from checker.tape.pairs import Pair, parts
from checker.tape.scalars import Array, Graph, Scalar

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


def along(g: G, function: Callable[[list[Scalar]], list[Scalar]], x: Array, dim: int) -> Array:
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
    def row(items: list[Scalar]) -> list[Scalar]:
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
        return norm(g, [x])
    return g.branch("abs", x, lambda: x, lambda: -x, lambda: Scalar(g, g.numbers.zero))


@rule("linalg_vector_norm")
def _vector_norm(g: G, x: Array, ord: float = 2, dim: Dims = None, keepdim: bool = False) -> Array:  # noqa: A002 (ATen's name)
    def general(items: list[Scalar]) -> Scalar:
        sizes = [absolute(g, v) for v in items]
        if ord == 1:
            return g.add(sizes)
        if ord == 0:
            return Scalar(g, g.numbers.add([g.numbers.zero if g.check("nonzero", v) == 0 else g.numbers.one for v in items]))
        if math.isinf(ord):
            return extreme(g, "max" if ord > 0 else "min", sizes)
        total = g.add([g.power(s, g.scalar(ord)) for s in sizes])
        if g.check("norm", total) == 0:
            return Scalar(g, g.numbers.zero)
        return g.power(total, g.scalar(1 / ord) if (1 / ord) * ord == 1 and ord in (0.5, 4, 8) else 1 / g.scalar(ord))

    if ord == 2:
        return reduce(g, lambda items: norm(g, items), x, dim, keepdim)
    if ord < 0 and not math.isinf(ord):
        raise Unsupported("aten.linalg_vector_norm", f"ord={ord} has no rule here", line=g.line)
    return reduce(g, general, x, dim, keepdim)


@rule("dist")
def _dist(g: G, x: Array, y: Array, p: float = 2) -> Array:
    return _vector_norm(g, g.map(lambda a, b: a - b, x, y), p)


@rule("_cdist_forward")
def _cdist(g: G, x1: Array, x2: Array, p: float, compute_mode: int | None = None) -> Array:
    """‖xᵢ − yⱼ‖ₚ of every row of one with every row of the other."""
    return _vector_norm(g, g.map(lambda a, b: a - b, x1[..., :, None, :], x2[..., None, :, :]), p, -1)


def extreme(g: G, kind: str, items: list[Scalar]) -> Scalar:
    """The largest ("max") or smallest ("min") of `items`. As in torch, entries that tie share the derivative evenly."""
    side = 1 if kind == "max" else -1
    sizes = [side * g.numbers.approximate(x.value) for x in items]
    best = max(range(len(items)), key=sizes.__getitem__)
    return share(g, kind, items, best, (0, side))


def share(g: G, kind: str, items: list[Scalar], chosen: int, expected: Sequence[int] | None) -> Scalar:
    """The entry `chosen`, whose derivative is shared evenly with the entries that equal it exactly.

    `expected` lists the signs that (chosen − other) may have. Where a sign cannot be told, any division of the derivative may be right.
    """
    tied, unclear = [items[chosen]], []
    for i, x in enumerate(items):
        if i == chosen or x is items[chosen]:
            continue
        sign = g.compare(kind, items[chosen], x, expected)
        if sign == 0:
            tied.append(x)
        elif sign is None:
            unclear.append(x)
    result = tied[0] if len(tied) == 1 else g.node(tied[0].value, [(x, (1 / g.scalar(len(tied))).value) for x in tied])
    for x in unclear:
        result = g.either(result, x)
    return result


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


@rule("_log_softmax")
def _log_softmax(g: G, x: Array, dim: int) -> Array:
    """yᵢ = (xᵢ − c) − log Σ exp(xⱼ − c), subtracted in this order as torch does. The slopes of the sum are exp yⱼ."""

    def row(items: list[Scalar]) -> list[Scalar]:
        values, shift, log = _log_total(g, items)
        logs = [(v - shift) - log for v in values]
        z = g.node((log + shift).value, [(x, g.function("exp", p).value) for x, p in zip(items, logs, strict=True)])
        return [g.node(p.value, [(x, g.numbers.one), (z, g.minus_one)]) for x, p in zip(items, logs, strict=True)]

    return along(g, row, x, dim)


@rule("_softmax", "_safe_softmax")
def _softmax(g: G, x: Array, dim: int) -> Array:
    return along(g, lambda items: softmax(g, items), x, dim)


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
