"""Students' formulas: proved right or found wrong, and nothing that they write does harm."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pytest
from jaxtyping import Float
from torch import Tensor

from checker.authoring import Exercise, exercise
from checker.grading.formulas import Equality, FormulaAnswer, answer_at, formula_findings
from checker.grading.grades import Finding, Kind
from checker.grading.questions import Answered, Pool
from checker.judge.belief import believe, tape_of
from checker.judge.reference import refer
from checker.sampling import sample
from checker.values import Comparison, Settings


@exercise(sizes={"n": 4})
def twice_dot(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return 2 * (x * x).sum()


@exercise(sizes={"n": 3})
def third(x: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return ((1 / 3) * x + 0.1 * x * x).sum()


def answer(found: Exercise, text: str, dtype: str = "float64") -> FormulaAnswer:
    case = sample(found, Settings(), 1, dtype)
    tape = tape_of(case)
    return answer_at({"": text}, case, refer(case, tape, believe(case, tape)))["x"]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("found", "text", "equality", "digits"),
    [
        (twice_dot, "4 * x", Equality.PROVED, None),
        (twice_dot, "4·x + sin(x)² + cos(x)² − 1", Equality.PROVED, None),
        (twice_dot, "4 * x + pi*1e250 - pi*1e250", Equality.PROVED, None),
        (twice_dot, "5 * x + pi*1e250 - pi*1e250", Equality.DIFFERENT, None),
        (twice_dot, "4.000001 * x", Equality.NEARLY, 7),
        (twice_dot, "4 * x * (1 + 1e-12)", Equality.NEARLY, 12),
        (twice_dot, "4 * x[:, None]", Equality.DIFFERENT, None),
        (twice_dot, "4 * x + exp(exp(exp(1000 * x)))", Equality.DIFFERENT, None),
        (third, "1/3 + 0.2 * x", Equality.ROUNDED, None),
        (third, "1/3 + x / 5", Equality.ROUNDED, None),
        (third, "0.3333333333333333 + x / 5", Equality.ROUNDED, None),
        (third, "0.33333333333333 + x / 5", Equality.NEARLY, 14),
    ],
)
def test_equality_is_proved_or_told_to_how_many_digits(
    found: Exercise, text: str, equality: Equality, digits: int | None, dtype: str
) -> None:
    given = answer(found, text, dtype)
    assert given.equality is equality
    assert given.digits == digits
    assert given.right == (equality in ("proved", "rounded", "compared"))


ROUNDED = "is a constant rounded? Write it exactly, such as 1/3, pi or sqrt(2)."


def right_to(share: float, given: Sequence[Answered]) -> tuple[list[Finding], list[Comparison]]:
    """A diagnosis that knows two kinds: right, to this share of the entry, and wrong."""
    right = all(np.allclose(a.gradients["x"], a.question.gradient["x"], rtol=share, atol=0) for a in given)
    return [Finding(part="x", kind=Kind.RIGHT if right else Kind.WRONG)], []


@pytest.mark.parametrize(
    ("text", "kind", "detail"),
    [
        ("4 * x", Kind.RIGHT, ""),
        ("4 * x * exp(800 + x) / exp(800 + x)", Kind.RIGHT, ""),
        ("2 * x", Kind.WRONG, ""),
        (
            "4 * x * (1 + 1e-12)",
            Kind.WRONG,
            "equal to 12 digits only: is a constant rounded? Write it exactly, such as 1/3, pi or sqrt(2).",
        ),
        ("4 * x + 1e-13", Kind.WRONG, None),
        ("4 * z", Kind.UNREADABLE, "the formula '4 * z', column 5: z is no name here. Names are x, upstream, value, pi, e."),
        ("x @ ones(3)", Kind.UNREADABLE, None),
    ],
)
def test_findings_are_those_of_values_unless_exact_arithmetic_says_more(text: str, kind: Kind, detail: str | None) -> None:
    questions = Pool(twice_dot, b"secret").questions("content")
    [found], _ = formula_findings({"": text}, questions, functools.partial(right_to, 1e-9))
    assert found.part == "x"
    assert found.kind is kind
    assert detail is None or found.detail == detail
