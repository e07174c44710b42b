"""Results that a matrix determines by an equation: Q and R, the pseudoinverse, and the words for eigenvectors (`spectrum.py`).

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

from checker.tape.arrays import objects
from checker.tape.graph import Graph
from checker.tape.scalars import Array, Scalar

G = Graph[Any]

#: In n·u: what reflections may add, and what the iterations for eigenvalues may.
DIRECT, ITERATED = 3, 10


@dataclass(frozen=True, eq=False)
class Orthogonal:
    """Of an m × n matrix A = Q R with m ≥ n: orthonormal columns of Q, and R upper triangular with the signs of its diagonal as `seen`.

    With X = dA R⁻¹ and M = Qᵀ X: Ω is skew with the lower triangle of M, dQ = Q Ω + X − Q M, dR = (M − Ω) R (Walter and Lehmann 2018).
    """

    seen: Array
    name: str = "qr"

    def values(self, a: flint.arb_mat) -> list[Array]:
        """By Gram and Schmidt."""
        columns = [objects(list(c)) for c in a.transpose().tolist()]
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
        back = inverse(g, r)
        outside = identity(g, m) - product(g, q, q.T)
        along, turning = np.empty((n, n, m, n), object), np.empty((m, n, m, n), object)
        below = np.tri(n, k=-1, dtype=bool)
        for p, c in np.ndindex(m, n):
            crossed = outer(q[p], back[c])
            skew = g.choose(below, crossed, g.zero) - g.choose(below, crossed, g.zero).T
            turning[:, :, p, c] = product(g, q, skew) + outer(outside[:, p], back[c])
            along[:, :, p, c] = product(g, g.choose(below, g.zero, crossed - skew), r)
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
        return converged(n, unit)

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        (p,) = y
        n, m = p.shape
        left, right = product(g, p, p.T), product(g, p.T, p)
        beyond = identity(g, m) - product(g, a, p)
        before = identity(g, n) - product(g, p, a)
        result = np.empty((n, m, m, n), object)
        for i, j in np.ndindex(n, m):
            result[i, j] = outer(beyond[:, j], left[i]) + outer(right[:, j], before[i]) - outer(p[i], p[:, j])
        return [result]


def converged(n: int, unit: float) -> float:
    """The backward error of singular values and vectors."""
    return (max(10.0, min(100.0, math.pow(unit, -0.125))) + ITERATED * n) * unit


def outer(x: Array, y: Array) -> Array:
    """Every entry of x times the vector y."""
    return x[..., None] * y


def identity(g: G, n: int) -> Array:
    """The n × n identity, of constants."""
    return g.choose(np.eye(n, dtype=bool), g.one, g.zero)


def product(g: G, x: Array, y: Array) -> Array:
    """x y of two matrices, each entry as one sum."""
    result = np.empty((x.shape[0], y.shape[1]), object)
    for i, j in np.ndindex(result.shape):
        result[i, j] = g.dot(list(x[i]), list(y[:, j]))
    return result


def inverse(g: G, r: Array) -> Array:
    """R⁻¹ of a matrix of constants."""
    n = len(r)
    rows = g.numbers.solve([[x.value for x in row] for row in r], [[x.value for x in row] for row in identity(g, n)])
    return np.array([[Scalar(g, x) for x in row] for row in rows], object)
