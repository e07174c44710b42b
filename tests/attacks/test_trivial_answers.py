"""Answers that anybody can give without looking at the exercise earn nothing, whatever they are compared with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from checker.catalogue import find
from checker.grading.grades import Result
from checker.grading.judging.credit import grade
from checker.grading.judging.mistakes import findings
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered, Question
from checker.values import Array

#: Its gradient is so large that what rounding may do to it is larger than most numbers; another's is so small that zeros are near it.
#: Of the last float32 knows nothing, and zeros are float32 numbers.
EXERCISES = """
import torch
from jaxtyping import Float
from torch import Tensor
from checker import exercise

@exercise(sizes={"n": 3})
def scaled(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return 1e9 * (x**2).sum()

@exercise(sizes={"n": 3})
def two_sizes(x: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return 1e9 * (x**3).sum() + torch.sin(y).sum()

@exercise(sizes={"n": 3})
def small(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return 1e-12 * torch.exp(torch.sin(x)).sum()

@exercise(sizes={"n": 3})
def chaotic(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    y = torch.sigmoid(x)
    for _ in range(8):
        y = 3.9 * y * (1 - y)
    return y.sum()
"""
ANSWERS: dict[str, Callable[[Array, Question], Array]] = {
    "zeros": lambda x, _: np.zeros_like(x),
    "a number": lambda x, _: np.zeros(()),
    "nothing": lambda x, _: np.zeros(0),
    "ones": lambda x, _: np.ones_like(x),
    "signs": lambda x, _: np.sign(x),
    "one entry": lambda x, _: np.eye(1, x.size).reshape(x.shape),
    "counted": lambda x, _: np.arange(x.size).reshape(x.shape) + 1.0,
    "the value": lambda x, question: np.broadcast_to(question.value, x.shape),
    "denormals": lambda x, _: np.full_like(x, 5e-324),
    "infinity": lambda x, _: np.full_like(x, np.inf),
}


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pool]:
    path = tmp_path_factory.mktemp("exercises") / "sizes.py"
    path.write_text(EXERCISES, encoding="utf-8")
    return {one.name: Pool(one, b"a secret of the tests") for one in find([str(Path(path))]).exercises}


@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize("name", ["scaled", "two_sizes", "small", "chaotic"])
@pytest.mark.parametrize("single", [False, True])
def test_an_answer_to_any_exercise_is_one_to_none(pools: dict[str, Pool], name: str, said: str, single: bool) -> None:
    pool = pools[name]
    answered = []
    for question in pool.questions("content"):
        arguments = {n: np.asarray(t.detach().numpy()) for n, t in question.case.arguments.items()}
        gradients = {n: ANSWERS[said](arguments[n], question) for n in pool.exercise.differentiated}
        answered.append(Answered(question=question, gradients=gradients))
    found, _ = findings(pool.exercise, answered, single_allowed=single)
    assert grade(Result(exercise=name, form=None, findings=found), 1.0).earned == 0.0, found
