"""One student's rows: all that is kept about a person, to be handed out or deleted.

Comes in: a transaction and the student's id.  Goes out: JSON, or nothing any more.  Why: a person may ask for both, and neither may touch
another person's grades, even where two handed in the same.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from checker.errors import UsageError
from checker.grading.book.tables import assignments, grades, overrides, results, students, submissions
from checker.grading.grades import Result


def find(connection: Connection, student: str) -> Row[Any]:
    """The row of the student with this id.

    Raises:
        UsageError: there is none.
    """
    row = connection.execute(sa.select(students).where(students.c.student == student)).one_or_none()
    if row is None:
        raise UsageError(f"the gradebook knows no student {student!r}: write the id as `checker export csv` shows it.")
    return row


def data_of(connection: Connection, student: str) -> bytes:
    """All that is kept about a student, as JSON; without true gradients, which are about the exercise."""
    person = find(connection, student)
    titles = {row.id: row.title for row in connection.execute(sa.select(assignments))}
    attempts = []
    for row in connection.execute(sa.select(submissions).where(submissions.c.student == person.id).order_by(submissions.c.id)):
        own = sa.select(grades).where(grades.c.submission == row.id).order_by(grades.c.exercise, grades.c.version)
        history = [{**_told(grade, "submission"), "credit": msgspec.json.decode(grade.credit)} for grade in connection.execute(own)]
        kept = connection.execute(sa.select(results).where(results.c.content == row.content).order_by(results.c.id))
        attempts.append(
            {
                **_told(row, "student"),
                "assignment": titles[row.assignment],
                "problems": msgspec.json.decode(row.problems),
                "results": [{**_told(one, "content"), "id": one.id, "result": _without_truth(one.result)} for one in kept],
                "grades": history,
            }
        )
    given = connection.execute(sa.select(overrides).where(overrides.c.student == person.id).order_by(overrides.c.id))
    by_hand = [{**_told(row, "student"), "assignment": titles[row.assignment]} for row in given]
    everything = {"student": person.student, "name": person.name, "submissions": attempts, "overrides": by_hand}
    return msgspec.json.format(msgspec.json.encode(everything), indent=2) + b"\n"


def forget(connection: Connection, student: str) -> None:
    """Delete all that is kept about a student. Results of a content that another student handed in too stay theirs."""
    person = find(connection, student)
    own = sa.select(submissions.c.id).where(submissions.c.student == person.id)
    contents = list(connection.scalars(sa.select(submissions.c.content).where(submissions.c.student == person.id)))
    connection.execute(sa.delete(grades).where(grades.c.submission.in_(own)))
    for table in (overrides, submissions):
        connection.execute(sa.delete(table).where(table.c.student == person.id))
    connection.execute(sa.delete(students).where(students.c.id == person.id))
    others = set(connection.scalars(sa.select(submissions.c.content)))
    for content in set(contents) - others:
        connection.execute(sa.delete(results).where(results.c.content == content))


def _told(row: Row[Any], *without: str) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name not in ("id", *without)}


def _without_truth(result: str) -> Result:
    return msgspec.structs.replace(msgspec.json.decode(result, type=Result), comparisons=[])
