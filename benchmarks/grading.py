"""How many submissions a second are graded behind all layers, and how many by the other ways, on the same answers in the same run.

Comes in: how many students, and where the other tools are.  Goes out: a table, on the terminal and in docs/benchmarks.md, and as JSON.
Why: speed is worth nothing if the marks differ, so every mark of every tool is compared with the one that the class was made with, and a
single difference ends the benchmark with exit code 1.
    python benchmarks/grading.py [--quick] [--others ENVIRONMENTS] [--markdown FILE] [--plot FILE] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Protocol

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy is loaded: what is compared is processes, not threads

from answers import TARGETS, Handed, Style, classroom
from measured import Measured, machine, plot, table
from others import Fresh, Marks, Nbgrader, Otter, environments, installed
from truth import PARTS

from checker.grading import run
from checker.grading.assignment import plain
from checker.grading.book.gradebook import Gradebook
from checker.grading.grades import Kind, StudentRecord
from checker.grading.reading import intake
from checker.provenance import cores

STYLES: dict[str, tuple[Style, ...]] = {
    "NumPy": ("numpy",),
    "torch": ("torch",),
    "formulas": ("formulas",),
    "mixed": ("numpy", "torch", "formulas"),
}
WORKERS = (1, 2, 4)
#: The answers that the other tools can read too; none of them knows formulas.
SHARED = ("NumPy", "torch")
MARKER = re.compile(r"(<!-- grading -->\n).*(<!-- /grading -->)", re.DOTALL)


class Tool(Protocol):
    """A way to grade a class."""

    name: str
    at_once: int  #: how many submissions are worked on at the same time
    handed: Sequence[Handed]

    def grade(self) -> None:
        """Grade everyone. This is timed."""

    def marks(self) -> Marks:
        """What the last `grade` found."""


class Ours:
    """`checker grade`: files read, everyone graded behind all layers by `at_once` workers, results and grades kept in a gradebook."""

    name = "checker grade"

    def __init__(self, handed: Sequence[Handed], folder: Path, *, at_once: int) -> None:
        self.handed, self.folder, self.at_once = handed, folder, at_once
        self.runs = 0
        self.moments: list[float] = []  #: when each submission was done, seconds on the clock of `time.perf_counter`
        nothing: dict[Kind, float] = {kind: 0.0 for kind in Kind if kind is not Kind.RIGHT}  # the other tools know no partial credit
        points = {name: float(len(parts)) for name, parts in PARTS.items()}
        self.assignment = replace(plain(TARGETS), title="Benchmark", credit=nothing, points=points)
        (folder / "submissions").mkdir()
        for one in handed:
            (folder / "submissions" / f"{one.student}.py").write_text(one.text)

    def grade(self) -> None:
        self.runs, self.moments = self.runs + 1, []
        with Gradebook.open(str(self._book)) as book:
            submissions = intake.submissions(self.folder / "submissions")
            done = run.grade(
                self.assignment, submissions, book, workers=self.at_once, on_done=lambda _: self.moments.append(time.perf_counter())
            )
        if done.failures or done.graded != len(self.handed):
            sys.exit(f"{done.graded} of {len(self.handed)} were graded: {[failure.message for failure in done.failures[:3]]}")

    def marks(self) -> Marks:
        with Gradebook.open(str(self._book)) as book:
            return {student.id: _marks(student) for student in book.class_record().students}

    @property
    def rate(self) -> float:
        """Submissions a second over the second half, when every worker has its sandbox and its points."""
        half = len(self.moments) // 2
        return (len(self.moments) - half) / (self.moments[-1] - self.moments[half - 1])

    @property
    def _book(self) -> Path:
        return self.folder / f"gradebook{self.runs}.db"


def main() -> None:
    """Measure, print, and write what was asked for."""
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tools, facts = [*_ours(options, folder)], machine()
        if options.others is not None and not options.quick:
            otter, nbgrader = environments(options.others.absolute())
            facts = {**installed(nbgrader), **installed(otter), **facts}
            tools += _others(options, folder, otter, nbgrader)
        measured = [
            Measured(tool=tool.name, answers=answers, at_once=tool.at_once, submissions=len(tool.handed)) for answers, tool in tools
        ]
        for _ in range(options.repeats):
            measured = [repeated(before, tool) for before, (_, tool) in zip(measured, tools, strict=True)]
    text = table(measured, facts)
    print(f"\n{text}")
    if options.plot:
        plot(measured, options.plot)
    if options.markdown:
        options.markdown.write_text(MARKER.sub(lambda found: f"{found[1]}{text}{found[2]}", options.markdown.read_text()))
    if options.json:
        options.json.write_text(json.dumps({"machine": facts, "measured": [asdict(one) for one in measured]}, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Submissions graded a second, and the other ways beside it.")
    parser.add_argument("--students", type=int, default=400, help="submissions that checker grades in each class (default: 400)")
    parser.add_argument("--few", type=int, default=10, help="submissions that the other ways grade, which take seconds each (default: 10)")
    parser.add_argument("--repeats", type=int, default=3, help="how often everything is measured (default: 3)")
    parser.add_argument("--others", type=Path, metavar="FOLDER", help="also measure the other ways; their environments are, or come, here")
    parser.add_argument(
        "--quick", action="store_true", help="20 mixed submissions, one worker, checker alone: to see that the marks are right"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table between its markers in this file")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the rates into this file, such as rates.svg")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure to this file")
    options = parser.parse_args()
    if options.markdown and not MARKER.search(options.markdown.read_text()):
        parser.error(f"{options.markdown} has no lines <!-- grading --> and <!-- /grading --> to write between")
    if options.quick:
        options.students, options.repeats = 20, 1
    return options


def _ours(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Tool]]:
    for answers in ("mixed",) if options.quick else STYLES:
        for workers in WORKERS[:1] if options.quick else WORKERS:
            yield answers, Ours(classroom(options.students, STYLES[answers]), _made(folder / f"ours {answers} {workers}"), at_once=workers)


def _others(options: argparse.Namespace, folder: Path, otter: Path, nbgrader: Path) -> Iterator[tuple[str, Tool]]:
    for answers in SHARED:
        handed = classroom(options.few, STYLES[answers])
        for at_once in sorted({1, cores()}):
            yield answers, Fresh(handed, _made(folder / f"fresh {answers} {at_once}"), at_once=at_once)
        for at_once in sorted({1, cores()}):
            yield answers, Otter(handed, otter, _made(folder / f"otter {answers} {at_once}"), at_once=at_once)
        yield answers, Nbgrader(handed, nbgrader, _made(folder / f"nbgrader {answers}"))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def repeated(before: Measured, tool: Tool) -> Measured:
    """One repeat more. Marks that are not those of the class end the benchmark."""
    start = time.perf_counter()
    tool.grade()
    seconds = time.perf_counter() - start
    marks, count = tool.marks(), len(tool.handed)
    wrong, found = _detection(tool.handed, marks)
    other = [f"  {one.student}: {marks.get(one.student)}, not {one.marks}" for one in tool.handed if marks.get(one.student) != one.marks]
    if other:
        summary = f"{tool.name} marks {len(other)} of {count} otherwise ({before.answers}) and finds {found} of {wrong} wrong parts:"
        sys.exit("\n".join([summary, *other[:10]]))
    rate = tool.rate if isinstance(tool, Ours) else count / seconds
    print(f"{tool.name}, {before.answers}, {tool.at_once} at once: {rate:.3g} a second", flush=True)
    return replace(
        before,
        rates=[*before.rates, rate],
        starts=[*before.starts, max(0.0, seconds - count / rate)],
        seconds=[*before.seconds, seconds],
        wrong=wrong,
        found=found,
    )


def _detection(handed: Sequence[Handed], marks: Marks) -> tuple[int, int]:
    """How many parts are wrong, and how many of those were marked so."""
    given = [marks.get(one.student, {}).get(name, "")[place : place + 1] for one, name, place in _wrong(handed)]
    return len(given), given.count("0")


def _wrong(handed: Sequence[Handed]) -> Iterator[tuple[Handed, str, int]]:
    return ((one, name, place) for one in handed for name, text in one.marks.items() for place, mark in enumerate(text) if mark == "0")


def _marks(student: StudentRecord) -> dict[str, str]:
    """A "1" or "0" a part, by exercise, of the attempt that counts."""
    attempt = next(one for one in student.attempts if one.counts)
    credit = {grade.result.exercise.rpartition("::")[2]: grade.credit for grade in attempt.grades}
    return {name: "".join("1" if credit[name].get(part) == 1 else "0" for part in parts) for name, parts in PARTS.items()}


if __name__ == "__main__":
    main()
