"""The class record, from the gradebook's rows.

Comes in: a transaction and an assignment.  Goes out: `ClassRecord`.  Why: everything that is shown of a class is read here, in one order
(students by their id, attempts by their number, exercises as the assignment has them), so that two gradebooks of the same class are equal.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from checker.grading.book.tables import assignments, grades, overrides, results, students, submissions
from checker.grading.book.terms import Terms, counting, lateness
from checker.grading.grades import Attempt, ClassRecord, ExerciseHead, Grade, Override, Result, StudentRecord


def class_record(connection: Connection, assignment: int) -> ClassRecord:
    """Everyone's grades in the assignment with this row."""
    row = connection.execute(sa.select(assignments).where(assignments.c.id == assignment)).one()
    terms = msgspec.json.decode(row.terms, type=Terms)
    given = current_overrides(connection, assignment)
    graded = _grades(connection, assignment)
    attempts: defaultdict[int, list[Attempt]] = defaultdict(list)
    for handed in connection.execute(sa.select(submissions).where(submissions.c.assignment == assignment).order_by(submissions.c.number)):
        attempts[handed.student].append(_attempt(handed, terms, graded.get(handed.id, {}), given))
    people = connection.execute(sa.select(students).order_by(students.c.student)).all()
    taking = attempts.keys() | {student for student, _ in given}
    return ClassRecord(
        title=row.title,
        points=math.fsum(head.points for head in terms.exercises),
        exercises=terms.exercises,
        students=[_student(person, attempts[person.id], terms) for person in people if person.id in taking],
        due=terms.due.isoformat() if terms.due else None,
        graded=_last_graded(connection, assignment),
        versions=terms.versions,
    )


def without_times(record: ClassRecord) -> ClassRecord:
    """The same record without the times at which it was made and how long that took: equal for any two ways to the same grades."""

    def grade(one: Grade) -> Grade:
        override = one.override and msgspec.structs.replace(one.override, when="")
        return msgspec.structs.replace(one, result=msgspec.structs.replace(one.result, seconds=0.0), override=override)

    def attempt(one: Attempt) -> Attempt:
        return msgspec.structs.replace(one, grades=[grade(each) for each in one.grades])

    people = [msgspec.structs.replace(one, attempts=[attempt(each) for each in one.attempts]) for one in record.students]
    return msgspec.structs.replace(record, students=people, graded="")


def current_grades(assignment: int) -> sa.Select[Any]:
    """The grades in force: of each submission's exercise the highest version."""
    newest = sa.select(grades.c.submission, grades.c.exercise, sa.func.max(grades.c.version).label("version"))
    newest = newest.join(submissions, submissions.c.id == grades.c.submission).where(submissions.c.assignment == assignment)
    last = newest.group_by(grades.c.submission, grades.c.exercise).subquery()
    same = sa.and_(*(grades.c[name] == last.c[name] for name in ("submission", "exercise", "version")))
    return sa.select(grades).join(last, same)


def current_overrides(connection: Connection, assignment: int) -> dict[tuple[int, str], Override]:
    """The overrides in force, by the student's row and the exercise: the last of each, unless that took the earlier ones back."""
    found: dict[tuple[int, str], Override] = {}
    for row in connection.execute(sa.select(overrides).where(overrides.c.assignment == assignment).order_by(overrides.c.id)):
        if row.earned is None:
            found.pop((row.student, row.exercise), None)
        else:
            found[row.student, row.exercise] = Override(exercise=row.exercise, earned=row.earned, who=row.who, when=row.made, why=row.why)
    return found


def _grades(connection: Connection, assignment: int) -> dict[int, dict[str, Grade]]:
    """Every grade in force, by the submission's row and the exercise."""
    found: defaultdict[int, dict[str, Grade]] = defaultdict(dict)
    decode = msgspec.json.Decoder(Result).decode
    current = current_grades(assignment).join(results, results.c.id == grades.c.result).add_columns(results.c.result.label("found"))
    for row in connection.execute(current):
        credit = msgspec.json.decode(row.credit, type=dict[str, float])
        found[row.submission][row.exercise] = Grade(result=decode(row.found), points=row.points, earned=row.earned, credit=credit)
    return found


def _attempt(row: Row[Any], terms: Terms, graded: Mapping[str, Grade], given: Mapping[tuple[int, str], Override]) -> Attempt:
    own = [_in_force(head, graded.get(head.id), given.get((row.student, head.id))) for head in terms.exercises]
    kept = [one for one in own if one]
    late = lateness(terms, submitted=datetime.fromisoformat(row.submitted) if row.submitted else None, late=row.late)
    return Attempt(
        number=row.number,
        content=row.content,
        source=row.source,
        submitted=row.submitted,
        late_days=late.days,
        deduction=late.deduction,
        earned=math.fsum(one.earned for one in kept) * (1 - late.deduction),
        grades=kept,
        problems=msgspec.json.decode(row.problems, type=list[str]),
        coarse=row.number > terms.coarse_after,
    )


def _in_force(head: ExerciseHead, grade: Grade | None, override: Override | None) -> Grade | None:
    """The grade with the points that a person gave, even where there is nothing else to show for the exercise."""
    if override is None:
        return grade
    shown = grade or Grade(result=Result(exercise=head.id, form=None, findings=[]), points=head.points, earned=0.0)
    return msgspec.structs.replace(shown, earned=override.earned, override=override)


def _student(person: Row[Any], attempts: Sequence[Attempt], terms: Terms) -> StudentRecord:
    place = counting(terms.attempts, [one.earned for one in attempts])
    marked = [msgspec.structs.replace(one, counts=number == place) for number, one in enumerate(attempts)]
    return StudentRecord(id=person.student, name=person.name, earned=marked[place].earned if place is not None else 0.0, attempts=marked)


def _last_graded(connection: Connection, assignment: int) -> str:
    made = sa.select(sa.func.max(grades.c.made)).join(submissions, submissions.c.id == grades.c.submission)
    return connection.scalar(made.where(submissions.c.assignment == assignment)) or ""
