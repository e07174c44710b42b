"""Linear algebra: products of matrices, and what solves them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.operations import rule
from checker.tape.scalars import Array, Graph, Scalar

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


# solving: X with A X = B is linearised at its value. The residual R = B − A X is zero, and dX = A⁻¹ dR: torch's formula in two steps.


def solved(g: G, a: Array, b: Array) -> Array:
    """A⁻¹ B of two matrices."""
    n, numbers = len(a), g.numbers
    matrix = _values(a)
    value = numbers.solve(matrix, _values(b))
    if all(v.index < 0 for v in (*a.reshape(-1), *b.reshape(-1))):
        return _constants(g, value, b.shape)
    inverse = numbers.solve(matrix, _values(identity(g, n)))
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


def _values(matrix: Array) -> list[list[Any]]:
    return [[x.value for x in row] for row in matrix]


def _constants(g: G, rows: list[list[Any]], shape: tuple[int, ...]) -> Array:
    result = np.empty(shape, object)
    for i, j in np.ndindex(shape):
        result[i, j] = Scalar(g, rows[i][j])
    return result


def _stacked(function: Callable[..., Array], shape: tuple[int, ...], *stacks: Array) -> Array:
    """`function` of every matrix of stacks, broadcast together over the leading dimensions; each result has `shape`."""
    outer = np.broadcast_shapes(*(s.shape[:-2] for s in stacks))
    stacks = tuple(np.broadcast_to(s, (*outer, *s.shape[-2:])) for s in stacks)
    result = np.empty((*outer, *shape), object)
    for index in np.ndindex(outer):
        result[(*index, ...)] = function(*(s[index] for s in stacks))
    return result


def _guarded(g: G, name: str, function: Callable[..., Array]) -> Callable[..., Array]:
    def attempt(*matrices: Array) -> Array:
        try:
            return function(*matrices)
        except ZeroDivisionError:
            raise Unsupported(f"aten.{name}", "the matrix cannot be told from a singular one", line=g.line) from None

    return attempt


@rule("linalg_inv_ex")
def _inv(g: G, A: Array) -> tuple[Array, None]:  # noqa: N803 (ATen's name)
    return _stacked(_guarded(g, "linalg_inv_ex", lambda a: solved(g, a, identity(g, len(a)))), A.shape[-2:], A), None


def _solve(g: G, name: str, a: Array, b: Array, left: bool) -> Array:
    if not left:
        return _solve(g, name, a.swapaxes(-1, -2), b.swapaxes(-1, -2), True).swapaxes(-1, -2)
    return _stacked(_guarded(g, name, lambda p, q: solved(g, p, q)), b.shape[-2:], a, g.array(b))


@rule("_linalg_solve_ex")
def _solve_ex(g: G, A: Array, B: Array, left: bool = True) -> tuple[Array, None]:  # noqa: N803
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if vector:
        return _solve(g, "_linalg_solve_ex", A, B[..., None], True)[..., 0], None
    return _solve(g, "_linalg_solve_ex", A, B, left), None


def _triangle(g: G, a: Array, upper: bool, unit: bool) -> Array:
    n = a.shape[-1]
    keep = np.tri(n, dtype=bool).T if upper else np.tri(n, dtype=bool)
    result = g.choose(keep, a, g.zero)
    return g.choose(np.eye(n, dtype=bool), g.one, result) if unit else result


@rule("linalg_solve_triangular")
def _solve_triangular(
    g: G, x: Array, B: Array, upper: bool, left: bool = True, unitriangular: bool = False  # noqa: N803
) -> Array:  # fmt: skip
    return _solve(g, "linalg_solve_triangular", _triangle(g, x, upper, unitriangular), B, left)


@rule("triangular_solve")
def _triangular_solve(
    g: G, x: Array, A: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False  # noqa: N803
) -> tuple[Array, Array]:  # fmt: skip
    a = _triangle(g, A, upper, unitriangular)
    return _solve(g, "triangular_solve", a.swapaxes(-1, -2) if transpose else a, x, True), A.copy()


@rule("cholesky_solve")
def _cholesky_solve(g: G, x: Array, input2: Array, upper: bool = False) -> Array:
    a = _triangle(g, input2, upper, False)
    lower = a.swapaxes(-1, -2) if upper else a
    return _solve(g, "cholesky_solve", lower.swapaxes(-1, -2), _solve(g, "cholesky_solve", lower, x, True), True)


@rule("linalg_cholesky_ex")
def _cholesky(g: G, x: Array, upper: bool = False) -> tuple[Array, None]:
    """L with L Lᵀ = A. torch reads one triangle and gives the gradient of the symmetric matrix: half to each of a_ij and a_ji."""
    half = (g.one / g.scalar(2)).value

    def factor(a: Array) -> Array:
        lower = np.full(a.shape, g.zero, object)
        for j in range(len(a)):
            for i in range(j, len(a)):
                read, mirror = (a[j, i], a[i, j]) if upper else (a[i, j], a[j, i])
                entry = read if i == j else g.node(read.value, [(read, half), (mirror, half)])
                rest = entry - g.dot(lower[i, :j], lower[j, :j]) if j else entry
                lower[i, j] = g.function("sqrt", rest) if i == j else rest / lower[j, j]
        return lower.T if upper else lower

    return _stacked(factor, x.shape[-2:], x), None


@rule("_linalg_det")
def _det(g: G, A: Array) -> tuple[Array, None, None]:  # noqa: N803
    def one(a: Array) -> Array:
        value, adjugate = g.numbers.adjugate(_values(a))
        return g.array(g.node(value, [(a[i, j], adjugate[j][i]) for i, j in np.ndindex(a.shape)]))

    return _stacked(one, (), A), None, None


@rule("_linalg_slogdet")
def _slogdet(g: G, A: Array) -> tuple[Array, Array, None, None]:  # noqa: N803
    """The sign of det A, a constant, and log |det A|, whose derivative is A⁻ᵀ."""
    numbers = g.numbers

    def one(a: Array) -> Array:
        value, adjugate = numbers.adjugate(_values(a))
        sign = g.check("slogdet", value) or 0
        size = numbers.negate(value) if sign < 0 else value
        slopes = [(a[i, j], numbers.divide(adjugate[j][i], value)) for i, j in np.ndindex(a.shape)]
        return np.array([g.scalar(sign), g.node(numbers.function("log", size), slopes)], object)

    both = _stacked(one, (2,), A)
    return both[..., 0], both[..., 1], None, None


def _spectrum(g: G, name: str, A: Array, count: int, ascending: bool) -> Array:  # noqa: N803
    """The `count` eigenvalues or singular values of every matrix. The derivative of each is its projector, or u vᵀ."""
    find = g.numbers.eigenvalues if ascending else g.numbers.singular_values

    def one(a: Array) -> Array:
        try:
            found = find(_values(a))
        except ValueError:
            raise Unsupported(f"aten.{name}", "two of its values cannot be told apart", line=g.line) from None
        return np.array([g.node(v, [(a[i, j], slope[i][j]) for i, j in np.ndindex(a.shape)]) for v, slope in found], object)

    return _stacked(one, (count,), A)


@rule("_linalg_svd")
def _svd(
    g: G, A: Array, full_matrices: bool = False, compute_uv: bool = True, driver: str | None = None  # noqa: N803
) -> tuple[None, Array, None]:  # fmt: skip
    """Only the singular values: what uses U or V is unsupported by name."""
    return None, _spectrum(g, "_linalg_svd", A, min(A.shape[-2:]), False), None


@rule("_linalg_eigh")
def _eigh(g: G, A: Array, UPLO: str = "L", compute_v: bool = True) -> tuple[Array, None]:  # noqa: N803
    """Only the eigenvalues of the symmetric matrix: what uses the eigenvectors is unsupported by name."""
    lower, upper = np.swapaxes(A, -1, -2), A
    if UPLO == "L":
        lower, upper = upper, lower
    below = np.tri(A.shape[-1], dtype=bool)
    read = np.where(below, lower, upper) if UPLO == "L" else np.where(below.T, upper, lower)

    def symmetric(value: Scalar, own: Scalar) -> Scalar:  # the value that torch reads, with the derivative of the entry itself
        return g.node(value.value, [(own, g.numbers.one)])

    return _spectrum(g, "_linalg_eigh", g.map(symmetric, read, A), A.shape[-1], True), None
