"""Finite differences: known derivatives within the method's own error estimate, and honesty where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from checker import Settings, check
from checker.inputs import Domain, away_from_zero, positive
from checker.judge.directions import refer_along
from checker.methods.differences import Differences, differences_of_original
from checker.methods.directions import direction
from checker.methods.samples import RoundingBounds, Samples
from checker.methods.steps import slopes
from checker.tape.record import record
from checker.values import Case, Derivation, Mode, Problem, Reference, Verdict
from tests.cases import case_of

EPS = 2.0**-52


def derive(function: Callable[..., Any], *, opaque: bool = False, **options: Any) -> Derivation:
    case = case_of(function, **options)
    return Differences().derive(case, None if opaque else record(case.exercise.call, case.arguments), None)


def within(found: Derivation, name: str, expected: Any, relative: float) -> None:
    """The true value lies inside the estimated error, and the estimate is not lazily large."""
    got, error = found.gradients[name], found.error[name]
    expected = np.asarray(expected, dtype=float)
    assert np.all(np.abs(got - expected) <= error + 1e-300), (got - expected, error)
    assert np.all(error <= relative * np.maximum(1e-3, np.abs(expected))), error


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_twice_the_dot_product_in_every_dtype(dtype: str) -> None:
    found = derive(lambda x: 2 * torch.dot(x, x), dtype=dtype, x=[0.0, 1, 2, 3])
    within(found, "x", [0, 4, 8, 12], 1e-8)
    assert found.dtype == "float64"
    assert found.details["kinks"] == []
    assert "looped" not in found.details


HARD = [
    (lambda x: torch.sin(1e6 * x).sum(), 1.1, 1e6 * math.cos(1.1e6), 1e-6),
    (lambda x: torch.tanh(x).sum(), 10.0, 1 / math.cosh(10.0) ** 2, 1e-9),
    (lambda x: (x * x).sum(), 1e12, 2e12, 1e-9),
    (lambda x: torch.sin(1000 * x).sum(), 1.0, 1000 * math.cos(1000.0), 1e-8),
    (lambda x: torch.log(x).sum(), 0.1, 10.0, 1e-9),
    (lambda x: (1e-6 * x * x).sum(), 1.0, 2e-6, 1e-9),
    (lambda x: (torch.log(1 + x) - x).sum(), 1e-5, 1 / (1 + 1e-5) - 1, 1e-8),
    (lambda x: torch.relu(x).sum(), 1e-7, 1.0, 1e-9),
    (lambda x: torch.where(x > 0, x.sqrt(), x).sum(), -1.0, 1.0, 1e-9),
]


@pytest.mark.parametrize(("function", "x", "expected", "relative"), HARD)
@pytest.mark.parametrize("opaque", [False, True])
def test_hard_points_are_inside_the_estimate(
    function: Callable[..., Any], x: float, expected: float, relative: float, opaque: bool
) -> None:
    found = derive(function, opaque=opaque, x=[x])
    assert abs(found.gradients["x"][0] - expected) <= found.error["x"][0] + 4e-10 * abs(expected)  # libm at large arguments
    assert found.error["x"][0] <= max(relative * abs(expected), 1e-11)
    assert ("looped" in found.details) == opaque


def test_det_of_a_singular_matrix_has_a_gradient() -> None:
    within(derive(lambda a: torch.linalg.det(a), a=[[1.0, 2.0], [2.0, 4.0]]), "a", [[4, -2], [-2, 1]], 1e-8)


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: torch.relu(x).sum(), 0.0),
        (lambda x: x.abs().sum(), 0.0),
        (lambda x: torch.floor(x).sum(), 2.0),
        (lambda x: x.clamp(0, 6).sum(), 6.0),
        (lambda x: x[:1].norm() + x[1], 0.0),
        (lambda x: (x[:1] * x[:1]).sum().sqrt() + x[1], 0.0),
        (lambda x: x.sqrt().sum(), 0.0),
    ],
)
def test_a_kink_or_jump_in_the_point_is_never_believed(function: Callable[..., Any], x: float, opaque: bool) -> None:
    found = derive(function, opaque=opaque, x=[x, 3.25])
    assert found.details["kinks"][0] == {"argument": "x", "index": [0]}
    assert found.error["x"][0] == math.inf


def test_a_jump_as_far_up_as_down_is_told_by_its_decision() -> None:
    found = derive(lambda x: torch.heaviside(x, torch.full_like(x, 0.5)).sum(), x=[0.0, 3.25])
    assert found.details["kinks"] == [{"argument": "x", "index": [0]}]


def test_domains_are_never_left() -> None:
    seen: list[float] = []

    def watched(x: Tensor) -> Tensor:
        seen.extend(x.detach().double().ravel().tolist())
        return torch.log(x).sum()

    found = derive(watched, opaque=True, domains={"x": positive}, x=[1e-9, 1e-4, 0.1])
    within(found, "x", [1e9, 1e4, 10.0], 1e-5)
    assert min(seen) > 0

    seen.clear()
    found = derive(lambda x: (seen.extend(x.tolist()), (1 / x).sum())[1], opaque=True, domains={"x": away_from_zero(0.5)}, x=[0.5, -0.5])
    within(found, "x", [-4.0, -4.0], 1e-6)
    assert min(abs(v) for v in seen) >= 0.5


def test_the_edge_of_a_domain_itself_is_one_sided() -> None:
    found = derive(lambda x: (x * x.sqrt()).sum(), domains={"x": Domain(low=0.0)}, x=[1.0])
    within(found, "x", [1.5], 1e-9)
    found = derive(lambda x: torch.exp(x).sum(), domains={"x": Domain(low=0.0, high=1.0)}, x=[0.0, 1.0])
    within(found, "x", [1.0, math.e], 1e-8)


def test_an_explicit_stop_is_held() -> None:
    within(derive(lambda x: ((x * x).detach() * x).sum(), x=[1.0, 2.0, 3.0]), "x", [1, 4, 9], 1e-9)


def test_a_value_that_left_the_tape_is_followed_by_the_original_function() -> None:
    def scaled(x: Tensor) -> Tensor:
        return (x * x.sum().item()).sum()

    found = derive(scaled, x=[1.0, 2.0, 3.0])
    within(found, "x", [12, 12, 12], 1e-9)
    assert "item at test_differences.py" in found.details["looped"]
    within(derive(scaled, cuts=("item",), x=[1.0, 2.0, 3.0]), "x", [6, 6, 6], 1e-9)


def test_the_original_alone_holds_nothing() -> None:
    case = case_of(lambda x: ((x * x).detach() * x).sum(), x=[1.0, 2.0, 3.0])
    gradients, error = differences_of_original(case)
    assert np.all(np.abs(gradients["x"] - [3, 12, 27]) <= error["x"])
    assert np.all(error["x"] < 1e-9)


def test_an_original_that_takes_only_float32_is_called_in_float32() -> None:
    weights = torch.tensor([1.0, -2.0])
    case = case_of(lambda x: torch.dot(x, weights), dtype="float32", x=[0.5, 0.25])
    found = Differences().derive(case, None, None)
    assert found.dtype == "float32"
    assert np.all(np.abs(found.gradients["x"] - [1, -2]) <= found.error["x"])
    assert np.all(found.error["x"] < 1e-3)


def test_no_floating_output_is_said_and_never_zero() -> None:
    found = derive(lambda x: (x > 0).sum(), x=[1.0, 2.0])
    assert found.problem is not None
    assert found.problem.verdict is Verdict.UNSUPPORTED
    assert found.problem.message == "No output is floating: there is nothing to differentiate."
    assert not found.gradients


def test_several_outputs_and_arguments_with_upstream() -> None:
    case = case_of(lambda x, y: (x * y, torch.argmax(x), (x + y).exp()), x=[0.5, 1.0], y=[2.0, -1.0])
    v, w = torch.tensor([2.0, 3.0], dtype=torch.float64), torch.tensor([0.0, 1.0], dtype=torch.float64)
    case = Case(**{**vars(case), "upstream": (v, None, w)})
    found = Differences().derive(case, record(case.exercise.call, case.arguments), None)
    within(found, "x", [4.0, -3.0 + 1.0], 1e-8)
    within(found, "y", [1.0, 3.0 + 1.0], 1e-8)


def test_the_step_plot_is_a_v() -> None:
    def cube(x: Tensor) -> Tensor:
        return torch.exp(x).sum()

    case = case_of(cube, x=[1.0])
    truth = np.array([math.e])
    zero = np.zeros(1)
    reference = Reference(
        kind="certified", high={"x": truth}, low={"x": zero}, radius={"x": zero}, allowed={"x": zero}, origin="by hand"
    )  # fmt: skip
    steps = Differences().derive(case, record(case.exercise.call, case.arguments), reference).details["steps"]
    assert len(steps["h"]) == len(steps["error"]) == 18
    assert steps["h"][0] == 1.0
    assert steps["h"][-1] == pytest.approx(1e-14)
    assert steps["error"][0] == pytest.approx(1 - (8 * 2 * math.sinh(1) - 2 * math.sinh(2)) / 12)  # the five-point formula of eˣ, h = 1
    assert min(steps["error"]) < 1e-11
    assert steps["error"][-1] > 1e-4
    assert 1e-5 < steps["chosen"] < 1e-1


def test_slopes_along_random_directions_stand_in_for_entries() -> None:
    x, y = np.linspace(-1, 1, 50), np.linspace(0, 2, 50)
    case = case_of(lambda x, y: torch.dot(torch.tanh(x), y), mode=Mode.PROJECTION, x=x, y=y)
    tape = record(case.exercise.call, case.arguments)
    reference = refer_along(case, tape, None)
    found = Differences().derive(case, tape, reference)
    assert not found.gradients
    (known,) = found.details["projection"]
    u = direction(case, known["seed"])
    assert known["slope"] == pytest.approx(u["x"].numpy() @ (y / np.cosh(x) ** 2) + u["y"].numpy() @ np.tanh(x), rel=1e-12)
    assert known["error"] < 1e-12
    assert Differences().derive(case, tape, None).problem == Problem(
        verdict=Verdict.UNSUPPORTED, message="no slope could be measured along a random direction"
    )


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.floats(-5, 5))
def test_polynomials_lie_inside_the_estimate(coefficients: list[float], x: float) -> None:
    polynomial = np.polynomial.Polynomial(coefficients)
    size = np.polynomial.Polynomial(np.abs(coefficients))(abs(x) + 1)

    def sample(lines: Any, t: Any) -> Samples:
        real = (x + t) - x
        return Samples(real, polynomial(x + t) - polynomial(x), 8 * EPS * size * np.ones_like(t), np.ones(len(t), dtype=bool))

    far = np.array([math.inf])
    found = slopes(sample, np.array([max(1.0, abs(x))]), far, far, eps=EPS)
    assert abs(found.slope[0] - polynomial.deriv()(x)) <= found.error[0]
    assert found.error[0] <= 1e-8 * max(1.0, size)
    assert not found.kink[0]


def test_the_plot_leaves_out_steps_at_which_the_function_fails() -> None:
    def inverse(a: Tensor) -> Tensor:
        return torch.cholesky_inverse(a.tril()).sum()

    steps = derive(inverse, a=[[2.0, 0.0], [1.0, 3.0]]).details["steps"]
    assert 0 < len(steps["h"]) < 18
    assert steps["h"][-1] == pytest.approx(1e-14)
    assert min(steps["error"]) < 1e-10


def test_rounding_at_its_worst_does_not_hide_a_pole() -> None:
    """1/(1 − 10⁵t) has its pole at 10⁻⁵, nearer than the first step; a bound of its rounding that is far too wide explains any values."""

    def sample(lines: np.ndarray[Any, Any], t: np.ndarray[Any, Any]) -> Samples:
        far = 1e5 * t
        return Samples(t, far / (1 - far), np.full(t.shape, 2e-16), np.ones(t.shape, dtype=bool))

    free = np.full(1, np.inf)
    found = slopes(sample, np.ones(1), free, free, eps=2.0**-52, rounding=RoundingBounds(1e-16, 0.3))
    assert abs(found.slope[0] - 1e5) <= found.error[0] <= 1.0


def test_rounding_at_its_worst_stands_where_none_is_seen() -> None:
    """A function that does not move at all may have lost a slope to rounding: the error says so."""

    def sample(lines: np.ndarray[Any, Any], t: np.ndarray[Any, Any]) -> Samples:
        return Samples(t, np.zeros(t.shape), np.zeros(t.shape), np.ones(t.shape, dtype=bool))

    free = np.full(1, np.inf)
    found = slopes(sample, np.ones(1), free, free, eps=2.0**-52, rounding=RoundingBounds(0.0, 1e-16))
    assert found.slope[0] == 0
    assert 1e-14 < found.error[0] < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_a_stop_is_held_where_a_value_only_decides_and_constants_are_narrow(dtype: torch.dtype) -> None:
    """What `item` takes out decides a loop and changes no value: the tape is followed, and holds what was stopped, in every dtype."""

    def function(x):
        while x.abs().sum().item() < 5:
            x = x * 1.5
        return x * x.detach() * (torch.ones_like(x) * 0.3)

    found = check(function, torch.tensor([-0.2, 0.3], dtype=dtype), settings=Settings(methods=("certified", "differences", "reverse")))
    assert found.verdict == "agrees", found.explanation
    assert {c.verdict for c in found.cases[0].comparisons if c.method == "differences"} == {"agrees"}
