"""Points where a function is not smooth: every row of the table that concerns them, with planted members and planted strangers."""

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

from checker.judge.clarke import nearest
from checker.judge.classification import Classification, Finding
from checker.judge.kinks import classify, suspicious
from checker.methods.autograd import Reverse
from checker.methods.differences import Differences
from checker.tape.graph import Check
from checker.tape.record import record
from checker.values import Array, Verdict
from tests.cases import case_of


def classified(function: Callable[..., Any], dtype: str = "float64", **options: Any) -> tuple[Classification, dict[str, Array]]:
    """The point's classification, and what torch says there."""
    case = case_of(function, dtype, **options)
    tape = record(case.exercise.call, case.arguments)
    return classify(case, tape), dict(Reverse().derive(case, tape, None).gradients)


def judge(function: Callable[..., Any], dtype: str = "float64", **options: Any) -> Finding:
    found, gradients = classified(function, dtype, **options)
    return found.verdict_for(gradients)


def doubled(a: Tensor) -> Tensor:
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


WEIGHTS = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)

ON_TORCH: list[tuple[Callable[..., Any], Any, Verdict]] = [
    (lambda x: x.abs().sum(), [0.0, 1.0], Verdict.SUBGRADIENT),
    (lambda x: torch.relu(x).sum(), [0.0], Verdict.SUBGRADIENT),
    (lambda x: torch.relu(x).sum(), [0.0] * 40, Verdict.SUBGRADIENT),
    (lambda x: x.norm(), [0.0, 0.0, 0.0], Verdict.SUBGRADIENT),
    (lambda x: x.max(), [1.0, 1.0, 0.0], Verdict.SUBGRADIENT),
    (lambda x: x.max(0).values, [1.0, 1.0, 0.0], Verdict.SUBGRADIENT),
    (lambda x: x.median(), [0.0, 0.0, 0.0], Verdict.SUBGRADIENT),
    (lambda x: (x.sort().values * WEIGHTS.to(x.dtype)).sum(), [0.0, 0.0, 0.0], Verdict.SUBGRADIENT),
    (lambda x: x.clamp(0, 6).sum(), [0.0], Verdict.SUBGRADIENT),
    (lambda x: x.clamp(0, 6).sum(), [6.0], Verdict.SUBGRADIENT),
    (lambda x: torch.nn.functional.relu6(x).sum(), [0.0, 6.0], Verdict.SUBGRADIENT),
    (lambda x: (torch.relu(x) - torch.relu(-x)).sum(), [0.0], Verdict.WRONG),
    (lambda x: (torch.relu(x) - torch.relu(-x)).sum(), [0.0, 0.0], Verdict.WRONG),
    (lambda x: torch.where(x > 0, x.sqrt(), x).sum(), [-1.0], Verdict.WRONG),
    (lambda x: (x * x).sum().sqrt(), [0.0, 0.0], Verdict.WRONG),
    (lambda x: torch.linalg.det(x), [[1.0, 2.0], [2.0, 4.0]], Verdict.WRONG),
    (lambda x: x.sqrt().sum(), [0.0], Verdict.UNDEFINED),
    (lambda x: x.log().sum(), [0.0], Verdict.UNDEFINED),
    (lambda x: torch.xlogy(x, x).sum(), [0.0], Verdict.UNDEFINED),
    (lambda x: (x - x.mean()).norm(), [1.0, 1.0, 1.0], Verdict.SUBGRADIENT),
    (lambda x: x.std(), [1.0, 1.0, 1.0], Verdict.SUBGRADIENT),
    (lambda x: x.prod(), [0.0, 0.0, 3.0], Verdict.AGREES),
    (lambda x: (x * x.abs()).sum(), [0.0], Verdict.AGREES),
    (lambda x: torch.floor(x).sum(), [2.0], Verdict.JUMP),
    (lambda x: torch.where(x == 0, 1.0, x).sum(), [0.0], Verdict.JUMP),
    (torch.floor, 2.0, Verdict.JUMP),
    (torch.abs, 0.0, Verdict.SUBGRADIENT),
    (doubled, [1000 / 1024], Verdict.JUMP),
    (doubled, [1000 / 1024 + 1e-7], Verdict.AGREES),
    (doubled, [1000 / 1024 - 1e-7], Verdict.AGREES),
    (lambda x: (x.abs() ** 1.5).sum(), [0.0], Verdict.AGREES),
    (lambda x: (x - 1).abs().sum(), [1 + 1e-7], Verdict.AGREES),
    (lambda x: torch.relu(x).sum(), [1e-7, -1e-7], Verdict.AGREES),
    (lambda x: x.max(), [1.0, 1.0 - 1e-7], Verdict.AGREES),
]


@pytest.mark.parametrize(("function", "x", "verdict"), ON_TORCH)
def test_torch_at_the_points_of_the_table(function: Callable[..., Any], x: Any, verdict: Verdict) -> None:
    assert judge(function, x=x).verdict is verdict


@pytest.mark.parametrize("x", [0.0, 6.0])
def test_in_float32_the_same(x: float) -> None:
    assert judge(lambda x: x.clamp(0, 6).sum(), "float32", x=[x]).verdict is Verdict.SUBGRADIENT


MEMBERS: list[tuple[Callable[..., Any], list[float], list[list[float]], list[list[float]]]] = [
    (lambda x: x.abs().sum(), [0.0], [[-1], [0.3], [1]], [[1.01], [-1.01], [math.nan], [math.inf]]),
    (lambda x: torch.relu(x).sum(), [0.0, 0.0], [[0, 0], [1, 0], [0.2, 0.9]], [[-0.01, 0], [0.5, 1.01]]),
    (lambda x: x.norm(), [0.0, 0.0, 0.0], [[0, 0, 0], [0.6, 0.8, 0], [0.3, -0.1, 0.9]], [[0.61, 0.8, 0], [0, 0, 1.001]]),
    (lambda x: x.max(), [1.0, 1.0, 0.0], [[1, 0, 0], [0, 1, 0], [0.25, 0.75, 0]], [[1, 1, 0], [0, 0, 0], [0.5, 0.4, 0.1], [1.1, -0.1, 0]]),
    (lambda x: x.median(), [0.0] * 3, [[1 / 3] * 3, [1, 0, 0], [0.5, 0.5, 0]], [[0, 0, 0], [0.5, 0.5, 0.5], [1, 1, -1]]),
    (lambda x: (x.sort().values * WEIGHTS).sum(), [0.0] * 3, [[7 / 3] * 3, [4, 1, 2], [1.5, 1.5, 4]], [[0, 0, 0], [7, 0, 0], [1, 1, 5]]),
    (lambda x: x.clamp(0, 6).sum(), [6.0], [[0], [0.5], [1]], [[-0.1], [1.1]]),
    # smooth in the first entry though relu is tied in both branches: only the second entry is free
    (lambda x: torch.relu(x[0]) - torch.relu(-x[0]) + x[1].abs(), [0.0, 0.0], [[1, 0], [1, -1]], [[0, 0], [0.9, 0], [1, 1.1]]),
]


@pytest.mark.parametrize(("function", "x", "members", "strangers"), MEMBERS)
def test_members_are_accepted_and_strangers_refused(
    function: Callable[..., Any], x: list[float], members: list[list[float]], strangers: list[list[float]]
) -> None:
    found, _ = classified(function, x=x)
    assert found.kind == "kink"
    for member in members:
        assert found.verdict_for({"x": np.array(member, dtype=float)}).verdict is Verdict.SUBGRADIENT, member
    for stranger in strangers:
        assert found.verdict_for({"x": np.array(stranger, dtype=float)}).verdict is Verdict.WRONG, stranger


def test_a_smooth_point_takes_one_gradient_only() -> None:
    found, gradients = classified(lambda x: (x**3).sum(), x=[0.5, -2.0])
    assert found.kind == "smooth"
    assert found.verdict_for(gradients).verdict is Verdict.AGREES
    planted = {"x": gradients["x"] * [1, 1 + 1e-6]}
    finding = found.verdict_for(planted)
    assert finding.verdict is Verdict.WRONG
    assert finding.message == "gradient of x at [1]: got 12.000012, expected 12: the function is differentiable here"


@pytest.mark.parametrize(
    ("function", "x", "verdict"),
    [
        (lambda x: x.abs().sum(), [0.0, 1.0], Verdict.SUBGRADIENT),
        (lambda x: (torch.relu(x) - torch.relu(-x)).sum(), [0.0], Verdict.AGREES),
        (lambda x: (x * x.abs()).sum(), [0.0, 2.0], Verdict.AGREES),
        (lambda x: (x * x).sum().sqrt(), [0.0], Verdict.SUBGRADIENT),
        (torch.floor, [2.0], Verdict.JUMP),
        (torch.sqrt, [0.0], Verdict.UNDEFINED),
    ],
)
def test_differences_claim_no_more_than_their_error(function: Callable[..., Any], x: list[float], verdict: Verdict) -> None:
    case = case_of(function, x=x)
    tape = record(case.exercise.call, case.arguments)
    own = Differences().derive(case, tape, None)
    assert np.isposinf(own.error["x"]).any()
    assert classify(case, tape).verdict_for(own.gradients, own.error).verdict is verdict


def test_a_finite_error_bound_is_held_to() -> None:
    found, gradients = classified(lambda x: (x * x.abs() + x).sum(), x=[0.0])
    assert found.verdict_for({"x": gradients["x"] + 0.1}, {"x": np.array([0.2])}).verdict is Verdict.AGREES
    assert found.verdict_for({"x": gradients["x"] + 0.1}, {"x": np.array([1e-9])}).verdict is Verdict.WRONG


def test_suspicion() -> None:
    case = case_of(lambda x: x.sqrt().sum(), x=[4.0])
    tape = record(case.exercise.call, case.arguments)
    ok, undecided = (Check("relu", "", 0.0, None, found) for found in ("ok", "undecided"))
    assert not suspicious(case, tape, [Check("round", "", 0.0, None, "tied", followed=False)])
    assert not suspicious(case, tape)
    assert not suspicious(case, tape, [ok], [{"x": np.array([0.25])}])
    assert suspicious(case, tape, [ok, undecided])
    assert suspicious(case, tape, [], [{"x": np.array([math.inf])}])
    endless = case_of(lambda x: x.log().sum(), x=[0.0])
    assert suspicious(endless, record(endless.exercise.call, endless.arguments))


def test_slopes_along_random_directions_must_agree_too() -> None:
    """Every slope along an axis is zero and odd, and still there is no derivative."""
    found, _ = classified(lambda x: x[0] ** 2 * x[1] / ((x * x).sum() + 1e-300), x=[0.0, 0.0])
    assert found.kind == "kink"
    assert found.verdict_for({"x": np.array([0.0, 0.0])}).verdict is Verdict.SUBGRADIENT
    assert found.verdict_for({"x": np.array([0.0, 1.2])}).verdict is Verdict.WRONG


def test_the_argument_that_is_wrong_is_named() -> None:
    found, gradients = classified(lambda x, y: x.abs().sum() + (y * y).sum(), x=[0.0], y=[1.0, 2.0])
    fine = found.verdict_for(gradients)
    assert fine.arguments == {"x": Verdict.SUBGRADIENT, "y": Verdict.AGREES}
    wrong = found.verdict_for({"x": gradients["x"], "y": np.array([2.0, 4.1])})
    assert wrong.arguments == {"x": Verdict.SUBGRADIENT, "y": Verdict.WRONG}
    assert wrong.message.startswith("gradient of y: got (2, 4.1); not differentiable here")


def test_what_is_said() -> None:
    assert judge(torch.floor, x=[2.0]).message == "not continuous here: the value moves by 1 however near the point is approached"
    assert judge(torch.sqrt, x=[0.0]).message == "the slope grows without bound toward this point"
    assert judge(torch.log, x=[0.0]).message.startswith("the function has no finite value here: give its inputs a domain")
    assert judge(lambda x: (x * x).sum().sqrt(), x=[0.0]).message == (
        "gradient of x is not finite, but every one-sided slope is: it is no subgradient"
    )
    assert judge(lambda x: (torch.relu(x) - torch.relu(-x)).sum(), x=[0.0]).message == (
        "gradient of x at [0]: got 0, expected 1: every branch around this point has the same gradient, so the derivative exists"
    )
    found, _ = classified(lambda x: x.abs().sum(), x=[0.0])
    assert found.message == "not differentiable here: the gradients nearby tend to different limits (2 of them were met)"


def test_a_stop_is_respected_on_every_branch() -> None:
    found, gradients = classified(lambda x: ((x * x).detach() * x.abs()).sum(), x=[0.0, 2.0])
    assert found.verdict_for(gradients).verdict in (Verdict.AGREES, Verdict.SUBGRADIENT)
    assert found.verdict_for({"x": np.array([0.0, 12.0])}).verdict is Verdict.WRONG  # the derivative without the stop


def test_a_wrong_backward_at_a_kink_is_seen() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.abs()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            return 2 * g

    assert judge(lambda x: Doubled.apply(x).sum(), x=[0.0]).verdict is Verdict.WRONG  # type: ignore[no-untyped-call]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.integers(1, 5), st.integers(0, 2**31))
def test_hull_membership(count: int, size: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    points = generator.standard_normal((count, size))
    tolerance = np.full(size, 1e-11)
    member = generator.dirichlet(np.ones(count)) @ points
    assert nearest(points, member, tolerance).inside
    outward = generator.standard_normal(size)
    stranger = points[np.argmax(points @ outward)] + 1e-6 * outward / np.linalg.norm(outward)
    found = nearest(points, stranger, tolerance)
    assert not found.inside
    assert np.all(points @ found.separator < stranger @ found.separator)
