"""Points: split over parts, by kind, as a course decides."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest
from answering import built_in, judged
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.grading.grades import Finding, Kind, Result
from checker.grading.judging.credit import CREDIT, OWN_FORWARD, grade
from checker.values import Array

PAGE = Path(__file__).parents[2] / "docs" / "grading-defaults.md"


def test_the_page_of_defaults_is_that_of_the_code():
    generator = runpy.run_path(str(PAGE.parent / "generate_grading_defaults.py"))
    assert PAGE.read_text(encoding="utf-8") == generator["page"](), "run python docs/generate_grading_defaults.py"
    for kind in Kind:
        assert f"| `{kind}` | {CREDIT.get(kind, 0.0):g} | " in PAGE.read_text(encoding="utf-8")


def result(*kinds: Kind, forward: bool = False) -> Result:
    found = [Finding(part=f"p{k}", kind=kind, forward=forward) for k, kind in enumerate(kinds)]
    return Result(exercise="file.py::name", form=None, findings=found)


def test_points_are_split_evenly_over_the_parts():
    graded = grade(result(Kind.RIGHT, Kind.SIGN, Kind.WRONG, Kind.RIGHT), 8.0)
    assert graded.earned == 2 + 1 + 0 + 2
    assert graded.credit == {"p0": 1.0, "p1": 0.5, "p2": 0.0, "p3": 1.0}
    assert graded.points == 8.0


def test_a_finding_about_the_whole_answer_covers_every_part():
    whole = Result(exercise="e", form=None, findings=[Finding(part="", kind=Kind.RAISED)])
    assert (grade(whole, 3.0).earned, grade(whole, 3.0).credit) == (0.0, {"": 0.0})
    assert grade(whole, 3.0, {Kind.RAISED: 0.1}).earned == 0.3


def test_three_thirds_of_a_point_are_a_point():
    assert grade(result(Kind.RIGHT, Kind.RIGHT, Kind.RIGHT), 1.0).earned == 1.0
    assert grade(result(Kind.RIGHT, Kind.RIGHT, Kind.WRONG), 1.0).earned == 0.666666667


def test_an_assignment_may_set_what_each_kind_earns():
    assert grade(result(Kind.SIGN), 10.0, {Kind.SIGN: 0.9}).earned == 9.0
    assert grade(result(Kind.SIGN), 10.0, {Kind.FACTOR: 0.9}).earned == 5.0
    assert grade(result(Kind.RIGHT), 10.0, {Kind.RIGHT: 0.8}).earned == 8.0


def test_a_backward_that_is_right_for_a_wrong_forward_earns_its_share():
    found = [Finding(part="forward", kind=Kind.WRONG), Finding(part="x", kind=Kind.RIGHT, forward=True)]
    graded = grade(Result(exercise="e", form=None, findings=found), 4.0)
    assert graded.credit == {"forward": 0.0, "x": OWN_FORWARD}
    assert graded.earned == 2.0 * OWN_FORWARD


def test_no_findings_earn_nothing():
    assert grade(Result(exercise="e", form=None, findings=[]), 4.0).earned == 0.0


def test_what_did_not_run_or_is_no_plain_mistake_earns_nothing():
    earning = {kind for kind in Kind if grade(result(kind), 1.0).earned > 0}
    assert earning == set(CREDIT)
    assert Kind.RIGHT in earning
    assert not earning & {
        Kind.WRONG,
        Kind.MISSING,
        Kind.ABSENT,
        Kind.RAISED,
        Kind.TIMED_OUT,
        Kind.PROTOCOL,
        Kind.NOT_FINITE,
        Kind.FORBIDDEN,
    }


@given(
    st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=7),
    st.floats(0, 1e6),
    st.dictionaries(st.sampled_from(list(Kind)), st.floats(0, 1)),
)
@settings(deadline=None)
def test_nothing_earns_less_than_nothing_or_more_than_the_exercise_is_worth(kinds, points, credit):
    graded = grade(result(*kinds), points, credit)
    assert 0.0 <= graded.earned <= points + 1e-9


@pytest.mark.parametrize("kind", list(CREDIT))
def test_only_what_is_right_earns_everything(kind):
    assert (CREDIT[kind] == 1.0) == (kind is Kind.RIGHT)


@pytest.mark.parametrize("target", ["vectors.py::twice_dot", "vectors.py::squares", "matrices.py::matrix_product"])
@pytest.mark.parametrize("nothing", [np.zeros(0), np.zeros(()), np.ones((1, 1, 1)), np.zeros((7, 7))], ids=lambda array: str(array.shape))
def test_an_array_of_another_shape_earns_nothing_for_being_an_array(target: str, nothing: Array) -> None:
    found, _ = judged(target, lambda **given: dict.fromkeys(built_in(target).differentiated, nothing))
    assert grade(Result(exercise=target, form=None, findings=found), 1.0).earned == 0.0
