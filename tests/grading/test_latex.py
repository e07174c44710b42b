"""Formulas in LaTeX: they mean what they say, what is open is refused, and hostile text is an error."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import FormulaError
from checker.formula import parse
from checker.latex import is_latex

x, y = np.array([1.0, 2.0, -3.0]), np.array([2.0, 0.5, 4.0])
A = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 1.0]])
GIVEN = {"x": x, "y": y, "A": A, "θ": 2.0, "lam": 0.5, "w_out": y, "logits": x, "b1": y, "upstream": y}
ARGUMENTS = {name: torch.tensor(v, dtype=torch.float64) for name, v in GIVEN.items()}


def value(text: str) -> np.ndarray[Any, Any]:
    return parse(text, [n for n in ARGUMENTS if n != "upstream"])(ARGUMENTS).numpy()


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$4x$", 4 * x),
        (r"$$ 4 x $$", 4 * x),
        (r"\(4x\)", 4 * x),
        (r"\[ 4\,x \]", 4 * x),
        (r"4 \cdot x", 4 * x),
        (r"4 \times x", 4 * x),
        (r"-2\theta^{3}x", -16 * x),
        (r"\frac{1}{3} A^\top (A x - y)", A.T @ (A @ x - y) / 3),
        (r"2A^T(Ax-y) + 2\lambda x\,", 2 * A.T @ (A @ x - y) + x),
        (r"\frac{x}{\lVert x \rVert}", x / math.sqrt(14)),
        (r"\frac{x}{\left\| x \right\|_2}", x / math.sqrt(14)),
        (r"\|x\|_1 + \|x\|_{\infty}", 9.0),
        (r"\|x - \|y\|\|^2", np.sum((x - np.linalg.norm(y)) ** 2)),
        (r"\|x\| \|y\|", np.linalg.norm(x) * np.linalg.norm(y)),
        (r"e^{-x^2}", np.exp(-(x**2))),
        (r"\exp\left(-x^{2}\right)", np.exp(-(x**2))),
        (r"3\mathrm{e}^{x}", 3 * np.exp(x)),
        (r"\sin x", np.sin(x)),
        (r"\sin^2(x) + \cos^2 x", np.ones(3)),
        (r"\log\det A", math.log(np.linalg.det(A))),
        (r"\max(0, x)", np.maximum(0, x)),
        (r"\sigma(x) \odot (1-\sigma(x))", sigmoid(x) * (1 - sigmoid(x))),
        (r"\frac{e^x}{(1+e^x)^2}", sigmoid(x) * (1 - sigmoid(x))),
        (r"\operatorname{softmax}(\text{logits})", np.exp(x) / np.exp(x).sum()),
        (r"\mathrm{sum}(A, \text{dim}=0)", A.sum(0)),
        (r"\operatorname{where}(x > 0, x, 0)", np.maximum(x, 0)),
        (r"\operatorname{tr}(A) x", 6 * x),
        (r"\mathbf{x}^\top \mathbf{y}", x @ y),
        (r"\boldsymbol x^{\mathsf{T}} A \bm{x}", x @ A @ x),
        (r"x^Ty\,", x @ y),
        (r"x x^\top", np.outer(x, x)),
        (r"A x y^\top", np.outer(A @ x, y)),
        (r"x^\top y\, x", (x @ y) * x),
        (r"A^{-1} x", np.linalg.solve(A, x)),
        (r"\det(A) A^{-\top}", np.linalg.det(A) * np.linalg.inv(A).T),
        (r"\theta^{-1} x", x / 2),
        (r"\tfrac12 (A + A^\top) x", (A + A.T) @ x / 2),
        (r"\sqrt{y} + \sqrt[3]{y}", np.sqrt(y) + np.cbrt(y)),
        (r"2^{3} x", 8 * x),
        (r"\pi \theta", 2 * math.pi),
        (r"w_{\text{out}} \odot b_{1}", y * y),
        (r"\text{upstream} \odot x", y * x),
        (r"\nabla f(x) = 4x", 4 * x),
        (r"\nabla_x f = 4x", 4 * x),
        (r"\frac{\partial f}{\partial x} = 4x", 4 * x),
        (r"\frac{\mathrm{d}f}{\mathrm{d}x} = 4x", 4 * x),
        (r"\frac{df}{dx} = 4x", 4 * x),
        (r"\big( 4x \bigr)", 4 * x),
        (r"（４ｘ）\,", 4 * x),
    ],
)
def test_latex_means_what_it_says(text: str, expected: Any) -> None:
    assert is_latex(text)
    np.testing.assert_allclose(value(text), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        (r"\sum_i x_i", 1, r"\sum is not read here. Write \operatorname{sum}(…), which adds all entries."),
        (r"2 \partial x", 3, r"\partial is not read here. Write what the derivative is, in terms of the inputs."),
        (r"x_{i}", 1, "x_i is no name here. Write the whole gradient at once: x stands for all of its entries."),
        (r"\sin x y", 8, "it is not clear how far sin reaches. Write brackets."),
        (r"\frac{1}{2} 1/2x", 16, r"it is not clear how far / reaches. Write \frac{…}{…}."),
        (r"\left|x\right|", 6, r"| may be an absolute value or a norm. Write \operatorname{abs}(x), or \lVert x \rVert."),
        (r"x^23\,", 3, "TeX takes only 2 of 23 here. Write ^{23}."),
        (r"x^{(1)}", 2, "it is not clear what ^(1) means."),
        (r"A^2\,", 1, "the power of a matrix may be meant entry by entry or not"),
        (r"x^{-1}", 1, "a vector has no inverse: write 1 / x."),
        (r"x \cdot y", 1, r"'x \cdot y' puts vectors and matrices side by side that have no product. Write xᵀy for the inner product"),
        (r"\theta x A", 1, "have no product"),
        (r"A^\top x y", 1, "have no product"),
        (r"x'\,", 2, "' may be a derivative or a transpose."),
        (r"x[0]\,", 2, "[ after a name may be an index or a bracket."),
        (r"\sin^{-1}(x)", 1, "it is not clear what sin^-1 means."),
        (r"\mathbf{1}", 1, r"\mathbf{1} may be a vector or a number."),
        (r"\mathbb{1}[x > 0]", 1, "Write where(x > 0, 1, 0) for an indicator"),
        (r"\begin{cases} x \\ 0 \end{cases}", 1, "Write where(x > 0, a, b) for cases"),
        (r"4\hat{z}", 2, r"\hat{z} is no name here."),
        (r"4\foo", 2, r"the command \foo means nothing here."),
        (r"4\Gamma", 2, "Gamma is no name here."),
        (r"\frac{1}{2", 10, "this is no LaTeX: a brace or dollar sign has no partner."),
        (r"\left(x\right", 6, "( is never closed."),
        (r"\|x", 1, "a norm is never closed."),
        (r"x)\,", 2, "nothing is open that ) closes."),
        (r"x \cdot -2", 3, r"after \cdot a factor is missing. Put signs in brackets."),
        (r"\frac{1}", 1, r"after \frac something is missing."),
        (r"\exp", 1, "exp of what? Write exp(…)."),
        (r"4\cdot z", 8, "z is no name here."),
        (r"x\,% y", 4, "the character '%' (PERCENT SIGN) means nothing here."),
        (r"x $y$", 3, "the character '$' (DOLLAR SIGN) means nothing here."),
        (r"4 \text{see below}", 3, r"\text{…} holds no name. Write the formula alone."),
        (r"\frac{х}{2}", 7, "'х' is written with CYRILLIC SMALL LETTER HA. Type the Latin x."),
    ],
)
def test_what_latex_leaves_open_is_refused_with_what_to_write(text: str, column: int, says: str) -> None:
    with pytest.raises(FormulaError) as caught:
        value(text)
    assert says in str(caught.value)
    assert caught.value.column == column


COLUMN, ROW = x[:, None], x[None]
FACTORS = {"x": COLUMN, "x^\\top": ROW, "A": A, "A^\\top": A.T, "\\theta": np.array([[2.0]]), "\\mathbf{y}": y[:, None], "y^{T}": y[None]}


@given(st.lists(st.sampled_from(sorted(FACTORS)), min_size=1, max_size=6))
@settings(max_examples=200, deadline=None)
def test_a_product_side_by_side_is_that_of_columns_and_rows(factors: list[str]) -> None:
    product = FACTORS[factors[0]]
    text = " ".join(factors) + r"\,"
    for factor in factors[1:]:
        other = FACTORS[factor]
        if 1 in (product.size, other.size):
            product = product * other
        elif product.shape[1] == other.shape[0]:
            product = product @ other
        else:
            with pytest.raises(FormulaError, match="have no product"):
                value(text)
            return
    np.testing.assert_allclose(value(text), product.squeeze(), rtol=1e-12)


HOSTILE = [
    r"\input{/etc/passwd}",
    r"\def\x{\x}\x",
    r"\write18{touch /tmp/ran}",
    r"\text{__import__('os')}",
    r"\operatorname{x.__class__}(x)",
    r"\operatorname{eval}(x)",
    r"\verb|x|",
    r"\csname x\endcsname",
    r"{" * 1990 + r"\x",
    r"\frac{" * 600 + "x",
    r"\frac" * 790,
    r"\sin" * 990 + " x",
    r"\sin{" * 600 + "x" + "}" * 600,
    r"\|" * 1990,
    r"\sqrt" * 790,
    r"\left(" * 600,
    r"\(" * 1990,
    "$" * 3999,
    r"\begin{a}" * 440,
    r"\begin" * 660,
    "%" * 3998 + r"\x",
    r"\x" * 1990,
    r"x^{" * 1300,
    r"x^" * 1990 + r"\x",
    r"\theta^{" * 58 + "999" + "}" * 58 + r"\cdot",
    r"x_{" * 1300,
    r"\mathbf" * 570,
    r"\text" * 790,
    r"9^{9^{9^{9}}}",
    "\\\x00",
    "\\\ud800x\\,",
    "\\,\N{RIGHT-TO-LEFT OVERRIDE}x",
    "x\\,\u200b",
    r"\,",
    "$$",
    "$ $",
    r"\frac{}{}",
    r"{}^{}\,",
    r"\,x" * 1300,
    r"\,(" * 1300,
    r"\theta\," + "ᵀ" * 3900,
    r"\theta\," + "²" * 3900,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_latex_is_an_error_and_quick(text: str) -> None:
    started = time.process_time()
    with pytest.raises(FormulaError) as caught:
        value(text)
    assert time.process_time() - started < 2
    assert len(str(caught.value)) < 1000


PIECES = [
    *"xyAθ0129 +-*/^_{}[]()|$&%~'=,.\\",
    r"\frac",
    r"\sqrt",
    r"\left(",
    r"\right)",
    r"\|",
    r"\top",
    r"\cdot",
    r"\sin",
    r"\text",
    r"\sigma",
]


@given(st.lists(st.sampled_from(PIECES) | st.characters(), max_size=40).map("".join))
@settings(max_examples=300, deadline=2000)
def test_any_latex_is_a_formula_or_an_error_with_a_column(text: str) -> None:
    text += r"\,"
    column = None
    try:
        result = value(text)
    except FormulaError as error:
        column = error.column
    assert isinstance(result, np.ndarray) if column is None else 1 <= column <= len(text)
