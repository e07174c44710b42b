"""Matrices of balls: what solves them, exactly, and as a backward stable algorithm in floating point may leave it.

Comes in: rows of balls.  Goes out: solutions, determinants with adjugates, and implicit functions, each exact or with what rounding may
do.  Why: elimination and orthogonal algorithms are bounded by their conditioning, not step by step: the computed result is the exact one
of a matrix that is off by a few n·u of itself (Higham, Accuracy and Stability of Numerical Algorithms, chapters 9, 10 and 19).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flint
import numpy as np
from flint import arb

from checker.tape.graph import Graph
from checker.tape.numbers import Implicit
from checker.tape.scalars import Array, Scalar

Rows = Sequence[Sequence[arb]]

#: The backward error of elimination, in n·u of the matrix.
BACKWARD = 3
#: What terms of second order may add, where values stay apart by four times their change: the first order once more.
SECOND_ORDER = 2


def solve(matrix: Rows, right: Rows) -> list[list[arb]]:
    """X with `matrix` X = `right`.

    Raises:
        ZeroDivisionError: the matrix cannot be told from a singular one.
    """
    if not matrix or not right[0]:
        return [list(row) for row in right]
    solution: list[list[arb]] = flint.arb_mat(matrix).solve(flint.arb_mat(right)).tolist()
    return solution


def solve_rounded(matrix: Rows, right: Rows, unit: float) -> list[list[arb]]:
    """Gaussian elimination is backward stable with pivoting: |δX| ≤ 3n·u |A⁻¹| |A| |X| entry by entry, with modest growth."""
    solution = solve(matrix, right)
    n = len(matrix)
    if not n or not right[0]:
        return solution
    size = _absolute(solve(matrix, identity(n))) * (_absolute(matrix) * _absolute(solution))
    spread = arb(0, BACKWARD * n * unit)
    return [[x + size[i, j] * spread for j, x in enumerate(row)] for i, row in enumerate(solution)]


def adjugate(matrix: Rows) -> tuple[arb, list[list[arb]]]:
    """The determinant and the adjugate, of a singular matrix too."""
    n = len(matrix)
    try:
        inverse = solve(matrix, identity(n))
    except ZeroDivisionError:
        return _leverrier(matrix)
    determinant: arb = flint.arb_mat(matrix).det() if n else arb(1)
    return determinant, [[determinant * x for x in row] for row in inverse]


def adjugate_rounded(matrix: Rows, unit: float) -> tuple[arb, list[list[arb]]]:
    """As if every entry of the matrix were off by 3n·u of itself, which is the backward error of elimination."""
    determinant, found = adjugate(matrix)
    n = len(matrix)
    if not n:
        return determinant, found
    sizes = _absolute(matrix)
    spread = arb(0, BACKWARD * n * unit)
    try:
        inverse = _absolute(solve(matrix, identity(n)))
        change = inverse * (sizes * inverse) * abs(determinant)
        change += _absolute(found) * sum((inverse[i, j] * sizes[j, i] for i in range(n) for j in range(n)), arb(0))
    except ZeroDivisionError:
        change = (n - 1) * _permanents(sizes)
    trace = sum((abs(found[j][i]) * sizes[i, j] for i in range(n) for j in range(n)), arb(0))
    return determinant + trace * spread, [[x + change[i, j] * spread for j, x in enumerate(row)] for i, row in enumerate(found)]


def implicit_rounded(function: Implicit, matrix: Rows, unit: float, exact: Graph[arb]) -> list[Array]:
    """The results of an implicit function, by an orthogonal algorithm in floating point.

    They are the exact ones of a matrix that is off by its own radius r and by δ with ‖δ‖ ≤ b·‖A‖ (Frobenius), b the backward error: to
    first order each entry moves by ‖J‖·‖δ‖ + |J|·r, with J its derivative by the matrix. That is Weyl's bound for an eigenvalue and that of
    Davis and Kahan for its vector. To that comes the rounding of the result itself, b times its largest entry. `exact` is the graph for J.
    """
    middle = [[x.mid() for x in row] for row in matrix]
    results = function.values(flint.arb_mat(middle))
    slopes = function.slopes(exact, _constants(exact, np.array(middle, object)), [_constants(exact, y) for y in results])
    radii = [x.rad() for row in matrix for x in row]
    n = max(len(matrix), *(len(row) for row in matrix))
    relative = function.backward(n, unit)
    change = relative * _length([x for row in matrix for x in row])
    widened = []
    for y, slope in zip(results, slopes, strict=True):
        own = relative * max((x.abs_upper() for x in y.reshape(-1)), default=arb(0), key=float)
        wide = np.empty(y.shape, object)
        for index in np.ndindex(y.shape):
            row = [s.value for s in slope[index].reshape(-1)]
            moved = change * _length(row) + sum((abs(s) * r for s, r in zip(row, radii, strict=True)), arb(0))
            wide[index] = y[index] + (SECOND_ORDER * moved + own) * arb(0, 1)
        widened.append(wide)
    return widened


def _length(entries: Sequence[arb]) -> arb:
    """No less than the root of the sum of the squares."""
    return sum((x.abs_upper() ** 2 for x in entries), arb(0)).sqrt()


def identity(n: int) -> list[list[arb]]:
    """The n × n identity."""
    return [[arb(int(i == j)) for j in range(n)] for i in range(n)]


def _constants(g: Graph[Any], array: Array) -> Array:
    return np.frompyfunc(lambda x: Scalar(g, x), 1, 1)(array)


def _absolute(rows: Rows) -> flint.arb_mat:
    return flint.arb_mat([[abs(x) for x in row] for row in rows])


def _leverrier(matrix: Rows) -> tuple[arb, list[list[arb]]]:
    """Determinant and adjugate by Faddeev and LeVerrier: only integers are divided by, so a singular matrix is as good as any.

    M₁ = I, c = tr(A Mₖ) / k, Mₖ₊₁ = A Mₖ − c I; then det A = (−1)ⁿ⁻¹ c of the last step, and adj A = (−1)ⁿ⁻¹ Mₙ.
    """
    a, one = flint.arb_mat(matrix), flint.arb_mat(identity(len(matrix)))
    power, product = one, a
    for k in range(1, len(matrix)):
        power = product - one * (_trace(product) / k)
        product = a * power
    sign = (-1) ** (len(matrix) - 1)
    return sign * _trace(product) / len(matrix), (power * sign).tolist()


def _trace(matrix: flint.arb_mat) -> arb:
    return sum((matrix[i, i] for i in range(matrix.nrows())), arb(0))


def _permanents(sizes: flint.arb_mat) -> flint.arb_mat:
    """A bound of Σ |products| in each entry of the adjugate: the product of the row sums of the minor."""
    n = sizes.nrows()
    bound = [[arb(1)] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            for row in (r for r in range(n) if r != j):
                bound[i][j] *= sum((sizes[row, column] for column in range(n) if column != i), arb(0))
    return flint.arb_mat(bound)
