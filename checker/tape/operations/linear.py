"""Linear algebra: products of vectors, matrices and stacks of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.pairs import paired
from checker.tape.scalars import Array

G = Graph[Any]


def matmul(g: G, x: Array, y: Array, start: Array | None = None) -> Array:
    """x y of two matrices, or start + x y: every entry is one sum, whose order kernels are free to choose."""
    rows, columns = [list(r) for r in g.array(x)], [list(c) for c in g.array(y).T]
    result = np.empty((x.shape[0], y.shape[1]), object)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            result[i, j] = g.dot(row, column) if start is None else g.dot([start[i, j], *row], [g.one, *column])
    return result


def batched(g: G, x: Array, y: Array, start: Array | None = None) -> Array:
    """x y of two stacks of matrices, or start + x y."""
    result = np.empty((x.shape[0], x.shape[1], y.shape[2]), object)
    for i in range(x.shape[0]):
        result[i] = matmul(g, x[i], y[i], None if start is None else start[i])
    return result


def _scaled(g: G, x: Array, by: float) -> Array:
    return g.array(x) if by == 1 else g.map(lambda a: by * a, x)


def _start(g: G, x: Array, beta: float, shape: tuple[int, ...]) -> Array | None:
    """beta x, spread over `shape`. As in torch, beta = 0 leaves x out even where it is not a number."""
    return None if beta == 0 else np.broadcast_to(_scaled(g, x, beta), shape)


@rule("dot")
def _dot(g: G, x: Array, tensor: Array) -> Array:
    return g.array(g.dot(list(g.array(x)), list(g.array(tensor))))


@rule("vdot")
def _vdot(g: G, x: Array, y: Array) -> Array:
    """Σ x̄ᵢ yᵢ."""
    return g.array(g.dot([z.conjugate() for z in x] if paired(x) else list(g.array(x)), list(g.array(y))))


@rule("mv")
def _mv(g: G, x: Array, vec: Array) -> Array:
    return matmul(g, x, vec[:, None])[:, 0]


@rule("mm")
def _mm(g: G, x: Array, mat2: Array) -> Array:
    return matmul(g, x, mat2)


@rule("bmm")
def _bmm(g: G, x: Array, mat2: Array) -> Array:
    return batched(g, x, mat2)


@rule("addmm")
def _addmm(g: G, x: Array, mat1: Array, mat2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return matmul(g, _scaled(g, mat1, alpha), mat2, _start(g, x, beta, (len(mat1), mat2.shape[1])))


@rule("addmv")
def _addmv(g: G, x: Array, mat: Array, vec: Array, beta: float = 1, alpha: float = 1) -> Array:
    start = _start(g, x, beta, (len(mat),))
    return matmul(g, _scaled(g, mat, alpha), vec[:, None], None if start is None else start[:, None])[:, 0]


@rule("addr")
def _addr(g: G, x: Array, vec1: Array, vec2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return matmul(g, _scaled(g, vec1[:, None], alpha), vec2[None], _start(g, x, beta, (len(vec1), len(vec2))))


@rule("baddbmm")
def _baddbmm(g: G, x: Array, batch1: Array, batch2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return batched(g, _scaled(g, batch1, alpha), batch2, _start(g, x, beta, (*batch1.shape[:2], batch2.shape[2])))


@rule("addbmm")
def _addbmm(g: G, x: Array, batch1: Array, batch2: Array, beta: float = 1, alpha: float = 1) -> Array:
    wide, tall = np.concatenate(list(batch1), 1), np.concatenate(list(batch2), 0)
    return matmul(g, _scaled(g, wide, alpha), tall, _start(g, x, beta, (len(wide), tall.shape[1])))


@rule("linalg_cross")
def _cross(g: G, x: Array, y: Array, dim: int = -1) -> Array:
    a, b = (np.moveaxis(v, dim, 0) for v in np.broadcast_arrays(g.array(x), g.array(y)))
    rows = [g.map(lambda p, q, r, s: p * q - r * s, a[i], b[j], a[j], b[i]) for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.moveaxis(np.stack(rows), 0, dim)


@rule("trace")
def _trace(g: G, x: Array) -> Array:
    return g.array(g.add(list(np.diagonal(x))))


@rule("_trilinear")
def _trilinear(
    g: G,
    i1: Array,
    i2: Array,
    i3: Array,
    expand1: list[int],
    expand2: list[int],
    expand3: list[int],
    sumdim: list[int],
    unroll_dim: int = 1,
) -> Array:
    """Σ i1·i2·i3 over the dimensions `sumdim`, after new dimensions were put into each; in which order is the kernel's choice."""
    factors = (np.expand_dims(g.array(x), tuple(sorted(at))) for x, at in ((i1, expand1), (i2, expand2), (i3, expand3)))
    terms = g.map(lambda a, b, c: a * b * c, *factors)
    kept = [d for d in range(terms.ndim) if d not in sumdim]
    terms = terms.transpose(*kept, *sumdim)
    flat = terms.reshape(*terms.shape[: len(kept)], math.prod(terms.shape[len(kept) :]))
    result = np.empty(flat.shape[:-1], object)
    for index in np.ndindex(result.shape):
        result[index] = g.add(list(flat[index]))
    return result
