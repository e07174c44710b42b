"""Copies, and reading and writing at positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.pairs import paired, real_part
from checker.tape.scalars import Array, Scalar

G = Graph[Any]

# copies


@rule("clone", "contiguous")
def _clone(g: G, x: Array) -> Array:
    return x.copy()


@rule("_to_copy")
def _to_copy(g: G, x: Array, recorded: Any, dtype: Any = None) -> Array | None:
    """Between floating dtypes a copy, rounded by the interpreter, and of a complex number as a real one its real part; to integers the
    recorded value, with a check that no edge is near."""
    if recorded[0] is None:
        return real_part(x) if paired(x) and dtype is not None and not dtype.is_complex else g.array(x).copy()
    for a in x.reshape(-1) if x.dtype == object else ():
        nearest = round(g.numbers.approximate(a.value))
        if g.numbers.sign((Scalar(g, a.value) - nearest).value) == 0 and nearest:
            g.check("integer", Scalar(g, a.value) - nearest)
    return None


@rule("copy")
def _copy(g: G, x: Array, src: Array) -> Array:
    source = g.array(src)
    return np.broadcast_to(real_part(source) if paired(source) and not paired(x) else source, x.shape)


@rule("fill")
def _fill(g: G, x: Array, value: Any) -> Array:
    return np.broadcast_to(g.array(value), x.shape)


@rule("zero", "zeros_like", "new_zeros", "empty_like", "new_empty")
def _zeros(g: G, x: Array, size: Sequence[int] | None = None) -> Array:
    return g.full(x.shape if size is None else size, g.zero)


@rule("ones_like", "new_ones")
def _ones(g: G, x: Array, size: Sequence[int] | None = None) -> Array:
    return g.full(x.shape if size is None else size, g.one)


@rule("full_like")
def _full_like(g: G, x: Array, fill_value: float) -> Array:
    return g.full(x.shape, g.scalar(fill_value))


@rule("new_full")
def _new_full(g: G, x: Array, size: Sequence[int], fill_value: float) -> Array:
    return g.full(size, g.scalar(fill_value))


# putting together and rearranging


@rule("cat")
def _cat(g: G, tensors: Sequence[Array], dim: int = 0) -> Array:
    parts = [g.array(t) for t in tensors if t.shape != (0,)] or [g.array(tensors[0])]
    return np.concatenate(parts, dim)


@rule("stack")
def _stack(g: G, tensors: Sequence[Array], dim: int = 0) -> Array:
    return np.stack([g.array(t) for t in tensors], dim)


@rule("repeat")
def _repeat(g: G, x: Array, repeats: Sequence[int]) -> Array:
    return np.tile(x, tuple(repeats))


@rule("roll")
def _roll(g: G, x: Array, shifts: Sequence[int], dims: Sequence[int] = ()) -> Array:
    return np.roll(x, tuple(shifts), tuple(dims)) if len(dims) else np.roll(x, shifts[0])


@rule("flip")
def _flip(g: G, x: Array, dims: Sequence[int]) -> Array:
    return np.flip(x, tuple(dims)) if x.ndim else x


@rule("tril")
def _tril(g: G, x: Array, diagonal: int = 0) -> Array:
    return g.choose(np.tri(x.shape[-2], x.shape[-1], diagonal, dtype=bool), x, g.zero)


@rule("triu")
def _triu(g: G, x: Array, diagonal: int = 0) -> Array:
    return g.choose(np.tri(x.shape[-2], x.shape[-1], diagonal - 1, dtype=bool), g.zero, x)


@rule("diag_embed")
def _diag_embed(g: G, x: Array, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Array:
    n = x.shape[-1] + abs(offset)
    result = g.full((*x.shape[:-1], n, n), g.zero)
    places = np.arange(x.shape[-1])
    result[..., places + max(-offset, 0), places + max(offset, 0)] = x
    return np.moveaxis(result, (-2, -1), (dim1, dim2))


@rule("constant_pad_nd")
def _pad(g: G, x: Array, pad: Sequence[int], value: float = 0) -> Array:
    """`pad` has (before, after) pairs from the last dimension on; a negative one crops."""
    widths = [(0, 0)] * (x.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    x = g.array(x)[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True))]
    result = g.full([n + max(a, 0) + max(b, 0) for n, (a, b) in zip(x.shape, widths, strict=True)], g.scalar(value))
    result[tuple(slice(max(a, 0), max(a, 0) + n) for n, (a, _) in zip(x.shape, widths, strict=True))] = x
    return result


# reading


def places(indices: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(slice(None) if i is None else i for i in indices)


@rule("index.Tensor", "_unsafe_index")
def _index(g: G, x: Array, indices: Sequence[Any]) -> Array:
    result = x[places(indices)]
    return result if isinstance(result, np.ndarray) else g.array(result)


@rule("index_select")
def _index_select(g: G, x: Array, dim: int, index: Array) -> Array:
    return np.take(x, index.reshape(-1), dim) if x.ndim else x.copy()


@rule("take")
def _take(g: G, x: Array, index: Array) -> Array:
    return np.asarray(x.reshape(-1)[index], object)


@rule("gather")
def _gather(g: G, x: Array, dim: int, index: Array) -> Array:
    shape, (x, index) = index.shape, np.atleast_1d(x, index)
    if not index.size:
        return np.empty(shape, object)
    kept = x[tuple(slice(None) if d == dim % x.ndim else slice(n) for d, n in enumerate(index.shape))]
    return np.take_along_axis(kept, index, dim).reshape(shape)


@rule("masked_select")
def _masked_select(g: G, x: Array, mask: Array) -> Array:
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]
