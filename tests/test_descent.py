"""Gradient descent: the path, the waypoints, and the figures that were promised."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from checker import Descent, ExerciseError, Waypoint, exercise
from checker.descent import LOGGED, walk


def square(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    return x**2


def line(w: Float[Tensor, "2"], x: Float[Tensor, "n 2"], y: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return ((x @ w - y) ** 2).mean()


X = [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0], [-1.0, 1.0]]
Y = [1.0, 2.0, 3.0, 4.0]


def walked(function=square, seed=0, values=None, **plan):
    return walk(exercise(function, sizes={"n": 4}, values=values, descent=Descent(**plan)), seed)


def test_each_step_multiplies_by_its_factor():
    found = walked(start={"x": 3.0}, rate=0.1, steps=10, dtype="float64")
    assert found.descent.steps == list(range(11))
    assert [x for (x,) in found.descent.parameters["x"]] == pytest.approx([3 * 0.8**k for k in range(11)], rel=1e-14)
    assert found.descent.loss == pytest.approx([9 * 0.64**k for k in range(11)], rel=1e-14)
    assert (found.descent.optimizer, found.descent.rate, found.descent.total) == ("sgd", 0.1, 10)


def test_the_loss_of_a_step_is_that_before_its_update_and_the_parameters_are_those_after():
    found = walked(start={"x": 3.0}, rate=0.1, steps=4, reaches=(Waypoint(step=2, value=(3 * 0.8) ** 2, inputs={"x": 3 * 0.8**2}),))
    assert [(p.what, p.reproduced) for p in found.published] == [("loss in step 2", True), ("x after step 2", True)]


def test_a_figure_that_is_not_reached_is_not_reproduced():
    found = walked(start={"x": 3.0}, rate=0.1, steps=4, reaches=(Waypoint(step=4, inputs={"x": 1.0}), Waypoint(step=4, value=(1.0, 9.0))))
    assert [p.reproduced for p in found.published] == [False, True]


def test_waypoints_hold_the_arguments_and_the_gradient_that_was_used():
    found = walked(start={"x": 3.0}, rate=0.1, steps=100, dtype="float64", logged=4)
    assert [stop.step for stop in found.waypoints] == [0, 1, 10, 99]
    for stop in found.waypoints:
        x = stop.arguments["x"].item()
        assert x == pytest.approx(3 * 0.8**stop.step, rel=1e-12)
        assert stop.gradient["x"] == pytest.approx(2 * x, rel=1e-15)
        assert not stop.arguments["x"].requires_grad


def test_without_zeroing_the_gradient_is_the_sum_of_all_so_far():
    found = walked(start={"x": 3.0}, rate=0.1, steps=6, zero_grad=False, dtype="float64", logged=9)
    x, total, used = 3.0, 0.0, {}
    for step in range(6):
        total += 2 * x
        used[step] = total
        x -= 0.1 * total
    assert {stop.step: float(stop.gradient["x"]) for stop in found.waypoints} == pytest.approx(used)
    assert found.descent.parameters["x"][-1] == pytest.approx([x])


@pytest.mark.parametrize(("optimizer", "reference"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam)])
def test_optimizers_are_those_of_torch(optimizer, reference):
    found = walked(line, values={"x": X, "y": Y}, start={"w": [0.3, -0.2]}, rate=0.05, steps=40, optimizer=optimizer)
    w = torch.tensor([0.3, -0.2], requires_grad=True)
    theirs = reference([w], lr=0.05)
    for _ in range(40):
        theirs.zero_grad()
        line(w, torch.tensor(X), torch.tensor(Y)).backward()
        theirs.step()
    np.testing.assert_allclose(found.descent.parameters["w"][-1], w.tolist(), rtol=1e-6)


def test_batches_go_through_every_row_once_a_pass_in_an_order_that_the_seed_gives():
    def rows_of(seed):
        plan = {"rate": 0.01, "steps": 4, "batch": 2, "batched": ("x", "y"), "logged": 9}
        found = walked(line, seed, values={"x": X, "y": Y}, start={"w": [0.0, 0.0]}, **plan)
        return [stop.arguments["y"].tolist() for stop in found.waypoints], found

    rows, found = rows_of(0)
    assert sorted(rows[0] + rows[1]) == sorted(rows[2] + rows[3]) == Y
    assert rows == rows_of(0)[0]
    assert any(rows != rows_of(seed)[0] for seed in range(1, 5))
    stop = found.waypoints[0]
    w = torch.zeros(2, requires_grad=True)
    line(w, stop.arguments["x"], stop.arguments["y"]).backward()
    assert stop.gradient["w"].tolist() == w.grad.tolist()
    assert found.descent.loss[0] == pytest.approx(np.mean(np.square(Y)))  # of all rows


def test_a_descent_may_have_data_of_its_own():
    made = exercise(
        line, sizes={"n": 4}, constant=["x", "y"], descent=Descent(values={"x": X, "y": Y}, start={"w": [0, 0]}, rate=0.1, steps=2)
    )
    assert walk(made, 0).descent.loss[0] == pytest.approx(7.5)


def test_a_long_walk_is_logged_in_few_steps_up_to_its_end():
    found = walked(start={"x": 3.0}, rate=1e-4, steps=3000)
    steps = found.descent.steps
    assert len(steps) <= LOGGED + 1
    assert (steps[0], steps[-1]) == (0, 3000)
    assert steps == sorted(set(steps))
    x = [3 * (1 - 2e-4) ** step for step in steps]
    assert [entry for (entry,) in found.descent.parameters["x"]] == pytest.approx(x, rel=1e-4)


def test_a_walk_that_diverges_is_written_down():
    loss = walked(start={"x": 3.0}, rate=1e6, steps=12).descent.loss
    assert loss[-1] in ("inf", "nan")
    assert math.isfinite(loss[0])


def vector(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    return x


def lost(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    return x.detach() ** 2


def raising(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    raise ArithmeticError("too far")


@pytest.mark.parametrize(
    ("function", "plan", "message"),
    [
        (square, {"start": {}}, "square: the start of the descent gives no value for x."),
        (square, {"start": {"x": [1.0]}}, 'square: the start of the descent gives x the shape (1,); declared is "".'),
        (vector, {"start": {"x": [1.0, 2.0]}}, "a scalar that depends on what is differentiated, but the value has shape (2,)."),
        (lost, {"start": {"x": 1.0}}, "but the value has lost its history, so that no gradient can be taken."),
        (raising, {"start": {"x": 1.0}}, "raising: the function fails in its descent: ArithmeticError: too far."),
        (
            line,
            {"start": {"w": [0.0, 0.0], "x": X, "y": Y}, "batch": 2},
            "line: a descent in batches needs inputs with equally many rows; `batched` names [].",
        ),
    ],
)
def test_a_descent_that_cannot_be_walked_is_a_sentence(function, plan, message):
    with pytest.raises(ExerciseError) as caught:
        walked(function, rate=0.1, steps=3, **plan)
    assert message in caught.value.message
    assert caught.value.file == __file__
