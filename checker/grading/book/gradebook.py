"""The gradebook: what was handed in, what it turned out to be, what it earned, and every change of that.

Comes in: submissions and results.  Goes out: which results are missing, grades, the class record.  Why: grading may be killed at any moment
and started again; what is kept once is never run, nor graded, again.

    with Gradebook.open() as book:
        book.enrol(assignment, submissions)
        for submission in submissions:
            missing = book.missing(assignment, submission)
            book.save(assignment, submission, grader.results(submission, missing))
        book.regrade(assignment)
        record = book.class_record(assignment.title)
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, Row, Table

from checker import __version__
from checker.authoring import Exercise
from checker.errors import UsageError
from checker.grading.assignment import Assignment
from checker.grading.book import database, ledger, people
from checker.grading.book.regrading import Change, changes, key
from checker.grading.book.tables import assignments, book, grades, overrides, results, students, submissions
from checker.grading.book.terms import Terms
from checker.grading.grades import ClassRecord, Result
from checker.grading.submission import Submission


class Gradebook:
    """A gradebook that is open. `secret` is what the class's random points are drawn from."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        self._engine, self.secret = engine, secret

    @classmethod
    def open(cls, place: str | None = None, *, seed: int | None = None, create: bool = True) -> Self:
        """The gradebook at `place`: a path, or any SQLAlchemy URL; none: `gradebook.db` in the working folder.

        A new one gets a random secret, or with `seed` always the same.

        Raises:
            UsageError: it cannot be used; there is none and `create` is false; it was made with another seed.
        """
        engine = database.connect(place or database.DEFAULT, create=create)
        try:
            return cls(engine, _secret(engine, seed))
        except BaseException:
            engine.dispose()
            raise

    @property
    def place(self) -> str:
        """Where it is, as people write it: without a password."""
        return database.shown(self._engine.url)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def enrol(self, assignment: Assignment, handed_in: Iterable[Submission]) -> None:
        """Keep who handed in what and when, before any of it runs. What is known already is brought up to date.

        A submission is known by its student, content and attempt number; another content under a number that is taken is a new attempt.
        """
        with database.writing(self._engine) as connection:
            row = _row(connection, assignments, {"title": assignment.title}, {"terms": _json(assignment.terms)})
            for one in sorted(handed_in, key=lambda one: (one.student.id, one.attempt)):
                student = _row(connection, students, {"student": _kept(one.student.id)}, {"name": ""})
                if one.student.name:
                    connection.execute(sa.update(students).where(students.c.id == student).values(name=_kept(one.student.name)))
                own = (submissions.c.assignment == row, submissions.c.student == student)
                taken = set(connection.scalars(sa.select(submissions.c.number).where(*own)))
                number = max(taken) + 1 if one.attempt in taken else one.attempt
                known = {"assignment": row, "student": student, "content": one.content, "stated": one.attempt}
                told = {
                    "submitted": one.submitted.isoformat() if one.submitted else None,
                    "late": one.late,
                    "source": _kept(one.source),
                    "problems": _json([_kept(problem) for problem in one.problems]),
                }
                found = _row(connection, submissions, known, {"number": number, **told})
                connection.execute(sa.update(submissions).where(submissions.c.id == found).values(told))

    def missing(self, assignment: Assignment, submission: Submission) -> tuple[Exercise, ...]:
        """The exercises that this submission has no result for, as they and the assignment are today."""
        with database.reading(self._engine) as connection:
            there = _there(connection, submission)
        return tuple(one for one in assignment.exercises if key(assignment, one) not in there)

    def save(self, assignment: Assignment, submission: Submission, found: Iterable[Result]) -> None:
        """Keep results: all of them or, where this is interrupted, none. What is kept already stays as it is."""
        by_id = {one.id: key(assignment, one) for one in assignment.exercises}
        given = {by_id[one.exercise]: _json(one) for one in found}
        shared = {"content": submission.content, "grader": __version__, "made": _now()}
        with database.writing(self._engine) as connection:
            there = _there(connection, submission)
            rows = [
                {"exercise": one[0], "fingerprint": one[1], "conditions": one[2], "result": result, **shared}
                for one, result in given.items()
                if one not in there
            ]
            if rows:
                connection.execute(sa.insert(results), rows)

    def preview(self, assignment: Assignment) -> list[Change]:
        """What `regrade` would change. Nothing is written."""
        with database.reading(self._engine) as connection:
            return [change for change, _ in changes(connection, assignment, _assignment(connection, assignment.title).id)]

    def regrade(self, assignment: Assignment) -> list[Change]:
        """Bring every grade up to date with the results, the points and the credit; grades that change stay in the history."""
        with database.writing(self._engine) as connection:
            row = _assignment(connection, assignment.title).id
            connection.execute(sa.update(assignments).where(assignments.c.id == row).values(terms=_json(assignment.terms)))
            made = list(changes(connection, assignment, row))
            if made:
                connection.execute(sa.insert(grades), [{**values, "made": _now()} for _, values in made])
            return [change for change, _ in made]

    def class_record(self, title: str | None = None) -> ClassRecord:
        """Everyone's grades in the assignment of this title, or in the only one.

        Raises:
            UsageError: there is no such assignment, or there are several.
        """
        with database.reading(self._engine) as connection:
            return ledger.class_record(connection, _assignment(connection, title).id)

    def override(self, student: str, exercise: str, earned: float | None, *, who: str, why: str, title: str | None = None) -> None:
        """Let `earned` count in place of what is computed, in each attempt of the student; None takes that back. Lateness takes its share.

        `exercise` is a name or id. Every override stays in the history, and no regrade undoes the last one.

        Raises:
            UsageError: there is no such student, assignment or exercise; `earned` is not from 0 to the points; nobody, or no reason.
        """
        with database.writing(self._engine) as connection:
            row = _assignment(connection, title)
            heads = msgspec.json.decode(row.terms, type=Terms).exercises
            head = next((one for one in heads if exercise in (one.name, one.id)), None)
            if head is None:
                raise UsageError(f"{row.title!r} has no exercise {exercise!r}; there are {', '.join(one.name for one in heads)}.")
            if earned is not None and not 0 <= earned <= head.points:
                raise UsageError(f"{head.name} is worth {head.points:g}: give 0 to {head.points:g} points, not {earned:g}.")
            if not (who.strip() and why.strip()):
                raise UsageError("an override needs who decided and why: both are kept with it.")
            person = people.find(connection, student).id
            values = {"earned": earned, "who": _kept(who), "why": _kept(why), "made": _now()}
            connection.execute(sa.insert(overrides).values(assignment=row.id, student=person, exercise=head.id, **values))

    def data_of(self, student: str) -> bytes:
        """All that is kept about a student, as JSON.

        Raises:
            UsageError: there is no such student.
        """
        with database.reading(self._engine) as connection:
            return people.data_of(connection, student)

    def forget(self, student: str) -> None:
        """Delete all that is kept about a student, from the file as well.

        Raises:
            UsageError: there is no such student.
        """
        with database.writing(self._engine) as connection:
            people.forget(connection, student)
        database.scrub(self._engine)


def _secret(engine: Engine, seed: int | None) -> bytes:
    """The book's secret, made where there is none yet."""
    seeded = None if seed is None else hashlib.sha256(f"gradebook seed {seed}".encode()).digest()
    with database.reading(engine) as connection:
        secret = connection.scalar(sa.select(book.c.secret))
    if secret is None:
        with database.writing(engine) as connection:
            secret = connection.scalar(sa.select(book.c.secret))  # another process may have made it meanwhile
            if secret is None:
                secret = seeded or secrets.token_bytes(32)
                connection.execute(sa.insert(book).values(id=1, secret=secret, made=_now()))
    if seeded not in (None, secret):
        raise UsageError(f"this gradebook was not made with the seed {seed}: leave the seed out, or begin another gradebook.")
    return secret


def _assignment(connection: Connection, title: str | None) -> Row[Any]:
    """The row of the assignment of this title, or of the only one."""
    rows = connection.execute(sa.select(assignments).order_by(assignments.c.title)).all()
    named = [row for row in rows if title in (None, row.title)]
    if len(named) == 1:
        return named[0]
    if not rows:
        raise UsageError("this gradebook holds no assignment yet: `checker grade` brings one in.")
    titles = ", ".join(repr(row.title) for row in rows)
    raise UsageError(
        f"this gradebook holds {titles}: say which one." if title is None else f"there is no assignment {title!r}; there are {titles}."
    )


def _row(connection: Connection, table: Table, known: Mapping[str, Any], told: Mapping[str, Any]) -> int:
    """The number of the row that is `known` by these values; where there is none, of a new one that also holds what is `told`."""
    found: int | None = connection.scalar(sa.select(table.c.id).filter_by(**known))
    if found is not None:
        return found
    made: int = connection.execute(sa.insert(table).values(**known, **told).returning(table.c.id)).scalar_one()
    return made


def _there(connection: Connection, submission: Submission) -> set[tuple[str, ...]]:
    """What this submission's results are kept under."""
    keys = sa.select(results.c.exercise, results.c.fingerprint, results.c.conditions)
    return {tuple(row) for row in connection.execute(keys.where(results.c.content == submission.content, results.c.grader == __version__))}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _kept(text: str) -> str:
    """A student's text without what a database cannot hold: NUL and halves of characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "?")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
