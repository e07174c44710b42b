"""Every built-in exercise: what is right in any order of operations is right, and an error of 10⁻⁶ is found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from answering import SECRET

from checker.catalogue import find
from checker.errors import ExerciseError
from checker.formula import parse
from checker.grading.grades import Kind
from checker.grading.judging.mistakes import findings
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered, Question
from checker.judge.belief import tape_of
from checker.methods.autograd import Forward, Reverse
from checker.values import Array, Case, Verdict

EXERCISES = {exercise.id: exercise for exercise in find([]).exercises}
#: What is wrong wherever a gradient is not zero.
GUESSES = {
    "zeros": lambda g: np.zeros_like(g),
    "negative": lambda g: -g,
    "twice": lambda g: 2 * g,
    "shifted": lambda g: g + 1e-3 * np.max(np.abs(g)),
    "a thousandth in float32": lambda g: (g * 1.001).astype(np.float32),
}
#: No pool can be had of these, and why.
WITHOUT = {
    "layers.py::dropout": "it draws random numbers, which no answer can know: make the draw an input",
    "networks.py::FashionMNIST": "too many entries to enclose each: judged along random directions",
    **{name: "it has complex inputs, and submissions are read in real numbers" for name, one in EXERCISES.items() if one.complex},
}
#: PyTorch's own gradient is wrong there, which is what they are about.
TORCH_IS_WRONG = {name for name, exercise in EXERCISES.items() if exercise.expects is Verdict.WRONG and exercise.descent is None}
GRADED = [name for name in EXERCISES if name not in WITHOUT]


@pytest.fixture(scope="module")
def pools() -> dict[str, Pool]:
    return {name: Pool(EXERCISES[name], SECRET) for name in GRADED}


def kinds(pool: Pool, gradients: list[dict[str, Array]], questions: list[Question], *, single: bool = False) -> set[Kind]:
    answered = [Answered(question=question, gradients=given) for question, given in zip(questions, gradients, strict=True)]
    return {finding.kind for finding in findings(pool.exercise, answered, single_allowed=single)[0]}


def reverse(case: Case) -> dict[str, Array]:
    return dict(Reverse().derive(case, None, None).gradients)


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_what_has_no_pool_says_why(name):
    with pytest.raises(ExerciseError) as raised:
        Pool(EXERCISES[name], SECRET)
    assert raised.value.message == f"{EXERCISES[name].name} cannot be graded: {WITHOUT[name]}."
    assert raised.value.line == EXERCISES[name].line
    assert "leave it out of the assignment" in raised.value.advice


@pytest.mark.parametrize("name", GRADED)
def test_right_answers_are_right_in_any_order_of_operations(pools, name):
    """The rounded truth, reverse mode, and forward mode where it has rules."""
    questions = pools[name].questions("any")
    truth = [dict(question.gradient) for question in questions]
    assert kinds(pools[name], truth, questions) == {Kind.RIGHT}
    if name in TORCH_IS_WRONG:
        return
    assert kinds(pools[name], [reverse(question.case) for question in questions], questions) == {Kind.RIGHT}
    forward = [(q, Forward().derive(q.case, None, None)) for q in questions if Forward().unsupported(q.case, tape_of(q.case)) is None]
    arrived = [(q, dict(d.gradients)) for q, d in forward if d.problem is None]
    if arrived:
        assert kinds(pools[name], [g for _, g in arrived], [q for q, _ in arrived]) == {Kind.RIGHT}


@pytest.mark.parametrize("name", [name for name in GRADED if name not in TORCH_IS_WRONG])
def test_float32_is_right_where_it_is_allowed_and_told_where_not(pools, name):
    questions = pools[name].questions("any")
    narrow = [in_float32(question.case) for question in questions]
    assert kinds(pools[name], narrow, questions, single=True) == {Kind.RIGHT}
    assert kinds(pools[name], narrow, questions, single=False) <= {Kind.RIGHT, Kind.SINGLE}


def in_float32(case: Case) -> dict[str, Array]:
    arguments = {n: t.float() if t.is_floating_point() else t for n, t in case.arguments.items()}
    upstream = tuple(v.float() if v is not None else None for v in case.upstream)
    found = reverse(replace(case, arguments=arguments, upstream=upstream, dtype="float32"))
    return {name: gradient.astype(np.float32) for name, gradient in found.items()}


@pytest.mark.parametrize("name", GRADED)
def test_an_error_of_a_millionth_in_one_entry_is_found(pools, name):
    questions = pools[name].questions("any")
    smooth = [q for q in questions if q.classification is None]
    part = max(smooth[0].gradient, key=lambda n: np.max(np.abs(smooth[0].gradient[n]), initial=0.0))
    given = [dict(question.gradient) for question in questions]
    for gradient in given:
        wrong = gradient[part].copy()
        wrong.flat[int(np.argmax(np.abs(wrong)))] *= 1 + 1e-6
        gradient[part] = wrong
    assert kinds(pools[name], given, questions) - {Kind.RIGHT}
    assert kinds(pools[name], given, questions, single=True) - {Kind.RIGHT}


@pytest.mark.parametrize("name", GRADED)
@pytest.mark.parametrize("guess", list(GUESSES))
def test_what_is_wrong_everywhere_is_never_right(pools, name, guess):
    questions = pools[name].questions("any")
    assert Kind.RIGHT not in kinds(
        pools[name], [{n: GUESSES[guess](g) for n, g in q.gradient.items()} for q in questions], questions, single=True
    )


@pytest.mark.parametrize("name", [name for name in GRADED if EXERCISES[name].answer])
def test_the_authors_formula_is_right(pools, name):
    exercise, questions = EXERCISES[name], pools[name].questions("any")
    names = [declared.name for declared in exercise.inputs]
    given = []
    for question in questions:
        case = question.case
        values = {**case.arguments, "upstream": case.upstream[0], "value": torch.from_numpy(question.value)}
        written = {part: parse(text, names)(values).numpy() for part, text in exercise.answer.items()}
        given.append({**question.gradient, **{part: np.broadcast_to(g, question.gradient[part].shape) for part, g in written.items()}})
    assert kinds(pools[name], given, questions) == {Kind.RIGHT}
