"""A class without sandbox or torch: exercises, submissions and results that are made up, for what only keeps and shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any

from checker.authoring import Exercise
from checker.grading.assignment import Assignment, fingerprint
from checker.grading.book.gradebook import Gradebook
from checker.grading.grades import Finding, Kind, Result
from checker.grading.submission import Student, Submission
from checker.sandbox.values import Form


def an_exercise(name: str, *, text: str = "", points: float = 2.0) -> Exercise:
    return Exercise(
        name=name, function=abs, call=lambda values: (), inputs=(), file="toys.py", text=text, title={"en": name.title()}, points=points
    )


def an_assignment(*exercises: Exercise, **given: Any) -> Assignment:
    every = exercises or (an_exercise("one"), an_exercise("two"))
    made: dict[str, Any] = {
        "title": "Toys",
        "exercises": every,
        "points": {one.name: one.points for one in every},
        "fingerprints": {one.name: fingerprint(one) for one in every},
    }
    return Assignment(**(made | given))


def handed_in(student: str = "ann", text: str = "x", *, name: str = "", **given: Any) -> Submission:
    return Submission(student=Student(id=student, name=name), files={"answers.py": text.encode()}, **given)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def a_result(exercise: str = "one", kinds: Mapping[str, Kind] | None = None, **given: Any) -> Result:
    findings = [Finding(part=part, kind=kind) for part, kind in (kinds or {"x": Kind.RIGHT}).items()]
    return Result(exercise=f"toys.py::{exercise}", form=Form.GRADIENT, findings=findings, **given)


def grade_a_class(place: str, told: Connection) -> None:
    """Grade a hundred students, some of whom handed in the same, into the gradebook at `place`; tell of each when it is kept."""
    assignment = an_assignment(an_exercise("one"), an_exercise("two"), an_exercise("three"))
    submissions = [handed_in(f"s{number:03}", f"text {number % 90}") for number in range(100)]
    with Gradebook.open(place, seed=0) as book:
        book.enrol(assignment, submissions)
        for submission in submissions:
            wrong = int(submission.content, 16) % 3
            kinds = {one.id: Kind.WRONG if number == wrong else Kind.RIGHT for number, one in enumerate(assignment.exercises)}
            missing = book.missing(assignment, submission)
            book.save(assignment, submission, [a_result(one.name, {"x": kinds[one.id]}) for one in missing])
            told.send(submission.content)
        book.regrade(assignment)
