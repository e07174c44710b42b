"""JUnit XML: one suite a student, one case an exercise.

Comes in: a `ClassRecord`.  Goes out: the XML that continuous integration shows.  Why: GitHub, GitLab and Jenkins read it. Students see it,
so it says what their feedback says.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite

from checker.exporters.words import about, graded, right, said
from checker.grading.grades import Attempt, ClassRecord, ExerciseHead, StudentRecord
from checker.inert import inert_line


class Junit:
    """The attempt that counts. An exercise without a grade is skipped; one that earned less than its points failed."""

    name = "junit"

    def export(self, record: ClassRecord) -> Mapping[str, bytes]:
        xml = JUnitXml(inert_line(record.title))
        suites = [_suite(record, student) for student in record.students]
        xml.extend(suites)  # type: ignore[no-untyped-call]  # where `add_testsuite` would compare every two of them
        xml.update_statistics()  # type: ignore[no-untyped-call]
        data = io.BytesIO()
        xml.write(data)
        return {"junit.xml": data.getvalue()}


def _suite(record: ClassRecord, student: StudentRecord) -> TestSuite:
    suite, attempt = TestSuite(_name(student)), student.counted
    about_all = about(attempt) if attempt else "Nothing was handed in."
    told = {"name": student.name, "earned": f"{student.earned:g}", "points": f"{record.points:g}", "about": about_all}
    for name, value in told.items():
        suite.add_property(name, inert_line(value))
    suite.add_testcases([_case(student, attempt, head) for head in record.exercises])
    return suite


def _name(student: StudentRecord) -> str:
    return inert_line(student.id) or "?"  # JUnit has no suite without a name


def _case(student: StudentRecord, attempt: Attempt | None, head: ExerciseHead) -> TestCase:
    grade = graded(attempt, head)
    case = TestCase(inert_line(head.name), classname=_name(student), time=round(grade.result.seconds, 3) if grade else 0.0)
    if attempt is None or grade is None:
        case.result = [Skipped("not graded")]
    elif not right(grade):
        failure = Failure(f"{grade.earned:g} of {grade.points:g} points", "wrong")
        failure.text = said(grade, attempt)
        case.result = [failure]
    return case
