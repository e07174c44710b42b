"""Asking answers: what came back finds its argument, whatever it is called; a wrong forward is differentiated by differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from checker import Descent, below, exercise
from checker.grading import asking
from checker.grading.asking import ask, walk
from checker.grading.judging.mistakes import value_right
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered, Question
from checker.grading.judging.trajectories import trajectory
from checker.sandbox.frames import Array
from checker.sandbox.values import Form, Found, Reason, Stopped, Trouble
from tests.boxes import Boxes, boxes, program

__all__ = ["boxes"]

given = pytest.mark.parametrize


class Replies:
    """A session of which every reply is known: a function of the verb and the arguments."""

    def __init__(self, reply: Callable[[str, Mapping[str, Array]], list[tuple[str, Array]]], costs: float = 0.0) -> None:
        self.reply, self.costs, self.left, self.verbs = reply, costs, 60.0, []  # type: ignore[var-annotated]

    def call(self, name: str, verb: str, arguments: Mapping[str, Array], **given: Any) -> list[tuple[str, Array]]:
        self.verbs.append(verb)
        self.left -= self.costs
        return self.reply(verb, given["batch"] | arguments if given.get("batch") else arguments)


def question(function: Callable[..., Any], **options: Any) -> Question:
    return Pool(exercise(function, sizes={"n": 2}, **options), bytes(32)).questions("content")[0]


def weighted(w: Float[Tensor, "n"], x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Two differentiated inputs."""
    return (w * x).sum()


def chosen(which: Int[Tensor, ""], x: Float[Tensor, "n"], w: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """An integer input first."""
    return (x * w)[which] * x


TWO, INTEGER = question(weighted), question(chosen, domains={"which": below(2)})
A, B, C = np.array([1.0, 2.0]), np.array([3.0, 4.0]), np.array([5.0, 6.0])


def gradients(given: list[tuple[str, Array]], asked: Question = TWO) -> dict[str, Array]:
    answered = ask(Replies(lambda verb, arguments: given), "f", Found(form=Form.GRADIENT), asked, value_right)  # type: ignore[arg-type]
    return dict(answered.gradients)


# --- labels ----------------------------------------------------------------------------------------------------------------------


@given("label", ["w", "dw", "d_w", "grad_w", "g_w", "w_grad", "w_bar", "∂w", "∇w", "dL_dw", "dW", "W", "DW", "Grad_W", "w.grad"])
def test_an_argument_is_known_by_every_usual_name_of_its_gradient(label: str) -> None:
    assert gradients([("dx", B), (label, A)]) == {"x": B, "w": A}


@given("label", ["", "d", "wd", "ww", "dz", "w" * 200, "-1", "1.0", "²", "\x1b[2J", "w\0", "٣" * 600, "9" * 800])
def test_any_other_name_is_no_argument(label: str) -> None:
    assert gradients([(label, C), ("w", A), ("x", B)]) == {"w": A, "x": B}


def test_of_two_for_the_same_argument_the_first_counts() -> None:
    assert gradients([("dw", A), ("w", B), ("0", C)]) == {"w": A}


def test_names_that_differ_in_case_only_are_told_apart() -> None:
    assert asking._match([("dX", A), ("dx", B)], ("x", "X"), ("x", "X")) == {"X": A, "x": B}
    assert asking._match([("GRAD_X", A)], ("x", "X"), ("x", "X")) == {"X": A}


def test_parameters_of_a_module_have_dots_and_students_write_underscores() -> None:
    names = ("layer.weight", "layer.bias")
    assert asking._match([("dlayer_weight", A), ("layer.bias", B)], names, names) == dict(zip(names, (A, B), strict=True))
    assert asking._match([("layer_bias_grad", A), ("layer.weight.grad", B)], names, names) == {names[0]: B, names[1]: A}


def test_the_name_of_an_argument_wins_over_a_prefix() -> None:
    assert asking._match([("dx", A), ("x", B)], ("x", "dx"), ("x", "dx")) == {"dx": A, "x": B}


@given(
    ("labels", "names"),
    [
        ("01", {"x": A, "w": B}),  # of the two that are differentiated
        ("012", {"x": B, "w": C}),  # of all three
        ("12", {"x": A, "w": B}),  # None for the integer
        ("0", {"x": A}),
        ("0123", {"x": B, "w": C}),  # and one too many
    ],
)
def test_a_tuple_has_a_place_for_each_differentiated_input_or_for_each_input(labels: str, names: dict[str, Array]) -> None:
    found = gradients(list(zip(labels, [A, B, C, A], strict=False)), INTEGER)
    assert found == names


def test_nothing_returned_is_nothing_found() -> None:
    assert gradients([]) == {}


# --- a wrong forward -------------------------------------------------------------------------------------------------------------


def cubed(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    """The value is asked too where a form computes it."""
    return x**3


CUBED = question(cubed)


def asked_as_pair(forward: Callable[[Array], Any], costs: float = 0.0) -> tuple[Answered, Replies]:
    def reply(verb: str, arguments: Mapping[str, Array]) -> list[tuple[str, Array]]:
        return [("0", np.asarray(forward(arguments["x"])))] if verb == "forward" else [("0", A)]

    session = Replies(reply, costs)
    return ask(session, "f", Found(form=Form.PAIR), CUBED, value_right), session  # type: ignore[arg-type]


def test_a_right_forward_is_asked_once() -> None:
    answered, session = asked_as_pair(lambda x: x**3)
    assert session.verbs == ["forward", "backward"]
    assert answered.own == {}
    assert answered.gradients == {"x": A}


def test_the_gradient_of_a_wrong_forward_is_that_of_its_formula() -> None:
    answered, _ = asked_as_pair(lambda x: np.sin(x) * x[::-1])
    x, v = CUBED.case.arguments["x"].numpy(), CUBED.upstream
    gradient, error = answered.own["x"]
    right = v * np.cos(x) * x[::-1] + (v * np.sin(x))[::-1]  # by hand
    assert np.allclose(gradient, right, rtol=0, atol=1e-7)
    assert np.all(np.abs(gradient - right) <= error)


@given("forward", [lambda x: x[:1], lambda x: np.full(2, np.inf), lambda x: np.full(2, 1.7e308), lambda x: np.full(2, np.nan)])
def test_a_wild_forward_is_no_error(forward: Callable[[Array], Array]) -> None:
    answered, _ = asked_as_pair(forward)
    assert answered.trouble is None
    assert set(answered.own) <= {"x"}


def test_a_slow_forward_is_not_asked_until_its_time_is_used_up() -> None:
    answered, session = asked_as_pair(np.sin, costs=2.0)
    assert answered.own == {}
    assert answered.trouble is None
    assert session.left >= 0.85 * 60 - 2.0


def test_what_stops_the_backward_leaves_the_value() -> None:
    def reply(verb: str, arguments: Mapping[str, Array]) -> list[tuple[str, Array]]:
        if verb == "backward":
            raise Stopped(Trouble(reason=Reason.RAISED, text="IndexError"))
        return [("0", arguments["x"] ** 3)]

    answered = ask(Replies(reply), "f", Found(form=Form.PAIR), CUBED, value_right)  # type: ignore[arg-type]
    assert answered.trouble == Trouble(reason=Reason.RAISED, text="IndexError")
    assert answered.value is not None
    assert answered.gradients == {}


# --- a training step -------------------------------------------------------------------------------------------------------------


def fitted(a: Float[Tensor, ""], b: Float[Tensor, ""], t: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """A line through data."""
    return ((a * t + b - 1) ** 2).mean()


def path() -> Any:
    plan = Descent(start={"a": 1.0, "b": 2.0, "t": [1.0, 2.0, 3.0, 4.0]}, rate=0.1, steps=3)
    found = trajectory(exercise(fitted, sizes={"n": 4}, differentiate=["a", "b"], descent=plan), bytes(32))
    assert found is not None
    return found


def stepped(reply: Callable[[Mapping[str, Array]], list[tuple[str, Array]]]) -> tuple[list[Mapping[str, Array]], Trouble | None]:
    return walk(Replies(lambda verb, arguments: reply(arguments)), "f", path())  # type: ignore[arg-type]


@given("labels", [("a", "b"), ("0", "1"), ("A", "B")])
def test_a_step_returns_parameters_by_name_or_in_order(labels: tuple[str, str]) -> None:
    states, trouble = stepped(lambda given: [(labels[0], given["a"] + 1), (labels[1], given["b"] - 1)])
    assert trouble is None
    assert len(states) == 3
    start = path().start
    assert [float(one["a"]) for one in states] == [float(start["a"]) + n for n in (1, 2, 3)]
    assert [float(one["b"]) for one in states] == [float(start["b"]) - n for n in (1, 2, 3)]


@given("returned", [[("c", A)], [], [("a", A)], [("a", np.zeros(())), ("b", np.zeros(3))]])
def test_a_step_that_loses_a_parameter_or_its_shape_ends_the_walk(returned: list[tuple[str, Array]]) -> None:
    states, trouble = stepped(lambda given: returned)
    assert trouble is None
    assert len(states) == 1


def test_a_step_that_raises_keeps_the_states_before() -> None:
    def reply(given: Mapping[str, Array]) -> list[tuple[str, Array]]:
        if given["a"] > path().start["a"] + 1.5:
            raise Stopped(Trouble(reason=Reason.RAISED))
        return [("a", given["a"] + 1), ("b", given["b"])]

    states, trouble = stepped(reply)
    assert len(states) == 2
    assert trouble == Trouble(reason=Reason.RAISED)


# --- every form, in the sandbox --------------------------------------------------------------------------------------------------

FORMS = {
    "by name": (Form.GRADIENT, "def f(x, w): return {'dw': x, 'x': w}"),
    "by place": (Form.GRADIENT, "def f(first, second): return second, first"),
    "a list": (Form.GRADIENT, "def f(first, second): return [second, first]"),
    "one left out": (Form.GRADIENT, "def f(w, x): return x, None"),
    "keys of another kind": (Form.GRADIENT, "def f(w, x): return {0: x, None: w, (1,): w, '\\x1b]0;': w, 'w' * 10**6: w}"),
    "pair": (
        Form.PAIR,
        "def f_forward(w, x): return (w * x).sum(), (w, x)\ndef f_backward(dout, cache): return dout * cache[1], dout * cache[0]",
    ),
    "pair without upstream": (
        Form.PAIR,
        "def f_forward(w, x): return (w * x).sum(), (w, x)\ndef f_backward(cache): return cache[1], cache[0]",
    ),
}


@given(("form", "source"), FORMS.values(), ids=FORMS)
def test_each_form_of_answer(boxes: Boxes, form: Form, source: str) -> None:
    with boxes("numpy").open() as session:
        found = session.load([program(source)], ["f"]).found["f"]
        assert found.form is form
        answered = ask(session, "f", found, TWO, value_right)
    arguments = {name: tensor.numpy() for name, tensor in TWO.case.arguments.items()}
    assert answered.trouble is None
    assert np.array_equal(answered.gradients["w"], arguments["x"])
    assert "x" not in answered.gradients or np.array_equal(answered.gradients["x"], arguments["w"])
    assert ("x" in answered.gradients) == (source not in (FORMS["one left out"][1], FORMS["keys of another kind"][1]))


OPERATION = """
import torch

class f(torch.autograd.Function):
    @staticmethod
    def forward(ctx, which, x, w):
        ctx.save_for_backward(which, x, w)
        return (x * w)[which] * x

    @staticmethod
    def backward(ctx, v):
        which, x, w = ctx.saved_tensors
        e = torch.zeros_like(x)
        e[which] = (v * x).sum()
        return None, (x * w)[which] * v + e * w, e * x
"""


def test_an_operation_is_asked_for_what_autograd_asks_it(boxes: Boxes) -> None:
    with boxes("torch").open() as session:
        answered = ask(session, "f", session.load([program(OPERATION)], ["f"]).found["f"], INTEGER, value_right)
    assert answered.trouble is None
    assert value_right(answered)
    for name in ("x", "w"):
        assert np.allclose(answered.gradients[name], INTEGER.gradient[name], rtol=1e-12)
    assert torch.is_tensor(INTEGER.case.arguments["which"])
