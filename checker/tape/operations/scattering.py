"""Writing at positions: what meets at one position is one sum, product, mean or extreme."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.indexing import places
from checker.tape.operations.ordering import extreme
from checker.tape.operations.reductions import mean, product_by_logarithms
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


@rule("index_put", "_unsafe_index_put")
def _index_put(g: G, x: Array, indices: Sequence[Any], values: Array, accumulate: bool = False) -> Array:
    result, chosen = g.array(x).copy(), places(indices)
    if accumulate:
        _meet(g, result, np.arange(x.size).reshape(x.shape)[chosen], g.array(values))
    else:
        result[chosen] = g.array(values)
    return result


def _meet(g: G, target: Array, positions: Array, values: Array, reduce: str = "sum", include_self: bool = True) -> None:
    """Into each entry of `target` at flat `positions` goes the reduction of the `values` that meet there, and of the entry itself."""
    flat, together = target.reshape(-1), _REDUCTIONS[reduce]
    # where nothing meets, torch multiplies and divides by the entry all the same
    meeting: dict[int, list[Scalar]] = {i: [] for i in range(flat.size)} if reduce == "prod" else {}
    for position, value in zip(positions.reshape(-1).tolist(), np.broadcast_to(values, positions.shape).reshape(-1), strict=True):
        meeting.setdefault(position, []).append(value)
    for position, terms in meeting.items():
        flat[position] = together(g, [flat[position], *terms] if include_self or not terms else terms)


_REDUCTIONS: dict[str, Callable[[G, list[Scalar]], Scalar]] = {
    "sum": lambda g, items: g.add(items),
    "prod": product_by_logarithms,
    "mean": mean,
    **dict.fromkeys(("amax", "max"), lambda g, items: extreme(g, "max", items)),
    **dict.fromkeys(("amin", "min"), lambda g, items: extreme(g, "min", items)),
}


def _positions(x: Array, dim: int, index: Array) -> Array:
    """Flat positions in `x` that scatter writes for each entry of `index`."""
    grid = list(np.indices(index.shape, sparse=True))
    grid[dim % x.ndim] = index
    return np.ravel_multi_index(np.broadcast_arrays(*grid), x.shape)


@rule("scatter.src", "scatter.value")
def _scatter(g: G, x: Array, dim: int, index: Array, src: Any = None, value: Any = None) -> Array:
    result, index = np.atleast_1d(g.array(x).copy(), index)
    source = g.array(value) if src is None else np.atleast_1d(g.array(src))[tuple(slice(n) for n in index.shape)]
    result.reshape(-1)[_positions(result, dim, index)] = np.broadcast_to(source, index.shape)
    return result.reshape(x.shape)


@rule("scatter_reduce.two")
def _scatter_reduce(g: G, x: Array, dim: int, index: Array, src: Array, reduce: str, include_self: bool = True) -> Array:
    result, index = np.atleast_1d(g.array(x).copy(), index)
    values = np.atleast_1d(g.array(src))[tuple(slice(n) for n in index.shape)]
    _meet(g, result, _positions(result, dim, index), values, reduce, include_self)
    return result.reshape(x.shape)


@rule("scatter_add")
def _scatter_add(g: G, x: Array, dim: int, index: Array, src: Array) -> Array:
    return _scatter_reduce(g, x, dim, index, src, "sum")


@rule("scatter.reduce", "scatter.value_reduce")
def _scatter_by(g: G, x: Array, dim: int, index: Array, reduce: str, src: Any = None, value: Any = None) -> Array:
    """The older names of two of the reductions."""
    source = np.broadcast_to(g.array(value), index.shape) if src is None else src
    return _scatter_reduce(g, x, dim, index, source, {"add": "sum", "multiply": "prod"}[reduce])


@rule("index_add")
def _index_add(g: G, x: Array, dim: int, index: Array, source: Array, alpha: float = 1) -> Array:
    result, index = np.atleast_1d(g.array(x).copy(), index)
    rows = np.moveaxis(np.arange(result.size).reshape(result.shape), dim, 0)[index]
    values = np.atleast_1d(g.array(source) if alpha == 1 else g.map(lambda v: alpha * v, source))
    _meet(g, result, rows, np.moveaxis(values, dim, 0))
    return result.reshape(x.shape)


@rule("index_reduce")
def _index_reduce(g: G, x: Array, dim: int, index: Array, source: Array, reduce: str, include_self: bool = True) -> Array:
    result, index = np.atleast_1d(g.array(x).copy(), index)
    rows = np.moveaxis(np.arange(result.size).reshape(result.shape), dim, 0)[index]
    _meet(g, result, rows, np.moveaxis(np.atleast_1d(g.array(source)), dim, 0), reduce, include_self)
    return result.reshape(x.shape)


@rule("index_copy")
def _index_copy(g: G, x: Array, dim: int, index: Array, source: Array) -> Array:
    result = np.atleast_1d(g.array(x).copy())
    np.moveaxis(result, dim, 0)[np.atleast_1d(index)] = np.moveaxis(np.atleast_1d(g.array(source)), dim, 0)
    return result.reshape(x.shape)


@rule("index_fill")
def _index_fill(g: G, x: Array, dim: int, index: Array, value: Any) -> Array:
    result = np.atleast_1d(g.array(x).copy())
    np.moveaxis(result, dim, 0)[np.atleast_1d(index)] = g.array(value)
    return result.reshape(x.shape)


@rule("put")
def _put(g: G, x: Array, index: Array, source: Array, accumulate: bool = False) -> Array:
    result, index, values = g.array(x).copy(), index.reshape(-1) % max(x.size, 1), g.array(source).reshape(-1)
    if accumulate:
        _meet(g, result, index, values)
    else:
        result.reshape(-1)[index] = values
    return result


@rule("masked_scatter")
def _masked_scatter(g: G, x: Array, mask: Array, source: Array) -> Array:
    result, mask = (a.copy() for a in np.broadcast_arrays(g.array(x), mask))
    result[mask] = g.array(source).reshape(-1)[: int(mask.sum())]
    return result


@rule("select_scatter")
def _select_scatter(g: G, x: Array, src: Array, dim: int, index: int) -> Array:
    result = g.array(x).copy()
    np.moveaxis(result, dim, 0)[index, ...] = g.array(src)
    return result


@rule("slice_scatter")
def _slice_scatter(
    g: G, x: Array, src: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Array:  # fmt: skip
    result = g.array(x).copy()
    np.moveaxis(result, dim, 0)[slice(start, end, step)] = np.moveaxis(g.array(src), dim, 0)
    return result


@rule("diagonal_scatter")
def _diagonal_scatter(g: G, x: Array, src: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    result = g.array(x).copy()
    diagonal = np.diagonal(result, offset, dim1, dim2)
    diagonal.flags.writeable = True
    diagonal[...] = g.array(src)
    return result


@rule("segment_reduce")
def _segment_reduce(
    g: G, data: Array, reduce: str, lengths: Array | None = None, offsets: Array | None = None, axis: int = 0, unsafe: bool = False,
    initial: float | None = None,
) -> Array:  # fmt: skip
    """Consecutive segments along `axis`, each reduced together with `initial`; the mean divides by the length of the segment alone."""
    x, start = g.array(data), [] if initial is None else [g.scalar(initial)]
    if offsets is None:
        if lengths is None:
            raise Unsupported("aten.segment_reduce", "neither lengths nor offsets are given", line=g.line)
        offsets = np.concatenate([np.zeros_like(lengths[..., :1]), lengths.cumsum(-1)], -1)
    result = np.empty((*x.shape[:axis], offsets.shape[-1] - 1, *x.shape[axis + 1 :]), object)
    for place in np.ndindex(result.shape):
        outer, segment, inner = place[:axis], place[axis], place[axis + 1 :]
        items = list(x[(*outer, slice(offsets[(*outer, segment)], offsets[(*outer, segment + 1)]), *inner)])
        result[place] = _segment(g, reduce, start, items)
    return result


def _segment(g: G, reduce: str, start: list[Scalar], items: list[Scalar]) -> Scalar:
    if reduce == "mean":
        return g.add([*start, *items]) / g.scalar(len(items)) if items else start[0] if start else mean(g, [])
    if reduce in ("max", "min") and not items:
        return start[0] if start else g.scalar(-math.inf if reduce == "max" else math.inf)
    return _REDUCTIONS[reduce](g, [*start, *items])
