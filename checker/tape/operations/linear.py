"""Linear algebra: products of matrices, and what solves them."""

from __future__ import annotations

from typing import Any

import numpy as np

from checker.tape.operations import rule
from checker.tape.scalars import Graph, Scalar
from checker.values import Array

G = Graph[Any]


def matmul(g: G, x: Array, y: Array) -> Array:
    """x y of two matrices: every entry is one inner product."""
    rows, columns = [list(r) for r in g.array(x)], [list(c) for c in g.array(y).T]
    result = np.empty((x.shape[0], y.shape[1]), object)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            result[i, j] = g.dot(row, column)
    return result


def batched(g: G, x: Array, y: Array) -> Array:
    """x y of two stacks of matrices."""
    result = np.empty((x.shape[0], x.shape[1], y.shape[2]), object)
    for i in range(x.shape[0]):
        result[i] = matmul(g, x[i], y[i])
    return result


def _blend(g: G, x: Array, product: Array, beta: float, alpha: float) -> Array:
    """beta x + alpha product. As in torch, beta = 0 leaves x out even where it is not a number."""

    def one(a: Scalar, p: Scalar) -> Scalar:
        p = p if alpha == 1 else alpha * p
        return p if beta == 0 else (a if beta == 1 else beta * a) + p

    return g.map(one, x, product)


@rule("dot", "vdot")
def _dot(g: G, x: Array, tensor: Array | None = None, y: Array | None = None) -> Array:
    return g.array(g.dot(list(g.array(x)), list(g.array(tensor if y is None else y))))


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
    return _blend(g, x, matmul(g, mat1, mat2), beta, alpha)


@rule("addmv")
def _addmv(g: G, x: Array, mat: Array, vec: Array, beta: float = 1, alpha: float = 1) -> Array:
    return _blend(g, x, matmul(g, mat, vec[:, None])[:, 0], beta, alpha)


@rule("addr")
def _addr(g: G, x: Array, vec1: Array, vec2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return _blend(g, x, g.map(lambda a, b: a * b, vec1[:, None], vec2[None]), beta, alpha)


@rule("baddbmm")
def _baddbmm(g: G, x: Array, batch1: Array, batch2: Array, beta: float = 1, alpha: float = 1) -> Array:
    return _blend(g, x, batched(g, batch1, batch2), beta, alpha)


@rule("addbmm")
def _addbmm(g: G, x: Array, batch1: Array, batch2: Array, beta: float = 1, alpha: float = 1) -> Array:
    wide, tall = np.concatenate(list(batch1), 1), np.concatenate(list(batch2), 0)
    return _blend(g, x, matmul(g, wide, tall), beta, alpha)
