"""Gradescope's `results.json`.

Comes in: a `ClassRecord`.  Goes out: what an autograder hands to Gradescope, one file a student.  Why: Gradescope shows it to the student,
so it says what their feedback says. All text is declared to be plain text, in which Gradescope reads no markup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from checker.exporters.words import about, graded, right, said
from checker.grading.grades import Attempt, ClassRecord, ExerciseHead, StudentRecord
from checker.inert import inert_line


class Gradescope:
    """One student becomes `results.json`; a class, a file named by each student's id."""

    name = "gradescope"

    def export(self, record: ClassRecord) -> Mapping[str, bytes]:
        if len(record.students) == 1:
            return {"results.json": _results(record, record.students[0])}
        return {file_name(student.id): _results(record, student) for student in record.students}


def file_name(student: str) -> str:
    """A file name for a student's id: no two alike, and none that leads to another folder."""
    name = quote(student, safe=" @+,", errors="replace")
    return f"{name if len(name) <= 100 else name[:60] + '-' + hashlib.sha256(student.encode('utf-8', 'replace')).hexdigest()}.json"


def _results(record: ClassRecord, student: StudentRecord) -> bytes:
    attempt = student.counted
    results = {
        "score": round(student.earned, 6),
        "output": about(attempt) if attempt else "Nothing was handed in.",
        "output_format": "text",
        "test_output_format": "text",
        "test_name_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(str(number), head, attempt) for number, head in enumerate(record.exercises, 1)],
    }
    return msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n"


def _test(number: str, head: ExerciseHead, attempt: Attempt | None) -> dict[str, Any]:
    grade = graded(attempt, head)
    return {
        "name": inert_line(f"{head.title.en} ({head.name})"),
        "number": number,
        "score": round(grade.earned, 6) if grade else 0.0,
        "max_score": head.points,
        "status": "passed" if grade and right(grade) else "failed",
        "output": said(grade, attempt) if attempt and grade else "Not graded yet.",
        "visibility": "visible",
    }
