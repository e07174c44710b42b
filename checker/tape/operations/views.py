"""Views: the result shares memory with its operand, so that a write through one is seen by all.

A shape that NumPy can only give by copying stays a copy; what would be written to it is refused by the interpreter's value check.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from checker.tape.operations import rule
from checker.tape.scalars import Array, Graph

G = Graph[Any]


@rule("detach", "alias", "lift_fresh", "view_as", "lift", view=True)
def _alias(g: G, x: Array) -> Array:
    return x[...]


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


def _before(x: Array, dim: int) -> tuple[slice, ...]:
    return (slice(None),) * int(dim % max(x.ndim, 1))
