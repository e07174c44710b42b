"""Matrices of dual numbers: what solves them moves as calculus says.

Comes in: dual numbers and matrices of them.  Goes out: solutions, determinants with adjugates, implicit functions.  Why: the base knows
these as a whole, with bounds for the whole; their parts follow from its results by one formula each (Magnus and Neudecker, *Matrix
Differential Calculus*, chapter 8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.arrays import each
from checker.tape.numbers import Implicit, N
from checker.tape.scalars import Array, Scalar

if TYPE_CHECKING:
    from checker.tape.duals import Dual, Duals, Matrix


def solve(numbers: Duals[N], matrix: Matrix[N], right: Matrix[N]) -> list[list[Dual[N]]]:
    """X = A⁻¹ B, which moves by A⁻¹ (dB − dA X)."""
    base, n = numbers.base, len(matrix)
    solution = base.solve(_values(matrix), _values(right))
    if not any(x.parts for rows in (matrix, right) for row in rows for x in row):
        return [[numbers.plain(x) for x in row] for row in solution]
    inverse = base.solve(_values(matrix), [[base.one if i == j else base.zero for j in range(n)] for i in range(n)])
    negative = [[base.negate(x) for x in row] for row in solution]

    def residual(i: int, j: int) -> Dual[N]:
        """An entry of B − A X: zero, and moving."""
        return numbers.chain(base.zero, (base.one, right[i][j]), *((negative[k][j], matrix[i][k]) for k in range(n)))

    residuals = [[residual(i, j) for j in range(len(right[i]))] for i in range(n)]
    return [
        [numbers.chain(x, *((inverse[i][k], residuals[k][j]) for k in range(n))) for j, x in enumerate(row)]
        for i, row in enumerate(solution)
    ]  # fmt: skip


def adjugate(numbers: Duals[N], matrix: Matrix[N]) -> tuple[Dual[N], list[list[Dual[N]]]]:
    """det A moves by tr(adj A dA) (Jacobi), and adjᵢⱼ by (adjᵢⱼ adjₘₖ − adjᵢₖ adjₘⱼ) / det A for each entry (k, m) of A.

    Raises:
        Unsupported: a matrix of more than one row that moves cannot be told from a singular one.
    """
    base, rows = numbers.base, range(len(matrix))
    value, found = base.adjugate(_values(matrix))
    moving = [(k, m) for k in rows for m in rows if matrix[k][m].parts]
    determinant = numbers.chain(value, *((found[m][k], matrix[k][m]) for k, m in moving))
    if len(matrix) < 2 or not moving:
        return determinant, [[numbers.plain(x) for x in row] for row in found]
    if not base.sign(value):
        raise Unsupported("det", "the second derivative at a matrix that cannot be told from a singular one has no rule here")

    def paths(i: int, j: int, k: int, m: int) -> list[tuple[N, Dual[N]]]:
        """Two paths, so that what they lose where they cancel is known."""
        through, crossed = base.multiply(found[i][j], found[m][k]), base.multiply(found[i][k], found[m][j])
        return [(base.divide(through, value), matrix[k][m]), (base.negate(base.divide(crossed, value)), matrix[k][m])]

    def entry(i: int, j: int) -> Dual[N]:
        return numbers.chain(found[i][j], *(path for k, m in moving for path in paths(i, j, k, m)))

    return determinant, [[entry(i, j) for j in rows] for i in rows]


def implicit(numbers: Duals[N], function: Implicit, matrix: Matrix[N]) -> list[Any]:
    """The results of an implicit function, which move by their derivatives by every entry of the matrix."""
    graph, entries = numbers.graph, _objects(matrix)
    results = numbers.base.implicit(function, _values(matrix))
    moving = [(place, x) for place, x in np.ndenumerate(entries) if x.parts]
    if not moving:
        return [each(y, numbers.plain) for y in results]
    point = each(entries, lambda x: Scalar(graph, x.value))
    slopes = function.slopes(graph, point, [each(y, lambda x: Scalar(graph, x)) for y in results])
    moved = []
    for y, slope in zip(results, slopes, strict=True):
        found = np.empty(y.shape, object)
        for index in np.ndindex(y.shape):
            found[index] = numbers.chain(y[index], *((slope[(*index, *place)].value, x) for place, x in moving))
        moved.append(found)
    return moved


def _values(matrix: Sequence[Sequence[Dual[Any]]]) -> list[list[Any]]:
    return [[x.value for x in row] for row in matrix]


def _objects(matrix: Sequence[Sequence[Dual[Any]]]) -> Array:
    """A matrix as an array. NumPy is told its shape first, since it would look for entries inside an object."""
    result = np.empty((len(matrix), len(matrix[0]) if matrix else 0), object)
    for i, row in enumerate(matrix):
        result[i] = row
    return result
