"""What a graded class looks like in a terminal: progress with rate and time left, the students, the exercises, what needs a person.

Comes in: a class record and the outcome of a run.  Goes out: text of at most 100 columns, readable without colour.  Why: an instructor
reads this first, and must see at once who could not be graded and which exercise went wrong for everyone.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from checker.grading.grades import ClassRecord, Grade, Kind
from checker.inert import inert_line
from checker.report.kinds import KINDS
from checker.terminal import BAD, GOOD, console

if TYPE_CHECKING:
    from checker.grading.book.regrading import Change
    from checker.grading.run import Outcome

#: More students than this are not listed one by one: `checker export csv` and the report do that.
LISTED = 60
#: More lines than this about what needs a person are not shown, and no line is longer than this.
LINES, LINE = 20, 200
#: Seconds between two lines of progress where standard error is no terminal.
EVERY = 10.0

PARTLY = ("◐", "yellow")


class _Rate(ProgressColumn):
    """Submissions a second, over the last ones."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f}/s" if task.speed else "", style="dim")


@contextmanager
def progress(total: int, *, quiet: bool = False) -> Iterator[Callable[[object], None]]:
    """A bar on standard error with rate and time left; where that is no terminal, a line every ten seconds. No thread draws it: a process
    with threads cannot be forked safely."""
    if quiet:
        yield lambda done: None
    elif sys.stderr.isatty():
        columns = (TextColumn("grading"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=console(sys.stderr), auto_refresh=False, transient=True) as bar:
            task = bar.add_task("grading", total=total)
            bar.refresh()

            def advance(done: object) -> None:
                bar.update(task, advance=1)
                bar.refresh()

            yield advance
    else:
        yield _Lines(total)


class _Lines:
    """Progress for logs."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.started = self.last = time.monotonic()

    def __call__(self, done: object) -> None:
        self.done += 1
        now = time.monotonic()
        if now - self.last >= EVERY:
            self.last = now
            rate = self.done / (now - self.started)
            left = (self.total - self.done) / rate
            print(f"graded {self.done} of {self.total}, {rate:.1f}/s, {left:.0f} s left", file=sys.stderr, flush=True)


def show(record: ClassRecord, outcome: Outcome, *, stream: TextIO, quiet: bool = False) -> None:
    """Print a run: the students where they are few, the exercises, what needs a person, what failed, and how it went."""
    out = console(stream)
    if not quiet:
        if record.students and len(record.students) <= LISTED:
            out.print(students(record))
            out.print()
        out.print(exercises(record))
        out.print()
        lines = list(needing_a_person(record))
        for line in lines[:LINES]:
            out.print(Text(line))
        if len(lines) > LINES:
            out.print(f"! … and {len(lines) - LINES} more: the report has them all.")
    for failure in outcome.failures:
        out.print(Text(f"{BAD[0]} {inert_line(failure.submission.source, LINE)}: {inert_line(failure.message, LINE)}", BAD[1]))
    if not quiet:
        out.print(summary(record, outcome))


def students(record: ClassRecord) -> Table:
    """One row a student: points of the attempt that counts, a sign an exercise, lateness."""
    made = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    made.add_column("student", overflow="fold")
    made.add_column("points", justify="right", no_wrap=True)
    made.add_column("exercises", overflow="fold")
    made.add_column("", overflow="fold")
    for student in record.students:
        attempt = student.counted
        signs = Text()
        for grade in attempt.grades if attempt else ():
            signs.append(*sign(grade))
        late = f"late by {attempt.late_days:g} day{'s' * (attempt.late_days != 1)}" if attempt and attempt.late_days else ""
        name = f"{student.name} ({student.id})" if student.name and student.name != student.id else student.id
        earned = f"{student.earned:.4g}" if attempt and attempt.grades else "–"
        made.add_row(inert_line(name, LINE), f"{earned}/{record.points:g}", signs, late)
    return made


def exercises(record: ClassRecord) -> Table:
    """One row an exercise: how many got all, some and none of its points, the mean, and the most frequent mistake."""
    made = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    made.add_column("exercise", overflow="fold")
    for name in ("all", "some", "none", "mean"):
        made.add_column(name, justify="right", no_wrap=True)
    made.add_column("most frequent mistake", overflow="fold")
    for head in record.exercises:
        grades = [g for s in record.students if (a := s.counted) for g in a.grades if g.result.exercise == head.id]
        full = sum(g.earned >= g.points for g in grades)
        nothing = sum(g.earned <= 0 < g.points for g in grades)
        mean = f"{sum(g.earned for g in grades) / len(grades):.2f}" if grades else "–"
        kinds = Counter(f.kind for g in grades for f in g.result.findings if f.kind is not Kind.RIGHT)
        common = ", ".join(f"{KINDS[kind]} ({count})" for kind, count in kinds.most_common(1))
        some = len(grades) - full - nothing
        made.add_row(inert_line(head.name, LINE), str(full), str(some), str(nothing), f"{mean}/{head.points:g}", common)
    return made


def needing_a_person(record: ClassRecord) -> Iterator[str]:
    """A line for each thing that only a person can decide."""
    if any(not g.result.sandboxed for s in record.students for a in s.attempts for g in a.grades):
        yield "! Some grades were made without a sandbox: --i-trust-these-files."
    for student in record.students:
        for attempt in student.attempts:
            for problem in attempt.problems:
                yield inert_line(f"! {student.id}: {problem}", LINE)
            for grade in attempt.grades:
                for suspicion in grade.result.suspicions:
                    yield inert_line(f"! {student.id}, {grade.result.exercise}: {suspicion}", LINE)


def summary(record: ClassRecord, outcome: Outcome) -> str:
    """How it went, in one line."""
    done = outcome.graded
    parts = [f"{len(record.students)} student{'s' * (len(record.students) != 1)}", f"{done} submission{'s' * (done != 1)} graded"]
    if outcome.unchanged:
        parts.append(f"{outcome.unchanged} unchanged")
    if outcome.failures:
        parts.append(f"{len(outcome.failures)} not graded, by a fault of checker")
    parts.append(f"{outcome.seconds:.1f} s" + (f", {done / outcome.seconds:.1f} a second" if done and outcome.seconds > 0 else ""))
    if not outcome.complete:
        parts.append("interrupted: the same command goes on from here")
    return " · ".join(parts)


def changes(found: list[Change], *, stream: TextIO) -> None:
    """Print what a regrade would change."""
    made = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim")
    for name in ("student", "exercise", "now", "would be", "why"):
        made.add_column(name, overflow="fold")
    for change in found:
        before = "–" if change.before is None else f"{change.before:.4g}"
        made.add_row(inert_line(change.student, LINE), inert_line(change.exercise, LINE), before, f"{change.after:.4g}", change.why)
    out = console(stream)
    if found:
        out.print(made)
    out.print(f"{len(found)} grade{'s' * (len(found) != 1)} would change. Nothing was changed.")


def sign(grade: Grade) -> tuple[str, str]:
    """All points, some, or none: a sign and its colour."""
    return GOOD if grade.earned >= grade.points else BAD if grade.earned <= 0 else PARTLY
