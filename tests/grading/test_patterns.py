"""Factors are named as people write them, and only when they are what they are called."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.grading.judging.patterns import CONSTANTS, Pair, counted, factor, named, reduced, spread, transposed, turns


@given(st.integers(1, 16), st.integers(1, 16), st.sampled_from([1, -1]))
@settings(deadline=None)
def test_small_fractions_have_their_name(above, below, sign):
    text = named(sign * above / below)
    assert Fraction(text.replace("−", "-")) == Fraction(sign * above, below)


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from(list(CONSTANTS.values())), st.sampled_from([1, -1]))
@settings(deadline=None)
def test_a_name_is_kept_by_rounding_and_lost_by_a_millionth(above, below, constant, power):
    c = above / below * constant**power
    assert named(c)
    assert named(c * (1 + 1e-12)) == named(c)
    assert named(c * (1 + 1e-6)) == ""


@pytest.mark.parametrize(
    ("c", "name"),
    [
        (1 / 3, "1/3"),
        (0.01, "1/100"),
        (1000.0, "1000"),
        (63.0, "63"),
        (65.0, ""),
        (2 * math.pi, "2π"),
        (1 / (2 * math.pi), "1/(2π)"),
        (-math.sqrt(0.5), "−√2/2"),
        (math.log(10), "ln 10"),
        (1 / math.log(2), "1/ln 2"),
        (0.967, ""),
        (1e300, ""),
        (5e-324, ""),
    ],
)
def test_names(c, name):
    assert named(c) == name


def test_numbers_of_terms():
    assert counted(4.0, {4: "n"}) == "n (n = 4)"
    assert counted(-0.25, {3: "b", 4: "n"}) == "−1/n (n = 4)"
    assert counted(5.0, {4: "n"}) == ""


def pair(got, truth, allowed=1e-9):
    truth = np.asarray(truth, dtype=float)
    return Pair(got=np.asarray(got, dtype=float), truth=truth, allowed=np.full(truth.shape, allowed))


def test_a_factor_must_hold_everywhere_and_be_measured_twice():
    assert factor([pair([2.2, 4.4], [1.1, 2.2]), pair([6.6, 0], [3.3, 0])]) == pytest.approx(2)
    assert factor([pair([2.2, 4.4], [1.1, 2.2]), pair([3.3, 0], [3.3, 0])]) is None
    assert factor([pair([2.2], [1.1])]) is None
    assert factor([pair([0.0, 0.0], [1.1, 2.2])]) is None
    assert factor([pair([np.nan, 1.0], [1.1, 2.2])]) is None
    assert factor([pair([1.0, 2.0], [0.0, 0.0])]) is None
    assert factor([]) is None


def test_entries_without_truth_say_nothing():
    assert factor([pair([2.2, 5.0, 4.4], [1.1, np.nan, 2.2])]) == pytest.approx(2)
    assert pair([1.1, 5.0], [1.1, np.inf]).exact


def test_transposes_of_higher_rank():
    assert turns((2, 3)) == [(1, 0)]
    assert turns((2, 3, 4)) == [(0, 2, 1), (2, 1, 0)]
    assert turns((3,)) == []
    truth = np.arange(24.0).reshape(2, 3, 4) + 0.5
    assert transposed([pair(truth.transpose(2, 1, 0), truth)])
    assert transposed([pair(truth.mT, truth)])
    assert not transposed([pair(truth, truth.transpose(2, 1, 0) + 1)])


def test_spreading_and_reducing():
    assert spread(pair([[1.5], [1.5]], [[1.5, 1.5], [1.5, 1.5]])).exact
    assert spread(pair(np.ones((1, 4)), np.ones(4))).exact
    assert spread(pair(np.ones(3), np.ones(4))) is None
    assert reduced(pair(np.ones((3, 2)), [[3.0, 3.0]])).exact
    assert reduced(pair(np.ones((5, 3)), 15.0)).exact
    assert reduced(pair(np.ones((3, 2)), np.ones(3))) is None
    assert reduced(pair(np.ones((100, 100)), 1.0)) is None  # far larger than what was asked
