"""Eigenvectors and singular vectors as implicit functions of their matrix.

Comes in: a matrix of balls; or of scalars, with the results.  Goes out: the results, enclosed; or their derivatives by the entries.  Why:
their equations determine them up to signs, phases and order, which are those of the float run. See `implicit.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
from flint import arb

from checker.tape.arrays import objects
from checker.tape.graph import Graph
from checker.tape.implicit import ITERATED, converged, identity, inverse, outer, product
from checker.tape.pairs import Pair
from checker.tape.scalars import Array

G = Graph[Any]


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
        return [objects([value for value, _ in found]), np.stack(columns, 1)]

    def backward(self, n: int, unit: float) -> float:
        return ITERATED * n * unit

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        values, v = y
        n = len(values)
        along = np.stack([outer(v[:, k], v[:, k]) for k in range(n)])
        turning = np.empty((n, n, n, n), object)
        for k in range(n):
            others = [j for j in range(n) if j != k]
            nearness = objects([g.one / (values[k] - values[j]) for j in others])
            turning[:, k] = product(g, v[:, others] * nearness, v[:, others].T)[:, :, None] * v[:, k]
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
            other = objects([x / size for (x,) in ((a.transpose() if wide else a) * flint.arb_mat([[x] for x in v])).tolist()])
            u, w = (v, other) if wide else (other, v)
            turned = _turned(u, self.seen[:, k])
            left.append(turned)
            right.append(w if turned is u else -w)
            sizes.append(size)
        return [np.stack(left, 1), objects(sizes), np.stack(right, 1)]

    def backward(self, n: int, unit: float) -> float:
        return converged(n, unit)

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        u, s, v = y
        along = np.stack([outer(u[:, k], v[:, k]) for k in range(len(s))])
        return [self._turning(g, u, s, v), along, self._turning(g, v, s, u).swapaxes(-1, -2)]

    def _turning(self, g: G, u: Array, s: Array, v: Array) -> Array:
        m, k = u.shape
        turning = np.empty((m, k, m, len(v)), object)
        rest = identity(g, m) - product(g, u, u.T) if m > k else None  # torch leaves it out where U is square
        for c in range(k):
            others = [j for j in range(k) if j != c]
            nearness = objects([g.one / (s[c] * s[c] - s[j] * s[j]) for j in others])
            own = product(g, u[:, others] * (s[c] * nearness), u[:, others].T)
            own = own if rest is None else own + rest / s[c]
            crossed = product(g, u[:, others] * (s[others] * nearness), v[:, others].T)
            turning[:, c] = own[:, :, None] * v[:, c] + crossed[:, None, :] * u[:, c][:, None]
        return turning


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Of any real matrix: the complex eigenvalues λ and unit eigenvectors, the columns of V, each as its real and imaginary parts.

    With M = V⁻¹ dA V: dλₖ = Mₖₖ, and dvₖ = tₖ − vₖ Re(vₖᴴ tₖ), where tₖ = Σⱼ vⱼ Mⱼₖ / (λₖ − λⱼ) over j ≠ k: that keeps the length,
    and of the phase, which is free, what torch's backward keeps (Boeddeker et al. 2017). `seen` and `turned`: the λ and V of the float run.
    """

    seen: Array
    turned: Array
    name: str = "eig"

    def values(self, a: flint.arb_mat) -> list[Array]:
        """In the order of the float run, with the component real that LAPACK made real."""
        n = a.nrows()
        found, vectors = flint.acb_mat(a).eig(right=True)
        near = np.array([complex(x) for x in found])
        order = [int(abs(near - x).argmin()) for x in self.seen]
        if len(set(order)) < n:
            raise ValueError("two eigenvalues that may be one")
        values, columns = [], []
        for k, place in enumerate(order):
            real = sum(found[place].conjugate().overlaps(x) for x in found) == 1 and found[place].imag.contains(0)
            column = [vectors[i, place] for i in range(n)]
            anchor = int(np.where(self.turned[:, k].imag == 0, abs(self.turned[:, k]), 0).argmax())
            column = [x / column[anchor] for x in column]
            size = sum((abs(x) ** 2 for x in column), arb(0)).sqrt() * (1 if self.turned[anchor, k].real > 0 else -1)
            values.append(flint.acb(found[place].real) if real else found[place])
            columns.append([flint.acb((x / size).real) if real else x / size for x in column])
        v = np.array(columns, object).reshape(n, n).T
        return [*_halves(objects(values)), *_halves(v)]

    def backward(self, n: int, unit: float) -> float:
        return ITERATED * n * unit

    def slopes(self, g: G, a: Array, y: list[Array]) -> list[Array]:
        values, v = (g.map(Pair, *parts) for parts in (y[:2], y[2:]))
        n = len(values)
        back = _inverse(g, y[2], y[3])
        along, turning = np.empty((n, n, n), object), np.empty((n, n, n, n), object)
        for k in range(n):
            along[k] = outer(back[k], v[:, k])
            others = [j for j in range(n) if j != k]
            nearness = objects([g.one / (values[k] - values[j]) for j in others])
            moved = product(g, v[:, others] * nearness, back[others]) if others else g.map(lambda x: x * 0, v)
            turned = product(g, g.map(Pair.conjugate, v[:, k : k + 1].T), moved)[0]
            length = g.map(lambda x: x.re, outer(turned, v[:, k]))
            turning[:, k] = moved[:, :, None] * v[:, k] - outer(v[:, k], length.reshape(-1)).reshape(n, n, n)
        return [part for pairs in (along, turning) for part in _real_halves(g, pairs)]


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
        v = objects([(x / largest).real for x in column])  # real but for a factor, which is gone now
        found.append((value.real, v / (v * v).sum().sqrt()))
    return sorted(found, key=lambda pair: float(pair[0]))


def _turned(v: Array, seen: Array) -> Array:
    """`v` or −v: the one that points where `seen` does."""
    return v if sum(float(x) * y for x, y in zip(v, seen.tolist(), strict=True)) >= 0 else -v


def _halves(array: Array) -> tuple[Array, Array]:
    """The real and the imaginary parts of complex balls."""
    return tuple(np.frompyfunc(lambda z, part=part: getattr(z, part), 1, 1)(array) for part in ("real", "imag"))


def _real_halves(g: G, pairs: Array) -> tuple[Array, Array]:
    return g.map(lambda z: z.re, pairs), g.map(lambda z: z.im, pairs)


def _inverse(g: G, re: Array, im: Array) -> Array:
    """The inverse of re + i im, by that of the real matrix [[re, −im], [im, re]]."""
    n = len(re)
    both = inverse(g, np.block([[re, -im], [im, re]]))
    return g.map(Pair, both[:n, :n], both[n:, :n])
