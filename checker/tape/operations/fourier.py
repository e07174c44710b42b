"""The discrete Fourier transform.

A fast transform is replayed as one: the sum over n = p·m terms as p transforms of m terms each. Every output is then reached from every
input along one path, with a twiddle factor and an addition for each prime factor of n, so that rounding adds up to O(log n)·u·Σ|xᵢ|, as it
does in every fast algorithm (Higham, Accuracy and Stability of Numerical Algorithms, section 24.1).

Other algorithms cancel what this one never adds: a real transform is half of a complex one, whose halves are told apart afterwards; one of
a large prime length is a convolution. So every output may also be off by O(log n)·u·Σ|xᵢ| as a whole, and every entry of a gradient
likewise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.reductions import along
from checker.tape.pairs import Pair, dot, pair
from checker.tape.scalars import Array, Scalar

G = Graph[Any]

#: What a twiddle factor may be off by, in unit roundoffs, of 1: its own rounding, and that of a second product where the radix is above 2.
TWIDDLE = 4
#: Unit roundoffs of Σ|xᵢ| by which an output may be off as a whole, for each time that n can be halved.
WHOLE = 1
#: Primes up to here have kernels of their own; a transform of a larger prime length p is three transforms of about 4p entries (Bluestein).
OWN_KERNEL = 11


@rule("_fft_c2c")
def _c2c(g: G, x: Array, dim: Sequence[int], normalization: int, forward: bool) -> Array:
    result = g.map(lambda z: pair(g, z), x)
    for d in dim:
        result = along(g, lambda row: _transform(g, row, -1 if forward else 1, _whole(g, row)), result, d)
    return _scaled(g, result, normalization, math.prod(x.shape[d] for d in dim))


@rule("_fft_r2c")
def _r2c(g: G, x: Array, dim: Sequence[int], normalization: int, onesided: bool) -> Array:
    result = _c2c(g, x, dim, normalization, True)
    return np.take(result, range(x.shape[dim[-1]] // 2 + 1), dim[-1]) if onesided else result


@rule("_fft_c2r")
def _c2r(g: G, x: Array, dim: Sequence[int], normalization: int, last_dim_size: int) -> Array:
    """Along the last of `dim` the half that is given is completed by conjugates; imaginary parts that a real result cannot have are not
    read."""

    def real(half: list[Pair]) -> list[Scalar]:
        n = last_dim_size
        row = [half[k] if k <= n // 2 else half[n - k].conjugate() for k in range(n)]
        for k in {0, n // 2} if n % 2 == 0 else {0}:
            row[k] = Pair(row[k].re, g.zero)
        return [z.re for z in _transform(g, row, 1, _whole(g, row))]

    result = _c2c(g, x, dim[:-1], 0, False)
    rows = np.moveaxis(result, dim[-1], -1)
    out = np.empty((*rows.shape[:-1], last_dim_size), object)
    for index in np.ndindex(rows.shape[:-1]):
        out[index] = real(list(rows[index]))
    result = np.moveaxis(out, -1, dim[-1])
    return _scaled(g, result, normalization, math.prod(result.shape[d] for d in dim))


def _scaled(g: G, x: Array, normalization: int, n: int) -> Array:
    """Not at all (0), by 1/√n (1) or by 1/n (2)."""
    if normalization == 0:
        return x
    by = 1 / (g.function("sqrt", g.scalar(n)) if normalization == 1 else g.scalar(n))
    return g.map(lambda z: z * by, x)


def _transform(g: G, row: list[Pair], sign: int, whole: Sequence[tuple[Pair, Pair]] = ()) -> list[Pair]:
    """Σⱼ xⱼ e^{sign·2πi·jk/n} for every k, over the first prime factor of n first; each with the products of the pairs in `whole`."""
    n = len(row)
    if n == 1:
        return row
    p = _factor(n)
    m, rows = n // p, [_transform(g, row[r::p], sign) for r in range(p)]
    factors, terms = [w for w, _ in whole], [x for _, x in whole]
    return [dot(g, [*(_root(g, sign * r * k, n) for r in range(p)), *factors], [*(x[k % m] for x in rows), *terms]) for k in range(n)]


def _whole(g: G, row: Sequence[Pair]) -> list[tuple[Pair, Pair]]:
    """What every output may be off by, as a product: ε times Σ ±xᵢ, with an ε around zero and whatever signs. Nothing in exact numbers."""
    numbers, n = g.numbers, len(row)
    halvings, prime = math.log2(n), _largest_factor(n)
    units = WHOLE * (halvings + (3 * math.log2(4 * prime) if prime > OWN_KERNEL else 0))
    off = numbers.spread(numbers.zero, (numbers.one,), units)
    if numbers.sign(off) == 0:
        return []
    sign = numbers.either(g.minus_one, numbers.one)
    entries = [part for z in row for part in (z.re, z.im) if part is not g.zero]
    total = g.node(numbers.add([numbers.multiply(x.value, sign) for x in entries]), [(x, sign) for x in entries])
    return [(Pair(Scalar(g, off), Scalar(g, off)), Pair(total, g.zero))]


def _root(g: G, k: int, n: int) -> Pair:
    """e^{2πik/n} as a table may hold it."""
    k %= n
    numbers = g.numbers
    if 4 * k % n == 0:
        sign = Scalar(g, numbers.one if 2 * k < n else g.minus_one)
        return Pair(sign, g.zero) if 2 * k % n == 0 else Pair(g.zero, sign)
    return Pair(*(Scalar(g, numbers.spread(part, (numbers.one,), TWIDDLE)) for part in numbers.root_of_unity(k, n)))


@cache
def _factor(n: int) -> int:
    """The smallest prime factor."""
    return next((p for p in range(2, math.isqrt(n) + 1) if n % p == 0), n)


def _largest_factor(n: int) -> int:
    """The largest prime factor; 1 of 1."""
    return n if n == _factor(n) or n == 1 else _largest_factor(n // _factor(n))
