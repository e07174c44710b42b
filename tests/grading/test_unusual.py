"""Correct but unusual answers earn full marks through the sandbox, and an error of a millionth in any of them does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import unusual_answers as answers

from checker.grading import grader as grading
from checker.grading.assignment import plain, read
from checker.grading.grader import Grader
from checker.grading.grades import Finding, Kind, Result
from checker.grading.judging.feedback import summary
from checker.grading.judging.questions import Answered
from checker.sandbox.box import SandboxUnavailable
from checker.sandbox.values import Form
from checker.values import Array

UNUSUAL = Path(__file__).parent / "unusual"
RIGHT = sorted(path.name for path in (UNUSUAL / "right").iterdir())
SECRET = b"a secret of the tests"
#: Too coarse for a millionth to be seen in them: their entries are float32 numbers.
SINGLE = {"float32_arithmetic.py", "float32_torch.py"}

pytestmark = pytest.mark.xdist_group("unusual answers")  # whose points are drawn once


def opened(grader: Grader) -> Iterator[Grader]:
    with grader:
        try:
            grader.results(answers.submission("every", "numpy_by_hand.py"), [grader.assignment.exercises[0].id])
        except SandboxUnavailable as missing:
            pytest.skip(str(missing))
        yield grader


@pytest.fixture(scope="module")
def every() -> Iterator[Grader]:
    """Of all built-in exercises that can be graded."""
    assignment = plain()
    gradable = tuple(one for one in assignment.exercises if one.id not in answers.WITHOUT)
    yield from opened(Grader(replace(assignment, exercises=gradable), SECRET))


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    yield from opened(Grader(read(UNUSUAL / "assignment.toml"), SECRET))


def results(grader: Grader, submission: Any) -> dict[str, Result]:
    """What became of each answer, by the exercise's name."""
    assert submission.problems == ()
    found = grader.results(submission, [one.id for one in grader.assignment.exercises])
    return {one.exercise.partition("::")[2]: one for one in found}


def wrong(result: Result) -> list[Finding]:
    return [finding for finding in result.findings if finding.kind is not Kind.RIGHT]


# Every exercise


@pytest.mark.parametrize(
    ("form", "count"),
    [
        ("numpy_by_hand.py", 67),
        ("pairs.py", 23),
        ("operations.py", 16),
        ("steps.py", 9),
        ("steps_torch.py", 9),
        ("formulas", 59),
        ("autograd", 68),
    ],
)
def test_a_right_answer_to_every_exercise_is_right(every: Grader, form: str, count: int) -> None:
    exercises = every.assignment.exercises
    made = {"formulas": answers.formulas, "autograd": answers.autograd}.get(form)
    submission = answers.made(made(exercises)) if made else answers.submission("every", form)
    answered = {name: one for name, one in results(every, submission).items() if one.form is not None}
    parts = {one.name: one.answer for one in exercises} if form == "formulas" else {}
    punished = {n: [f for f in wrong(one) if f.part in parts.get(n, (f.part,))] for n, one in answered.items()}
    assert {name: found for name, found in punished.items() if found} == {}
    assert len(answered) == count


# Unusual answers


@pytest.mark.parametrize("name", RIGHT)
def test_unusual_answers_are_right(grader: Grader, name: str) -> None:
    submission = answers.submission("right", name)
    text = b"".join(submission.files.values()).decode("utf-8", "replace")
    found = {n: one for n, one in results(grader, submission).items() if one.form is not None or re.search(rf"\b{n}\b", text)}
    assert {n: wrong(one) for n, one in found.items() if wrong(one)} == {}
    assert found


def test_there_are_many() -> None:
    assert len(RIGHT) >= 40


def nudged(gradients: Mapping[str, Array], share: float) -> dict[str, Array]:
    """Each gradient with its largest entry off by a share of it."""
    found = {}
    for part, gradient in gradients.items():
        single = gradient.dtype == np.float32
        found[part] = gradient.astype(np.float32 if single else np.float64)
        if gradient.size:
            found[part].flat[int(np.argmax(np.abs(found[part])))] *= 1 + share
    return found


@pytest.mark.parametrize("name", RIGHT)
def test_the_same_answers_with_one_entry_off_are_wrong(grader: Grader, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a millionth; by ten thousandths where the arithmetic is float32's."""
    share = 1e-4 if name in SINGLE else 1e-6
    ask, judge = grading.ask, grading.formula_findings

    def off(*given: Any) -> Answered:
        answered = ask(*given)
        return replace(answered, gradients=nudged(answered.gradients, share))

    monkeypatch.setattr(grading, "ask", off)
    monkeypatch.setattr(grading, "formula_findings", lambda texts, *rest: judge({n: answers.nudged(t) for n, t in texts.items()}, *rest))
    answered = [one for one in results(grader, answers.submission("right", name)).values() if one.form not in (None, Form.STEP)]
    unseen = [one.exercise for one in answered if any(f.kind is Kind.RIGHT for f in one.findings if f.part != "forward")]
    assert unseen == []
    assert {f.kind for one in answered for f in one.findings} <= {Kind.RIGHT, Kind.WRONG, Kind.SOME_ENTRIES, Kind.FACTOR, Kind.SHAPE}


@pytest.mark.parametrize(
    ("name", "at_the_kink"),
    [
        ("relu_at_zero", "np.where(x > 0, upstream, np.where(x == 0, 1.001 * upstream, 0))"),
        ("relu_at_zero", "np.where(x > 0, upstream, np.where(x == 0, -0.001 * upstream, 0))"),
        ("absolute", "np.where(x == 0, 1.0001, np.sign(x))"),
        ("absolute", "np.where(x == 0, -2, np.sign(x))"),
        ("euclidean", "x / np.linalg.norm(x) if x.any() else np.array([0.8, 0.7])"),
        ("euclidean", "x / np.linalg.norm(x) if x.any() else np.array([1.0, 1.0])"),
        ("largest", "1.0 * (x == x.max())"),
        ("largest", "np.where(x == x.max(), 0.9 ** (np.sum(x == x.max()) - 1) / np.sum(x == x.max()), 0)"),
        ("largest", "(x == x.max()) * (np.array([0, 1.5, -0.5, 0]) if np.sum(x == x.max()) == 2 else 1)"),
        ("larger", "upstream * (a >= b), upstream * (a <= b)"),
        ("larger", "upstream * (a > b), upstream * (a < b)"),
        ("larger", "upstream * np.heaviside(a - b, 0.7), upstream * np.heaviside(b - a, 0.4)"),
    ],
)
def test_what_is_no_subgradient_is_wrong(grader: Grader, name: str, at_the_kink: str) -> None:
    inputs = "a, b, upstream" if name == "larger" else "x, upstream" if name == "relu_at_zero" else "x"
    found = results(grader, answers.made(f"import numpy as np\ndef {name}({inputs}): return {at_the_kink}\n"))[name]
    assert wrong(found)
    assert {finding.kind for finding in wrong(found)} <= {Kind.WRONG, Kind.SOME_ENTRIES}


# What is right but cannot be accepted


_AS_ARRAYS = "where real numbers are asked: return an array, or several as a tuple in the order of the inputs or as a dict by name"
_NOT_THERE = "which is not there where answers are graded: do without it"
REFUSED = {
    "another_name.py": ["There is no answer to this exercise."],
    "asking_at_load.py": ["EOFError: EOF when reading a line (asking_at_load.py, line 1)"],
    "class_answer.py": ["twice_dot is a class, which is no form of answer"],
    "complex_numbers.py": ["an array of complex128 was returned, where real numbers are asked: return its real part"],
    "coroutine.py": [f"something of type coroutine was returned, {_AS_ARRAYS}"],
    "generator.py": [f"something of type generator was returned, {_AS_ARRAYS}"],
    "juxtaposition.toml": [
        "column 10: an operator is missing between 'upstream' and 'b'. Is upstream * b meant, or upstream @ b?",
        "it is not clear what 4 ( belongs to. Write every * and the brackets that are meant.",
        "Write 1 / x for a reciprocal, inv(A) for an inverse.",
    ],
    "namespace.py": [f"something of type SimpleNamespace was returned, {_AS_ARRAYS}"],
    "on_the_gpu.py": ["Torch not compiled with CUDA enabled"],
    "plotting.py": [f"No module named 'matplotlib', {_NOT_THERE} (plotting.py, line 1)"],
    "shared_folder.py": ["PermissionError: [Errno 13] Permission denied: '/tmp/x.npy' (shared_folder.py, line 5)"],
    "sums.py": ["x_i is no name here. x stands for all of its entries.", "x * y entry by entry; in LaTeX \\top and \\odot."],
    "symbolic.py": [f"No module named 'sympy', {_NOT_THERE} (symbolic.py, line 5)"],
    "symbols.py": [f"No module named 'sympy', {_NOT_THERE} (symbols.py, line 1)"],
}


@pytest.mark.parametrize("name", sorted(path.name for path in (UNUSUAL / "refused").iterdir()))
def test_what_cannot_be_accepted_says_what_to_do(grader: Grader, name: str) -> None:
    found = results(grader, answers.submission("refused", name)).values()
    said = "\n".join(summary(one, "en") for one in found)
    assert [line for line in REFUSED[name] if line not in said] == []
    assert any(wrong(one) for one in found if one.form is not None) or all(one.form is None for one in found)
