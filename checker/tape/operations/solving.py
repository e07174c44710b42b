"""Linear algebra: what solves equations of matrices, and determinants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.numbers import Implicit
from checker.tape.operations import rule
from checker.tape.operations.linear import matmul
from checker.tape.scalars import Array, Graph, Scalar

G = Graph[Any]

# X with A X = B is linearised at its value. The residual R = B − A X is zero, and dX = A⁻¹ dR: torch's formula in two steps.


def solved(g: G, a: Array, b: Array) -> Array:
    """A⁻¹ B of two matrices."""
    n, numbers = len(a), g.numbers
    matrix = values(a)
    value = numbers.solve(matrix, values(b))
    if all(v.index < 0 for v in (*a.reshape(-1), *b.reshape(-1))):
        return _constants(g, value, b.shape)
    inverse = numbers.solve(matrix, values(identity(g, n)))
    result = np.empty(b.shape, object)
    for j in range(b.shape[1]):
        slopes = [numbers.negate(value[k][j]) for k in range(n)]
        residual = [g.node(numbers.zero, [(b[i, j], numbers.one), *zip(a[i], slopes, strict=True)]) for i in range(n)]
        for i in range(n):
            result[i, j] = g.node(value[i][j], zip(residual, inverse[i], strict=True))
    return result


def identity(g: G, n: int) -> Array:
    """The n × n identity, of constants."""
    return g.choose(np.eye(n, dtype=bool), g.one, g.zero) if n else np.empty((0, 0), object)


def values(matrix: Array) -> list[list[Any]]:
    """The numbers of a matrix of scalars."""
    return [[x.value for x in row] for row in matrix]


def plain(g: G, array: Array) -> Array:
    """The same numbers as constants of the graph: what slopes are computed from."""
    return g.map(lambda x: g.node(x.value, ()), array)


def implicit(g: G, function: Implicit, a: Array) -> list[Array]:
    """The results of an implicit function of the matrix `a`, each with its derivative by every entry.

    Raises:
        ValueError: they cannot be told apart.
    """
    results = g.numbers.implicit(function, values(a))
    if all(x.index < 0 for x in a.reshape(-1)):
        return [_constants(g, y, y.shape) for y in results]
    slopes = function.slopes(g, plain(g, a), [_constants(g, y, y.shape) for y in results])
    found = []
    for y, slope in zip(results, slopes, strict=True):
        array = np.empty(y.shape, object)
        for index in np.ndindex(y.shape):
            array[index] = g.node(y[index], ((x, s.value) for x, s in zip(a.reshape(-1), slope[index].reshape(-1), strict=True)))
        found.append(array)
    return found


def _constants(g: G, entries: Any, shape: tuple[int, ...]) -> Array:
    result = np.empty(shape, object)
    for index in np.ndindex(shape):
        number = entries
        for i in index:
            number = number[i]
        result[index] = Scalar(g, number)
    return result


def each(function: Callable[..., tuple[Array, ...]], shapes: Sequence[tuple[int, ...]], *stacks: Array) -> tuple[Array, ...]:
    """`function` of every matrix of stacks, broadcast together over the leading dimensions; its results have `shapes`.

    It is not asked where there is nothing in any of them.
    """
    outer = np.broadcast_shapes(*(s.shape[:-2] for s in stacks))
    stacks = tuple(np.broadcast_to(s, (*outer, *s.shape[-2:])) for s in stacks)
    results = tuple(np.empty((*outer, *shape), object) for shape in shapes)
    for index in np.ndindex(outer) if any(result.size for result in results) else ():
        for result, found in zip(results, function(*(s[index] for s in stacks)), strict=True):
            result[(*index, ...)] = found
    return results


def refusing(
    g: G, name: str, function: Callable[..., Any], reason: str = "the matrix cannot be told from a singular one"
) -> Callable[..., Any]:
    """`function`, whose failure to tell numbers apart is said of the operation `name`."""

    def attempt(*matrices: Array) -> Any:
        try:
            return function(*matrices)
        except (ZeroDivisionError, ValueError):
            raise Unsupported(f"aten.{name}", reason, line=g.line) from None

    return attempt


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


def triangle(g: G, a: Array, upper: bool, unit: bool = False) -> Array:
    """A triangle of every matrix, zero elsewhere; `unit`: with ones on the diagonal."""
    row, column = np.indices(a.shape[-2:])
    result = g.choose(row <= column if upper else row >= column, a, g.zero)
    return g.choose(row == column, g.one, result) if unit else result


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
    """X of L Lᵀ X = B by two triangles, with dX = (L Lᵀ)⁻¹ (dB − d(L Lᵀ) X) as torch has it: that loses more than the triangles would."""
    name, factor = "cholesky_solve", triangle(g, input2, upper)
    lower = factor.swapaxes(-1, -2) if upper else factor

    def fixed(c: Array) -> Array:
        triangles = plain(g, lower)
        return solve(g, name, triangles.swapaxes(-1, -2), solve(g, name, triangles, plain(g, c)))

    def one(triangle: Array, b: Array, value: Array, inverse: Array) -> tuple[Array]:
        moved = matmul(g, inverse, b - matmul(g, matmul(g, triangle, triangle.T), value))
        return (g.map(lambda y, by: g.node(y.value, [(by, g.numbers.one)]), value, moved),)

    return each(one, [x.shape[-2:]], lower, x, fixed(x), fixed(identity(g, x.shape[-2])))[0]


@rule("cholesky_inverse")
def _cholesky_inverse(g: G, x: Array, upper: bool = False) -> Array:
    return _cholesky_solve(g, identity(g, x.shape[-1]), x, upper)


@rule("linalg_lu_solve")
def _lu_solve(
    g: G, LU: Array, pivots: Array, B: Array, left: bool = True, adjoint: bool = False  # noqa: N803
) -> Array:  # fmt: skip
    """X of P L U X = B: by L, then by U."""
    name = "linalg_lu_solve"
    if not left:
        return _lu_solve(g, LU, pivots, B.swapaxes(-1, -2), True, not adjoint).swapaxes(-1, -2)
    lower, upper, order = triangle(g, LU, False, True), triangle(g, LU, True), permutations(pivots, LU.shape[-1])
    outer = np.broadcast_shapes(order.shape[:-1], B.shape[:-2])
    order = np.broadcast_to(order, (*outer, order.shape[-1]))[..., None]
    b = np.broadcast_to(B, (*outer, *B.shape[-2:]))
    if not adjoint:
        return solve(g, name, upper, solve(g, name, lower, np.take_along_axis(b, order, -2)))
    permuted = solve(g, name, lower.swapaxes(-1, -2), solve(g, name, upper.swapaxes(-1, -2), b))
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


def symmetric(g: G, a: Array, upper: bool) -> Array:
    """The symmetric matrix of which torch reads one triangle: its values, with the derivative of the entry itself."""
    below = np.tri(a.shape[-1], dtype=bool)
    read = np.where(below.T if upper else below, a, np.swapaxes(a, -1, -2))
    return g.map(lambda value, own: g.node(value.value, [(own, g.numbers.one)]), read, a)


# determinants


@rule("_linalg_det")
def _det(g: G, A: Array) -> tuple[Array, None, None]:  # noqa: N803
    def one(a: Array) -> tuple[Array]:
        value, adjugate = g.numbers.adjugate(values(a))
        return (g.array(g.node(value, [(a[i, j], adjugate[j][i]) for i, j in np.ndindex(a.shape)])),)

    return each(one, [()], A)[0], None, None


@rule("_linalg_slogdet")
def _slogdet(g: G, A: Array) -> tuple[Array, Array, None, None]:  # noqa: N803
    """The sign of det A, a constant, and log |det A|, whose derivative is A⁻ᵀ."""
    numbers = g.numbers

    def one(a: Array) -> tuple[Any, Any]:
        value, adjugate = numbers.adjugate(values(a))
        sign = g.check("slogdet", value) or 0
        size = numbers.negate(value) if sign < 0 else value
        slopes = [(a[i, j], numbers.divide(adjugate[j][i], value)) for i, j in np.ndindex(a.shape)]
        return g.scalar(sign), g.node(numbers.function("log", size), slopes)

    sign, size = each(one, [(), ()], A)
    return sign, size, None, None
