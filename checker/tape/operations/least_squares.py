"""Linear algebra: least squares and the pseudoinverse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.implicit import Pseudoinverse
from checker.tape.operations import rule
from checker.tape.operations.linear import batched
from checker.tape.operations.stacks import each, implicit, refusing, symmetric
from checker.tape.scalars import Array
from checker.tape.spectrum import Singular

G = Graph[Any]


@rule("linalg_pinv.atol_rtol_tensor")
def _pinv(g: G, x: Array, atol: Array | None = None, rtol: Array | None = None, hermitian: bool = False) -> Array:
    """A⁺ where the tolerance leaves out no singular value. torch reads the lower triangle of a symmetric matrix."""
    a = symmetric(g, x, False) if hermitian else x
    least = [0.0 if t is None else _largest(g, t) for t in (atol, rtol)]
    return _pseudoinverse(g, "linalg_pinv", a, least[0], least[1] if rtol is not None else None if atol is None else 0.0)


def _pseudoinverse(g: G, name: str, a: Array, atol: float, rtol: float | None) -> Array:
    def one(m: Array) -> tuple[Array, ...]:
        near = g.numbers.approximate
        sizes = np.linalg.svd(np.array([[near(x.value) for x in row] for row in m]), compute_uv=False)
        share = np.finfo(float).eps * max(m.shape) if rtol is None else rtol
        if sizes.size and sizes[-1] <= 1.01 * max(atol, share * sizes[0]):
            raise Unsupported(f"aten.{name}", "a singular value is within the tolerance, or near it", line=g.line)
        return tuple(implicit(g, Pseudoinverse(), m))

    return each(refusing(g, name, one, "the matrix cannot be told from one of less than full rank"), [a.shape[-2:][::-1]], a)[0]


def _largest(g: G, tolerance: Any) -> float:
    return max((g.numbers.approximate(x.value) for x in g.array(tolerance).reshape(-1)), default=0.0)


@rule("linalg_lstsq")
def _lstsq(
    g: G, x: Array, b: Array, rcond: float | None = None, driver: str | None = None
) -> tuple[Array, Array, None, Array]:  # fmt: skip
    """X = A⁺ B of a matrix of full rank, and where torch gives them Σ (A X − B)² of every column and the singular values."""
    vector = b.ndim == x.ndim - 1 and b.shape == x.shape[:-1]
    inverse = _pseudoinverse(g, "linalg_lstsq", x, 0.0, rcond)
    right = b[..., None] if vector else b
    outer = np.broadcast_shapes(inverse.shape[:-2], right.shape[:-2])
    solution = _products(g, inverse, right, outer)
    residuals = np.empty(0, object)
    if x.shape[-2] > x.shape[-1] and driver not in (None, "gelsy"):
        rest = _products(g, x, solution, outer) - right
        residuals = np.apply_along_axis(lambda column: g.dot(list(column), list(column)), -2, rest) if rest.size else rest.sum(-2)
    sizes = np.empty(0, object)
    if driver in ("gelsd", "gelss"):
        m, k = x.shape[-2], min(x.shape[-2:])
        find = refusing(g, "linalg_lstsq", lambda a: (implicit(g, Singular(np.zeros((m, k))), a)[1],), "two singular values may be one")
        sizes = each(find, [(k,)], x)[0]
    return solution[..., 0] if vector else solution, residuals, None, sizes


def _products(g: G, x: Array, y: Array, outer: tuple[int, ...]) -> Array:
    """The products of two stacks of matrices, spread over the leading dimensions `outer`."""
    stacks = [np.broadcast_to(s, (*outer, *s.shape[-2:])).reshape(math.prod(outer), *s.shape[-2:]) for s in (x, y)]
    return batched(g, *stacks).reshape(*outer, x.shape[-2], y.shape[-1])
