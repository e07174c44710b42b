"""Balls as numbers: exact arithmetic, and arithmetic that rounds as a floating-point format does.

Comes in: nothing.  Goes out: the number systems `Balls` and `Rounding`, and `precision`.  Why: replayed over the first a tape gives the
truth, over the second everything that a correct program may return.

A ball is a midpoint and a radius (Arb: Johansson 2017): every operation encloses the exact result. `Rounding` widens each result by what
the operation's rounding may add, as in a running error analysis (Higham, Accuracy and Stability of Numerical Algorithms, section 3.3).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import flint
from flint import arb

from checker.tape.formats import FORMATS, Format
from checker.tape.numbers import Role


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with `bits` bits inside: the library's precision is global, so it is set and restored here and nowhere else.

    Python's collector rests meanwhile: a sweep makes millions of small objects that all live to its end, and looking through them again
    and again takes longer than the arithmetic.
    """
    before, collecting = flint.ctx.prec, gc.isenabled()
    flint.ctx.prec = bits
    gc.disable()
    try:
        yield
    finally:
        flint.ctx.prec = before
        if collecting:
            gc.enable()


class Balls:
    """Exact arithmetic: every result encloses the exact one, to the precision at work."""

    zero, one = arb(0), arb(1)
    overflows = False
    order = 1

    def variable(self, name: str, index: tuple[int, ...], value: float) -> arb:
        return arb(value)

    def exact(self, value: float) -> arb:
        return arb(value)

    def constant(self, value: float) -> arb:
        return arb(value)

    def pi(self) -> arb:
        return arb.pi()

    def add(self, terms: Sequence[arb]) -> arb:
    def root_of_unity(self, k: int, n: int) -> tuple[arb, arb]:
        sine, cosine = arb.sin_cos_pi_fmpq(flint.fmpq(2 * k, n))
        return cosine, sine

        return sum(terms, self.zero)

    def negate(self, x: arb) -> arb:
        return -x

    def multiply(self, x: arb, y: arb) -> arb:
        return x * y

    def divide(self, x: arb, y: arb) -> arb:
        return x / y

    def power(self, x: arb, y: arb) -> arb:
        return x**y

    def function(self, name: str, x: arb, *parameters: arb) -> arb:
        special = _SPECIAL.get(name)
        value: arb = special(x, *parameters) if special else getattr(x, name)()
        return value

    def solve(self, matrix: Sequence[Sequence[arb]], right: Sequence[Sequence[arb]]) -> list[list[arb]]:
        if not matrix or not right[0]:
            return [list(row) for row in right]
        solution: list[list[arb]] = flint.arb_mat(matrix).solve(flint.arb_mat(right)).tolist()
        return solution

    def adjugate(self, matrix: Sequence[Sequence[arb]]) -> tuple[arb, list[list[arb]]]:
        n = len(matrix)
        try:
            inverse = Balls.solve(self, matrix, _identity(n))
        except ZeroDivisionError:
            return _leverrier(matrix)
        determinant: arb = flint.arb_mat(matrix).det() if n else self.one
        return determinant, [[determinant * x for x in row] for row in inverse]

    def eigenvalues(self, matrix: Sequence[Sequence[arb]]) -> list[tuple[arb, list[list[arb]]]]:
        if not matrix:
            return []
        values, vectors = flint.acb_mat(flint.arb_mat(matrix)).eig(right=True)
        columns = [[vectors[i, k] for i in range(len(matrix))] for k in range(len(matrix))]
        found = []
        for value, v in zip(values, columns, strict=True):
            square = sum((x * x for x in v), flint.acb(0))  # v is real but for a factor, which v vᵀ / vᵀv does not see
            found.append((value.real, [[(x * y / square).real for y in v] for x in v]))
        return sorted(found, key=lambda pair: float(pair[0]))

    def singular_values(self, matrix: Sequence[Sequence[arb]]) -> list[tuple[arb, list[list[arb]]]]:
        """By the eigenvalues s² of A Aᵀ or AᵀA, whichever is smaller: u vᵀ = u uᵀ A / s."""
        if not matrix or not matrix[0]:
            return []
        a = flint.arb_mat(matrix)
        wide = a.nrows() <= a.ncols()
        a = a if wide else a.transpose()
        found = []
        for square, projector in reversed(Balls.eigenvalues(self, (a * a.transpose()).tolist())):
            if not square > 0:
                raise ValueError("a singular value that may be zero")
            outer = flint.arb_mat(projector) * a / square.sqrt()
            found.append((square.sqrt(), (outer if wide else outer.transpose()).tolist()))
        return found

    def sign(self, x: arb) -> int | None:
        return 1 if x > 0 else -1 if x < 0 else 0 if x == 0 else None

    def either(self, x: arb, y: arb) -> arb:
        return x.union(y)

    def shift(self, x: arb) -> arb:
        return x.mid() if x.is_finite() else self.zero

    def stopped(self, x: arb) -> arb:
        return x

    def rounded(self, x: arb) -> arb:
        return x

    def stored(self, x: arb) -> arb:
        return x

    def keep(self, x: arb, role: Role) -> arb:
    def spread(self, x: arb, terms: Sequence[arb], units: float) -> arb:
        return x

        return x

    def approximate(self, x: arb) -> float:
        return float(x.mid())

    def working(self, dtype: str) -> None:
        pass


def _sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp())


_SPECIAL: dict[str, Callable[..., arb]] = {
    "sigmoid": _sigmoid,
    "exp2": lambda x: arb(2) ** x,
    "log2": lambda x: x.log() / arb(2).log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "trigamma": lambda x: arb(2).zeta(x),
}


#: The ball of all numbers.
    "zeta": lambda q, s: s.zeta(q),
    "i0": lambda x: x.bessel_i(0),
    "i1": lambda x: x.bessel_i(1),
    "i0e": lambda x: abs(x).bessel_i(0, scaled=True),
    "i1e": lambda x: (-abs(x)).exp() * x.bessel_i(1),
    "erfcx": lambda x: (x * x).exp() * x.erfc(),
    "ndtri": lambda p: -arb(2).sqrt() * (2 * p).erfcinv(),
    "gammainc": lambda x, a: x.gamma_lower(a, regularized=1),
    "gammaincc": lambda x, a: x.gamma_upper(a, regularized=1),
UNKNOWN = arb(0, float("inf"))

#: Error of an elementary function, in unit roundoffs (2 of them are one ULP). Vector libraries promise 1 ULP for most.
ELEMENTARY = 4
COARSE = {
    "sqrt": 2,
    "rsqrt": 3,
    "sigmoid": 6,
    **dict.fromkeys(("erf", "erfc", "erfcx"), 8),
    **dict.fromkeys(("erfinv", "ndtri", "lgamma", "zeta", "i0", "i1", "i0e", "i1e"), 16),
    **dict.fromkeys(("digamma", "trigamma"), 32),
    **dict.fromkeys(("gammainc", "gammaincc"), 64),
}
#: Sums of larger terms, or in vector kernels a polynomial: near their roots good to an absolute error only, of as many unit roundoffs.
NEAR_ROOTS = frozenset({"lgamma", "digamma", "erf"})


class Rounding(Balls):
    """What floating point may do: each result is widened by the rounding of its operation in the working dtype.
#: Series whose sum at 0 is 1 only nearly.
NEVER_EXACT = frozenset({"i0", "i0e"})

    ½ ULP for + − × ÷ √, a few ULP for elementary functions, (n − 1)·u·Σ|tᵢ| for a sum of n terms in any order, and the underflow unit.
    A result that the format holds exactly is not rounded. With `coarsest` every operation rounds in that dtype, whatever the tape says.
    """

    overflows = True

    def __init__(self, coarsest: str | None = None) -> None:
        self.coarsest = coarsest
        self._kept: dict[str, tuple[Format, arb, arb, float, arb, dict[str, arb]]] = {}
        self.working("float64")

    def working(self, dtype: str) -> None:
        dtype = self.coarsest or dtype
        if dtype not in self._kept:
            f = FORMATS[dtype]
            by_name = {name: arb(1, k * f.unit) for name, k in COARSE.items()}
            self._kept[dtype] = (f, arb(1, f.unit), arb(0, f.tiny), 2.0**f.normal, arb(1, ELEMENTARY * f.unit), by_name)
        self.format, self.once, self.tiny, self.normal, self.elementary, self.by_name = self._kept[dtype]

    def _round(self, x: arb, ball: arb) -> arb:
        """`x` times a ball around 1; with the underflow unit where it is small."""
        size = abs(float(x))
        if x.is_exact() and x.bits() <= self.format.bits and (size >= self.normal or size == 0):
            return x
        return x * ball if size >= self.normal else x * ball + self.tiny

    def constant(self, value: float) -> arb:
        return self._round(arb(value), self.once)

    def add(self, terms: Sequence[arb]) -> arb:
        total = sum(terms, self.zero)
        if len(terms) <= 2:
            return self._round(total, self.once)
    def root_of_unity(self, k: int, n: int) -> tuple[arb, arb]:
        cosine, sine = super().root_of_unity(k, n)
        return self._round(cosine, self.once), self._round(sine, self.once)

        size: arb = sum((abs(t) for t in terms), self.zero)
        return total + size * arb(0, (len(terms) - 1) * self.format.unit)

    def multiply(self, x: arb, y: arb) -> arb:
        return self._round(x * y, self.once)

    def divide(self, x: arb, y: arb) -> arb:
        return self._round(x / y, self.once)

    def power(self, x: arb, y: arb) -> arb:
        return self._round(x**y, self.elementary)

    def function(self, name: str, x: arb, *parameters: arb) -> arb:
        exact = super().function(name, x, *parameters)
        if name in NEVER_EXACT:
            return exact * self.by_name[name]
        value = self._round(exact, self.by_name.get(name, self.elementary))
        return value + arb(0, COARSE[name] * self.format.unit) if name in NEAR_ROOTS else value

    def eigenvalues(self, matrix: Sequence[Sequence[arb]]) -> list[tuple[arb, list[list[arb]]]]:
        return self._perturbed(matrix, super().eigenvalues(_midpoints(matrix)), False)

    def singular_values(self, matrix: Sequence[Sequence[arb]]) -> list[tuple[arb, list[list[arb]]]]:
        return self._perturbed(matrix, super().singular_values(_midpoints(matrix)), True)

    def _perturbed(
        self, matrix: Sequence[Sequence[arb]], found: list[tuple[arb, list[list[arb]]]], singular: bool
    ) -> list[tuple[arb, list[list[arb]]]]:  # fmt: skip
        """The spectrum of a matrix that is off by its own radius and by the backward error 3n·u·‖A‖ of an orthogonal algorithm.

        Values move by no more than that (Weyl), projectors by 4 times that over the gap to the nearest other value (Davis and Kahan).
        """
        n = max(len(matrix), *(len(row) for row in matrix), 0)
        entries = [x for row in matrix for x in row]
        change = sum((x.rad() * x.rad() for x in entries), self.zero).sqrt()
        change += 3 * n * self.format.unit * sum((x * x for x in entries), self.zero).sqrt()
        result = []
        for i, (value, slopes) in enumerate(found):
            gaps = [abs(value - other) for j, (other, _) in enumerate(found) if j != i] + ([value] if singular else [])
            gap = min(gaps, key=lambda g: float(g.lower()), default=None)
            turn = self.zero if gap is None else 4 * change / gap if gap > 4 * change else UNKNOWN
            result.append((value + change * arb(0, 1), [[x + turn * arb(0, 1) for x in row] for row in slopes]))
        return result

    def rounded(self, x: arb) -> arb:
        return self._round(x, self.once)

    def stored(self, x: arb) -> arb:
        infinite = x.is_exact() and not x.is_finite()  # an infinity that was meant, such as a mask's
        return UNKNOWN if abs(x) >= arb(self.format.largest) and not infinite else x

    def spread(self, x: arb, terms: Sequence[arb], units: float) -> arb:
        size: arb = sum((abs(t) for t in terms), self.zero)
        return x + size * arb(0, units * self.format.unit)

    def solve(self, matrix: Sequence[Sequence[arb]], right: Sequence[Sequence[arb]]) -> list[list[arb]]:
        """Gaussian elimination is backward stable with pivoting: |δX| ≤ 3n·u |A⁻¹| |A| |X| entry by entry, with modest growth."""
        solution = super().solve(matrix, right)
        n = len(matrix)
        if not n or not right[0]:
            return solution
        inverse = super().solve(matrix, _identity(n))
        size = _absolute(inverse) * (_absolute(matrix) * _absolute(solution))
        spread = arb(0, 3 * n * self.format.unit)
        return [[x + size[i, j] * spread for j, x in enumerate(row)] for i, row in enumerate(solution)]

    def adjugate(self, matrix: Sequence[Sequence[arb]]) -> tuple[arb, list[list[arb]]]:
        """As if every entry of the matrix were off by 3n·u of itself, which is the backward error of elimination."""
        determinant, adjugate = super().adjugate(matrix)
        n = len(matrix)
        if not n:
            return determinant, adjugate
        sizes = _absolute(matrix)
        spread = arb(0, 3 * n * self.format.unit)
        try:
            inverse = _absolute(super().solve(matrix, _identity(n)))
            change = inverse * (sizes * inverse) * abs(determinant)
            change += _absolute(adjugate) * sum((inverse[i, j] * sizes[j, i] for i in range(n) for j in range(n)), self.zero)
        except ZeroDivisionError:
            change = (n - 1) * _permanents(sizes)
        trace = sum((abs(adjugate[j][i]) * sizes[i, j] for i in range(n) for j in range(n)), self.zero)
        return determinant + trace * spread, [[x + change[i, j] * spread for j, x in enumerate(row)] for i, row in enumerate(adjugate)]


def _absolute(rows: Sequence[Sequence[arb]]) -> flint.arb_mat:
    return flint.arb_mat([[abs(x) for x in row] for row in rows])


def _midpoints(matrix: Sequence[Sequence[arb]]) -> list[list[arb]]:
    return [[x.mid() for x in row] for row in matrix]


def _identity(n: int) -> list[list[arb]]:
    return [[arb(int(i == j)) for j in range(n)] for i in range(n)]


def _leverrier(matrix: Sequence[Sequence[arb]]) -> tuple[arb, list[list[arb]]]:
    """Determinant and adjugate by Faddeev and LeVerrier: only integers are divided by, so a singular matrix is as good as any.

    M₁ = I, c = tr(A Mₖ) / k, Mₖ₊₁ = A Mₖ − c I; then det A = (−1)ⁿ⁻¹ c of the last step, and adj A = (−1)ⁿ⁻¹ Mₙ.
    """
    a, identity = flint.arb_mat(matrix), flint.arb_mat(_identity(len(matrix)))
    power, product = identity, a
    for k in range(1, len(matrix)):
        power = product - identity * (_trace(product) / k)
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
