"""The author's answer: proved equal where it is right, refused with its line where it is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from checker.authoring import Exercise, exercise
from checker.errors import ExerciseError
from checker.inputs import below, positive
from checker.judge.belief import believe, tape_of
from checker.judge.compare import compare
from checker.judge.reference import refer
from checker.methods.formula import Formula
from checker.sampling import complete, sample
from checker.values import Case, Derivation, Reference, Settings, Verdict

METHOD = Formula()


def derive(case: Case) -> Derivation:
    tape = tape_of(case)
    return METHOD.derive(case, tape, refer(case, tape, believe(case, tape)).reference)


def at(found: Exercise, **arguments: Any) -> Case:
    given = {name: torch.as_tensor(value) for name, value in arguments.items()}
    return complete(found, given, Settings(), number=0, dtype="float64", seed=0, origin="given")


def drawn(found: Exercise, dtype: str = "float64") -> Case:
    return sample(found, Settings(), 1, dtype)


def with_answer(found: Exercise, **answer: str) -> Exercise:
    return replace(found, answer=answer)


@exercise(sizes={"n": 4})
def twice_dot(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return 2 * torch.dot(x, x)


@exercise(sizes={"n": 3}, domains={"x": positive})
def entropy(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return -(x * x.log()).sum()


@exercise(sizes={"n": 2, "m": 3})
def layer(x: Float[Tensor, " n"], w: Float[Tensor, "n m"]) -> Float[Tensor, " m"]:
    return torch.tanh(x @ w)


@exercise(sizes={"n": 3, "k": 4}, domains={"labels": below(4)})
def cross_entropy(logits: Float[Tensor, "n k"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
    return torch.nn.functional.cross_entropy(logits, labels)


@exercise
def doubling(a: Float[Tensor, ""]) -> Float[Tensor, ""]:
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


@exercise(sizes={"n": 3})
def third(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return (1 / 3) * x + 0.1 * x * x


@exercise(sizes={"n": 2})
def rectified(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return torch.relu(x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("found", "answer"),
    [
        (twice_dot, {"x": "4 * x"}),
        (twice_dot, {"x": "4·x"}),
        (twice_dot, {"x": "value · 2 · x / xᵀx"}),
        (twice_dot, {"x": "2 * (x + x)^1"}),
        (twice_dot, {"x": "4 * √(x²) * sign(x)"}),
        (twice_dot, {"x": "12 * x / 3 + 0 * pi"}),
        (entropy, {"x": "−(log(x) + 1)"}),
        (entropy, {"x": "ln(1 / x) − 1"}),
        (layer, {"x": "w @ (upstream * (1 − value²))", "w": "outer(x, upstream / cosh(x @ w)²)"}),
        (cross_entropy, {"logits": "(softmax(logits) − one_hot(labels, 4)) / len(labels)"}),
        (doubling, {"a": "value / a"}),
    ],
)
def test_a_right_answer_in_any_spelling_is_proved(found: Exercise, answer: dict[str, str], dtype: str) -> None:
    case = drawn(with_answer(found, **answer), dtype)
    derivation = derive(case)
    assert derivation.problem is None
    assert derivation.details["proved"] == answer
    tape = tape_of(case)
    reference = refer(case, tape, believe(case, tape)).reference
    assert reference is not None
    assert {c.verdict for c in compare(derivation, reference, case)} == {Verdict.AGREES}


@pytest.mark.parametrize(
    ("found", "answer", "says"),
    [
        (twice_dot, {"x": "2 * x"}, "Every entry is 0.5 times the truth."),
        (twice_dot, {"x": "-4 * x"}, "The sign is wrong."),
        (twice_dot, {"x": "4 * x + 0.000001"}, "(4 of 4 entries differ)"),
        (twice_dot, {"x": "4 * x * (1 + 1e-9)"}, "is not the gradient at [0]"),
        (twice_dot, {"x": "cat([4 * x[:3], 5 * x[3:]])"}, "is not the gradient at [3]"),
        (twice_dot, {"x": "value"}, "is not the gradient"),
        (entropy, {"x": "-log(x)"}, "the answer for x, '-log(x)', is not the gradient at [0]"),
        (layer, {"x": "w @ upstream", "w": "outer(x, upstream * (1 - value^2))"}, "the answer for x"),
        (layer, {"x": "w @ (upstream * (1 - value^2))", "w": "outer(x, 1 - value^2)"}, "the answer for w"),
        (cross_entropy, {"logits": "softmax(logits) - one_hot(labels, 4)"}, "Every entry is 3 times the truth."),
        (doubling, {"a": "1024"}, "is not the gradient: it gives 1024, the truth is"),
        (twice_dot, {"x": "4 * y"}, "answer for x: the formula '4 * y', column 5: y is no name here."),
        (twice_dot, {"x": "x 4"}, "Is x * 4 meant?"),
        (twice_dot, {"x": "outer(x, x)"}, "the answer for x has shape (4, 4), and x has shape (4,)."),
        (twice_dot, {"x": "x @ ones(3)"}, "cannot be computed for shapes (4,), (3,)"),
    ],
)
def test_a_wrong_answer_is_refused_with_its_line(found: Exercise, answer: dict[str, str], says: str) -> None:
    wrong = with_answer(found, **answer)
    case = at(wrong, a=0.01) if found is doubling else drawn(wrong)
    with pytest.raises(ExerciseError) as caught:
        derive(case)
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"test_formula_method.py:{found.line}: ")


def test_the_refusal_tells_both_numbers_and_the_point() -> None:
    case = at(with_answer(twice_dot, x="3 * x"), x=[0.0, 2.0, 3.0, 4.0])
    with pytest.raises(ExerciseError) as caught:
        derive(case)
    assert caught.value.message == (
        "the answer for x, '3 * x', is not the gradient at [1]: it gives 6, the truth is 8 (3 of 4 entries differ). "
        "Point 0: x = [0, 2, 3, 4]."
    )
    assert caught.value.advice == "Every entry is 0.75 times the truth."


def test_a_rounded_constant_is_accepted_but_not_called_proved() -> None:
    """The program's 1/3 is the float next to a third, and no formula says that."""
    derivation = derive(drawn(with_answer(third, x="upstream * (1/3 + x / 5)")))
    assert derivation.details["proved"] == {}
    assert derivation.problem is None


def test_at_a_kink_another_subgradient_is_not_refused() -> None:
    case = at(with_answer(rectified, x="where(x >= 0, upstream, 0)"), x=[0.0, 2.0])
    assert derive(case).gradients["x"].tolist() == [1.0, 1.0]
    with pytest.raises(ExerciseError):
        derive(at(with_answer(rectified, x="where(x <= 0, upstream, 0)"), x=[1.0, 2.0]))


def test_an_answer_without_a_value_at_the_point_says_so() -> None:
    derivation = derive(at(with_answer(twice_dot, x="4 * x² / x"), x=[0.0, 1.0, 2.0, 3.0]))
    assert derivation.problem is not None
    assert derivation.problem.verdict is Verdict.UNSUPPORTED
    assert derivation.problem.message == "the answer for x has no finite value at this point"


def test_a_number_stands_for_every_entry() -> None:
    @exercise(sizes={"n": 3}, answer="1")
    def total(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
        return x.sum()

    np.testing.assert_array_equal(derive(drawn(total)).gradients["x"], np.ones(3))


def test_an_exercise_without_answers_is_not_for_this_method() -> None:
    problem = METHOD.unsupported(drawn(with_answer(layer, x="x")), None)
    assert problem is not None
    assert problem.message == "the exercise has no answer for w"


def test_where_the_truth_is_estimated_only_a_far_answer_is_refused() -> None:
    case = drawn(with_answer(twice_dot, x="4 * x + 0.001"))
    tape = tape_of(case)
    truth = refer(case, tape, believe(case, tape)).reference
    assert truth is not None

    def estimated(allowed: float) -> Reference:
        return replace(truth, kind="differences", allowed={"x": np.full(4, allowed)})

    assert METHOD.derive(case, tape, estimated(0.0002)).details["proved"] == {}
    with pytest.raises(ExerciseError, match=r"is not the gradient at \[0\]"):
        METHOD.derive(case, tape, estimated(0.0001))
