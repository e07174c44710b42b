"""Shapes in letters, and domains."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.inputs import Domain, away_from_zero, below, interval, missing_letters, parse_dims, positive, real, resolve


@pytest.mark.parametrize(
    ("text", "dims"), [("", ()), ("n", ("n",)), ("n 3 n+1", ("n", 3, "n+1")), ("h*w 2*n-1 m//2", ("h*w", "2*n-1", "m//2"))]
)
def test_dimensions_are_read(text, dims):
    assert parse_dims(text) == dims


@pytest.mark.parametrize("word", ["...", "_", "#n", "*n", "?n", "n=3", "_n"])
def test_an_open_size_is_refused_by_name(word):
    with pytest.raises(ValueError, match="leaves a size open: write a letter or a number for each dimension") as caught:
        parse_dims(f"2 {word}")
    assert repr(word) in str(caught.value)


@pytest.mark.parametrize(
    ("word", "part"), [("n+", "cannot be read"), ("n**2", "may use letters, numbers"), ("f(n)", "may use letters, numbers")]
)
def test_other_arithmetic_is_refused(word, part):
    with pytest.raises(ValueError, match=part):
        parse_dims(word)


@given(n=st.integers(0, 50), m=st.integers(0, 50))
def test_letters_resolve_as_arithmetic_does(n, m):
    assert resolve(("n", "n+m", "2*n", "m//2", 7), {"n": n, "m": m}) == (n, n + m, 2 * n, m // 2, 7)


def test_a_letter_without_a_size_says_what_to_add():
    with pytest.raises(ValueError, match=r"the shape letter 'm' has no size: add sizes=\{'m': …\}"):
        resolve(("n", "n+m"), {"n": 2})
    assert missing_letters(("n", "n+m", "k"), {"n": 2}) == ["m", "k"]


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="the dimension 'n-3' has the negative size -1"):
        resolve(("n-3",), {"n": 2})


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (real, "real"),
        (positive, "positive"),
        (interval(-1, 2.5), "(-1, 2.5)"),
        (away_from_zero(0.1), "|x| ≥ 0.1"),
        (below(10), "integers 0 to 9"),
    ],
)
def test_a_domain_in_words(domain, words):
    assert str(domain) == words


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda: interval(2, 1), r"the interval \(2, 1\) is empty: give low < high"),
        (lambda: Domain(low=math.nan), "is empty"),
        (lambda: Domain(low=-1, high=1, margin=2), r"margin 2 leaves nothing of \(-1, 1\)"),
        (lambda: away_from_zero(-1), "margin -1 leaves nothing"),
        (lambda: below(0), "there are no integers below 0 that are not negative"),
    ],
)
def test_an_empty_domain_is_refused(make, part):
    with pytest.raises(ValueError, match=part):
        make()
