"""Belief: a replay that equals the function is believed; a baked value is caught by its line."""

from __future__ import annotations

import ctypes
import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker import check
from checker.authoring import Exercise, flatten_output
from checker.inputs import Input, positive
from checker.judge.belief import believe, path_of, perturbed, tape_of
from checker.sampling import complete, inside
from checker.values import Case, Settings


def case_of(function, domain=None, dtype="float64", **arguments) -> Case:
    inputs = tuple(Input(n, tuple(t.shape), domain=domain or Input(n, None).domain) for n, t in arguments.items())
    exercise = Exercise(name="f", function=function, call=lambda d: flatten_output(function(**d)), inputs=inputs)
    return complete(exercise, arguments, Settings(), number=0, dtype=dtype, seed=3, origin="given")


# torch warns when a tensor with history becomes a number, which is what these functions do
pytestmark = pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True to a scalar")

X = torch.tensor([0.5, -1.5, 2.0])


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * x).sum(),
        lambda x: ((x * x).detach() * x).sum(),
        lambda x: torch.nn.functional.dropout(x, 0.5).sum(),
        lambda x: torch.sort(x)[0][0],
    ],
)
def test_a_function_that_keeps_to_tensors_is_believed(function, dtype: str) -> None:
    case = case_of(function, x=X, dtype=dtype)
    assert believe(case, tape_of(case)).follows


@pytest.mark.parametrize(
    ("function", "how"),
    [
        (lambda x: (x * x.sum().item()).sum(), "item"),
        (lambda x: (x * float(x.norm())).sum(), "float()"),
        (lambda x: sum(x.tolist()) * x.sum(), "tolist"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_a_baked_value_is_caught(function, how: str, dtype: str) -> None:
    case = case_of(function, x=X, dtype=dtype)
    belief = believe(case, tape_of(case))
    assert not belief.follows
    assert [cut.how for cut in belief.baked] == [how]
    assert belief.reason.startswith(f"a value left the tape: {how} at test_belief.py:")


def test_an_item_that_is_only_looked_at_is_no_fault() -> None:
    def function(x):
        assert x.sum().item() > 0
        return (x * x).sum()

    case = case_of(function, x=X)
    assert believe(case, tape_of(case)).follows


def test_state_outside_the_function_is_caught() -> None:
    counter = iter(range(100))
    case = case_of(lambda x: (x * next(counter)).sum(), x=X)
    belief = believe(case, tape_of(case))
    assert (belief.follows, belief.repeats) == (False, False)
    assert belief.reason.startswith("two calls with the same seed give two values")


def test_a_value_that_leaves_by_a_door_nobody_watches_is_caught() -> None:
    case = case_of(lambda x: x.sum() * ctypes.c_double.from_address(x.data_ptr()).value, x=X)
    belief = believe(case, tape_of(case))
    assert (belief.follows, belief.repeats) == (False, True)
    assert belief.reason == "a value is baked in, unseen"


def test_a_tape_of_another_function_is_not_believed() -> None:
    case, other = case_of(lambda x: (x * x).sum(), x=X), case_of(lambda x: (x * x * x).sum(), x=X)
    assert "another value" in believe(case, dataclasses.replace(tape_of(other), values=tape_of(case).values)).reason


def test_paths_are_told_apart_and_signs_are_not_paths() -> None:
    def function(x):
        return x.relu().sum() if x.sum() > 0 else x.exp().sum()

    one, same, other = (path_of(tape_of(case_of(function, x=torch.tensor(p)))) for p in ([1.0, 2.0], [3.0, -2.0], [-3.0, 1.0]))
    assert one == same != other


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(min_value=1e-6, max_value=1e3), min_size=1, max_size=5), st.floats(min_value=1e-7, max_value=0.5))
def test_perturbed_points_stay_in_the_domain(values: list[float], scale: float) -> None:
    case = case_of(lambda x: x.log().sum(), domain=positive, x=torch.tensor(values, dtype=torch.float64))
    assert bool(inside(positive, perturbed(case, scale, 1)["x"]).all())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("mode", ["vjp", "jacobian", "projection"])
def test_a_function_that_keeps_weights_in_half_precision_is_judged(dtype: str, mode: str) -> None:
    weights, x = (torch.tensor(values, dtype=getattr(torch, dtype)) for values in ([[1.5, -0.25], [0.75, 2.0]], [0.5, -1.25]))
    assert check(lambda x: torch.tanh(weights @ x), x, mode=mode).verdict == "agrees"
    assert check(lambda x: torch.tanh(weights @ x) * (x * x).data.sum(), x, mode=mode).verdict == "wrong"


def test_what_half_precision_is_too_coarse_to_tell_is_not_believed() -> None:
    weights = torch.tensor([[1.5, -0.25], [0.75, 2.0]], dtype=torch.bfloat16)
    case = case_of(lambda x: (weights @ x).sum() * x.sum().item(), x=torch.tensor([0.5, -1.25]), dtype="bfloat16")
    belief = believe(case, tape_of(case))
    assert (belief.follows, [cut.how for cut in belief.baked]) == (False, ["item"])
    assert belief.reason.endswith("; bfloat16 is too coarse to tell what it decides")
