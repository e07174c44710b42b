"""Formulas: what they mean, what they refuse, and that text from others is never run."""

from __future__ import annotations

import gc
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import ExerciseError, FormulaError
from checker.formula import parse
from checker.functions import FUNCTIONS, MEASURES, SHAPED

ARGUMENTS = {
    "x": torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64),
    "y": torch.tensor([2.0, 0.5, 4.0], dtype=torch.float64),
    "A": torch.tensor([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 1.0]], dtype=torch.float64),
    "θ": torch.tensor(2.0, dtype=torch.float64),
    "labels": torch.tensor([0, 2]),
    "net.0.weight": torch.tensor([[1.0, 0.0, 2.0]], dtype=torch.float64),
}
X, Y, A = (ARGUMENTS[name].numpy() for name in ("x", "y", "A"))


def value(text: str) -> np.ndarray[Any, Any]:
    return parse(text, ARGUMENTS)({**ARGUMENTS, "upstream": ARGUMENTS["y"]}).numpy()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4 * x", 4 * X),
        ("2 - x - 1", 1 - X),
        ("-x^2", -X * X),
        ("2^3^2", 512.0),
        ("x ** -2", 1 / X**2),
        ("x² + y³", X**2 + Y**3),
        ("x · y × 2 − 1", X * Y * 2 - 1),
        ("2x", 2 * X),
        ("2 x", 2 * X),
        ("-2x^2 + 3.5y", -2 * X**2 + 3.5 * Y),
        ("2(x + y)", 2 * (X + Y)),
        ("2‖x‖", 2 * math.sqrt(14)),
        ("2||x||²", 28.0),
        ("‖2x + 2‖", np.linalg.norm(2 * X + 2)),
        ("2√y", 2 * np.sqrt(Y)),
        ("2xᵀy", 2 * (X @ Y)),
        ("2x / y", 2 * X / Y),
        ("x - 2y", X - 2 * Y),
        ("½x + ¾", X / 2 + 0.75),
        ("y^½", np.sqrt(Y)),
        ("x^T y", X @ Y),
        ("2x^Ty", 2 * (X @ Y)),
        ("x^⊤y", X @ Y),
        ("A^T @ x", A.T @ X),
        ("2x – y — 1", 2 * X - Y - 1),
        ("dy/dx = 2x", 2 * X),
        ("∂L/∂x = 2x", 2 * X),
        ("∇f(x) = 2x", 2 * X),
        ("∇ₓf = 2x", 2 * X),
        ("grad = 2x", 2 * X),
        ("grad_x = 2x", 2 * X),
        ("x.grad = 2x", 2 * X),
        ("f'(x) ＝ 2x", 2 * X),
        ("dx = sum(A, dim=0)", A.sum(0)),
        ("（x＋y）＊２", 2 * (X + Y)),
        ("y ÷ 2", Y / 2),
        ("xᵀy", X @ Y),
        ("x * xᵀy", X * (X @ Y)),
        ("y / xᵀy", Y / (X @ Y)),
        ("xᵀA @ y", X @ A @ Y),
        ("xᵀ A ᵀ y", X @ A.T @ Y),
        ("xᵀy²", X @ Y**2),
        ("A.T @ x", A.T @ X),
        ("x / ‖x‖", X / math.sqrt(14)),
        ("‖x‖² ", 14.0),
        ("‖x − ‖y‖‖", np.linalg.norm(X - np.linalg.norm(Y))),
        ("√y + √(y · 4)", 3 * np.sqrt(Y)),
        ("θ² · x", 4 * X),
        ("2 * π * e", 2 * math.pi * math.e),
        ("y^(1/2)", np.sqrt(Y)),
        ("net.0.weight @ x", np.array([-5.0])),
        ("net.0.weight.T", np.array([[1.0], [0.0], [2.0]])),
        ("x[0] + x[-1]", -2.0),
        ("A[:, 1]", A[:, 1]),
        ("x[:, None] * y", np.outer(X, Y)),
        ("x[labels]", X[[0, 2]]),
        ("one_hot(labels, 3)", np.eye(3)[[0, 2]]),
        ("where(x > 0, x, 0)", np.maximum(X, 0)),
        ("where(0 < x <= 1 or not y < 3, 1, 2)", np.array([1.0, 2.0, 1.0])),
        ("where(x ≥ 2, 1, 0)", np.array([0.0, 1.0, 0.0])),
        ("sum(A, dim=0, keepdim=True)", A.sum(0, keepdims=True)),
        ("mean(A)", A.mean()),
        ("max(A, dim=1)", A.max(1)),
        ("norm(x, p=1) + norm(x, inf)", 9.0),
        ("softmax(x)", np.exp(X) / np.exp(X).sum()),
        ("exp(log_softmax(A, dim=0))", np.exp(A) / np.exp(A).sum(0)),
        ("logsumexp(x)", np.log(np.exp(X).sum())),
        ("var(x) + std(x)²", 2 * X.var(ddof=1)),
        ("det(A) · inv(A)", np.linalg.det(A) * np.linalg.inv(A)),
        ("solve(A, x)", np.linalg.solve(A, X)),
        ("trace(outer(x, y))", X @ Y),
        ("cross(x, y)", np.cross(X, Y)),
        ("cumsum(x)", X.cumsum()),
        ("stack([x, y], dim=1)", np.stack([X, Y], 1)),
        ("cat([x, ones(2)])", np.concatenate([X, np.ones(2)])),
        ("reshape(A, 9)[2:len(x)]", A.ravel()[2:3]),
        ("expand(θ, size(A, 0), 2)", np.full((3, 2), 2.0)),
        ("numel(A) * eye(3)", 9 * np.eye(3)),
        ("clamp(x, -1, 1)", X.clip(-1, 1)),
        ("relu(x) + sign(x) · abs(x)", np.maximum(X, 0) + X),
        ("maximum（x，y）", np.maximum(X, Y)),
        ("x\n  + y", X + Y),
    ],
)
def test_a_formula_means_what_a_textbook_says(text: str, expected: Any) -> None:
    np.testing.assert_allclose(value(text), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "it is empty."),
        ("x 4", 3, "an operator is missing between 'x' and '4'. Is x * 4 meant?"),
        ("A x", 3, "an operator is missing between 'A' and 'x'. Is A * x meant, or A @ x?"),
        ("2 3", 3, "an operator is missing between '2' and '3'. Is 2 * 3 meant?"),
        ("sin x", 5, "an operator is missing between 'sin' and 'x'. Write sin(x)."),
        ("‖x‖‖y‖", 4, "an operator is missing between '‖' and '‖'."),
        ("1/2x", 4, "it is not clear what 2 x belongs to. Write every * and the brackets that are meant."),
        ("x^2y", 4, "it is not clear what 2 y belongs to."),
        ("x**-2y", 6, "it is not clear what 2 y belongs to."),
        ("A @ 2x", 6, "it is not clear what 2 x belongs to."),
        ("y = 2x", 3, "a formula has no = sign. Write what the gradient is, and nothing else."),
        ("x = y", 3, "a formula has no = sign."),
        ("x'y", 2, "Write xᵀ for a transpose."),
        ("2x；", 3, "Write one formula, and commas between arguments."),
        ("maximum(x、y)", 10, "Write , between arguments, and nothing at the end."),
        ("∂x", 1, "Write what the derivative is, in terms of the inputs."),
        ("x_1", 1, "x_1 is no name here. Write x[1] for one entry; the first is x[0]."),
        ("2x₁", 2, "Write x[1] for one entry; the first is x[0]."),
        ("2 * x_i", 5, "x_i is no name here. x stands for all of its entries."),
        ("2 * Ty", 5, "Ty is no name here. Write ᵀy for the transpose, as in xᵀy."),
        ("2ㅤ", 2, "it holds HANGUL JUNGSEONG FILLER."),
        ("ѕin(x)", 1, "is written with CYRILLIC SMALL LETTER DZE. Type the Latin sin."),
        ("x y", 3, "an operator is missing between 'x' and 'y'."),
        ("4 * х", 5, "'х' is written with CYRILLIC SMALL LETTER HA. Type the Latin x."),
        ("4 * z", 5, "z is no name here. Names are x, y, A, θ, labels, net.0.weight, upstream, value, pi, e."),
        ("upstraem", 1, "Is upstream meant?"),
        ("soft_max(x)", 1, "Is softmax meant?"),
        ("x.sum()", 1, "x.sum(…) is Python's way. Write sum(…)."),
        ("torch.exp(x)", 1, "Write exp(…)."),
        ("x**T", 4, "Write x.T or xᵀ for the transpose."),
        ("A⁻¹", 2, "(SUPERSCRIPT MINUS) means nothing here. Write 1 / x for a reciprocal, inv(A) for an inverse."),
        ("|x|", 1, "Write abs(x), or norm(x) for ‖x‖."),
        ("√x²", 1, "it is not clear how far √ reaches. Write √(…) with brackets."),
        ("‖x", 2, "a ‖ is never closed."),
        ("sum(x", 4, "it cannot be read from here: '(' was never closed."),
        ("x > 0", 1, "a comparison stands only inside where. Write where(x > 0, a, b)."),
        ("where(x, 1, 2)", 7, "a comparison such as x > 0 is needed"),
        ("x(2)", 1, "x is no function. Write x * (…) for the product."),
        ("exp", 1, "exp is a function. Write exp(…)."),
        ("exp()", 1, "missing a required argument: 'x'. It is exp(x)."),
        ("sum(x, axis=0)", 1, "got an unexpected keyword argument 'axis'. It is sum(x, dim=None, keepdim=False)."),
        ("sum(x, dim=y)", 12, "a whole number is needed here, not 'y'."),
        ("sum(x, keepdim=1)", 16, "True or False is needed here."),
        ("x // 2", 1, "The operators are + - * / ** @."),
        ("x % 2", 3, "There is no remainder here."),
        ("x if y else 2", 3, "the word 'if' means nothing here. Write where(condition, a, b)."),
        ("1e999999", 1, "the number 1e999999 is out of range."),
        ("1e-999", 1, "the number 1e-999 is out of range."),
        ("9" * 40, 1, "is out of range. Use at most 30 digits"),
        ("9**9**9**9", 7, "this exponent is too large. Exponents go up to 1000."),
        ("x**-1001", 5, "this exponent is too large."),
        ("ones(70000)", 6, "the whole number 70000 is too large here. Sizes go up to 65536."),
        ("ones(60000, 60000)", 1, "it would have 3600000000 entries, and at most 4194304 are computed."),
        ("x[:, None] * ones(65536)[None] * ones(65536)[:, None]", 1, "cannot be computed for shapes (3, 65536), (65536, 1)"),
        ("one_hot(labels, 60000 * 60000)", 1, "it would have 7200000000 entries"),
        ("expand(θ, -1, 0)", 1, "the size -1 is none."),
        ("det(eye(2000))", 1, "it is too expensive to evaluate: 'det(eye(2000))' is more than is allowed. Simplify the formula."),
        ("outer(ones(9000), ones(9000))", 1, "would have 81000000 entries."),
        ("A @ ones(2)", 1, "'A @ ones(2)' cannot be computed for shapes (3, 3), (2,): size mismatch"),
        ("x\u200b", 2, "(ZERO WIDTH SPACE) means nothing here."),
    ],
)
def test_an_error_names_the_column_and_what_to_write(text: str, column: int, says: str) -> None:
    with pytest.raises(FormulaError) as caught:
        value(text)
    assert says in str(caught.value)
    assert caught.value.column == column
    assert isinstance(caught.value, ExerciseError)


HOSTILE = [
    "__import__('os').system('touch /tmp/ran')",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__",
    "x.__init__.__globals__",
    "(lambda: 1)()",
    "[x for x in y]",
    "(x := 5)",
    "f'{x}'",
    "`x`",
    "exec(x)",
    "eval(x)",
    "print(x)",
    "open(x)",
    "x.numpy()",
    "getattr(x, y)",
    "sum(*x)",
    "sum(**x)",
    "await x",
    "yield x",
    "x; y",
    "x = y",
    "x if y else y",
    "{x: y}",
    "{x}",
    "x\\\n",
    "# x",
    "0x10",
    "1_000",
    "1j",
    "\x00",
    "\ud800",
    "\N{RIGHT-TO-LEFT OVERRIDE}x",
    "(" * 2000 + "x" + ")" * 2000,
    "[" * 1900 + "x" + "]" * 1900,
    "-" * 3900 + "x",
    "x" + "+x" * 1900,
    "x" + "**x" * 1300,
    "x" + "[0]" * 1300,
    "x" + ".T" * 1900,
    "x" + "ᵀ" * 3900,
    "not " * 900 + "x",
    "exp(" * 900 + "x" + ")" * 900,
    "9**9**9**9",
    "9" * 3999,
    "x**((9**999)**999)",
    "‖" * 3999,
    "√" * 3999,
    "a" * 100_000,
    "x" * 3999,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_an_error_and_quick(text: str) -> None:
    gc.disable()  # to look through what thousands of tests have left takes longer than any formula
    try:
        started = time.perf_counter()
        with pytest.raises(FormulaError) as caught:
            value(text)
        assert time.perf_counter() - started < 0.5
    finally:
        gc.enable()
    assert len(str(caught.value)) < 1000


@given(st.text(alphabet=st.sampled_from(list("xyAθ ()[]+-*/^.,:=<>@123e‖√ᵀ²·'\"_\n")) | st.characters(), max_size=80))
@settings(max_examples=300, deadline=500)
def test_any_text_is_a_formula_or_an_error_with_a_column(text: str) -> None:
    column = None
    try:
        result = parse(text, ARGUMENTS)(ARGUMENTS)
    except FormulaError as error:
        column = error.column
    assert isinstance(result, torch.Tensor) if column is None else 1 <= column <= max(1, len(text))


def test_a_tower_of_powers_overflows_quietly() -> None:
    assert math.isinf(value("((9**999)**999)**999"))


Pair = tuple[str, Callable[[], Any]]


def _expressions() -> st.SearchStrategy[Pair]:
    """Texts, each with its value by NumPy."""
    leaves: st.SearchStrategy[Pair] = st.sampled_from(
        [("x", lambda: X), ("y", lambda: Y), ("A", lambda: A), ("pi", lambda: np.pi)]
    ) | st.floats(0.001, 9).map(lambda number: (repr(number), lambda: number))
    unary: list[tuple[str, Callable[[Any], Any]]] = [
        ("-({})", lambda a: -a),
        ("({})²", lambda a: a**2),
        ("exp(-({})^2)", lambda a: np.exp(-(a**2))),
        ("sin({})", np.sin),
        ("tanh({})", np.tanh),
        ("√(1 + ({})²)", lambda a: np.sqrt(1 + a**2)),
        ("abs({})", np.abs),
        ("sum({})", np.sum),
        ("‖{}‖", lambda a: np.sqrt(np.sum(np.square(a)))),
        ("({})[..., None]", lambda a: np.asarray(a)[..., None]),
        ("where(({}) > 0, 1, 2)", lambda a: np.where(np.asarray(a) > 0, 1.0, 2.0)),
    ]
    binary: list[tuple[str, Callable[[Any, Any], Any]]] = [
        ("{} + {}", lambda a, b: a + b),
        ("{} − ({})", lambda a, b: a - b),
        ("({}) · ({})", lambda a, b: a * b),
        ("({}) / (1 + ({})²)", lambda a, b: a / (1 + b**2)),
        ("maximum({}, {})", np.maximum),
    ]

    def extend(inner: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
        one = st.builds(lambda u, a: (u[0].format(a[0]), lambda: u[1](a[1]())), st.sampled_from(unary), inner)
        two = st.builds(lambda o, a, b: (o[0].format(a[0], b[0]), lambda: o[1](a[1](), b[1]())), st.sampled_from(binary), inner, inner)
        return one | two

    return st.recursive(leaves, extend, max_leaves=8)


@given(_expressions())
@settings(max_examples=200, deadline=500)
def test_random_expressions_agree_with_numpy(pair: Pair) -> None:
    text, expected = pair
    try:
        truth = expected()
    except ValueError:  # shapes that do not broadcast
        with pytest.raises(FormulaError, match="cannot be computed"):
            value(text)
        return
    np.testing.assert_allclose(value(text), truth, rtol=1e-9, atol=1e-9)


def test_numbers_are_multiples_of_one() -> None:
    formula = parse("x / 3 + 0.5 * pi", ["x"])
    twice = formula({"x": torch.tensor(6.0, dtype=torch.float64), "1": torch.tensor(2.0, dtype=torch.float64)})
    assert float(twice) == pytest.approx(6 / (3 * 2) + 0.5 * 2 * 4 * math.atan(2))


def test_a_formula_knows_its_names() -> None:
    formula = parse("upstream * x / 4 + x", ["x", "y"])
    assert formula.names == ("upstream", "x")
    with pytest.raises(FormulaError, match="upstream has no value here"):
        formula({"x": torch.ones(2)})


def test_an_input_named_e_is_not_the_constant() -> None:
    assert float(parse("e", ["e"])({"e": torch.tensor(5.0)})) == 5.0


def test_formulas_are_differentiable_functions() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    parse("sum(x³)", ["x"])({"x": x}).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [3.0, 12.0]


def test_formulas_load_no_sympy() -> None:
    code = "import sys, checker.formula; print('sympy' in sys.modules, 'checker.formula' in sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == ["False", "True"]


def test_the_page_about_formulas_shows_every_function_and_examples_that_can_be_read() -> None:
    page = (Path(__file__).parent.parent / "docs" / "formulas.md").read_text(encoding="utf-8")
    spelling, functions = page.split("## Functions")
    functions, latex = functions.split("## LaTeX")
    named = {name for row in functions.splitlines() if row.startswith("| ") for name in re.findall(r"`(\w+)`", row)}
    assert named == {*FUNCTIONS, *MEASURES, *SHAPED}
    rows = [row.split("|")[1] for row in spelling.splitlines() if row.startswith("| `")]
    examples = [example for row in rows for example in re.findall(r"`([^`]+)`", row)]
    assert len(examples) > 20
    for example in examples:
        assert isinstance(parse(example, ARGUMENTS)(ARGUMENTS), torch.Tensor), example
    pairs = [[re.findall(r"`([^`]+)`", side) for side in row.split(" | ")] for row in latex.splitlines() if row.startswith("| `")]
    assert len(pairs) == 8
    for written, means in pairs:
        for number, example in enumerate(written):
            np.testing.assert_allclose(value(example), value(means[min(number, len(means) - 1)]), rtol=1e-14)
