"""Linear algebra: eigenvalues and singular values, their vectors, and the exponential of a matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.factorizations import completed
from checker.tape.operations.linear import matmul
from checker.tape.operations.stacks import each, identity, implicit, refusing, symmetric
from checker.tape.pairs import Pair
from checker.tape.scalars import Array
from checker.tape.spectrum import Eigen, Singular, Spectrum

G = Graph[Any]

APART = "two of its values cannot be told apart"


@rule("_linalg_svd")
def _svd(
    g: G,
    A: Array,  # noqa: N803
    full_matrices: bool = False,
    compute_uv: bool = True,
    driver: str | None = None,
    recorded: tuple[Any, ...] = (),
) -> tuple[Array | None, Array, Array | None]:
    """U, the singular values and Vᵀ, with the signs of the float run."""
    m, n = A.shape[-2:]
    k = min(m, n)
    seen = recorded[0][..., :k] if compute_uv else np.zeros((*A.shape[:-2], m, k))
    u, s, v = each(refusing(g, "_linalg_svd", lambda a, q: implicit(g, Singular(q), a), APART), [(m, k), (k,), (n, k)], A, seen)
    if not compute_uv:
        return None, s, None
    if full_matrices:
        u, v = completed(g, "_linalg_svd", u), completed(g, "_linalg_svd", v)
    return u, s, v.swapaxes(-1, -2)


@rule("_linalg_eigh")
def _eigh(
    g: G, A: Array, UPLO: str = "L", compute_v: bool = True, recorded: tuple[Any, ...] = ()  # noqa: N803
) -> tuple[Array, Array | None]:  # fmt: skip
    """The eigenvalues and eigenvectors of the symmetric matrix of which torch reads one triangle, with the signs of the float run."""
    n = A.shape[-1]
    seen = recorded[1] if compute_v else np.zeros(A.shape)
    find = refusing(g, "_linalg_eigh", lambda a, v: implicit(g, Eigen(v), a), APART)
    values, vectors = each(find, [(n,), (n, n)], symmetric(g, A, UPLO == "U"), seen)
    return values, vectors if compute_v else None


@rule("linalg_eig")
def _eig(g: G, x: Array, recorded: tuple[Any, ...] = ()) -> tuple[Array, Array]:
    """The eigenvalues and eigenvectors of a real matrix, in the order and with the phases of the float run."""
    n = x.shape[-1]

    def one(a: Array, seen: Array, turned: Array) -> list[Array]:
        return implicit(g, Spectrum(seen[:, 0], turned), a)

    shapes = [(n,), (n,), (n, n), (n, n)]
    parts = each(refusing(g, "linalg_eig", one, APART), shapes, x, recorded[0][..., None], recorded[1])
    return g.map(Pair, *parts[:2]), g.map(Pair, *parts[2:])


#: Terms of the series, in blocks of as many powers, and the largest norm that it is summed for: what is left out is below 2⁻³³⁰.
TERMS, BLOCK, SUMMED = 72, 8, 1.1


@rule("linalg_matrix_exp")
def _matrix_exp(g: G, x: Array) -> Array:
    """Σ Aᵏ / k! of A / 2ˢ, squared s times: torch's way (Bader, Blanes and Casas 2019), with a longer series and a bound of its rest."""
    numbers = g.numbers

    def either(size: float) -> Any:
        return numbers.either(numbers.exact(-size), numbers.exact(size))

    bound = SUMMED**TERMS / math.factorial(TERMS) * math.exp(SUMMED)
    rest, slope = either(bound * SUMMED / (TERMS + 1)), either(bound)
    if math.isnan(numbers.approximate(rest)):
        raise Unsupported("aten.linalg_matrix_exp", "there is no formula to show for it", line=g.line)

    def one(a: Array) -> tuple[Array]:
        size = math.hypot(*(numbers.approximate(entry.value) for entry in a.reshape(-1)))
        halvings = math.ceil(math.log2(max(size, 1.0)))
        small = a * 2.0**-halvings
        total = _series(g, small)
        edges = [(entry, slope) for entry in small.reshape(-1)]
        total = g.map(lambda y: g.node(numbers.add((y.value, rest)), [(y, numbers.one), *edges]), total)
        for _ in range(halvings):
            total = matmul(g, total, total)
        return (total,)

    return each(one, [x.shape[-2:]], x)[0]


def _series(g: G, a: Array) -> Array:
    """Σ Aᵏ / k! over k < TERMS: a polynomial in A^BLOCK, whose coefficients are polynomials of the powers below (Paterson and Stockmeyer 1973)."""  # noqa: E501
    powers = [identity(g, len(a)), a]
    while len(powers) <= BLOCK:
        powers.append(matmul(g, powers[-1], a))
    total = None
    for first in range(TERMS - BLOCK, -1, -BLOCK):
        shares = [g.one / math.factorial(first + k) for k in range(BLOCK)]
        block = g.map(lambda *entries: g.dot(shares, entries), *powers[:BLOCK])  # noqa: B023
        total = block if total is None else matmul(g, powers[BLOCK], total, block)
    return total
