"""Linear algebra: what solves equations of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.linear import matmul
from checker.tape.operations.stacks import carried, constants, each, halves, identity, plain, refusing, transposed, triangle, values
from checker.tape.pairs import Pair, paired
from checker.tape.scalars import Array

G = Graph[Any]

# X with A X = B is linearised at its value. The residual R = B − A X is zero, and dX = A⁻¹ dR: torch's formula in two steps.


def solved(g: G, a: Array, b: Array) -> Array:
    """A⁻¹ B of two matrices; where they are complex, by the real matrix [[re, −im], [im, re]]."""
    n, numbers = len(a), g.numbers
    if paired(a) or paired(b):
        re, im = halves(g, a)
        both = solved(g, np.block([[re, -im], [im, re]]), np.concatenate(halves(g, b)))
        return g.map(Pair, both[:n], both[n:])
    matrix = values(a)
    value = numbers.solve(matrix, values(b))
    if all(v.index < 0 for v in (*a.reshape(-1), *b.reshape(-1))):
        return constants(g, value, b.shape)
    inverse = numbers.solve(matrix, values(identity(g, n)))
    result = np.empty(b.shape, object)
    for j in range(b.shape[1]):
        slopes = [numbers.negate(value[k][j]) for k in range(n)]
        residual = [g.node(numbers.zero, [(b[i, j], numbers.one), *zip(a[i], slopes, strict=True)]) for i in range(n)]
        for i in range(n):
            result[i, j] = g.node(value[i][j], zip(residual, inverse[i], strict=True))
    return result


def solve(g: G, name: str, a: Array, b: Array, left: bool = True) -> Array:
    """X of A X = B, or where not `left` of X A = B, for stacks of matrices."""
    if not left:
        return solve(g, name, a.swapaxes(-1, -2), b.swapaxes(-1, -2)).swapaxes(-1, -2)
    return each(refusing(g, name, lambda p, q: (solved(g, p, q),)), [b.shape[-2:]], a, g.array(b))[0]


@rule("linalg_inv_ex")
def _inv(g: G, A: Array) -> tuple[Array, None]:  # noqa: N803 (ATen's name)
    return solve(g, "linalg_inv_ex", A, identity(g, A.shape[-1])), None


@rule("_linalg_solve_ex")
def _solve_ex(g: G, A: Array, B: Array, left: bool = True) -> tuple[Array, None]:  # noqa: N803
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if vector:
        return solve(g, "_linalg_solve_ex", A, B[..., None])[..., 0], None
    return solve(g, "_linalg_solve_ex", A, B, left), None


@rule("linalg_solve_triangular")
def _solve_triangular(
    g: G, x: Array, B: Array, upper: bool, left: bool = True, unitriangular: bool = False  # noqa: N803
) -> Array:  # fmt: skip
    return solve(g, "linalg_solve_triangular", triangle(g, x, upper, unitriangular), B, left)


@rule("triangular_solve")
def _triangular_solve(
    g: G, x: Array, A: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False  # noqa: N803
) -> tuple[Array, Array]:  # fmt: skip
    a = triangle(g, A, upper, unitriangular)
    return solve(g, "triangular_solve", a.swapaxes(-1, -2) if transpose else a, x), A.copy()


@rule("cholesky_solve")
def _cholesky_solve(g: G, x: Array, input2: Array, upper: bool = False) -> Array:
    """X of L Lᴴ X = B by two triangles, with dX = (L Lᴴ)⁻¹ (dB − d(L Lᴴ) X) as torch has it: that loses more than the triangles would."""
    name, factor = "cholesky_solve", triangle(g, input2, upper)
    lower = transposed(g, factor) if upper else factor

    def fixed(c: Array) -> Array:
        triangles = plain(g, lower)
        return solve(g, name, transposed(g, triangles), solve(g, name, triangles, plain(g, c)))

    def one(triangle: Array, b: Array, value: Array, inverse: Array) -> tuple[Array]:
        moved = matmul(g, inverse, b - matmul(g, matmul(g, triangle, transposed(g, triangle)), value))
        return (carried(g, value, moved),)

    return each(one, [x.shape[-2:]], lower, x, fixed(x), fixed(identity(g, x.shape[-2])))[0]


@rule("cholesky_inverse")
def _cholesky_inverse(g: G, x: Array, upper: bool = False) -> Array:
    return _cholesky_solve(g, identity(g, x.shape[-1]), x, upper)


@rule("linalg_lu_solve")
def _lu_solve(
    g: G, LU: Array, pivots: Array, B: Array, left: bool = True, adjoint: bool = False  # noqa: N803
) -> Array:  # fmt: skip
    """X of P L U X = B: by L, then by U; of X P L U = B as that of (P L U)ᴴ Xᴴ = Bᴴ."""
    name = "linalg_lu_solve"
    if not left:
        return transposed(g, _lu_solve(g, LU, pivots, transposed(g, B), True, not adjoint))
    lower, upper, order = triangle(g, LU, False, True), triangle(g, LU, True), permutations(pivots, LU.shape[-1])
    outer = np.broadcast_shapes(order.shape[:-1], B.shape[:-2])
    order = np.broadcast_to(order, (*outer, order.shape[-1]))[..., None]
    b = np.broadcast_to(B, (*outer, *B.shape[-2:]))
    if not adjoint:
        return solve(g, name, upper, solve(g, name, lower, np.take_along_axis(b, order, -2)))
    permuted = solve(g, name, transposed(g, lower), solve(g, name, transposed(g, upper), b))
    return np.take_along_axis(permuted, np.argsort(order, -2), -2)


def permutations(pivots: Array, rows: int) -> Array:
    """LAPACK's interchanges (from 1: row i goes with row pivots[i]) as the order that the rows come to stand in."""
    result = np.empty((*pivots.shape[:-1], rows), int)
    for index in np.ndindex(pivots.shape[:-1]):
        order = list(range(rows))
        for i, other in enumerate(pivots[index].tolist()):
            order[i], order[other - 1] = order[other - 1], order[i]
        result[index] = order
    return result
