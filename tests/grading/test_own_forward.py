"""A backward that is right for another forward than the exercise's."""

from __future__ import annotations

import pytest

from checker.grading.grades import Finding, Kind
from checker.grading.judging.own_forward import STRANGE, strange


@pytest.mark.parametrize(
    ("forward", "backward", "said"),
    [
        (Kind.WRONG, Finding(part="x", kind=Kind.RIGHT, forward=True), [STRANGE]),
        (Kind.SHAPE, Finding(part="x", kind=Kind.RIGHT, forward=True), [STRANGE]),
        (Kind.FACTOR, Finding(part="x", kind=Kind.RIGHT, forward=True), []),  # a plain mistake, which is not made twice
        (Kind.WRONG, Finding(part="x", kind=Kind.RIGHT), []),  # the true gradient
        (Kind.WRONG, Finding(part="x", kind=Kind.SIGN, forward=True), []),
        (Kind.RIGHT, Finding(part="x", kind=Kind.RIGHT), []),
    ],
)
def test_a_person_looks_at_points_for_another_function(forward, backward, said):
    assert strange([Finding(part="forward", kind=forward), backward]) == said
