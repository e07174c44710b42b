"""Lateness and the attempt that counts: worked examples by hand, and laws."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.grading.book.terms import Attempts, Late, Terms, counting, lateness, minutes

DUE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)

shares = st.floats(0, 1)
lates = st.builds(Late, grace=st.floats(0, 3000), per_day=shares, at_most=shares, cutoff=st.none() | st.floats(0, 20000))
delays = st.timedeltas(min_value=timedelta(days=-3), max_value=timedelta(days=20))


def took(late: Late, after: timedelta, *, zone: str = "UTC") -> tuple[float, float]:
    found = lateness(Terms(due=DUE, late=late), submitted=(DUE + after).astimezone(ZoneInfo(zone)), late=None)
    return found.days, found.deduction


@pytest.mark.parametrize(
    ("late", "after", "days", "deduction"),
    [
        (Late(per_day=0.1), timedelta(0), 0, 0),
        (Late(per_day=0.1), timedelta(seconds=1), 1, 0.1),
        (Late(per_day=0.1), timedelta(days=1), 1, 0.1),
        (Late(per_day=0.1), timedelta(days=1, seconds=1), 2, 0.2),
        (Late(per_day=0.1, grace=15), timedelta(minutes=15), 0, 0),
        (Late(per_day=0.1, grace=15), timedelta(minutes=16), 1, 0.1),
        (Late(per_day=0.1, at_most=0.5), timedelta(days=9), 9, 0.5),
        (Late(cutoff=7 * 1440), timedelta(days=7), 7, 0),
        (Late(cutoff=7 * 1440), timedelta(days=7, minutes=1), 8, 1),
        (Late(per_day=0.1, at_most=0.5, cutoff=7 * 1440), timedelta(days=8), 8, 1),
        (Late(), timedelta(days=3), 3, 0),
    ],
)
def test_what_lateness_takes(late: Late, after: timedelta, days: float, deduction: float) -> None:
    assert took(late, after) == (days, pytest.approx(deduction))


@given(lates, delays, delays)
def test_later_never_takes_less(late: Late, one: timedelta, other: timedelta) -> None:
    early, later = sorted([one, other])
    assert took(late, early) <= took(late, later)
    assert took(late, early)[1] <= took(late, later)[1]


@given(lates, delays, st.sampled_from(["Asia/Shanghai", "America/New_York", "Pacific/Apia", "Asia/Kathmandu"]))
def test_the_zone_that_a_time_is_written_in_changes_nothing(late: Late, after: timedelta, zone: str) -> None:
    assert took(late, after) == took(late, after, zone=zone)


@given(lates, delays)
def test_no_more_than_everything_is_taken(late: Late, after: timedelta) -> None:
    days, deduction = took(late, after)
    assert 0 <= deduction <= 1
    assert days == int(days) >= 0


def test_a_change_of_the_clocks_is_no_hour_of_grace() -> None:
    """In Berlin the clocks went back on 25 October 2026: from 2:30 (summer) to 2:30 (winter) an hour passes."""
    berlin = ZoneInfo("Europe/Berlin")
    summer = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=0)
    winter = datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1)
    assert lateness(Terms(due=summer, late=Late(grace=59)), submitted=winter, late=None).days == 1
    assert lateness(Terms(due=summer, late=Late(grace=60)), submitted=winter, late=None).days == 0


@pytest.mark.parametrize(
    ("due", "submitted", "late", "days"),
    [
        (DUE, None, True, 1),
        (DUE, None, None, 0),
        (None, DUE, True, 1),
        (None, DUE, None, 0),
        (DUE, DUE, True, 0),  # what is known of the times decides
        (DUE, DUE + timedelta(days=3), False, 3),
    ],
)
def test_what_counts_where_a_time_is_not_known(due: datetime | None, submitted: datetime | None, late: bool | None, days: float) -> None:
    assert lateness(Terms(due=due, late=Late(per_day=0.1)), submitted=submitted, late=late).days == days


@pytest.mark.parametrize(
    ("attempts", "earned", "place"),
    [
        (Attempts(), [], None),
        (Attempts(), [1.0, 3.0, 2.0], 1),
        (Attempts(), [1.0, 3.0, 3.0], 1),
        (Attempts(keep="last"), [1.0, 3.0, 2.0], 2),
        (Attempts(count=2), [1.0, 2.0, 3.0], 1),
        (Attempts(count=2, keep="last"), [2.0, 1.0, 3.0], 1),
        (Attempts(count=9), [2.0], 0),
    ],
)
def test_the_attempt_that_counts(attempts: Attempts, earned: list[float], place: int | None) -> None:
    assert counting(attempts, earned) == place


@given(st.lists(st.floats(0, 100), min_size=1), st.integers(1, 10))
def test_the_best_of_more_attempts_is_never_worse(earned: list[float], count: int) -> None:
    fewer, more = (counting(Attempts(count=number), earned) for number in (count, count + 1))
    assert fewer is not None
    assert more is not None
    assert earned[fewer] <= earned[more]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("15 minutes", 15),
        ("1 minute", 1),
        ("2 hours", 120),
        ("1.5 days", 2160),
        ("7days", 10080),
        (30, 30),
        ("soon", "soon"),
        ("-1 day", "-1 day"),
    ],
)
def test_lengths_of_time(text: object, length: object) -> None:
    assert minutes(text) == length
