"""What an exercise's page shows, worked out before a template sees it.

Comes in: a record.  Goes out: a `Page`.  Why: templates place things and decide nothing; what a page says can be tested without one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from checker.record import CaseRecord, CutRecord, MathematicsRecord, Numbers, OperationRecord, PathRecord, Record
from checker.report.case_views import CaseView, case_view
from checker.report.markup import SourceLine, source
from checker.report.mathematics import readable
from checker.values import SEVERITY


@dataclass(frozen=True, kw_only=True)
class CutView:
    """A cut, its line where the page shows it, and per argument what autograd returns beside the gradient with every cut open, and
    whether they are pairs of real and imaginary parts."""

    cut: CutRecord
    line: int | None
    arguments: tuple[tuple[str, Numbers | None, Numbers, bool], ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """An exercise's page. `shown` is the case that it opens with: the most severe, and of those the first."""

    record: Record
    shown: CaseRecord | None
    cases: tuple[CaseView, ...]
    cuts: tuple[CutView, ...]
    source: tuple[SourceLine, ...]
    mathematics: tuple[MathematicsRecord, ...]  #: as much of it as a reader can take in
    formulas: dict[str, str]  #: the author's answer by argument, where it was proved equal on some path
    paths: tuple[PathRecord, ...]  #: those of which there is no mathematics to show
    operations: tuple[tuple[OperationRecord, int | None], ...]  #: custom ones, with the line of their backward where the page shows it


def page(record: Record) -> Page:
    shown = min(record.cases, key=lambda case: (-SEVERITY.index(case.verdict), case.number), default=None)
    complexes = frozenset(i.name for i in record.inputs if i.kind == "complex")
    cuts = tuple(_cuts(record, complexes))
    return Page(
        record=record,
        shown=shown,
        cases=tuple(case_view(case, complexes, shown=case is shown) for case in record.cases),
        cuts=cuts,
        source=tuple(source(record.source, _notes(record, cuts))) if record.source else (),
        mathematics=tuple(readable(record.mathematics)),
        formulas={name: text for reading in record.mathematics for name, text in reading.formula.items()},
        operations=tuple((operation, _shown_line(record, operation.line)) for operation in record.operations),
        paths=tuple(p for p in record.paths if (p.lines or p.conditions) and p.signature not in {m.path for m in record.mathematics}),
    )


def _cuts(record: Record, complexes: Collection[str]) -> Iterator[CutView]:
    """Each cut once, however many cases met it, with the gradients of the first case that did."""
    first: dict[tuple[str, str], tuple[CaseRecord, CutRecord]] = {}
    for case in record.cases:
        for cut in case.cuts:
            first.setdefault((cut.line, cut.how), (case, cut))
    for case, cut in first.values():
        written = next((d.gradients for d in case.derivations if d.method == "reverse"), {})
        arguments = tuple((name, written.get(name), uncut, name in complexes) for name, uncut in cut.uncut.items())
        yield CutView(cut=cut, line=_shown_line(record, cut.line), arguments=arguments)


def _notes(record: Record, cuts: Iterable[CutView]) -> dict[int, tuple[tuple[str, str], ...]]:
    """What is written beside the lines of the source: where the gradient stops, and where Python decided."""
    notes: dict[int, dict[tuple[str, str], None]] = {}
    said = [("cut", view.cut.line, f"the gradient stops here ({view.cut.how})") for view in cuts]
    said += [("decision", line, "Python decides here") for path in (*record.paths, *(c.path for c in record.cases)) for line in path.lines]
    for kind, line, text in said:
        number = _shown_line(record, line)
        if number is not None:
            notes.setdefault(number, {})[kind, text] = None
    return {number: tuple(texts) for number, texts in notes.items()}


def _shown_line(record: Record, line: str) -> int | None:
    """The number of `line` ("file.py:12") where it is one of the record's source; else None."""
    file, _, number = line.rpartition(":")
    if record.source is None or not number.isdecimal() or PurePath(file).name != PurePath(record.source.file).name:
        return None
    return int(number) if 0 <= int(number) - record.source.line <= record.source.text.rstrip("\n").count("\n") else None
