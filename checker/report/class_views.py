"""What the class's page shows, worked out before a template sees it.

Comes in: a class record.  Goes out: view models.  Why: templates place things and decide nothing; what a page says can be tested without
one.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.grading.grades import Attempt, ClassRecord, ExerciseHead, Finding, Grade, Kind, StudentRecord
from checker.inert import NAME, inert, inert_line
from checker.report.language import marked
from checker.report.standing import Standing, standing

#: So many mistakes of an exercise, and so many submissions of one concern, are listed.
MISTAKES, LISTED = 5, 40
#: So many students are shown at a time, where the page's script runs.
LEAF = 200
#: The distribution has at most so many bars.
BARS = 12

#: Why a person should look at a submission, the gravest first; each is a heading.
CONCERNS: dict[str, str] = {
    "ungraded": marked("Not graded: the checker failed or was stopped; grade again"),
    "suspicious": marked("Suspicious"),
    "unreadable": marked("Files that could not be read"),
    "unsandboxed": marked("Run without a sandbox"),
}


@dataclass(frozen=True, kw_only=True)
class Concern:
    """Why a person should look at a submission. `exercise` names the exercise or exercises, `text` is more words; both may be empty."""

    kind: str
    exercise: str = ""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One exercise of one student."""

    standing: Standing
    earned: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One student, by the attempt that counts; `cells` are in the order of the exercises, none without such an attempt."""

    id: str
    name: str
    page: str
    cells: tuple[Cell, ...]
    earned: float
    late_days: float
    attempts: int
    concerns: tuple[Concern, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """What the table can be narrowed to."""
        said = {"person": bool(self.concerns), "late": self.late_days > 0, "nothing": self.attempts == 0}
        return tuple(tag for tag, true in said.items() if true)


@dataclass(frozen=True, kw_only=True)
class Difficulty:
    """How a class did in one exercise. `mean` is the share of its points, over those who handed in."""

    head: ExerciseHead
    counts: tuple[tuple[Standing, int], ...]
    full: int
    of: int
    mean: float
    mistakes: tuple[tuple[Kind, str, int], ...]  #: kind, factor, and how many students made it, most frequent first


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Students whose total lies from `low` up to `high` points, the last bar's end included."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """All concerns of one kind: the first of them, how many students they are about, and whether there are more."""

    heading: str
    first: tuple[tuple[Row, Concern], ...]
    students: int
    more: bool


@dataclass(frozen=True, kw_only=True)
class ClassPage:
    """The first page."""

    record: ClassRecord
    title: str
    handed_in: int
    submissions: int
    mean: float | None
    median: float | None
    bars: tuple[Bar, ...]
    exercises: tuple[Difficulty, ...]
    concerns: tuple[Gathered, ...]
    leaves: tuple[tuple[Row, ...], ...]  #: the students: those that are shown first, and the rest


def by_exercise(attempt: Attempt) -> dict[str, Grade]:
    return {grade.result.exercise: grade for grade in attempt.grades}


def class_page(record: ClassRecord, names: Sequence[str]) -> ClassPage:
    """`names` are the students' file names, in their order."""
    rows = tuple(_row(record, student, name) for student, name in zip(record.students, names, strict=True))
    attempts = [attempt for student in record.students if (attempt := student.counted)]
    totals = [student.earned for student in record.students if student.attempts]
    return ClassPage(
        record=record,
        title=inert_line(record.title, NAME),
        handed_in=len(totals),
        submissions=sum(len(student.attempts) for student in record.students),
        mean=statistics.fmean(totals) if totals else None,
        median=statistics.median(totals) if totals else None,
        bars=tuple(_bars(totals, record.points)),
        exercises=tuple(_difficulty(head, [by_exercise(attempt).get(head.id) for attempt in attempts]) for head in record.exercises),
        concerns=tuple(_gathered(rows)),
        leaves=tuple(leaf for leaf in (rows[:LEAF], rows[LEAF:]) if leaf),
    )


def _row(record: ClassRecord, student: StudentRecord, name: str) -> Row:
    attempt = student.counted
    grades = by_exercise(attempt) if attempt else {}
    cells = [grades.get(head.id) for head in record.exercises] if attempt else []
    return Row(
        id=inert_line(student.id, NAME),
        name=inert_line(student.name, NAME),
        page=f"{name}.html",
        cells=tuple(Cell(standing=standing(grade), earned=grade.earned if grade else 0.0) for grade in cells),
        earned=student.earned,
        late_days=attempt.late_days if attempt else 0.0,
        attempts=len(student.attempts),
        concerns=tuple(concerns(record, attempt)) if attempt else (),
    )


def concerns(record: ClassRecord, attempt: Attempt) -> Iterator[Concern]:
    """Why a person should look at this attempt, the gravest reason first."""
    grades = by_exercise(attempt)
    missing = [head.name for head in record.exercises if head.id not in grades]
    if missing:
        yield Concern(kind="ungraded", exercise=", ".join(missing) if grades else "")
    for head in record.exercises:
        if grade := grades.get(head.id):
            yield from (Concern(kind="suspicious", exercise=head.name, text=inert(text, 400)) for text in grade.result.suspicions)
    for problem in attempt.problems:
        yield Concern(kind="unreadable", text=inert(problem, 400))
    if not all(grade.result.sandboxed for grade in attempt.grades):
        yield Concern(kind="unsandboxed")


def _gathered(rows: Sequence[Row]) -> Iterator[Gathered]:
    for kind, heading in CONCERNS.items():
        found = [(row, concern) for row in rows for concern in row.concerns if concern.kind == kind]
        if found:
            students = len({row.page for row, _ in found})
            yield Gathered(heading=heading, first=tuple(found[:LISTED]), students=students, more=len(found) > LISTED)


def _difficulty(head: ExerciseHead, grades: Sequence[Grade | None]) -> Difficulty:
    standings = Counter(standing(grade) for grade in grades)
    earned = [grade.earned / grade.points for grade in grades if grade and grade.points > 0]
    mistakes = Counter(mistake for grade in grades if grade for mistake in dict.fromkeys(map(_mistake, grade.result.findings)))
    return Difficulty(
        head=head,
        counts=tuple((one, standings[one]) for one in Standing if standings[one]),
        full=standings[Standing.FULL],
        of=len(grades),
        mean=statistics.fmean(earned) if earned else 0.0,
        mistakes=tuple(
            (kind, inert_line(factor, NAME), count)
            for (kind, factor), count in mistakes.most_common()
            if kind not in (Kind.RIGHT, Kind.ABSENT)
        )[:MISTAKES],
    )


def _mistake(finding: Finding) -> tuple[Kind, str]:
    return finding.kind, finding.factor if finding.kind is Kind.FACTOR else ""


def _bars(totals: Sequence[float], points: float) -> Iterator[Bar]:
    """Bars of a width that people count in, and at most `BARS` of them; the first and the last also hold what lies beyond."""
    if not totals or points <= 0:
        return
    widths = (digit * 10.0**exponent for exponent in itertools.count(math.floor(math.log10(points)) - 2) for digit in (1, 2, 5))
    width = next(width for width in widths if points / width <= BARS)
    bars = math.ceil(points / width - 1e-9)
    counts = Counter(min(max(int(total / width + 1e-9), 0), bars - 1) for total in totals)
    yield from (Bar(low=at * width, high=min((at + 1) * width, points), count=counts[at]) for at in range(bars))
