"""What a student's two pages show, worked out before a template sees it.

Comes in: a class record and one of its students.  Goes out: view models.  Why: the page that is returned to the student is made from a view
that holds no true value, no suspicion and no other student, so that no template can show one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checker.grading.grades import Attempt, ClassRecord, ExerciseHead, Grade, Kind, Override, StudentRecord
from checker.grading.judging.feedback import coarse, sentence
from checker.inert import NAME, inert, inert_line
from checker.report.class_views import Concern, by_exercise, concerns
from checker.report.language import Language
from checker.report.standing import Standing, standing
from checker.sandbox.values import Form
from checker.values import Comparison

#: So much of a finding's sentence and of what a program printed is shown; so many comparisons and parts of one answer; so many attempts
#: beside the one that counts.
SENTENCE, OUTPUT, MANY, ATTEMPTS = 1200, 4000, 60, 10


@dataclass(frozen=True, kw_only=True)
class Part:
    """What was found about one part of an answer, and the share of its points that it earned."""

    kind: Kind
    sentence: str
    credit: float | None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One exercise as the student may see it."""

    head: ExerciseHead
    standing: Standing
    points: float
    earned: float
    by_hand: bool  #: a person gave the points
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Inside:
    """The rest of an answer, which is the instructor's."""

    form: Form | None
    override: Override | None
    output: str
    comparisons: tuple[Comparison, ...]
    seconds: float
    sandboxed: bool


@dataclass(frozen=True, kw_only=True)
class Handed:
    """One attempt. Its answers are in the order of the exercises."""

    number: int
    submitted: str
    late_days: float
    deduction: float
    earned: float
    blunt: bool  #: so many attempts came before that the student is told less
    problems: tuple[str, ...]
    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class ReturnedPage:
    """The page for the student: the attempt that counts."""

    title: str
    points: float
    id: str
    name: str
    earned: float
    attempt: Handed | None


@dataclass(frozen=True, kw_only=True)
class StudentPage(ReturnedPage):
    """The page for the instructor. `inside` goes with the answers of the attempt that counts."""

    source: str
    content: str
    inside: tuple[Inside | None, ...]
    concerns: tuple[Concern, ...]
    attempts: int
    others: tuple[Handed, ...]  #: the latest first
    older: int  #: how many more there are


def returned_page(record: ClassRecord, student: StudentRecord, language: Language) -> ReturnedPage:
    attempt = student.counted
    return ReturnedPage(
        title=inert_line(record.title, NAME),
        points=record.points,
        id=inert_line(student.id, NAME),
        name=inert_line(student.name, NAME),
        earned=student.earned,
        attempt=_handed(record, attempt, language, bluntly=attempt.coarse) if attempt else None,
    )


def student_page(record: ClassRecord, student: StudentRecord, language: Language) -> StudentPage:
    attempt = student.counted
    grades = by_exercise(attempt) if attempt else {}
    others = [one for one in reversed(student.attempts) if one is not attempt]
    return StudentPage(
        title=inert_line(record.title, NAME),
        points=record.points,
        id=inert_line(student.id, NAME),
        name=inert_line(student.name, NAME),
        earned=student.earned,
        attempt=_handed(record, attempt, language) if attempt else None,
        source=inert(attempt.source, 400) if attempt else "",
        content=attempt.content if attempt else "",
        inside=tuple(_inside(grades.get(head.id)) for head in record.exercises) if attempt else (),
        concerns=tuple(concerns(record, attempt)) if attempt else (),
        attempts=len(student.attempts),
        others=tuple(_handed(record, one, language) for one in others[:ATTEMPTS]),
        older=max(0, len(others) - ATTEMPTS),
    )


def _handed(record: ClassRecord, attempt: Attempt, language: Language, *, bluntly: bool = False) -> Handed:
    """An attempt; `bluntly` as the student is told after many: that a part is right or wrong, and no more."""
    grades = by_exercise(attempt)
    return Handed(
        number=attempt.number,
        submitted=inert_line(attempt.submitted or "", NAME),
        late_days=attempt.late_days,
        deduction=attempt.deduction,
        earned=attempt.earned,
        blunt=attempt.coarse,
        problems=tuple(inert(problem, 400) for problem in attempt.problems),
        answers=tuple(_answer(head, grades.get(head.id), language, bluntly) for head in record.exercises),
    )


def _answer(head: ExerciseHead, grade: Grade | None, language: Language, bluntly: bool) -> Answer:
    return Answer(
        head=head,
        standing=standing(grade),
        points=grade.points if grade else head.points,
        earned=grade.earned if grade else 0.0,
        by_hand=grade is not None and grade.override is not None,
        parts=tuple(_parts(grade, language, bluntly)) if grade else (),
    )


def _parts(grade: Grade, language: Language, bluntly: bool) -> Iterator[Part]:
    for found in grade.result.findings[:MANY]:
        finding = coarse(found) if bluntly else found
        text = inert(sentence(finding, language.code), SENTENCE)
        yield Part(kind=finding.kind, sentence=text, credit=grade.credit.get(finding.part))


def _inside(grade: Grade | None) -> Inside | None:
    if grade is None:
        return None
    result = grade.result
    return Inside(
        form=result.form,
        override=grade.override,
        output=inert(result.output, OUTPUT),
        comparisons=tuple(result.comparisons[:MANY]),
        seconds=result.seconds,
        sandboxed=result.sandboxed,
    )
