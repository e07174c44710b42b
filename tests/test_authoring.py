"""What authors write becomes exercises, and what is wrong with it becomes sentences."""

from __future__ import annotations

import pytest
import torch
from jaxtyping import Bool, Float, Int, UInt
from torch import Tensor, nn

from checker import Example, ExerciseError, Verdict, exercise, positive


def error_of(function, **options) -> str:
    with pytest.raises(ExerciseError) as caught:
        exercise(function, **options)
    assert caught.value.file == __file__
    assert caught.value.line
    return caught.value.message


@exercise(
    answer="4 * x",
    examples=[Example({"x": [0.0, 1.0, 2.0, 3.0]}, value=28.0)],
    title={"zh": "点积的两倍"},
    points=2,
    domains={"x": positive},
)
def twice_dot(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Differentiate it."""
    return 2 * torch.dot(x, x)


def test_an_exercise_knows_what_its_function_says():
    assert twice_dot.name == "twice_dot"
    assert twice_dot.id == "test_authoring.py::twice_dot"
    assert twice_dot.sizes == {"n": 4}  # read off the example
    assert twice_dot.answer == {"x": "4 * x"}
    assert twice_dot.title == {"en": "twice dot", "zh": "点积的两倍"}
    assert twice_dot.statement == {"en": "Differentiate it."}
    assert (twice_dot.points, twice_dot.expects, twice_dot.required) == (2.0, Verdict.AGREES, ("reverse",))
    assert str(twice_dot.input("x").domain) == "positive"
    assert "2 * torch.dot(x, x)" in twice_dot.text


def test_an_exercise_is_still_its_function():
    assert twice_dot(torch.tensor([1.0, 2.0])).item() == 10
    (output,) = twice_dot.call({"x": torch.tensor([1.0, 2.0])})
    assert output.item() == 10


def test_integers_constants_and_fixed_values_are_not_differentiated():
    def loss(w: Float[Tensor, "n"], x: Float[Tensor, "n"], y: Float[Tensor, "n"], k: Int[Tensor, "n"], keep: Bool[Tensor, "n"]):
        return w

    made = exercise(loss, sizes={"n": 2}, constant=["y"], values={"x": [1.0, 2.0]})
    assert made.differentiated == ("w",)
    assert [i.kind for i in made.inputs] == ["real", "real", "real", "integer", "boolean"]
    assert exercise(loss, sizes={"n": 2}, values={"x": [1.0, 2.0]}, differentiate=["x"]).differentiated == ("x",)


def test_a_module_is_a_function_of_its_parameters():
    @exercise(sizes={"b": 2})
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 1)

        def forward(self, x: Float[Tensor, "b 3"]):
            return self.linear(x)

    assert Net.differentiated == ("x", "linear.weight", "linear.bias")
    first, again, other = Net.parameters(0), Net.parameters(0), Net.parameters(1)
    assert torch.equal(first["linear.weight"], again["linear.weight"])
    assert not torch.equal(first["linear.weight"], other["linear.weight"])
    (output,) = Net.call({"x": torch.ones(2, 3), "linear.weight": torch.full((1, 3), 2.0), "linear.bias": torch.ones(1)})
    assert output.flatten().tolist() == [7.0, 7.0]


@pytest.mark.parametrize("style", ["ctx", "setup_context"])
def test_an_autograd_function_is_an_exercise(style):
    if style == "ctx":

        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x: Float[Tensor, "n"]):
                return x * x
    else:

        class Square(torch.autograd.Function):
            @staticmethod
            def forward(x: Float[Tensor, "n"]):
                return x * x

            @staticmethod
            def setup_context(ctx, inputs, output):
                pass

    made = exercise(Square, sizes={"n": 2})
    assert [i.name for i in made.inputs] == ["x"]
    assert made.call({"x": torch.tensor([3.0, 4.0])})[0].tolist() == [9.0, 16.0]


def test_inputs_with_defaults_keep_them():
    def scaled(x: Float[Tensor, ""], factor=3):
        return factor * x

    assert exercise(scaled).call({"x": torch.tensor(2.0)})[0].item() == 6


def test_every_problem_is_named_at_once():
    def several(x, y: Float[Tensor, "..."], z: Float[Tensor, "n"], c: UInt[Tensor, "2"]):
        return x

    message = error_of(several, colour="red", expects="wrng", domains={"u": positive}, constant=["v"])
    for part in (
        "the input 'x' has no jaxtyping annotation: write x: Float[Tensor, \"n\"]",
        "the annotation of 'y': the dimension '...' leaves a size open",
        "the shape letter 'n' of 'z' has no size: add sizes={'n': 4}, or an example that gives z",
        "the input 'c' is UInt[Tensor, '2']: use Float, Complex, Int or Bool",
        "unknown option 'colour'; known are answer, examples",
        "`expects` names 'wrng'; known are agrees, subgradient",
        "`domains` names 'u'; known are c, x, y, z",
        "'v' is no input",
    ):
        assert part in message


def square(x: Float[Tensor, "n"]):
    return x * x


def product(x: Float[Tensor, ""], y: Float[Tensor, ""]):
    return x * y


def after_default(x: Float[Tensor, ""], scale=2, y: Float[Tensor, ""] = None):
    return x


def by_name_only(*, x: Float[Tensor, ""]):
    return x


def unknown_name(x: Flaot[Tensor, ""]):
    return x


class NeedsSize(nn.Module):
    def __init__(self, size):
        super().__init__()


def no_generator():
    return {}


@pytest.mark.parametrize(
    ("target", "options", "expected"),
    [
        (square, {"sizes": {"n": 2}, "answer": "2 * z"}, "the answer for 'x': the formula '2 * z', column 5"),
        (square, {"sizes": {"n": 2}, "answer": {"y": "2"}}, "`answer` names 'y', which is not differentiated; differentiated are x"),
        (product, {"answer": "y"}, "`answer` is one formula, but 2 inputs are differentiated: give a dict by name"),
        (square, {"sizes": {"n": 2}, "cuts": ["iten"]}, "`cuts` names 'iten'; known are item, float(), int(), tolist"),
        (square, {"sizes": {"n": 2}, "dtypes": ["float8"]}, "`dtypes` names 'float8'; known are float64, float32, float16, bfloat16"),
        (square, {"sizes": {"n": 2}, "examples": [{"x": 1}]}, "`examples` must be a list of Example(…)"),
        (square, {"values": no_generator}, "drawing `values` failed: TypeError: no_generator() takes 0 positional arguments"),
        (after_default, {}, "the input 'y' comes after 'scale', which has no jaxtyping annotation: change their order"),
        (by_name_only, {}, "the input 'x' cannot be passed by position"),
        (NeedsSize, {}, "making a NeedsSize failed: TypeError: NeedsSize.__init__() missing 1 required positional argument: 'size'."),
    ],
)
def test_a_mistake_is_a_sentence(target, options, expected):
    assert expected in error_of(target, **options)


def test_an_annotation_that_cannot_be_read(monkeypatch):
    assert "an annotation cannot be read: NameError: name 'Flaot' is not defined" in error_of(unknown_name)


@pytest.mark.parametrize("target", [3, dict])
def test_what_is_no_function_is_refused(target):
    with pytest.raises(ExerciseError, match=r"cannot be differentiated\. Put @exercise before a function, an nn.Module class"):
        exercise(target)
