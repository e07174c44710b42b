"""Answers written with NumPy, asked at a pool's questions without any sandbox."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from checker.authoring import Exercise
from checker.catalogue import find
from checker.grading.grades import Finding
from checker.grading.judging.mistakes import findings
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered, Question
from checker.values import Array, Comparison

SECRET = b"a secret of the tests"


@functools.cache
def built_in(target: str) -> Exercise:
    return find([target]).exercises[0]


@functools.cache
def pool(target: str) -> Pool:
    return Pool(built_in(target), SECRET)


def numbers(question: Question) -> dict[str, Array]:
    """What a student's function is given: every input by name, and the upstream where the output is not a scalar."""
    case = question.case
    given = {name: tensor.numpy().copy() for name, tensor in case.arguments.items()}
    return given | ({"upstream": question.upstream.copy()} if question.value.ndim else {})


def answered(target: str, answer: Callable[..., Any], content: str = "content") -> list[Answered]:
    """`answer` at the questions of `content`. It takes inputs by name and returns an array, or a dict of them by argument."""
    found = []
    for question in pool(target).questions(content):
        with np.errstate(all="ignore"):
            given = answer(**numbers(question))
        gradients: Mapping[str, Any] = given if isinstance(given, dict) else {question.case.differentiated[0]: given}
        found.append(Answered(question=question, gradients={name: np.asarray(g) for name, g in gradients.items()}))
    return found


def judged(
    target: str, answer: Callable[..., Any], *, single: bool = True, content: str = "content"
) -> tuple[list[Finding], list[Comparison]]:
    return findings(built_in(target), answered(target, answer, content), single_allowed=single)


def truth(question: Question) -> dict[str, Array]:
    """The true gradient as a right answer returns it, each array the student's own."""
    return {name: np.array(g) for name, g in question.gradient.items()}
