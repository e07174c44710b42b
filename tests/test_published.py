"""Published numbers are found again, and numbers that are not are named."""

from __future__ import annotations

import math

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from checker import Example, ExerciseError, exercise
from checker.published import compare, contradiction, reproduce


def squared(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    return x * x


def parabola(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    return 3 * x**2 - 4 * x


def examined(function, example, **options):
    made = exercise(function, examples=[example], **options)
    return made, reproduce(made)


def test_every_number_is_found_under_its_name():
    example = Example({"x": [1.0, 2.0]}, value=[1.0, 4.0], gradient={"x": [2.0, 4.0]})
    made, published = examined(squared, example)
    assert [(p.what, p.published, p.found, p.reproduced) for p in published] == [
        ("value at [0]", 1.0, 1.0, True),
        ("value at [1]", 4.0, 4.0, True),
        ("gradient of x at [0]", 2.0, 2.0, True),
        ("gradient of x at [1]", 4.0, 4.0, True),
    ]
    assert contradiction(made, published) is None


def test_gradients_accumulate_over_passes_and_take_their_upstream():
    example = Example({"x": [1.0, 2.0]}, gradient={"x": [30.0, 6.0]}, upstream=[5.0, 0.5], passes=3)
    assert all(p.reproduced for p in examined(squared, example)[1])


def test_quotients_and_the_tangent_of_a_function_of_one_number():
    example = Example({"x": 1.0}, quotients={0.1: 2.3, 1e-5: 2.00003}, tangent=(2.0, -3.0), decimals=5, dtype="float64")
    _, published = examined(parabola, example)
    assert [p.what for p in published] == [
        "difference quotient at h = 0.1",
        "difference quotient at h = 1e-05",
        "slope of the tangent",
        "intercept of the tangent",
    ]
    assert all(p.reproduced for p in published)


@pytest.mark.parametrize(
    ("example", "what"),
    [
        (Example({"x": 1.0}, value=-1.001), "value is published as -1.001, but PyTorch finds -1 (allowed is ± 9.5e-07)."),
        (
            Example({"x": 1.0}, gradient={"x": 2.1}, decimals=1),
            "gradient of x is published as 2.1, but PyTorch finds 2 (allowed is ± 0.05).",
        ),
        (Example({"x": 1.0}, quotients={0.1: 2.0}, decimals=1), "difference quotient at h = 0.1 is published as 2, but PyTorch finds 2.3"),
        (Example({"x": 1.0}, tangent=(2.0, 3.0)), "intercept of the tangent is published as 3, but PyTorch finds -3"),
    ],
)
def test_a_planted_wrong_number_is_caught_and_named(example, what):
    error = contradiction(*examined(parabola, example))
    assert error is not None
    assert error.message.startswith(f"parabola: the {what}")
    assert (error.file, bool(error.line)) == (__file__, True)
    assert error.advice == "Correct the number, or the function."


def test_a_contradiction_counts_the_others():
    made, published = examined(squared, Example({"x": [1.0, 2.0]}, value=[1.0, 5.0], gradient={"x": [2.0, 5.0]}))
    assert [p.what for p in published if not p.reproduced] == ["value at [1]", "gradient of x at [1]"]
    assert "So do 1 more of its 4 published numbers." in contradiction(made, published).message


def test_half_a_unit_of_the_last_place_is_allowed_and_no_more():
    def one(found):
        return next(compare("y", 5.6569, torch.tensor(found, dtype=torch.float64).numpy(), 4)).reproduced

    assert one(4 * math.sqrt(2))
    assert one(5.65695)
    assert not one(5.656951)
    assert not one(math.nan)


def test_a_pair_in_place_of_a_number_is_a_range():
    entries = list(compare("w", [(1.9, 2.1), (-3.41, -3.39)], torch.tensor([1.95, -3.5], dtype=torch.float64).numpy(), None))
    assert [p.reproduced for p in entries] == [True, False]
    assert entries[0].published == pytest.approx(2.0)
    assert entries[0].within == pytest.approx(0.1)


def test_without_decimals_sixteen_roundings_of_float32_are_allowed():
    step = 2.0**-24
    for count, reproduced in ((15, True), (17, False)):
        (entry,) = compare("y", 1.0, torch.tensor(1 + count * step, dtype=torch.float64).numpy(), None)
        assert entry.reproduced is reproduced
    (zero,) = compare("y", 0.0, torch.tensor(1e-300, dtype=torch.float64).numpy(), None)
    assert not zero.reproduced  # a published zero is exact


def test_a_lost_gradient_is_not_reproduced():
    def lost(x: Float[Tensor, ""]):
        return x.detach() * 2

    made, published = examined(lost, Example({"x": 1.0}, gradient={"x": 2.0}))
    assert [(p.found, p.reproduced) for p in published] == [("nan", False)]
    assert "is published as 2, but PyTorch finds nan" in contradiction(made, published).message


def labelled(x: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> Float[Tensor, ""]:
    return x.gather(1, y[:, None]).sum()


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"x": [1.0, 2.0], "y": [0, 1]}, 'labelled: an example gives x the shape (2,); declared is "n k".'),
        ({"x": [[1.0], [2.0]], "y": [0, 0, 0]}, 'labelled: an example gives y the shape (3,); declared is "n" with n = 2.'),
        ({"x": [[1.0]], "z": 1.0}, "labelled: an example names 'z', which is no input; inputs are x, y."),
        ({"x": [[1.0]]}, "labelled: an example gives no value for y."),
        ({"x": [[1.0], [2.0, 3.0]], "y": [0, 0]}, "labelled: an example gives x a value that is no tensor: "),
        ({"x": [[1.0]], "y": [5]}, "labelled: the function fails at an example: RuntimeError: index 5 is out of bounds"),
    ],
)
def test_an_example_that_does_not_fit_is_a_sentence(inputs, message):
    made = exercise(labelled, sizes={"n": 2, "k": 1}, examples=[Example({"x": [[1.0]], "y": [0]})])
    object.__setattr__(made, "examples", (Example(inputs, value=1.0),))
    with pytest.raises(ExerciseError) as caught:
        reproduce(made)
    assert caught.value.message.startswith(message)
    assert caught.value.file == __file__


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (Example({"x": [1.0, 2.0]}, value=3.0), "an example publishes the value with shape (), but it has shape (2,)."),
        (Example({"x": [1.0, 2.0]}, gradient={"y": 1.0}), "an example publishes a gradient of 'y', which is not differentiated."),
        (Example({"x": [1.0, 2.0]}, tangent=(1, 2)), "an example publishes a tangent or quotients, which are for functions of one number."),
    ],
)
def test_numbers_that_do_not_fit_are_a_sentence(example, message):
    with pytest.raises(ExerciseError) as caught:
        examined(squared, example)
    assert caught.value.message == f"squared: {message}"


def test_data_and_parameters_need_not_be_repeated_in_an_example():
    def loss(w: Float[Tensor, "2"], x: Float[Tensor, "2"]) -> Float[Tensor, ""]:
        return w @ x

    example = Example({"w": [1.0, 1.0]}, value=7.0, gradient={"w": [3.0, 4.0]})
    assert all(p.reproduced for p in examined(loss, example, values={"x": [3.0, 4.0]})[1])
