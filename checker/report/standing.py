"""How an answer stands, as its points say it: how that looks and reads, in one table.

Comes in: a grade.  Goes out: its standing, and that one's mark, word and tone.  Why: a cell, a badge and a bar say the same alike, and
nothing is said by colour alone.
"""

from __future__ import annotations

import enum

from checker.grading.grades import Grade, Kind
from checker.report.language import marked
from checker.report.signs import Sign


class Standing(enum.StrEnum):
    """From best to worst."""

    FULL = "full"
    PART = "part"
    NONE = "none"
    ABSENT = "absent"
    UNGRADED = "ungraded"


STANDINGS: dict[Standing, Sign] = {
    Standing.FULL: Sign("✓", marked("full marks"), "good", marked("Every point was earned.")),
    Standing.PART: Sign("◐", marked("part of the points"), "unsure", marked("Some of the points were earned.")),
    Standing.NONE: Sign("✗", marked("no points"), "bad", marked("There is an answer, and it earned nothing.")),
    Standing.ABSENT: Sign("–", marked("no answer"), "none", marked("The submission has no answer to this exercise.")),
    Standing.UNGRADED: Sign("?", marked("not graded"), "kink", marked("Grading did not come to an end here.")),
}


def standing(grade: Grade | None) -> Standing:
    """Where a grade stands; None is an exercise that a submission has no grade for. Without points, what was found decides."""
    if grade is None:
        return Standing.UNGRADED
    kinds = {finding.kind for finding in grade.result.findings}
    if grade.override is None and kinds == {Kind.ABSENT}:
        return Standing.ABSENT
    right = grade.earned >= grade.points if grade.points > 0 else kinds == {Kind.RIGHT}
    if right:
        return Standing.FULL
    return Standing.PART if grade.earned > 0 else Standing.NONE
