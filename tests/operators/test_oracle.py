"""The second opinion: right where there is a slope, within the error that it says, and silent where there is none."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from opdb.database import asked, operators
from opdb.oracle import second_opinion, slope

from tests.cases import case_of


@given(st.floats(-3.0, 3.0))
@settings(max_examples=40, deadline=None)
def test_its_error_covers_the_distance_to_the_derivative(x: float) -> None:
    found = slope(case_of(lambda x: torch.sin(x) + x**3, x=x), "x", ())
    assert abs(found.value - (math.cos(x) + 3 * x * x)) <= found.error < 1e-8


def test_it_takes_the_upstream_and_one_entry() -> None:
    case = case_of(lambda a, b: a * b, a=[1.0, 2.0], b=[3.0, -5.0])
    assert slope(case, "a", (1,)).value == pytest.approx(-5.0, abs=1e-10)


def test_it_keeps_out_of_where_the_function_has_no_value() -> None:
    found = slope(case_of(torch.log, x=0.01), "x", ())
    assert abs(found.value - 100.0) <= found.error < 1e-5


def test_it_says_nothing_where_there_is_no_value() -> None:
    found = slope(case_of(torch.log, x=-1.0), "x", ())
    assert math.isnan(found.value)
    assert found.error == math.inf


def test_single_precision_is_asked_in_double() -> None:
    found = slope(case_of(torch.exp, x=0.5, dtype="float32"), "x", ())
    assert abs(found.value - math.exp(0.5)) <= found.error < 1e-9


def test_mpmath_is_asked_where_differences_cannot_tell() -> None:
    case = next(iter(asked(operators()["digamma"], numbers=[2]).cases.values()))
    known, estimated = second_opinion(case, "input 0", ()), slope(case, "input 0", ())
    assert abs(known.value - estimated.value) <= estimated.error
    assert known.error < 1e-2 * estimated.error
