"""What a graded class looks like in a terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest

from checker import standings
from checker.grading.book.regrading import Change
from checker.grading.grades import Attempt, ClassRecord, ExerciseHead, Grade, Kind, StudentRecord
from checker.grading.run import Failure, Outcome
from checker.record import Text
from tests.toy_class import a_result, handed_in

HEADS = [ExerciseHead(id=f"toys.py::{name}", name=name, title=Text(en=""), statement=Text(en=""), points=2.0) for name in ("one", "two")]
#: What moves the cursor, clears the screen, or turns text around.
MOVES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
HOSTILE = "\x1b[2J\x1b]0;x\x07\r\b‮\u2066evil\n✗ forged: a line"


def grade(exercise: str, earned: float, kind: Kind = Kind.RIGHT, **given: Any) -> Grade:
    return Grade(result=a_result(exercise, {"x": kind}, **given), points=2.0, earned=earned)


def student(id_: str, *grades: Grade, name: str = "", late: float = 0.0, problems: tuple[str, ...] = ()) -> StudentRecord:
    earned = sum(one.earned for one in grades)
    attempt = Attempt(
        number=1,
        content="",
        source="",
        submitted=None,
        late_days=late,
        deduction=0.0,
        earned=earned,
        grades=list(grades),
        problems=list(problems),
        counts=True,
    )
    return StudentRecord(id=id_, name=name, earned=earned, attempts=[attempt])


def a_class(*students: StudentRecord) -> ClassRecord:
    return ClassRecord(title="Toys", points=4.0, exercises=HEADS, students=list(students))


def an_outcome(**given: Any) -> Outcome:
    return Outcome(**{"graded": 2, "unchanged": 0, "failures": (), "seconds": 4.0} | given)


def shown(record: ClassRecord, outcome: Outcome | None = None, *, quiet: bool = False) -> str:
    stream = io.StringIO()
    standings.show(record, outcome or an_outcome(), stream=stream, quiet=quiet)
    return stream.getvalue()


def test_a_run_is_shown_with_students_exercises_and_how_it_went() -> None:
    text = shown(
        a_class(
            student("1", grade("one", 2.0), grade("two", 0.5, Kind.FACTOR), name="Ann", late=1.0),
            student("bob", grade("one", 2.0), grade("two", 0.0, Kind.FACTOR), late=2.0),
            StudentRecord(id="cem", name="", earned=0.0, attempts=[]),
            student("dan"),
        )
    )
    assert [" ".join(line.split()) for line in text.splitlines()] == [
        "student points exercises",
        "Ann (1) 2.5/4 ✓◐ late by 1 day",
        "bob 2/4 ✓✗ late by 2 days",
        "cem –/4",
        "dan –/4",
        "",
        "exercise all some none mean most frequent mistake",
        "one 2 0 0 2.00/2",
        "two 0 1 1 0.25/2 a constant times the gradient (2)",
        "",
        "4 students · 2 submissions graded · 4.0 s, 0.5 a second",
    ]


def test_an_exercise_without_a_grade_has_no_mean() -> None:
    assert re.search(r"^one +0 +0 +0 +–/2 *$", shown(a_class(student("ann"))), re.MULTILINE)


def test_many_students_are_not_listed() -> None:
    many = [student(f"student {number}", grade("one", 2.0)) for number in range(standings.LISTED + 1)]
    assert "student 7 " in shown(a_class(*many[1:]))
    text = shown(a_class(*many))
    assert "student 7" not in text
    assert "61 students" in text


def test_a_thousand_problems_do_not_scroll_the_summary_away() -> None:
    problems = tuple(f"file {number} is empty." for number in range(1000))
    unsafe = grade("one", 2.0, sandboxed=False, suspicions=["it looks at frames"])
    lines = shown(a_class(student("ann", unsafe, problems=problems))).splitlines()
    assert len(lines) < 40
    told = [line for line in lines if line.startswith("!")]
    assert told[0] == "! Some grades were made without a sandbox: --i-trust-these-files."
    assert told[1:3] == ["! ann: file 0 is empty.", "! ann: file 1 is empty."]
    assert told[-1] == "! … and 982 more: the report has them all."
    assert lines[-1].startswith("1 student · ")


def test_nothing_of_a_students_text_moves_the_cursor_or_forges_a_line() -> None:
    long = "x" * 100_000
    record = a_class(
        student(HOSTILE, grade("one", 2.0, suspicions=[HOSTILE, long]), name=HOSTILE, problems=(HOSTILE,)), student(long), student("‮")
    )
    failed = Failure(submission=handed_in("ann", source=HOSTILE), message=f"{HOSTILE}{long}")
    text = shown(record, an_outcome(failures=(failed,)))
    assert not MOVES.search(text)
    assert not re.search(r"^✗ forged", text, re.MULTILINE)
    assert len(text) < 5000
    assert max(map(len, text.splitlines())) <= 100


def test_failures_are_named_even_where_all_else_is_quiet() -> None:
    failed = Failure(submission=handed_in("ann", source="class/ann.py"), message="the grader ended (by signal SIGKILL)")
    text = shown(a_class(student("ann")), an_outcome(failures=(failed,)), quiet=True)
    assert text == "✗ class/ann.py: the grader ended (by signal SIGKILL)\n"
    assert "1 not graded, by a fault of checker" in shown(a_class(), an_outcome(failures=(failed,)))
    assert shown(a_class(student("ann")), quiet=True) == ""


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (an_outcome(graded=1), "0 students · 1 submission graded · 4.0 s, 0.2 a second"),
        (an_outcome(graded=0, unchanged=3), "0 students · 0 submissions graded · 3 unchanged · 4.0 s"),
    ],
)
def test_the_summary(outcome: Outcome, line: str) -> None:
    assert standings.summary(a_class(), outcome) == line


def test_what_a_regrade_would_change() -> None:
    stream = io.StringIO()
    new = Change(student=HOSTILE, attempt=1, exercise="toys.py::one", before=None, after=2.0, why="")
    other = Change(student="bob", attempt=1, exercise="toys.py::one", before=0.25, after=1.0, why="points or credit changed")
    standings.changes([new, other], stream=stream)
    text = stream.getvalue()
    assert not MOVES.search(text)
    assert re.search(r"bob +toys\.py::one +0\.25 +1 +points or credit changed", text)
    assert re.search(r"toys\.py::one +– +2 ", text)
    assert text.endswith("2 grades would change. Nothing was changed.\n")
    standings.changes([], stream=(empty := io.StringIO()))
    assert empty.getvalue() == "0 grades would change. Nothing was changed.\n"


def test_progress_in_a_log_is_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(standings.time, "monotonic", lambda: now)
    with standings.progress(100) as advance:
        for _ in range(50):
            now += 0.5
            advance(None)
    assert capsys.readouterr().err.splitlines() == ["graded 20 of 100, 2.0/s, 40 s left", "graded 40 of 100, 2.0/s, 30 s left"]


def test_quiet_progress_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with standings.progress(3, quiet=True) as advance:
        advance(None)
    assert capsys.readouterr() == ("", "")


BAR = """
import threading, time
from checker import standings
with standings.progress(4) as advance:
    for _ in range(3):
        time.sleep(0.3)
        advance(None)
    assert threading.active_count() == 1, "a process with threads cannot be forked safely"
"""


def test_progress_in_a_terminal_is_a_bar_with_rate_and_time_left() -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    with subprocess.Popen([sys.executable, "-c", BAR], stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    text = seen.decode()
    assert process.returncode == 0, text
    assert "0/4" in text
    assert re.search(r"3/4 \S*\d\.\d/s\S* \S*0:00:0\d", re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", text))
