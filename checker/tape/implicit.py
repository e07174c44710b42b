"""Results that a matrix determines by an equation: eigenvectors, singular vectors, Q and R, the pseudoinverse.

Comes in: a matrix of balls; or of scalars, with the results.  Goes out: the results, enclosed; or their derivatives by the entries.  Why:
no sequence of steps gives an eigenvector, but its equation gives both its enclosure and, by the implicit function theorem, its derivative:
the formulas that torch's backward uses, evaluated at the results that it would use.

Every `slopes` has for each result an array whose entry (index…, p, q) is the derivative of the result's entry `index` by A's entry p, q.
The sign of a vector is free: it is the one that the float run chose.

`backward` is what LAPACK may be off by. Orthogonal transformations add a few n·u (Higham, Accuracy and Stability, chapter 19), iterations
some more; its singular values and vectors have converged when the rest is within max(10, min(100, u^(−1/8)))·u (xBDSQR).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
from flint import arb

from checker.tape.scalars import Array, Graph, Scalar

G = Graph[Any]

#: In n·u: what reflections may add, and what the iterations for eigenvalues may.
DIRECT, ITERATED = 3, 10


@dataclass(frozen=True, eq=False)
class Eigen:
    """Of a symmetric matrix: eigenvalues λ, ascending, and orthonormal eigenvectors, the columns of V.

    dλₖ = vₖᵀ dA vₖ and dvₖ = Σⱼ vⱼ vⱼᵀ dA vₖ / (λₖ − λⱼ) over j ≠ k (Magnus 1985). `seen`: the V of the float run.
    """

    seen: Array
    name: str = "eigenvectors"

    def values(self, a: flint.arb_mat) -> list[Array]:
        found = eigenpairs(a)
        columns = [_turned(v, self.seen[:, k]) for k, (_, v) in enumerate(found)]
        return [_array([value for value, _ in found]), np.stack(columns, 1)]

    def backward(self, n: int, unit: float) -> float:
        return ITERATED * n * unit

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        values, v = y
        n = len(values)
        along = np.stack([_outer(v[:, k], v[:, k]) for k in range(n)])
        turning = np.empty((n, n, n, n), object)
        for k in range(n):
            others = [j for j in range(n) if j != k]
            nearness = _array([g.one / (values[k] - values[j]) for j in others])
            turning[:, k] = _product(g, v[:, others] * nearness, v[:, others].T)[:, :, None] * v[:, k]
        return [along, turning]


@dataclass(frozen=True, eq=False)
class Singular:
    """Of an m × n matrix A = U diag(s) Vᵀ, k = min(m, n): the orthonormal columns of U and of V, and s between them, descending.

    With P = Uᵀ dA V: dsₖ = Pₖₖ; dU = U Ω + (I − U Uᵀ) dA V / s, where Ωⱼₖ = (Pⱼₖ sₖ + sⱼ Pₖⱼ) / (sₖ² − sⱼ²); and dV the same of Aᵀ (Townsend 2016).
    `seen`: the U of the float run.
    """  # noqa: E501

    seen: Array
    name: str = "singular vectors"

    def values(self, a: flint.arb_mat) -> list[Array]:
        """By the eigenvalues s² of A Aᵀ or AᵀA, whichever is smaller."""
        wide = a.nrows() <= a.ncols()
        square = a * a.transpose() if wide else a.transpose() * a
        left, sizes, right = [], [], []
        for k, (value, v) in enumerate(reversed(eigenpairs(square))):
            if not value > 0:
                raise ValueError("a singular value that may be zero")
            size = value.sqrt()
            other = _array([x / size for (x,) in ((a.transpose() if wide else a) * flint.arb_mat([[x] for x in v])).tolist()])
            u, w = (v, other) if wide else (other, v)
            turned = _turned(u, self.seen[:, k])
            left.append(turned)
            right.append(w if turned is u else -w)
            sizes.append(size)
        return [np.stack(left, 1), _array(sizes), np.stack(right, 1)]

    def backward(self, n: int, unit: float) -> float:
        return _converged(n, unit)

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        u, s, v = y
        along = np.stack([_outer(u[:, k], v[:, k]) for k in range(len(s))])
        return [self._turning(g, u, s, v), along, self._turning(g, v, s, u).swapaxes(-1, -2)]

    def _turning(self, g: G, u: Array, s: Array, v: Array) -> Array:
        m, k = u.shape
        turning = np.empty((m, k, m, len(v)), object)
        rest = _identity(g, m) - _product(g, u, u.T) if m > k else None  # torch leaves it out where U is square
        for c in range(k):
            others = [j for j in range(k) if j != c]
            nearness = _array([g.one / (s[c] * s[c] - s[j] * s[j]) for j in others])
            own = _product(g, u[:, others] * (s[c] * nearness), u[:, others].T)
            own = own if rest is None else own + rest / s[c]
            crossed = _product(g, u[:, others] * (s[others] * nearness), v[:, others].T)
            turning[:, c] = own[:, :, None] * v[:, c] + crossed[:, None, :] * u[:, c][:, None]
        return turning


@dataclass(frozen=True, eq=False)
class Orthogonal:
    """Of an m × n matrix A = Q R with m ≥ n: orthonormal columns of Q, and R upper triangular with the signs of its diagonal as `seen`.

    With X = dA R⁻¹ and M = Qᵀ X: Ω is skew with the lower triangle of M, dQ = Q Ω + X − Q M, dR = (M − Ω) R (Walter and Lehmann 2018).
    """

    seen: Array
    name: str = "qr"

    def values(self, a: flint.arb_mat) -> list[Array]:
        """By Gram and Schmidt."""
        columns = [_array(list(c)) for c in a.transpose().tolist()]
        m, n = a.nrows(), a.ncols()
        q, r = np.empty((m, n), object), np.full((n, n), arb(0), object)
        for j, rest in enumerate(columns):
            for i in range(j):
                r[i, j] = (q[:, i] * columns[j]).sum()
                rest = rest - q[:, i] * r[i, j]
            square = (rest * rest).sum()
            if not square > 0:
                raise ValueError("a column that may depend on those before it")
            r[j, j] = square.sqrt() if self.seen[j, j] >= 0 else -square.sqrt()
            q[:, j] = rest / r[j, j]
        return [q, r]

    def backward(self, n: int, unit: float) -> float:
        return DIRECT * n * unit

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        q, r = y
        m, n = q.shape
        inverse = _solved(g, r)
        outside = _identity(g, m) - _product(g, q, q.T)
        along, turning = np.empty((n, n, m, n), object), np.empty((m, n, m, n), object)
        below = np.tri(n, k=-1, dtype=bool)
        for p, c in np.ndindex(m, n):
            crossed = _outer(q[p], inverse[c])
            skew = g.choose(below, crossed, g.zero) - g.choose(below, crossed, g.zero).T
            turning[:, :, p, c] = _product(g, q, skew) + _outer(outside[:, p], inverse[c])
            along[:, :, p, c] = _product(g, g.choose(below, g.zero, crossed - skew), r)
        return [turning, along]


@dataclass(frozen=True, eq=False)
class Pseudoinverse:
    """P = A⁺ of a matrix of full rank.

    dP = −P dA P + P Pᵀ dAᵀ (I − A P) + (I − P A) dAᵀ Pᵀ P (Golub and Pereyra 1973).
    """

    name: str = "pinv"

    def values(self, a: flint.arb_mat) -> list[Array]:
        t = a.transpose()
        try:
            if a.nrows() >= a.ncols():
                return [np.array((t * a).solve(t).tolist(), object)]
            return [np.array((a * t).solve(a).transpose().tolist(), object)]
        except ZeroDivisionError:
            raise ValueError("the matrix may not have full rank") from None

    def backward(self, n: int, unit: float) -> float:
        return _converged(n, unit)

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        (p,) = y
        n, m = p.shape
        left, right = _product(g, p, p.T), _product(g, p.T, p)
        beyond = _identity(g, m) - _product(g, a, p)
        before = _identity(g, n) - _product(g, p, a)
        result = np.empty((n, m, m, n), object)
        for i, j in np.ndindex(n, m):
            result[i, j] = _outer(beyond[:, j], left[i]) + _outer(right[:, j], before[i]) - _outer(p[i], p[:, j])
        return [result]


def _converged(n: int, unit: float) -> float:
    return (max(10.0, min(100.0, math.pow(unit, -0.125))) + ITERATED * n) * unit


def eigenpairs(a: flint.arb_mat) -> list[tuple[arb, Array]]:
    """The eigenvalues of a symmetric matrix, ascending, each with a unit vector.

    Raises:
        ValueError: two of them cannot be told apart.
    """
    n = a.nrows()
    values, vectors = flint.acb_mat(a).eig(right=True)
    found = []
    for k, value in enumerate(values):
        column = [vectors[i, k] for i in range(n)]
        largest = max(column, key=lambda x: float(abs(x).mid()))
        v = _array([(x / largest).real for x in column])  # real but for a factor, which is gone now
        found.append((value.real, v / (v * v).sum().sqrt()))
    return sorted(found, key=lambda pair: float(pair[0]))


def _turned(v: Array, seen: Array) -> Array:
    """`v` or −v: the one that points where `seen` does."""
    return v if sum(float(x) * y for x, y in zip(v, seen.tolist(), strict=True)) >= 0 else -v


def _array(items: list[Any]) -> Array:
    result = np.empty(len(items), object)
    result[:] = items
    return result


def _outer(x: Array, y: Array) -> Array:
    return x[..., None] * y


def _identity(g: G, n: int) -> Array:
    return g.choose(np.eye(n, dtype=bool), g.one, g.zero)


def _product(g: G, x: Array, y: Array) -> Array:
    result = np.empty((x.shape[0], y.shape[1]), object)
    for i, j in np.ndindex(result.shape):
        result[i, j] = g.dot(list(x[i]), list(y[:, j]))
    return result


def _solved(g: G, r: Array) -> Array:
    n = len(r)
    rows = g.numbers.solve([[x.value for x in row] for row in r], [[x.value for x in row] for row in _identity(g, n)])
    return np.array([[Scalar(g, x) for x in row] for row in rows], object)
