"""Views: the result shares memory with its operand, so that a write through one is seen by all.

A shape that NumPy can only give by copying stays a copy; what would be written to it is refused by the interpreter's value check.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.scalars import Array
from checker.tape.tape import Meta

G = Graph[Any]


@rule("detach", "alias", "lift_fresh", "view_as", "lift", view=True)
def _alias(g: G, x: Array) -> Array:
    return x[...]


@rule("view.dtype")
def _bits(g: G, x: Array, dtype: Any) -> Array:
    raise Unsupported("aten.view", "the bits of a number read as another dtype have no rule here", line=g.line)


@rule("view", "_unsafe_view", "reshape", "_reshape_alias", view=True)
def _view(g: G, x: Array, size: Sequence[int], shape: Any = None, stride: Any = None) -> Array:
    return x.reshape(tuple(size))


@rule("permute", view=True)
def _permute(g: G, x: Array, dims: Sequence[int]) -> Array:
    return x.transpose(tuple(dims))


@rule("t", view=True)
def _t(g: G, x: Array) -> Array:
    return x.T


@rule("transpose", view=True)
def _transpose(g: G, x: Array, dim0: int, dim1: int) -> Array:
    return x.swapaxes(dim0, dim1) if x.ndim else x[...]


@rule("expand", view=True)
def _expand(g: G, x: Array, size: Sequence[int], implicit: bool = False) -> Array:
    new = len(size) - x.ndim
    return np.broadcast_to(x, [x.shape[i - new] if n == -1 else n for i, n in enumerate(size)])


def _before(x: Array, dim: int) -> tuple[slice, ...]:
    return (slice(None),) * int(dim % max(x.ndim, 1))


@rule("select", view=True)
def _select(g: G, x: Array, dim: int, index: int) -> Array:
    return x[(*_before(x, dim), index, ...)]


@rule("slice", view=True)
def _slice(g: G, x: Array, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1) -> Array:
    return x[(*_before(x, dim), slice(start, end, step), ...)]


@rule("unsqueeze", view=True)
def _unsqueeze(g: G, x: Array, dim: int) -> Array:
    return x[(*(slice(None),) * (dim % (x.ndim + 1)), None, ...)]


@rule("squeeze", view=True)
def _squeeze(g: G, x: Array, dim: int | Sequence[int] | None = None) -> Array:
    chosen = range(x.ndim) if dim is None else [dim] if isinstance(dim, int) else dim
    drop = {d % x.ndim for d in chosen if x.ndim and x.shape[d] == 1}
    return x[(*(0 if d in drop else slice(None) for d in range(x.ndim)), ...)]


@rule("unbind", view=True)
def _unbind(g: G, x: Array, dim: int = 0) -> list[Array]:
    return [_select(g, x, dim, i) for i in range(x.shape[dim])]


@rule("split.Tensor", "unsafe_split", view=True)
def _split(g: G, x: Array, split_size: int, dim: int = 0) -> list[Array]:
    return [_slice(g, x, dim, i, i + split_size) for i in range(0, max(x.shape[dim], 1), max(split_size, 1))]


@rule("split_with_sizes", "unsafe_split_with_sizes", view=True)
def _split_with_sizes(g: G, x: Array, split_sizes: Sequence[int], dim: int = 0) -> list[Array]:
    ends = np.cumsum([0, *split_sizes]).tolist()
    return [_slice(g, x, dim, a, b) for a, b in itertools.pairwise(ends)]


@rule("diagonal", view=True)
def _diagonal(g: G, x: Array, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Array:
    view = np.diagonal(x, offset, dim1, dim2)
    view.flags.writeable = x.flags.writeable
    return view


@rule("unfold", view=True)
def _unfold(g: G, x: Array, dimension: int, size: int, step: int) -> Array:
    if not x.ndim:
        return x[None]
    windows = np.lib.stride_tricks.sliding_window_view(x, size, dimension, writeable=x.flags.writeable)
    return _slice(g, windows, dimension % x.ndim, None, None, step)


def _strided(g: G, x: Array, laid: Meta, size: Sequence[int], stride: Sequence[int], storage_offset: int | None) -> Array:
    """Entries of the memory that `x` lies in, if it lies there as it does in torch."""
    memory = x
    while isinstance(memory.base, np.ndarray):
        memory = memory.base
    places = [n for n, count in zip(laid.stride, laid.shape, strict=True) if count > 1]
    here = [n // x.itemsize for n, count in zip(x.strides, x.shape, strict=True) if count > 1]
    offset = (x.__array_interface__["data"][0] - memory.__array_interface__["data"][0]) // x.itemsize
    if x.size and not (memory.flags.c_contiguous and places == here and offset == laid.offset):
        raise Unsupported("aten.as_strided", "it reads memory that is laid out otherwise here", line=g.line)
    start = laid.offset if storage_offset is None else storage_offset
    end = start + sum((n - 1) * s for n, s in zip(size, stride, strict=True)) + 1
    if math.prod(size) and end > memory.size:
        raise Unsupported("aten.as_strided", "it reads beyond the memory that is known here", line=g.line)
    flat = memory.reshape(-1)[start:]
    strides = [s * x.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(flat, tuple(size), strides, writeable=x.flags.writeable)


@rule("as_strided", view=True)
def _as_strided(
    g: G, x: Array, size: Sequence[int], stride: Sequence[int], laid: Meta, storage_offset: int | None = None
) -> Array:  # fmt: skip
    return _strided(g, x, laid, size, stride, storage_offset)


@rule("as_strided_scatter")
def _as_strided_scatter(
    g: G, x: Array, src: Array, size: Sequence[int], stride: Sequence[int], laid: Meta, storage_offset: int | None = None
) -> Array:  # fmt: skip
    result = g.array(x).copy()
    _strided(g, result, laid, size, stride, storage_offset)[...] = g.array(src)
    return result


@rule("narrow_copy")
def _narrow_copy(g: G, x: Array, dim: int, start: int, length: int) -> Array:
    return _slice(g, x, dim, start, start + length).copy()


def _copying(name: str, view: Callable[..., Any]) -> None:
    @rule(name)
    @wraps(view)
    def copy(g: G, *args: Any, **kwargs: Any) -> Any:
        result = view(g, *args, **kwargs)
        return [part.copy() for part in result] if isinstance(result, list) else result.copy()


for _name, _view_of in (
    *(("view", _view), ("permute", _permute), ("t", _t), ("transpose", _transpose), ("expand", _expand), ("alias", _alias)),
    *(("detach", _alias), ("select", _select), ("slice", _slice), ("unsqueeze", _unsqueeze), ("squeeze", _squeeze)),
    *(("unbind", _unbind), ("split_with_sizes", _split_with_sizes), ("diagonal", _diagonal), ("unfold", _unfold)),
    *(("as_strided", _as_strided), ("_reshape", _view)),
):
    _copying(f"{_name}_copy", _view_of)
_copying("split_copy.Tensor", _split)
