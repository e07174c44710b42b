"""Products and powers as mathematics writes them.

Comes in: nodes of a syntax tree.  Goes out: functions of the arguments.  Why: what stands side by side, and what a power is, depends on
whether numbers, vectors or matrices meet; whichever has no meaning is an error, never a guess.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from fractions import Fraction

import torch

from checker.functions import FUNCTIONS
from checker.readings import Arguments, Reading, Readings

EXPONENT = 1000  #: largest constant exponent


class Products(Readings):
    """Powers, and factors side by side."""

    def raised(self, node: ast.expr, base: Reading, right: ast.expr) -> Reading:
        """A power, entry by entry. An exponent in numbers alone stays one: whole where it is, so that negative entries have a power."""
        exponent = self.constant(right)
        if exponent is None or exponent != Fraction(float(exponent)):
            return self.apply(node, torch.pow, base, self.real(right))
        power: int | float = int(exponent) if exponent.denominator == 1 else float(exponent)
        return self.apply(node, lambda x: torch.pow(x, power), base)

    def constant(self, node: ast.expr) -> Fraction | None:
        """The exact value of an exponent that is written in numbers alone, and None of any other.

        Raises:
            FormulaError: it is larger than 1000.
        """
        value: Fraction | None = None
        match node:
            case ast.Constant(value=int() | float() as number):
                value = Fraction(number)
            case ast.UnaryOp(op=ast.USub(), operand=operand) if (inner := self.constant(operand)) is not None:
                value = -inner
            case ast.BinOp(op=ast.Pow(), left=left, right=right):
                base, exponent = self.constant(left), self.constant(right)
                if base is not None and exponent is not None:
                    value = Fraction(_power(float(base), float(exponent)))
            case ast.BinOp(op=ast.Div(), left=left, right=right):
                over, under = self.constant(left), self.constant(right)
                value = over / under if over is not None and under else None
        if value is not None and abs(value) > EXPONENT:
            raise self.error(node, "this exponent is too large.", f"Exponents go up to {EXPONENT}.")
        return value

    def shaped(self, node: ast.Call, name: str) -> Reading:
        """`times(A, x, …)` is the product that mathematics writes side by side, `power(A, p)` what it writes above."""
        factors = node.args
        if node.keywords or len(factors) < 2 or any(isinstance(f, ast.Starred) for f in factors) or (name == "power" and len(factors) > 2):
            raise self.error(node, "times takes two factors or more." if name == "times" else "power takes a base and an exponent.")
        if name == "times":
            return self.beside(node, factors)
        base, exponent = factors
        if self.constant(exponent) == -1:
            return self.apply(node, _inverse, self.real(base))
        return self.raised(node, self.apply(node, _no_matrix, self.real(base)), exponent)

    def beside(self, node: ast.expr, factors: Sequence[ast.expr]) -> Reading:
        """The product of factors side by side, from left to right: with a number it is entry by entry, of xᵀ and y the inner, of x and yᵀ
        the outer product. Two vectors without a transpose, or a vector before a matrix, mean nothing."""
        readings = [self.real(factor) for factor in factors]
        lying = [isinstance(f, ast.Attribute) and f.attr in ("T", "mT") and ast.unparse(f) not in self.names for f in factors]

        def evaluate(arguments: Arguments) -> torch.Tensor:
            product: torch.Tensor = readings[0](arguments)
            row = lying[0]
            for reading, turned in zip(readings[1:], lying[1:], strict=True):
                factor = reading(arguments)
                if not product.ndim or not factor.ndim:
                    function = torch.mul
                    row = turned if factor.ndim else row
                elif product.ndim == factor.ndim == 1 and turned and not row:
                    function = FUNCTIONS["outer"]
                elif (product.ndim == 1 and not row) or (factor.ndim == 1 and turned):
                    advice = "Write xᵀy for the inner product, x yᵀ for the outer one, x * y entry by entry; in LaTeX \\top and \\odot."
                    raise self.error(node, f"{self.written(node)!r} puts vectors and matrices side by side that have no product.", advice)
                else:
                    function, row = FUNCTIONS["matmul"], product.ndim == 1
                product = self.run(arguments, node, function, [product, factor], {})
            return product

        return evaluate


def _power(base: float, exponent: float) -> float:
    try:
        value = base**exponent
    except ArithmeticError:
        return EXPONENT + 1.0
    return value if isinstance(value, float) and math.isfinite(value) else EXPONENT + 1.0


def _inverse(x: torch.Tensor) -> torch.Tensor:
    if x.ndim == 1:
        raise ValueError("a vector has no inverse: write 1 / x")
    return torch.linalg.inv(x) if x.ndim else torch.reciprocal(x)


def _no_matrix(x: torch.Tensor) -> torch.Tensor:
    if x.ndim > 1:
        raise ValueError("the power of a matrix may be meant entry by entry or not: write A * A or A @ A, in LaTeX A \\odot A or A A")
    return x
