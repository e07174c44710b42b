"""Linear algebra: factorizations of matrices, and what unpacks and applies them."""

from __future__ import annotations

from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape import pairs
from checker.tape.graph import Graph
from checker.tape.implicit import Orthogonal
from checker.tape.operations import rule
from checker.tape.operations.linear import matmul
from checker.tape.operations.solving import permutations, solved
from checker.tape.operations.stacks import carried, each, identity, implicit, kept, plain, refusing, transposed, triangle
from checker.tape.pairs import Pair, paired
from checker.tape.scalars import Array, Free, Scalar

G = Graph[Any]


@rule("linalg_cholesky_ex")
def _cholesky_ex(g: G, x: Array, upper: bool = False) -> tuple[Array, None]:
    """L with L Lᴴ = A. torch reads one triangle and gives the gradient of the symmetric matrix: half to each of a_ij and a_ji."""
    half = (g.one / g.scalar(2)).value
    minus_half = g.numbers.negate(half)

    def shared(read: Any, mirror: Any, slope: Any = half) -> Any:
        if isinstance(read, Pair):
            return Pair(shared(read.re, mirror.re), shared(read.im, mirror.im, minus_half))
        return g.node(read.value, [(read, half), (mirror, slope)])

    def entry(a: Array, lower: Array, i: int, j: int) -> Any:
        if i == j:
            own, before = pairs.parts([a[i, i]])[0], pairs.parts(list(lower[i, :i]))
            root = g.function("sqrt", own - g.dot(before, before) if i else own)
            return Pair(root, g.zero) if paired(a) else root
        rest = shared(a[i, j], a[j, i])
        return (rest - g.dot(lower[i, :j], transposed(g, lower[j : j + 1, :j])[:, 0]) if j else rest) / lower[j, j]

    def factor(x: Array) -> tuple[Array]:
        a = transposed(g, x) if upper else x
        lower = kept(g, np.zeros(a.shape, bool), a)
        for i, j in zip(*np.tril_indices(len(a)), strict=True):
            lower[i, j] = entry(a, lower, int(i), int(j))
        return (transposed(g, lower) if upper else lower,)

    return each(factor, [x.shape[-2:]], x)[0], None


@rule("cholesky")
def _cholesky(g: G, x: Array, upper: bool = False) -> Array:
    return _cholesky_ex(g, x, upper)[0]


# P A = L U. With X = L⁻¹ P dA U⁻¹ of a square matrix, dL = L tril(X, −1) and dU = triu(X) U: torch's formula in three steps.


@rule("linalg_lu_factor_ex")
def _lu_factor(
    g: G, A: Array, pivot: bool = True, recorded: tuple[Any, ...] = ()  # noqa: N803
) -> tuple[Array, None, None]:  # fmt: skip
    """L below the diagonal and U on and above it in one matrix, with the pivots of the float run."""
    order = permutations(recorded[1], A.shape[-2])
    lower, upper = _factors(g, "linalg_lu_factor_ex", A, order, pivot)
    m, n = A.shape[-2:]
    k = min(m, n)
    packed = np.concatenate([lower, upper[..., k:]], -1) if n > k else lower.copy()
    packed[..., :k, :] = np.where(np.tri(k, n, -1, dtype=bool), packed[..., :k, :], upper)
    return packed, None, None


@rule("linalg_lu")
def _lu(
    g: G, A: Array, pivot: bool = True, recorded: tuple[Any, ...] = ()  # noqa: N803
) -> tuple[Array, Array, Array]:  # fmt: skip
    """P, the constants that the float run chose, L and U, with A = P L U."""
    m = A.shape[-2]
    order = recorded[0].argmax(-2) if pivot and A.size else np.broadcast_to(np.arange(m), (*A.shape[:-2], m))
    return g.array(recorded[0].real), *_factors(g, "linalg_lu", A, order, pivot)


def _factors(g: G, name: str, a: Array, order: Array, pivot: bool) -> tuple[Array, ...]:
    """L and U of every matrix, whose rows are taken in `order`: the square part as such, the rest by solving with it."""
    m, n = a.shape[-2:]
    k = min(m, n)

    def one(matrix: Array, places: Array) -> tuple[Array, Array]:
        rows = matrix[places[:, 0]]
        lower, upper = _halves(g, _eliminated(g, name, plain(g, rows), pivot))
        square, top = _linearised(g, rows[:k, :k], lower[:k], upper[:, :k])
        if m > k:
            return np.concatenate([square, solved(g, top.T, rows[k:].T).T]), top
        return square, top if n == k else np.concatenate([top, solved(g, square, rows[:, k:])], 1)

    return each(refusing(g, name, one), [(m, k), (k, n)], a, order[..., None])


def _eliminated(g: G, name: str, a: Array, pivot: bool) -> Array:
    """L and U in one matrix (Crout: every entry is one sum). With pivots the path rests on no row below a pivot being larger."""
    m, n = a.shape
    packed = np.empty((m, n), object)
    for j in range(n):
        for i in range(m):
            k = min(i, j)
            packed[i, j] = a[i, j] - g.dot(packed[i, :k], packed[:k, j]) if k else a[i, j]
        if j >= m:
            continue
        top = packed[j, j]
        if g.numbers.sign(_size(g, top).value) != 1:
            raise Unsupported(f"aten.{name}", "a pivot cannot be told from zero", line=g.line)
        for i in range(j + 1, m):
            if pivot:
                g.check("lu", _size(g, top) - _size(g, packed[i, j]), (1, 0))
            packed[i, j] = packed[i, j] * (g.one / top)
    return packed


def _linearised(g: G, a: Array, lower: Array, upper: Array) -> tuple[Array, Array]:
    """The factors of a square matrix, given as constants, with their derivatives."""
    n = len(a)
    x = matmul(g, matmul(g, solved(g, lower, identity(g, n)), a), solved(g, upper, identity(g, n)))
    below = np.tri(n, k=-1, dtype=bool)
    shift, tilt = matmul(g, lower, kept(g, below, x)), matmul(g, kept(g, ~below, x), upper)
    return np.where(below, carried(g, lower, shift), lower), np.where(below, upper, carried(g, upper, tilt))


def _size(g: G, x: Any) -> Scalar:
    """What pivots are chosen by: |x|, of complex numbers |re| + |im| as LAPACK has it."""
    return g.add([g.function("sqrt", part * part) for part in pairs.parts([x])])


def _halves(g: G, packed: Array) -> tuple[Array, Array]:
    k = min(packed.shape[-2:])
    return triangle(g, packed[..., :k], False, True), triangle(g, packed[..., :k, :], True)


@rule("lu_unpack")
def _lu_unpack(
    g: G, LU_data: Array, LU_pivots: Array, unpack_data: bool = True, unpack_pivots: bool = True  # noqa: N803
) -> tuple[Array | None, Array | None, Array | None]:  # fmt: skip
    m = LU_data.shape[-2]
    places = np.swapaxes(np.eye(m)[permutations(LU_pivots, m)], -1, -2) if unpack_pivots else None
    lower, upper = _halves(g, LU_data) if unpack_data else (None, None)
    return None if places is None else g.array(places), lower, upper


# Q R


@rule("linalg_qr")
def _qr(g: G, A: Array, mode: str = "reduced", recorded: tuple[Any, ...] = ()) -> tuple[Array, Array]:  # noqa: N803
    """Q and R with the signs of the float run. Of a wide matrix Q belongs to its first columns, and R has Qᵀ A."""
    m, n = A.shape[-2:]
    k = min(m, n)

    def one(a: Array, seen: Array) -> tuple[Array, Array]:
        q, r = implicit(g, Orthogonal(seen[:, :k]), a[:, :k])
        return q, r if k == n else np.concatenate([r, matmul(g, q.T, a[:, k:])], 1)

    attempt = refusing(g, "linalg_qr", one, "a column cannot be told from one that depends on those before it")
    q, r = each(attempt, [(m, k), (k, n)], A, recorded[1][..., :k, :])
    if mode == "complete" and m > n:
        return completed(g, "linalg_qr", q), np.concatenate([r, g.full((*r.shape[:-2], m - n, n), g.zero)], -2)
    return q, r


def completed(g: G, name: str, columns: Array) -> Array:
    """A square matrix of orthonormal columns: the further ones are any basis of what is left, so whoever reads them is refused."""
    m, k = columns.shape[-2:]
    free = Free(g, f"aten.{name}", "the columns beyond those that the matrix determines may be any")
    return np.concatenate([columns, g.full((*columns.shape[:-2], m, m - k), free)], -1)


@rule("linalg_householder_product")
def _householder_product(g: G, x: Array, tau: Array) -> Array:
    """The first columns of H₁ H₂ …, with Hᵢ = I − τᵢ vᵢ vᵢᵀ and vᵢ below the diagonal of column i."""
    n = x.shape[-1]
    return each(lambda a, t: (_reflected(g, a, t[:, 0], identity(g, len(a))[:, :n], False),), [x.shape[-2:]], x, tau[..., None])[0]


@rule("ormqr")
def _ormqr(g: G, x: Array, input2: Array, input3: Array, left: bool = True, transpose: bool = False) -> Array:
    """Q C, Qᵀ C, C Q or C Qᵀ, with the Q of reflectors."""
    if not left:
        return _ormqr(g, x, input2, input3.swapaxes(-1, -2), True, not transpose).swapaxes(-1, -2)
    return each(lambda a, t, c: (_reflected(g, a, t[:, 0], c, transpose),), [input3.shape[-2:]], x, input2[..., None], input3)[0]


def _reflected(g: G, reflectors: Array, tau: Array, c: Array, transpose: bool) -> Array:
    """H₁ H₂ … C; `transpose`: … H₂ H₁ C.

    torch's backward keeps nothing of the way: it undoes the reflectors on the result, the outermost first, and takes the derivatives there.
    Where a reflector is far from orthogonal, the rounding of that counts; one that cannot be undone is left out of it.
    """
    order = range(len(tau)) if transpose else range(len(tau) - 1, -1, -1)
    fixed, scales, stages = plain(g, reflectors), plain(g, tau), [plain(g, c)]
    for i in order:
        stages.append(_applied(g, fixed[i + 1 :, i], scales[i], stages[-1]))
    undone, seen = stages[-1], list(stages)
    for place, i in reversed(list(enumerate(order))):
        v, scale = fixed[i + 1 :, i], scales[i]
        opposite = scale * (g.dot(v, v) + g.one) - g.one
        undone = stages[place] if g.numbers.sign(opposite.value) == 0 else _applied(g, v, scale / opposite, undone)
        seen[place] = undone
    result = c
    for place, i in enumerate(order):
        result = _applied(g, reflectors[i + 1 :, i], tau[i], carried(g, seen[place], result))
    return carried(g, stages[-1], result)


def _applied(g: G, below: Array, scale: Scalar, c: Array) -> Array:
    """(I − scale v vᵀ) C, where v ends in 1 and the entries `below` it."""
    result = c.copy()
    first = len(c) - len(below) - 1
    v = [g.one, *below]
    for j in range(c.shape[1]):
        along = scale * g.dot(v, list(c[first:, j]))
        result[first:, j] = [x - y * along for x, y in zip(c[first:, j], v, strict=True)]
    return result
