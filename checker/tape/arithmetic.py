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

from checker.tape import matrices
from checker.tape.formats import FORMATS, Format
from checker.tape.graph import Graph
from checker.tape.matrices import Rows
from checker.tape.numbers import Implicit, Role
from checker.tape.scalars import Array


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

    def root_of_unity(self, k: int, n: int) -> tuple[arb, arb]:
        sine, cosine = arb.sin_cos_pi_fmpq(flint.fmpq(2 * k, n))
        return cosine, sine

    def add(self, terms: Sequence[arb]) -> arb:
        return sum(terms, self.zero)

    def negate(self, x: arb) -> arb:
        return -x

    def multiply(self, x: arb, y: arb) -> arb:
        return x * y

    def divide(self, x: arb, y: arb) -> arb:
        return x / y

    def power(self, x: arb, y: arb) -> arb:
        return _power(x, y)

    def function(self, name: str, x: arb, *parameters: arb) -> arb:
        special = _SPECIAL.get(name)
        value: arb = special(x, *parameters) if special else getattr(x, name)()
        return value

    def solve(self, matrix: Rows, right: Rows) -> list[list[arb]]:
        return matrices.solve(matrix, right)

    def adjugate(self, matrix: Rows) -> tuple[arb, list[list[arb]]]:
        return matrices.adjugate(matrix)

    def implicit(self, function: Implicit, matrix: Rows) -> list[Array]:
        return function.values(flint.arb_mat(matrix))

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

    def spread(self, x: arb, terms: Sequence[arb], units: float) -> arb:
        return x

    def stored(self, x: arb) -> arb:
        return x

    def keep(self, x: arb, role: Role) -> arb:
        return x

    def approximate(self, x: arb) -> float:
        return float(x.mid())

    def working(self, dtype: str) -> None:
        pass


def _power(x: arb, y: arb) -> arb:
    """xʸ. Of a ball around zero the library knows no power; a whole one that is not negative is a product."""
    if x.is_exact() or not x.contains(0) or not y.is_exact() or (whole := y.unique_fmpz()) is None or y < 0:
        return x**y
    result, square, left = arb(1), x, int(whole)
    while left:
        if left & 1:
            result *= square
        square, left = square * square, left >> 1
    return result


def _sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp())


def _lgamma(x: arb) -> arb:
    """log |Γ(x)|, below 0 by reflection: Γ(x) Γ(1 − x) = π / sin πx."""
    value: arb = (arb.pi() / abs(x.sin_pi())).log() - (1 - x).lgamma() if x < 0 else x.lgamma()
    return value


_SPECIAL: dict[str, Callable[..., arb]] = {
    "lgamma": _lgamma,
    "sigmoid": _sigmoid,
    "exp2": lambda x: arb(2) ** x,
    "log2": lambda x: x.log() / arb(2).log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "trigamma": lambda x: arb(2).zeta(x),
    "zeta": lambda q, s: s.zeta(q),
    "i0": lambda x: x.bessel_i(0),
    "i1": lambda x: x.bessel_i(1),
    "i0e": lambda x: abs(x).bessel_i(0, scaled=True),
    "i1e": lambda x: (-abs(x)).exp() * x.bessel_i(1),
    "erfcx": lambda x: (x * x).exp() * x.erfc(),
    "ndtri": lambda p: -arb(2).sqrt() * (2 * p).erfcinv(),
    "gammainc": lambda x, a: x.gamma_lower(a, regularized=1),
    "gammaincc": lambda x, a: x.gamma_upper(a, regularized=1),
}


#: The ball of all numbers.
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
#: Quotients 1/(1 + exp(−x)), in which exp overflows before the quotient underflows: 0 in place of a subnormal number.
FLUSHED = frozenset({"sigmoid"})
#: Series whose sum at 0 is 1 only nearly.
NEVER_EXACT = frozenset({"i0", "i0e"})


class Rounding(Balls):
    """What floating point may do: each result is widened by the rounding of its operation in the working dtype.

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

    def root_of_unity(self, k: int, n: int) -> tuple[arb, arb]:
        cosine, sine = super().root_of_unity(k, n)
        return self._round(cosine, self.once), self._round(sine, self.once)

    def add(self, terms: Sequence[arb]) -> arb:
        total = sum(terms, self.zero)
        if len(terms) <= 2:
            return self._round(total, self.once)
        size: arb = sum((abs(t) for t in terms), self.zero)
        return total + size * arb(0, (len(terms) - 1) * self.format.unit)

    def multiply(self, x: arb, y: arb) -> arb:
        return self._round(x * y, self.once)

    def divide(self, x: arb, y: arb) -> arb:
        return self._round(x / y, self.once)

    def power(self, x: arb, y: arb) -> arb:
        return self._round(_power(x, y), self.elementary)

    def function(self, name: str, x: arb, *parameters: arb) -> arb:
        exact = super().function(name, x, *parameters)
        if name in NEVER_EXACT:
            return exact * self.by_name[name]
        value = self._round(exact, self.by_name.get(name, self.elementary))
        if name in NEAR_ROOTS:
            return value + arb(0, COARSE[name] * self.format.unit)
        lost = 2.0 ** min(self.format.normal, FORMATS["float32"].normal)  # kernels of narrower formats work in float32
        return value + arb(0, lost) if name in FLUSHED and abs(float(exact)) < lost else value

    def rounded(self, x: arb) -> arb:
        return self._round(x, self.once)

    def spread(self, x: arb, terms: Sequence[arb], units: float) -> arb:
        size: arb = sum((abs(t) for t in terms), self.zero)
        return x + size * arb(0, units * self.format.unit)

    def stored(self, x: arb) -> arb:
        infinite = x.is_exact() and not x.is_finite()  # an infinity that was meant, such as a mask's
        return UNKNOWN if abs(x) >= arb(self.format.largest) and not infinite else x

    def solve(self, matrix: Rows, right: Rows) -> list[list[arb]]:
        return matrices.solve_rounded(matrix, right, self.format.unit)

    def adjugate(self, matrix: Rows) -> tuple[arb, list[list[arb]]]:
        return matrices.adjugate_rounded(matrix, self.format.unit)

    def implicit(self, function: Implicit, matrix: Rows) -> list[Array]:
        return matrices.implicit_rounded(function, matrix, self.format.unit, Graph(Balls()))
