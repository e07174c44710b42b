"""Grades from results, under the points and credit of today.

Comes in: a transaction and an assignment.  Goes out: the rows of the grades that are new or other than before.  Why: a preview and a
regrade must say the same, so both take it from here; only the regrade writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from checker import __version__
from checker.authoring import Exercise
from checker.grading.assignment import Assignment, conditions
from checker.grading.book import ledger
from checker.grading.book.tables import results, students, submissions
from checker.grading.grades import Result
from checker.grading.judging.credit import grade


@dataclass(frozen=True, kw_only=True)
class Change:
    """A grade that is new or differs from the one before it. `before` is what was earned then, None where there was no grade."""

    student: str
    attempt: int
    exercise: str  #: "file.py::name"
    before: float | None
    after: float
    why: str


def key(assignment: Assignment, exercise: Exercise) -> tuple[str, str, str]:
    """What a result is kept under beside the content: the exercise, its fingerprint, the assignment's conditions."""
    return exercise.id, assignment.fingerprints[exercise.name], conditions(assignment, exercise)


def changes(connection: Connection, assignment: Assignment, row: int) -> Iterator[tuple[Change, dict[str, Any]]]:
    """What differs between the grades in force of the assignment with this `row` and those of today, each with its row for `grades`."""
    current = {(one.submission, one.exercise): one for one in connection.execute(ledger.current_grades(row))}
    exercises = {key(assignment, one): one for one in assignment.exercises}
    handed = sa.join(submissions, students, students.c.id == submissions.c.student).join(
        results, results.c.content == submissions.c.content
    )
    columns = (submissions.c.id.label("submission"), submissions.c.number, students.c.student.label("who"), results)
    wanted = sa.select(*columns).select_from(handed).where(submissions.c.assignment == row, results.c.grader == __version__)
    decode = msgspec.json.Decoder(Result).decode
    in_order = wanted.order_by(students.c.student, submissions.c.number, results.c.exercise)
    for one in connection.execute(in_order, execution_options={"yield_per": 500}):  # not a whole class's results at once
        exercise = exercises.get((one.exercise, one.fingerprint, one.conditions))
        if exercise is None:
            continue  # of another assignment, or of what the exercise was before
        made = grade(decode(one.result), assignment.points[exercise.name], assignment.credit)
        before = current.get((one.submission, one.exercise))
        if before and (before.result, before.points, before.earned) == (one.id, made.points, made.earned):
            continue
        why = "" if before is None else _OTHER_TERMS if before.result == one.id else _OTHER_RESULT
        yield (
            Change(
                student=one.who,
                attempt=one.number,
                exercise=one.exercise,
                before=before.earned if before else None,
                after=made.earned,
                why=why,
            ),
            {
                "submission": one.submission,
                "exercise": one.exercise,
                "version": before.version + 1 if before else 1,
                "result": one.id,
                "points": made.points,
                "earned": made.earned,
                "credit": msgspec.json.encode(made.credit).decode(),
                "why": why,
            },
        )


_OTHER_TERMS = "points or credit changed"
_OTHER_RESULT = "the exercise, its limits or the grader changed"
