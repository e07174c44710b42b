"""CSV: one row a student, one column an exercise.

Comes in: a `ClassRecord`.  Goes out: CSV (RFC 4180), in UTF-8 that begins with a byte order mark.  Why: spreadsheets open it, and without
the mark they take a Chinese name for another encoding. A text that a spreadsheet would compute gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping

from checker.exporters.words import graded
from checker.grading.grades import ClassRecord, StudentRecord
from checker.inert import inert_line

BEFORE = ("student", "name")
AFTER = ("total", "points", "late_days", "deduction", "attempt", "attempts", "submitted", "by_hand")

_COMPUTED = re.compile(r"\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


class Csv:
    """The grades of the attempt that counts; `total` is after the deduction for lateness, the exercises are before it."""

    name = "csv"

    def export(self, record: ClassRecord) -> Mapping[str, bytes]:
        text = io.StringIO()
        writer = csv.writer(text)
        titles = [head.id if head.name in (*BEFORE, *AFTER) else head.name for head in record.exercises]
        writer.writerow([*BEFORE, *map(safe, titles), *AFTER])
        writer.writerows(_row(record, student) for student in record.students)
        return {"grades.csv": text.getvalue().encode("utf-8-sig")}


def safe(text: str) -> str:
    """`text` on one line, and so that no spreadsheet computes it."""
    shown = inert_line(text)
    return f"'{shown}" if _COMPUTED.match(shown) and not _NUMBER.fullmatch(shown) else shown


def _row(record: ClassRecord, student: StudentRecord) -> list[str]:
    attempt = student.counted
    grades = {head.name: graded(attempt, head) for head in record.exercises}
    earned = [_shown(one.earned) if one else "" for one in grades.values()]
    about = ["", "", "", "0", "", ""]
    if attempt:
        by_hand = " ".join(name for name, one in grades.items() if one and one.override)
        about = [_shown(attempt.late_days), _shown(attempt.deduction), str(attempt.number), str(len(student.attempts))]
        about += [attempt.submitted or "", safe(by_hand)]
    return [safe(student.id), safe(student.name), *earned, _shown(student.earned), _shown(record.points), *about]


def _shown(value: float) -> str:
    """A number to six places, as a spreadsheet reads it."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
