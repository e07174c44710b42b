"""The terms of an assignment that turn grades into a total: when it is due, what lateness takes, which attempt counts.

Comes in: a due date and what is known of a hand-in.  Goes out: days late, the share that they take, the attempt that counts.  Why: the
gradebook keeps the terms beside the grades, so that a class record can be made without the assignment file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from checker.grading.grades import ExerciseHead

MINUTES_A_DAY = 24 * 60

Share = Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")]
Minutes = Annotated[float, Meta(ge=0, le=3660 * MINUTES_A_DAY, description='"15 minutes", "2 hours", "7 days" or a number of minutes')]
Due = Annotated[datetime, Meta(tz=True, description="a date and time with its zone, such as 2026-11-30T23:59:00+01:00")]
Positive = Annotated[int, Meta(ge=1, le=1_000_000, description="a whole number from 1")]
Keep = Annotated[Literal["best", "last"], Meta(description='"best" or "last"')]


def minutes(value: object) -> object:
    """A length of time such as "2 hours" in minutes; anything else as it is."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) *(minute|hour|day)s?", value) if isinstance(value, str) else None
    return float(found[1]) * {"minute": 1, "hour": 60, "day": MINUTES_A_DAY}[found[2]] if found else value


class Late(msgspec.Struct, frozen=True, kw_only=True):
    """What lateness takes. With nothing set it is shown and takes nothing."""

    grace: Minutes = 0.0  #: so long after the due date is still in time
    per_day: Share = 0.0  #: the share of the earned points that each started day takes
    at_most: Share = 1.0  #: days together take no more than this
    cutoff: Minutes | None = None  #: so long after the due date nothing is earned any more; none: it always is


class Attempts(msgspec.Struct, frozen=True, kw_only=True):
    """Which attempt counts. Attempts beyond `count` are graded and shown, and never count."""

    count: Positive | None = None  #: so many attempts may count; none: any number
    keep: Keep = "best"  #: the best of them counts, or the last


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the gradebook keeps of an assignment."""

    exercises: list[ExerciseHead] = []
    due: Due | None = None
    late: Late = Late()
    attempts: Attempts = Attempts()
    coarse_after: Positive = 5
    versions: dict[str, str] = {}  #: of the libraries that took part when it was last graded


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """How late a hand-in is: `days` started after the due date (0 in time), and the share of its points that this takes."""

    days: float = 0.0
    deduction: float = 0.0


def lateness(terms: Terms, *, submitted: datetime | None, late: bool | None) -> Lateness:
    """How late a hand-in is. Where either time is not known, a hand-in that the learning system calls `late` is one day late.

    Both times have a zone; what counts is the time that passed between them, through any change of the clocks.
    """
    if terms.due is None or submitted is None:
        return _lateness(terms.late, 1.0 if late else 0.0)
    after = (submitted.astimezone(UTC) - terms.due.astimezone(UTC)).total_seconds() / 60
    if after <= terms.late.grace:
        return Lateness()
    return _lateness(
        terms.late, float(math.ceil(after / MINUTES_A_DAY)), cut_off=terms.late.cutoff is not None and after > terms.late.cutoff
    )


def _lateness(late: Late, days: float, *, cut_off: bool = False) -> Lateness:
    return Lateness(days=days, deduction=1.0 if cut_off else min(late.at_most, days * late.per_day))


def counting(attempts: Attempts, earned: Sequence[float]) -> int | None:
    """Which of a student's attempts counts, given what each earned in order: the first of the best, or the last. None: there is none."""
    able = range(len(earned))[: attempts.count]
    if not able:
        return None
    return able[-1] if attempts.keep == "last" else max(able, key=lambda place: (earned[place], -place))
