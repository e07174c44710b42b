"""What exports for students say.

Comes in: an attempt or a grade.  Goes out: inert text.  Why: what a student reads is said in one place, which never holds a true value.
"""

from __future__ import annotations

import msgspec

from checker.grading.grades import Attempt, ExerciseHead, Grade, Kind
from checker.grading.judging.feedback import coarse, summary
from checker.inert import inert


def graded(attempt: Attempt | None, head: ExerciseHead) -> Grade | None:
    """The grade of an attempt in an exercise, where there is one."""
    return next((one for one in attempt.grades if one.result.exercise == head.id), None) if attempt else None


def right(grade: Grade) -> bool:
    """Whether a grade passes: all the points, and where there are none to earn or lose, no mistake."""
    if grade.points > 0 or grade.override:
        return grade.earned >= grade.points
    return all(finding.kind is Kind.RIGHT for finding in grade.result.findings)


def said(grade: Grade, attempt: Attempt) -> str:
    """What a student reads about an answer: points, what was found, and why other points were given by hand."""
    findings = [coarse(one) if attempt.coarse else one for one in grade.result.findings]
    found = summary(msgspec.structs.replace(grade.result, findings=findings), "en")
    by_hand = f"\nPoints given by hand: {grade.override.why}" if grade.override else ""
    return inert(f"{grade.earned:g} of {grade.points:g} points.\n{found}{by_hand}")


def about(attempt: Attempt) -> str:
    """What a student reads about an attempt as a whole: lateness, and files that could not be read."""
    days = "a day" if attempt.late_days == 1 else f"{attempt.late_days:g} days"
    late = f"Late by {days}: {attempt.deduction:.0%} of the points are taken." if attempt.late_days else ""
    return inert("\n".join(one for one in (f"Attempt {attempt.number}.", late, *attempt.problems) if one))
