"""The sample class of the repository: thirty students, graded once under the full sandbox and compared with what was decided by hand."""

from __future__ import annotations

import html
import os
import shutil
import tomllib
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from checker.grading.assignment import read
from checker.grading.book.gradebook import Gradebook
from checker.grading.grades import Attempt, ClassRecord, Finding, Grade, Kind
from checker.grading.reading.intake import submissions
from checker.grading.run import Outcome, grade
from checker.sandbox.box import SandboxUnavailable
from checker.sandbox.values import Form

CLASS = Path(__file__).parents[2] / "examples" / "class"
EXPECTED: dict[str, Any] = tomllib.loads((CLASS / "expected.toml").read_text(encoding="utf-8"))
ABSENT = [0, "absent", "no answer"]
HEADINGS = ("name", "what", "total", "late")

pytestmark = pytest.mark.xdist_group("sample class")  # which is graded once


@dataclass(frozen=True)
class Graded:
    record: ClassRecord
    outcome: Outcome
    folder: Path
    book: str


def told(finding: Finding) -> str:
    """A finding as `expected.toml` writes it."""
    own = " for its own forward" if finding.forward else ""
    return (f"{finding.part}: " if finding.part else "") + finding.kind + own


def differences(expected: dict[str, Any], record: ClassRecord) -> list[str]:
    """A line for each student, total and answer that is not as it was expected."""
    found = {student.id: student for student in record.students}
    lines = [f"{who}: {'not expected' if who in found else 'not graded'}" for who in sorted(found.keys() ^ expected.keys())]
    for who, wanted in expected.items():
        if who not in found:
            continue
        student = found[who]
        (attempt,) = student.attempts
        if student.name != wanted["name"]:
            lines.append(f"{who}: called {student.name!r}, not {wanted['name']!r}")
        if attempt.deduction != wanted.get("late", 0):
            lines.append(f"{who}: lateness takes {attempt.deduction}")
        if student.earned != pytest.approx(wanted["total"], abs=1e-8):
            lines.append(f"{who}: earned {student.earned}, not {wanted['total']}")
        lines += _answers(who, wanted, attempt)
    return lines


def _answers(who: str, wanted: dict[str, Any], attempt: Attempt) -> list[str]:
    given: dict[str, Grade] = {one.result.exercise.partition("::")[2]: one for one in attempt.grades}
    lines = [f"{who}: {name} is no exercise" for name in wanted.keys() - given.keys() - set(HEADINGS)]
    for name, one in given.items():
        points, kinds, why = wanted.get(name, ABSENT)
        got = ", ".join(map(told, one.result.findings))
        if (got, one.earned) != (kinds, pytest.approx(points, abs=1e-8)):
            lines.append(f"{who}: {name} ({why}): {got} earned {one.earned}, not {kinds} and {points}; {one.result.findings}")
    return lines


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """The class, graded from a copy whose files are all dated after the due date: git keeps no times, so none may matter."""
    folder, book = tmp_path_factory.mktemp("class") / "submissions", str(tmp_path_factory.mktemp("book") / "gradebook.db")
    shutil.copytree(CLASS / "submissions", folder)
    later = datetime(2030, 1, 1, tzinfo=UTC).timestamp()
    for path in (folder, *folder.rglob("*")):
        os.utime(path, (later, later))
    assignment = read(CLASS / "assignment.toml")
    with Gradebook.open(book) as opened:
        try:
            outcome = grade(assignment, submissions(folder), opened, workers=1)
        except SandboxUnavailable as missing:
            pytest.skip(str(missing))
        return Graded(opened.class_record(assignment.title), outcome, folder, book)


def test_every_grade_and_every_mistake_is_as_expected(graded: Graded) -> None:
    assert graded.outcome.failures == ()
    assert graded.outcome.graded == len(EXPECTED)
    assert differences(EXPECTED, graded.record) == []


def test_every_form_and_every_kind_occurs(graded: Graded) -> None:
    results = [one.result for student in graded.record.students for one in student.attempts[0].grades]
    assert {one.form for one in results} == {*Form, None}
    assert {finding.kind for one in results for finding in one.findings} == {*Kind}


def test_a_planted_difference_is_told(graded: Graded) -> None:
    planted = deepcopy(EXPECTED)
    planted["2301"]["name"] = "林妹妹"
    planted["2302"]["total"] = 9.5
    planted["2303"]["twice_dot"][0] = 0.5
    planted["2311"]["squares"][1] = "x: sign"
    planted["2316"]["late"] = 0.2
    del planted["2318"]["doubling"]
    planted["2319"]["squares"] = [0, "raised", "a syntax error"]
    planted["2331"] = planted.pop("2330")
    lines = differences(planted, graded.record)
    assert [line[:4] for line in lines] == ["2330", "2331", "2301", "2302", "2303", "2311", "2316", "2318", "2319"]
    assert lines[0] == "2330: not expected"
    assert lines[3] == "2302: earned 10.0, not 9.5"


def test_grading_again_runs_nothing(graded: Graded) -> None:
    assignment = read(CLASS / "assignment.toml")
    with Gradebook.open(graded.book) as opened:
        again = grade(assignment, submissions(graded.folder), opened, workers=1)
        record = opened.class_record(assignment.title)
    assert (again.graded, again.unchanged, again.failures) == (0, len(EXPECTED), ())
    assert record.students == graded.record.students


def test_hostile_files_say_what_they_are_in_their_first_line() -> None:
    hostile = [who for who, one in EXPECTED.items() if one["what"].startswith("hostile")]
    assert len(hostile) == 6
    for one in submissions(CLASS / "submissions"):
        said = [data.decode("utf-8", "replace").startswith("# A hostile sample made for this class: ") for data in one.files.values()]
        assert all(said) if one.student.id in hostile else not any(said), one.source


def test_the_readme_lists_every_student() -> None:
    rows = [line for line in (CLASS / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("| 23")]
    assert rows == [
        f"| {who} | {html.escape(one['name'], quote=False) or '—'} | {one['what']} | {one['total']:.4g} |" for who, one in EXPECTED.items()
    ]
