"""Training steps: a secret path, and what goes wrong on it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from answering import SECRET, built_in
from jaxtyping import Float
from torch import Tensor

from checker.authoring import Descent, exercise
from checker.catalogue import find
from checker.grading.grades import Finding, Kind
from checker.grading.judging import hints
from checker.grading.judging.step_mistakes import step_findings
from checker.grading.judging.trajectories import MOVED, STEPS, Trajectory, trajectory
from checker.sandbox.values import Reason, Trouble

THERMOMETER, ADAM, SQUARE = "thermometer.py::thermometer", "thermometer.py::thermometer_with_adam", "calculus.py::square"
RATE = 1e-4


def path(target: str) -> Trajectory:
    found = trajectory(built_in(target), SECRET)
    assert found is not None
    return found


def gradient(w, b, t_u, t_c):
    residual = w * t_u + b - t_c
    return {"w": 2 * np.mean(residual * t_u), "b": 2 * np.mean(residual)}


def walked(step, target=THERMOMETER, count=None):
    """What the asker does: each step is given the state that the one before it returned."""
    found = path(target)
    state, states = found.start, []
    for batch in found.batches[:count]:
        returned = {name: np.asarray(value) for name, value in step(state, batch).items()}
        states.append(returned)
        if any(name not in returned or returned[name].shape != state[name].shape for name in state):
            break
        state = {name: np.asarray(returned[name], dtype=np.float64) for name in state}
    return step_findings(built_in(target), found, states)


def descending(rate=RATE, still=(), dtype=np.float64):
    def step(state, batch):
        slope = gradient(**state, **batch)
        return {name: dtype(value - (0 if name in still else rate * slope[name])) for name, value in state.items()}

    return step


def kinds(found):
    return [(finding.part, finding.kind, finding.factor, finding.detail) for finding in found]


def test_every_built_in_descent_has_a_path_that_its_own_walk_keeps_to():
    for author in find([]).exercises:
        found = trajectory(author, SECRET)
        assert (found is None) == (author.descent is None)
        if found is not None:
            assert len(found.states) == len(found.batches) == min(author.descent.steps, STEPS)
            assert {finding.kind for finding in step_findings(author, found, found.states)} == {Kind.RIGHT}
            assert {finding.kind for finding in step_findings(author, found, [found.start])} == {Kind.WRONG}


def test_the_start_is_secret_near_the_published_one_and_on_float32s_grid():
    found, plan = path(THERMOMETER), built_in(THERMOMETER).descent
    other = trajectory(built_in(THERMOMETER), b"another")
    assert found.start["w"] != other.start["w"]
    for name, value in found.start.items():
        assert 0 < abs(value - plan.start[name]) < 6 * MOVED
        assert value == np.float32(value)


def test_a_right_step_in_numpy_and_in_float32_is_right():
    assert [f.kind for f in walked(descending())] == [Kind.RIGHT] * 2
    assert [f.kind for f in walked(descending(dtype=np.float32))] == [Kind.RIGHT] * 2
    assert all(finding.update for finding in walked(descending()))


def test_a_right_step_with_memory_is_right():
    """Adam as its paper writes it, with its moments kept between calls."""
    moments, count = {"w": (0.0, 0.0), "b": (0.0, 0.0)}, [0]

    def step(state, batch):
        count[0] += 1
        new = {}
        for name, g in gradient(**state, **batch).items():
            m, v = moments[name] = (0.9 * moments[name][0] + 0.1 * g, 0.999 * moments[name][1] + 0.001 * g * g)
            mean, square = m / (1 - 0.9 ** count[0]), v / (1 - 0.999 ** count[0])
            new[name] = state[name] - 0.1 * mean / (np.sqrt(square) + 1e-8)
        return new

    assert [f.kind for f in walked(step, ADAM)] == [Kind.RIGHT] * 2


def test_uphill():
    assert kinds(walked(descending(rate=-RATE))) == [("w", Kind.SIGN, "−1", hints.UPHILL), ("b", Kind.SIGN, "−1", hints.UPHILL)]


def test_another_rate():
    assert kinds(walked(descending(rate=10 * RATE)))[0] == ("w", Kind.FACTOR, "10", hints.RATE)
    assert kinds(walked(descending(rate=1.0)))[0] == ("w", Kind.FACTOR, "10000", hints.RATE)


def test_a_sum_over_the_rows_instead_of_a_mean():
    assert kinds(walked(descending(rate=11 * RATE)))[1] == ("b", Kind.MEAN, "n (n = 11)", hints.PLAIN_FACTOR.format("11"))


def test_a_millionth_of_the_rate_is_found():
    assert [f.kind for f in walked(descending(rate=RATE * (1 + 1e-6)))] == [Kind.FACTOR] * 2


def test_gradients_that_accumulate():
    total = {"w": 0.0, "b": 0.0}

    def step(state, batch):
        for name, g in gradient(**state, **batch).items():
            total[name] += g
        return {name: value - RATE * total[name] for name, value in state.items()}

    assert kinds(walked(step)) == [("w", Kind.WRONG, "", hints.ACCUMULATED), ("b", Kind.WRONG, "", hints.ACCUMULATED)]


def test_an_exercise_about_the_mistake_wants_it_done_right():
    exercise = built_in("thermometer.py::forgotten_zero")
    assert exercise.descent.zero_grad is False
    assert [f.kind for f in walked(descending(rate=exercise.descent.rate), "thermometer.py::forgotten_zero")] == [Kind.RIGHT] * 2


def test_a_parameter_that_does_not_move_costs_only_itself():
    assert kinds(walked(descending(still=("b",)))) == [("w", Kind.RIGHT, "", ""), ("b", Kind.WRONG, "", hints.STILL)]


def test_something_else():
    found = walked(lambda state, batch: {name: value - RATE for name, value in state.items()})
    assert [(f.kind, f.detail, f.index, f.wrong, f.entries) for f in found] == [(Kind.WRONG, hints.IN_STEP.format(1), (), 1, 1)] * 2
    assert found[0].got == float(path(THERMOMETER).start["w"]) - RATE


def test_a_missing_parameter_a_shape_and_not_a_number():
    assert [f.kind for f in walked(lambda state, batch: {"w": descending()(state, batch)["w"]})] == [Kind.RIGHT, Kind.MISSING]
    shaped = walked(lambda state, batch: {**descending()(state, batch), "b": np.zeros(3)})
    assert (shaped[0].kind, shaped[1].kind, shaped[1].shape, shaped[1].expected_shape) == (Kind.RIGHT, Kind.SHAPE, (3,), ())
    broken = walked(lambda state, batch: {name: value * np.nan for name, value in state.items()})
    assert [(f.kind, f.got) for f in broken] == [(Kind.NOT_FINITE, "nan")] * 2
    assert [f.kind for f in walked(lambda state, batch: {name: np.float64(1e308) for name in state})] == [Kind.WRONG] * 2


def guarded(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    if x < 0:
        raise ValueError("negative")
    return x**2


def test_a_state_that_the_function_refuses_costs_the_step_that_led_there():
    author = exercise(guarded, descent=Descent(start={"x": 3.0}, rate=0.1, steps=4))
    states = [{"x": np.float64(x)} for x in (-1.0, -2.0, -3.0)]
    (finding,) = step_findings(author, trajectory(author, SECRET), states)
    assert (finding.kind, finding.got, finding.detail) == (Kind.WRONG, -1.0, hints.IN_STEP.format(1))


def test_nothing_returned_and_trouble():
    assert [f.kind for f in step_findings(built_in(SQUARE), path(SQUARE), [])] == [Kind.MISSING]
    trouble = Trouble(reason=Reason.TIMED_OUT, label="step.py", line=3)
    assert step_findings(built_in(SQUARE), path(SQUARE), [], trouble) == [Finding(part="", kind=Kind.TIMED_OUT, label="step.py", line=3)]


def test_batches_are_those_of_the_walk_and_hold_no_parameter():
    found = path("regression.py::from_scratch")
    exercise = built_in("regression.py::from_scratch")
    arguments = {n: torch.from_numpy(a.copy()) for n, a in {**found.start, **found.batches[0]}.items()}
    leaves = [arguments[n].requires_grad_() for n in found.start]
    slopes = torch.autograd.grad(exercise.call(arguments)[0], leaves)
    for (name, start), slope in zip(found.start.items(), slopes, strict=True):
        assert found.states[0][name] == pytest.approx(start - exercise.descent.rate * slope.numpy(), rel=1e-12)
    assert not set(found.batches[0]) & set(found.start)
