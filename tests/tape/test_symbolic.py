"""A tape in symbols: numbers against autograd, mathematics against textbooks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

import numpy as np
import pytest
import sympy
import torch
from torch import Tensor

from checker.errors import Unsupported
from checker.tape.conditions import Condition, joined
from checker.tape.elementary import mp
from checker.tape.mathematics import Mathematics, simplest, typeset
from checker.tape.record import record
from checker.tape.symbolic import Expression, express
from checker.tape.typography import letters

F = torch.nn.functional
Function = Callable[[Mapping[str, Tensor]], Tensor]


def f64(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def scalar(value: float) -> Tensor:
    return torch.tensor(value, dtype=torch.float64)


def read(function: Function, **arguments: Tensor) -> Expression:
    tape = record(lambda given: (function(given),), arguments)
    return express(tape, honoured=tape.honoured())


def written(function: Function, **arguments: Tensor) -> Mathematics:
    return typeset(read(function, **arguments))


def doubled_until_large(given: Mapping[str, Tensor]) -> Tensor:
    b = given["a"] * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


X, W = f64(0.3, -1.2, 2.0), torch.tensor([[1.0, 0.5, -0.25], [2.0, -1.0, 0.75], [0.1, 0.2, 3.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    "function",
    [
        lambda g: (g["x"] ** 3 - 1 / g["x"]).sum(),
        lambda g: torch.softmax(g["x"], 0)[1],
        lambda g: torch.sigmoid(g["W"] @ g["x"]).prod(),
        lambda g: F.softplus(g["W"] @ g["x"]).log().sum(),
        lambda g: torch.linalg.inv(g["W"]).square().sum(),
        lambda g: torch.linalg.det(g["W"]) * torch.linalg.solve(g["W"], g["x"]).sum(),
        lambda g: F.layer_norm(g["x"] * g["x"], (3,)).sum() + g["x"].erf().sum(),
        lambda g: F.cross_entropy(g["W"], torch.tensor([0, 2, 1])),
        lambda g: (g["x"].abs() ** 1.5).sum() + g["x"].max() * g["x"].detach().sum(),
    ],
)
def test_its_numbers_are_the_derivative(function: Function) -> None:
    arguments = {"x": X.clone().requires_grad_(), "W": W.clone().requires_grad_()}
    truth = torch.autograd.grad(function(arguments), list(arguments.values()), materialize_grads=True)
    found = read(function, x=X, W=W).numbers
    for name, gradient in zip(arguments, truth, strict=True):
        np.testing.assert_allclose(found[name], gradient.numpy(), rtol=1e-11, atol=1e-13)


def test_twice_a_dot_product_reads_as_in_the_textbook() -> None:
    found = written(lambda g: 2 * torch.dot(g["x"], g["x"]), x=f64(0.0, 1.0))
    assert found.function == r"2 \left(x_{0}^{2} + x_{1}^{2}\right)"
    assert found.gradients == {"x": r"\begin{bmatrix}4 x_{0} \\ 4 x_{1}\end{bmatrix}"}
    assert found.note == ""


def test_a_gradient_that_vanishes_here_is_still_written() -> None:
    assert written(lambda g: g["x"] * g["x"], x=scalar(0.0)).gradients == {"x": "2 x"}


@pytest.mark.parametrize(
    ("function", "formula", "gradient"),
    [
        (lambda g: g["x"] ** 3 - 1 / g["x"], r"x^{3} - \frac{1}{x}", r"3 x^{2} + \frac{1}{x^{2}}"),
        (lambda g: (3 * g["x"] / (g["x"] - 1)) ** 2, r"\frac{9 x^{2}}{\left(x - 1\right)^{2}}", r"- \frac{18 x}{\left(x - 1\right)^{3}}"),
        (lambda g: 0.1 * g["x"].exp(), r"\frac{e^{x}}{10}", r"\frac{e^{x}}{10}"),
        (
            lambda g: torch.sigmoid(g["x"]),
            r"\sigma\left(x\right)",
            r"\left(1 - \sigma\left(x\right)\right) \sigma\left(x\right)",
        ),
        (lambda g: g["x"].erf(), r"\operatorname{erf}{\left(x \right)}", r"\frac{2 e^{- x^{2}}}{\sqrt{\pi}}"),
    ],
)
def test_scalars_are_simplified(function: Function, formula: str, gradient: str) -> None:
    found = written(function, x=scalar(0.5))
    assert (found.function, found.gradients["x"]) == (formula, gradient)


def test_the_length_of_4x() -> None:
    found = written(lambda g: (4 * g["x"]).norm(), x=f64(1.0, 1.0))
    assert found.function == r"4 \sqrt{x_{0}^{2} + x_{1}^{2}}"
    assert found.gradients["x"].startswith(r"\begin{bmatrix}\frac{4 x_{0}}{\sqrt{x_{0}^{2} + x_{1}^{2}}}")
    assert found.conditions == ("x[0]**2 + x[1]**2 != 0",)


def test_a_vector_function_has_an_upstream() -> None:
    found = written(lambda g: g["x"] * g["x"], x=f64(1.0, 2.0))
    assert found.gradients["x"] == r"\begin{bmatrix}2 v_{0} x_{0} \\ 2 v_{1} x_{1}\end{bmatrix}"


def test_the_upstream_of_several_outputs_and_beside_an_input_v() -> None:
    tape = record(lambda g: (g["x"] * 2, g["x"] * g["x"]), {"x": f64(1.0)})
    assert typeset(express(tape)).gradients["x"] == r"\begin{bmatrix}2 \left(v^{(1)}_{0} + v^{(2)}_{0} x_{0}\right)\end{bmatrix}"
    assert written(lambda g: g["v"] * 3, v=f64(1.0)).gradients["v"] == r"\begin{bmatrix}3 \mathrm{upstream}_{0}\end{bmatrix}"


@pytest.mark.parametrize(
    ("a", "function", "conditions", "latex"),
    [
        (1.3, "1024 a", ("a > 0", "512*abs(a) < 1000 <= 1024*abs(a)"), r"512 \left|{a}\right| < 1000 \le 1024 \left|{a}\right|"),
        (-1.3, "102400 a", ("a < 0", "512*abs(a) < 1000 <= 1024*abs(a)"), r"512 \left|{a}\right| < 1000 \le 1024 \left|{a}\right|"),
        (0.01, "131072 a", ("a > 0", "65536*abs(a) < 1000 <= 131072*abs(a)"), r"65536 \left|{a}\right| < 1000 \le 131072 \left|{a}\right|"),
        (3000.0, "2 a", ("a > 0", "2*abs(a) >= 1000"), r"2 \left|{a}\right| \ge 1000"),
    ],
)
def test_the_control_flow_function_shows_its_branch(a: float, function: str, conditions: tuple[str, ...], latex: str) -> None:
    found = written(doubled_until_large, a=scalar(a))
    assert found.function == function
    assert found.gradients["a"] == function.removesuffix(" a")
    assert set(found.conditions) == set(conditions)
    assert latex in found.latex


def test_conditions_of_relu_and_max() -> None:
    assert written(lambda g: torch.relu(g["x"]).sum(), x=f64(1.0, -1.0)).conditions == ("x[0] > 0", "x[1] <= 0")
    assert written(lambda g: g["x"].max(), x=f64(3.0, -1.0)).conditions == ("x[0] > x[1]",)
    assert written(lambda g: torch.where(g["x"] >= 2, g["x"], 0 * g["x"]), x=scalar(2.5)).conditions == ("x >= 2",)


@pytest.mark.parametrize(
    ("decisions", "conditions"),
    [
        (["x > 0", "x != 0", "2 * x <= 6", "x < 5"], ["0 < x <= 3"]),
        (["x >= 0", "x != 0", "x != 2"], ["x > 0", "x != 2"]),
        (["3 - x > 0"], ["x < 3"]),
        (["x * x < 4", "x < y"], ["x**2 < 4", "x < y"]),
        (["-2 * x + y >= 1"], ["2*x - y <= -1"]),
        (["x == 1", "y != 1"], ["x == 1", "y != 1"]),
    ],
)
def test_of_several_bounds_the_tightest_are_shown(decisions: list[str], conditions: list[str]) -> None:
    x, y = sympy.symbols("x y", real=True)
    names = {"<": ("lt", -1), "<=": ("le", -1), ">": ("gt", 1), ">=": ("ge", 1), "==": ("eq", 0), "!=": ("ne", 1)}
    found = []
    for decision in decisions:
        left, sign, right = re.split(r" ([<>=!]=?) ", decision)
        decides, direction = names[sign]
        found.append(Condition.of(decides, sympy.sympify(f"({left}) - ({right})", locals={"x": x, "y": y}), direction))
    assert sorted(words for words, _ in joined(c for c in found if c is not None)) == sorted(conditions)


def test_detach_stops_the_gradient() -> None:
    found = written(lambda g: (g["x"] * g["x"]).detach() * g["x"], x=scalar(3.0))
    assert (found.function, found.gradients["x"]) == ("x^{3}", "x^{2}")


@pytest.mark.parametrize(
    ("entry", "shorter"),
    [
        ("2*a*v + 2*b*w", "2*(a*v + b*w)"),
        ("-18*a**2/(a - 1)**3 + 18*a/(a - 1)**2", "-18*a/(a - 1)**3"),
        ("x*(sigmoid(z)/3 - y/3)", "x*(-y + sigmoid(z))/3"),
        ("a**2 + 2*a*b + b**2", "(a + b)**2"),
        ("exp(a)*exp(b)", "exp(a + b)"),
        ("a + b", "a + b"),
    ],
)
def test_the_shortest_of_equal_forms_is_written(entry: str, shorter: str) -> None:
    assert str(simplest(sympy.sympify(entry))) == shorter


def test_of_forms_with_equally_many_operations_the_shorter_to_read_is_written() -> None:
    long, b = sympy.symbols("a_long_name b")
    assert simplest(long * b + long) == long * (b + 1)


def test_an_entry_that_is_met_again_is_not_simplified_again() -> None:
    simplest.cache_clear()
    written(lambda g: torch.stack([g["x"] * g["x"] + g["x"]] * 4), x=scalar(2.0))
    assert simplest.cache_info().hits >= 3


def test_a_large_function_is_evaluated_quickly_and_not_shown() -> None:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(64, 64, generator=generator, dtype=torch.float64).requires_grad_()
    x = torch.randn(64, generator=generator, dtype=torch.float64).requires_grad_()
    truth = torch.autograd.grad(F.softplus(weight @ x).sum(), [x, weight])
    started = time.process_time()
    found = read(lambda g: F.softplus(g["w"] @ g["x"]).sum(), x=x.detach(), w=weight.detach())
    assert time.process_time() - started < 3
    np.testing.assert_allclose(found.numbers["x"], truth[0].numpy(), rtol=1e-12)
    np.testing.assert_allclose(found.numbers["w"], truth[1].numpy(), rtol=1e-12)
    page = typeset(found, ["x"])
    assert page.function == ""
    assert "too many to read" in page.note


def test_a_tape_that_is_too_long_says_how_long() -> None:
    with pytest.raises(Unsupported, match=r"symbols: 10,000 scalar operations are more than the 5,000 that are written"):
        read(lambda g: g["x"].exp().sum(), x=torch.zeros(5000))


def test_at_a_kink_there_is_no_one_expression() -> None:
    with pytest.raises(Unsupported, match=r"relu: two branches meet at this point.*test_symbolic\.py:\d+"):
        read(lambda g: torch.relu(g["x"]), x=scalar(0.0))


def test_an_unknown_operation_is_named() -> None:
    library = torch.library.Library("checker_tests", "DEF")
    library.define("opaque(Tensor x) -> Tensor")
    library.impl("opaque", lambda x: x * x, "CompositeExplicitAutograd")
    with pytest.raises(Unsupported, match=r"checker_tests\.opaque has no rule here \(test_symbolic\.py:\d+\)"):
        read(lambda g: torch.ops.checker_tests.opaque(g["x"]).sum(), x=W)


def test_a_formula_that_does_not_give_the_programs_number_is_not_shown() -> None:
    found = read(lambda g: g["x"] * g["x"] * 3, x=scalar(2.0))
    (symbol,) = found.gradients["x"].item().free_symbols
    found.point[symbol] += mp.mpf("1e-30")  # type: ignore[index]
    assert typeset(found) == Mathematics(
        gradients={}, note="The formulas do not give the program's own numbers at this point, so none is shown."
    )


@pytest.mark.parametrize(
    ("name", "index", "latex"),
    [
        ("x", "0,1", "x_{0,1}"),
        ("x1", "", "x_{1}"),
        ("w1", "0", "w^{(1)}_{0}"),
        ("θ", "2", r"\theta_{2}"),
        ("lambda", "", r"\lambda"),
        ("t_u", "3", r"t_{\mathrm{u},3}"),
        ("y_hat", "0", r"\hat{y}_{0}"),
        ("net.0.weight", "1,0", r"\mathrm{net.0.weight}_{1,0}"),
        ("log_probabilities", "", r"\mathrm{log\_probabilities}"),
    ],
)
def test_names_are_written_as_in_print(name: str, index: str, latex: str) -> None:
    assert letters(name, index) == latex


def test_a_condition_that_would_multiply_out_to_a_million_terms_is_left_as_it_is():
    names = sympy.symbols("a:z")
    product = sympy.Mul(*(names[k] + names[k + 1] + names[k + 2] + 1 for k in range(0, 24, 2)))  # 4¹² terms
    start = time.perf_counter()
    found = Condition.of("gt", product - 3, 1)
    assert time.perf_counter() - start < 2
    assert found is not None
    assert (found.left, found.relation, found.right) == (product, ">", 3)
    a, b = names[:2]
    small = Condition.of("gt", (a + b) ** 2 - a**2 - 3, 1)  # what is short is multiplied out, and cancels
    assert small is not None
    assert sympy.expand(small.left - (2 * a * b + b**2)) == 0
