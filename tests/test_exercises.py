"""The built-in catalogue: every row of the course notes is there, in two languages, and gives the numbers that were published."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import torch

from checker import Verdict
from checker.arguments import at_start
from checker.catalogue import find
from checker.content import exercises_folder
from checker.descent import walk
from checker.matrix import METHODS
from checker.published import contradiction, reproduce

FOUND = find([])
EXERCISES = {exercise.id: exercise for exercise in FOUND.exercises}
WALKED = [exercise for exercise in FOUND.exercises if exercise.descent is not None]

#: Rows of the table of seed documents, and the exercises that cover them.
ROWS: dict[int, tuple[str, ...]] = {
    1: ("calculus.py::parabola",),
    2: ("calculus.py::cubic_with_a_pole",),
    3: ("vectors.py::twice_dot",),
    4: ("vectors.py::vector_sum",),
    5: ("vectors.py::squares",),
    6: ("cutting.py::detached_factor", "cutting.py::square_after_detach"),
    7: ("control_flow.py::doubling",),
    8: ("vectors.py::length_of_4x",),
    9: ("vectors.py::length_of_z",),
    10: ("regression.py::five_points",),
    11: ("regression.py::HundredThousandPoints",),
    12: ("thermometer.py::thermometer", "thermometer.py::scaled_thermometer"),
    13: tuple(f"thermometer.py::{name}" for name in ("forgotten_zero", "thermometer_with_adam", "training_and_validation", "grad_enabled")),
    14: ("vectors.py::mean_of_squares",),
    15: ("vectors.py::mean_of_products",),
    16: ("calculus.py::squared_quotient",),
    17: ("vectors.py::row_plus_column",),
    18: ("regression.py::from_scratch",),
    19: ("calculus.py::square",),
    20: tuple(
        f"matrices.py::{name}"
        for name in (
            *("trace", "diagonal", "upper_triangle", "lower_triangle", "matrix_product", "batch_product", "add_product", "transpose"),
            *("dot_product", "cross_product", "inverse", "singular_values", "determinant", "singular_determinant"),
        )
    ),
    21: tuple(f"history.py::{name}" for name in ("view", "clone", "copy_into", "alias")),
    22: tuple(
        f"history.py::{name}"
        for name in (
            *("concatenation", "indexing", "arithmetic", "in_place"),
            *("lost_by_item", "declared_item", "lost_by_rebuilding", "lost_by_data", "declared_data"),
        )
    ),
    23: ("networks.py::FashionMNIST",),
    24: tuple(
        f"layers.py::{name}"
        for name in (
            *("flatten", "Linear", "relu", "relu_at_zero", "softmax", "Convolution", "max_pooling", "dropout"),
            *("adaptive_average_pooling", "Sequential"),
        )
    ),
    25: ("regression.py::one_layer",),
    26: ("vectors.py::jacobian_product",),
    27: tuple(
        f"losses.py::{name}" for name in ("mean_squared_error", "negative_log_likelihood", "cross_entropy", "loop_that_must_not_train")
    ),
    28: ("networks.py::SavedAndLoaded",),
}

#: Lessons about mistakes and kinks: what the check should find.
LESSONS = {
    "complex_numbers.py::modulus_at_zero": Verdict.SUBGRADIENT,
    "custom.py::forgotten_upstream": Verdict.WRONG,
    "history.py::lost_by_data": Verdict.WRONG,
    "history.py::lost_by_item": Verdict.WRONG,
    "history.py::lost_by_rebuilding": Verdict.WRONG,
    "layers.py::relu_at_zero": Verdict.SUBGRADIENT,
    "matrices.py::singular_determinant": Verdict.WRONG,
    "second_order.py::cut_off": Verdict.WRONG,
    "thermometer.py::forgotten_zero": Verdict.WRONG,
}


#: What the seed documents do not reach.
BEYOND = (
    *(
        f"complex_numbers.py::{name}"
        for name in ("squared_modulus", "holomorphic_square", "hermitian_form", "phase_retrieval", "modulus_at_zero")
    ),
    *(f"custom.py::{name}" for name in ("soft_sign", "forgotten_upstream", "straight_through")),
    *(f"second_order.py::{name}" for name in ("quadratic_form", "curvature_of_cross_entropy", "newton_step", "cut_off")),
)


def test_every_row_is_there_and_every_exercise_has_its_row():
    assert FOUND.refusals == ()
    assert set(ROWS) == set(range(1, 29))
    assert sorted([*BEYOND, *(name for row in ROWS.values() for name in row)]) == sorted(EXERCISES)


def test_only_lessons_expect_anything_but_agreement():
    assert {name: e.expects for name, e in EXERCISES.items() if e.expects is not Verdict.AGREES} == LESSONS


@pytest.mark.parametrize("exercise", FOUND.exercises, ids=EXERCISES)
def test_title_and_statement_are_in_both_languages(exercise):
    for text in (exercise.title, exercise.statement):
        assert set(text) == {"en", "zh"}
        assert not re.search(r"[一-鿿]", text["en"])
        assert text["en"].count("$") % 2 == text["zh"].count("$") % 2 == 0
    assert re.search(r"[一-鿿]", exercise.statement["zh"])
    assert exercise.origin


@pytest.mark.parametrize("exercise", FOUND.exercises, ids=EXERCISES)
def test_published_numbers_are_reproduced(exercise):
    published = reproduce(exercise)
    assert contradiction(exercise, published) is None
    assert bool(published) == bool(exercise.examples)


@pytest.mark.parametrize("exercise", WALKED, ids=[exercise.id for exercise in WALKED])
def test_published_figures_are_reached(exercise):
    found = walk(exercise, 0)
    assert contradiction(exercise, found.published) is None
    assert len(found.published) >= len(exercise.descent.reaches)
    assert found.descent.seconds < 30


@pytest.mark.parametrize("exercise", [e for e in FOUND.exercises if e.examples and e.examples[0].gradient], ids=lambda e: e.id)
def test_a_wrong_published_gradient_is_caught(exercise):
    example = exercise.examples[0]
    name, values = next(iter(example.gradient.items()))
    planted = {name: (np.asarray(values) + 0.01).tolist()}
    wrong = replace(exercise, examples=(replace(example, gradient=planted),))
    assert f"{exercise.name}: the gradient of {name}" in contradiction(wrong, reproduce(wrong)).message


def test_a_wrong_published_figure_of_a_descent_is_caught():
    exercise = EXERCISES["thermometer.py::thermometer"]
    late = replace(exercise.descent.reaches[-1], value=29.0228)
    wrong = replace(exercise, descent=replace(exercise.descent, reaches=(late,)))
    assert contradiction(wrong, walk(wrong, 0).published).message.startswith(
        "thermometer: the loss in step 100 is published as 29.0228, but PyTorch finds 29.0226"
    )


def test_every_exercise_has_its_row_in_the_matrix():
    with (exercises_folder() / "required.toml").open("rb") as file:
        matrix = tomllib.load(file)
    assert matrix.pop("cuda") is True
    assert {f"{file}::{name}" for file, names in matrix.pop("cpu_only").items() for name in names} <= set(EXERCISES)
    assert {f"{file}::{name}" for file, table in matrix.items() for name in table} == set(EXERCISES)
    for exercise in FOUND.exercises:
        assert set(exercise.required) <= set(METHODS)
        assert "reverse" in exercise.required
        assert ("formula" in exercise.required) == (set(exercise.answer) == set(exercise.differentiated))


def test_control_flow_takes_many_paths():
    doubling = EXERCISES["control_flow.py::doubling"]
    slopes = {float(doubling(torch.tensor(a)) / a) for a in (0.02, 0.7, 1.5, 900.0, -0.3, -5.0)}
    assert len(slopes) == 6


def test_the_network_has_the_published_number_of_parameters():
    parameters = EXERCISES["networks.py::FashionMNIST"].parameters(0)
    assert sum(p.numel() for p in parameters.values()) == 669_706


def test_a_loaded_network_has_the_gradients_of_the_saved_one():
    exercise = EXERCISES["networks.py::SavedAndLoaded"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        saved = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    loaded = {name: p.requires_grad_() for name, p in exercise.parameters(5).items()}
    x, label = torch.arange(8.0).reshape(2, 4), torch.tensor([0, 2])
    exercise.call({"x": x, "label": label, **loaded})[0].backward()
    torch.nn.functional.cross_entropy(saved(x), label).backward()
    for name, p in saved.named_parameters():
        assert torch.equal(loaded[f"layers.{name}"].grad, p.grad)


def test_the_thermometer_reaches_the_least_squares_line():
    exercise = EXERCISES["thermometer.py::thermometer_with_adam"]
    data = at_start(exercise, exercise.descent, 0, torch.float64)
    columns = torch.stack([data["t_u"], torch.ones(11, dtype=torch.float64)], dim=1)
    w, b = torch.linalg.lstsq(columns, data["t_c"][:, None]).solution.flatten().tolist()
    (low, high), (lower, upper) = exercise.descent.reaches[0].inputs.values()
    assert low < w < high
    assert lower < b < upper
