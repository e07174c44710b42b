"""What a system of numbers must offer so that a tape can be replayed over it.

Comes in: nothing.  Goes out: the protocol `NumberSystem`.  Why: one interpreter and one table of operations serve the truth (balls),
what rounding may do (widened balls) and mathematics to read (sympy); each is a way of adding, multiplying and deciding signs.

A number is opaque to the interpreter: it is only handed back to the system it came from. Every method is pure except `working`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeVar

N = TypeVar("N")

#: What a number is when `keep` sees it: the value of an operation, or the adjoint of one.
Role = Literal["value", "adjoint"]


class Implicit(Protocol):
    """Results that a matrix determines by an equation, not by steps: its Q and R (`implicit.py`), its eigenvectors (`spectrum.py`)."""

    @property
    def name(self) -> str:
        """What people call them."""

    def values(self, a: Any) -> list[Any]:
        """The results at a matrix of balls, as arrays of balls.

        Raises:
            ValueError: they cannot be told apart.
        """

    def backward(self, n: int, unit: float) -> float:
        """How far from `a`, as a share of its norm, the matrix may be whose results an algorithm of that unit roundoff finds; and how far
        those are from them, as a share of the largest. `n` is the longer side."""

    def slopes(self, g: Any, a: Any, y: list[Any]) -> list[Any]:
        """The derivatives of the results `y` by the entries of `a`, all arrays of constants of the graph `g`, so in any number system.

        For each result an array of its shape followed by that of `a`.
        """


class NumberSystem(Protocol[N]):
    """Numbers with the field operations, the elementary functions, and signs."""

    zero: N
    one: N
    overflows: bool  #: whether a number may be too large for the working dtype
    order: int  #: how many derivatives a reverse sweep gives: 2 where the numbers are dual

    def variable(self, name: str, index: tuple[int, ...], value: float) -> N:
        """Entry `index` of the argument `name`, which is `value` at the recorded point."""

    def exact(self, value: float) -> N:
        """A binary floating-point number, taken at its word."""

    def constant(self, value: float) -> N:
        """A Python number written in the program. A kernel stores it in the working dtype, so 0.1 is not the same number in each."""

    def pi(self) -> N:
        """π."""

    def root_of_unity(self, k: int, n: int) -> tuple[N, N]:
        """cos and sin of 2πk/n, as the tables of a fast Fourier transform hold them."""

    def add(self, terms: Sequence[N]) -> N:
        """The sum of any number of terms, zero of none: one operation, so that it can be bounded, or written, as one sum."""

    def negate(self, x: N) -> N: ...

    def multiply(self, x: N, y: N) -> N: ...

    def divide(self, x: N, y: N) -> N: ...

    def power(self, x: N, y: N) -> N: ...

    def function(self, name: str, x: N, *parameters: N) -> N:
        """The function `name` at `x`: the names are the keys of `derivatives.DERIVATIVES`. Outside its domain: not a number.

        `parameters` are the numbers that choose one of a family, such as the order of a zeta function; no derivative is known by them.
        """

    def solve(self, matrix: Sequence[Sequence[N]], right: Sequence[Sequence[N]]) -> list[list[N]]:
        """X with `matrix` X = `right`.

        Raises:
            ZeroDivisionError: the matrix cannot be told from a singular one.
        """

    def adjugate(self, matrix: Sequence[Sequence[N]]) -> tuple[N, list[list[N]]]:
        """The determinant and the adjugate (the transposed cofactors), of a singular matrix too."""

    def implicit(self, function: Implicit, matrix: Sequence[Sequence[N]]) -> list[Any]:
        """The results of `function` at `matrix`, as arrays of numbers.

        Raises:
            ValueError: they cannot be told apart, such as two eigenvalues that may be one.
        """

    def sign(self, x: N) -> int | None:
        """−1, 0 or 1; None where it cannot be told. 0 means that `x` is zero exactly."""

    def either(self, x: N, y: N) -> N:
        """A number that stands for `x` and for `y`: asked only where `sign` has answered None."""

    def shift(self, x: N) -> N:
        """A constant near `x`. Asked where mathematics cancels it (the maximum inside a softmax): any is right, zero reads best."""

    def stopped(self, x: N) -> N:
        """`x` behind a cut: the same value, on which nothing depends any more."""

    def rounded(self, x: N) -> N:
        """`x` after it was stored in the working dtype."""

    def spread(self, x: N, terms: Sequence[N], units: float) -> N:
        """`x` off by up to `units` unit roundoffs of Σ |terms|: what a kernel's own way of computing it may cost."""

    def stored(self, x: N) -> N:
        """`x` as the result of a whole operation, where it may overflow. Asked only if `overflows`."""

    def keep(self, x: N, role: Role) -> N:
        """Called once on every differentiable value and on every adjoint: the place to give it a name. Return `x` to do nothing."""

    def approximate(self, x: N) -> float:
        """A float near `x` at the recorded point. Never used in a value: it picks candidates whose signs are then checked."""

    def working(self, dtype: str) -> None:
        """From now on operations are carried out in `dtype`, such as "float32". Exact systems ignore it."""
