"""What a run says in a terminal: progress, the table of results, and a block for everything that is not as it should be.

Comes in: records.  Goes out: text of at most 100 columns, readable without colour.  Why: most runs are read here and nowhere else; the
first thing seen must be which exercise is wrong, where, and by how much.
"""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from checker.authoring import Exercise
from checker.errors import UsageError
from checker.inert import inert
from checker.judge.verdict import FAULTS
from checker.record import Document, Record, Refusal
from checker.values import Comparison, Verdict

WIDEST = 100
INDENT = " " * 4

#: The results of a good exercise and of a bad one, with a sign beside the colour.
GOOD, BAD = ("✓", "green"), ("✗", "red")


class _Console(Console):
    """Leaves it to `readers_may_leave` what a reader that has left means; rich would end with exit code 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console(stream: TextIO) -> Console:
    """A console of the terminal's width, at most 100 columns; of 100 where the output goes elsewhere."""
    made = _Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=False)
    made.width = min(made.width, WIDEST) if stream.isatty() else WIDEST
    return made


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Let the reader of a pipe, such as `head`, close it when it has seen enough: the work is done by then, and its outcome stands.

    Raises:
        UsageError: standard output cannot be written, as on a full disk.
    """
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python fails once more where it ends
        if not isinstance(error, BrokenPipeError):
            raise UsageError(f"standard output cannot be written: {error.strerror}.") from None


@contextmanager
def progress(total: int, *, shown: bool) -> Iterator[Callable[[Record | Refusal], None]]:
    """A bar on standard error that advances with each result, where `shown`. It is drawn by no thread of its own: a process with threads
    cannot be forked safely."""
    if not shown:
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(sys.stderr), auto_refresh=False, transient=True) as bar:
        task = bar.add_task("checking", total=total)
        bar.refresh()

        def advance(done: Record | Refusal) -> None:
            bar.update(task, advance=1)
            bar.refresh()

        yield advance


def show(document: Document, *, of: int, stream: TextIO, only_failures: bool = False) -> None:
    """Print a run's results: the table and how it went, unless `only_failures`, and a block for all that is not as it should be. `of` is
    the number of exercises that were found."""
    out = console(stream)
    if document.records and not only_failures:
        out.print(table(document.records))
        out.print()
    for record in document.records if not only_failures else ():
        for part in custom(record, out.width):
            out.print(part)
        if record.operations:
            out.print()
    for record in document.records:
        if not record.as_expected:
            for part in unexpected(record, out.width):
                out.print(part)
            out.print()
    refused(document.refusals, stream=stream)
    if not only_failures:
        out.print(summary(document, of))


def listing(exercises: Sequence[Exercise]) -> Table:
    """One row an exercise: the name it is checked by, and its title."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    made.add_column(overflow="fold")
    made.add_column()
    for exercise in exercises:
        expected = "" if exercise.expects == Verdict.AGREES else f" (expected: {exercise.expects})"
        made.add_row(inert(exercise.id), inert(exercise.title.get("en", "") + expected))
    return made


def refused(refusals: Sequence[Refusal], *, stream: TextIO) -> None:
    """Print a sentence for everything that could not be used."""
    for one in refusals:
        console(stream).print(refusal(one))


def table(records: Sequence[Record]) -> Table:
    """One row an exercise: verdict, methods that arrived of those that are required, points, the largest error of reverse mode, time."""
    made = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim", expand=False)
    made.add_column("exercise", overflow="fold", ratio=1)
    for name, justify in (("verdict", "left"), ("methods", "right"), ("points", "right"), ("ULP", "right"), ("s", "right")):
        made.add_column(name, no_wrap=True, justify=justify)  # type: ignore[arg-type]
    for record in records:
        sign, colour = GOOD if record.as_expected else BAD
        verdict = f"{sign} {record.verdict}" + (", as expected" if record.as_expected and record.verdict != Verdict.AGREES else "")
        made.add_row(
            inert(record.exercise),
            Text(verdict, colour),
            f"{len(record.required) - len(record.missing)}/{len(record.required)}",
            str(len(record.cases)),
            _ulp(record),
            f"{record.seconds:.1f}",
        )
    return made


def unexpected(record: Record, width: int) -> Iterator[Text]:
    """A record that is not as expected: the sentence, the worst entry of each method and argument, what is missing, where and how to see it
    again."""
    sign, colour = BAD
    yield Text.assemble((f"{sign} {inert(record.exercise)}", colour), f": {record.verdict}, expected {record.expected}")
    lines = [record.explanation, *_worst(record), *_missing(record)]
    lines += [f"published {p.what}: {p.published}, found {p.found}" for p in record.published if not p.reproduced]
    if record.source:
        lines.append(f"{record.source.file}:{record.source.line}, seed {record.seed}")
    for line in dict.fromkeys(filter(None, lines)):
        yield from _wrapped(line, width, INDENT, INDENT)


def custom(record: Record, width: int) -> Iterator[Text]:
    """The custom operations of a record, a line each: what is right about them, what they do not offer, and then all that is not right."""
    for operation in record.operations:
        by_verdict = {v: [c.name for c in operation.checks if c.verdict == v] for v in (Verdict.AGREES, Verdict.UNSUPPORTED)}
        right, lacking = (", ".join(names) for names in by_verdict.values())
        found = [f"{right or 'nothing'} ✓", f"without {lacking}" if lacking else ""]
        yield from _wrapped(
            f"{operation.name} ({operation.line}) in {record.exercise}: {' · '.join(filter(None, found))}", width, "", INDENT
        )
        for check in operation.checks:
            if check.verdict not in by_verdict:
                sign, colour = ("!", "yellow") if check.beside or check.verdict not in FAULTS else BAD
                for text in _wrapped(f"{sign} {check.name}: {check.message}", width, INDENT, INDENT + "  "):
                    text.stylize(colour, len(INDENT), len(INDENT) + 1)
                    yield text


def _wrapped(line: str, width: int, first: str, following: str) -> Iterator[Text]:
    wrapped = textwrap.wrap(inert(line), width, initial_indent=first, subsequent_indent=following, break_on_hyphens=False)
    yield Text("\n".join(wrapped))


def refusal(refused: Refusal) -> Text:
    """What could not be used, as `file:line: sentence advice`."""
    sign, colour = BAD
    place = ":".join(str(part) for part in (refused.file, refused.line) if part)
    named = refused.what in (refused.file or "") or refused.message.startswith(f"{refused.what.rpartition('::')[2]}: ")
    what = "" if named or refused.what in refused.message else f"{refused.what}: "
    return Text.assemble(
        (inert(f"{sign} {place or refused.what}"), colour), inert(f": {what if place else ''}{refused.message} {refused.advice}".rstrip())
    )


def summary(document: Document, of: int) -> str:
    """How it went, in one line; `of` is the number of exercises that were found."""
    records = document.records
    good = sum(record.as_expected for record in records)
    parts = [f"{len(records)} exercise{'s' * (len(records) != 1)}: {good} as expected, {len(records) - good} not"]
    if document.refusals:
        parts.append(f"{len(document.refusals)} refused")
    if document.provenance:
        parts.append(f"{document.provenance.seconds:.1f} s")
    if not document.complete:
        parts.append(f"interrupted before {of - len(records)} of {of} were finished" if of else "interrupted before any was found")
    return " · ".join(parts)


def _worst(record: Record) -> Iterator[str]:
    """The furthest comparison of each method and argument among those with the record's verdict, methods that say the same together. What
    the explanation says already is not said again: only which methods say it too."""
    found: dict[tuple[str, str], Comparison] = {}
    for case in record.cases:
        for comparison in [*case.comparisons, *(case.second.comparisons if case.second is not None else ())]:
            if comparison.verdict == record.verdict and comparison.message:
                found.setdefault((comparison.method, comparison.argument), comparison)
    said: dict[str, list[str]] = {}
    for comparison in found.values():
        said.setdefault(comparison.message, []).append(comparison.method)
    for message, methods in said.items():
        if message not in record.explanation:
            yield f"{', '.join(dict.fromkeys(methods))}: {message}"
        elif others := [method for method in dict.fromkeys(methods) if f"{method}: {message}" not in record.explanation]:
            yield f"{', '.join(others)}: the same"


def _missing(record: Record) -> Iterator[str]:
    """Required methods that did not arrive where others may have: of an exercise that crashed, its own sentence says enough."""
    for name in record.missing if record.cases else ():
        problems = (d.problem for case in record.cases for d in case.derivations if d.method == name and d.problem)
        problem = next(problems, None)
        reason = f": {problem.message}" + (f" ({problem.line})" if problem.line else "") if problem else ""
        yield f"{name} is required and did not arrive{reason}"


def _ulp(record: Record) -> str:
    """The largest error of reverse mode in ULP, "–" where none is known."""
    ulps = [float(c.ulp) for case in record.cases for c in case.comparisons if c.method == "reverse" and c.ulp is not None]
    return f"{max(ulps):.3g}" if ulps else "–"
