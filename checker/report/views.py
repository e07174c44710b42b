"""What each page shows, worked out before a template sees it.

Comes in: documents.  Goes out: view models.  Why: templates place things and decide nothing; what a page says can be tested without one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import msgspec

from checker.record import (
    CaseRecord,
    CutRecord,
    DerivationRecord,
    Document,
    MathematicsRecord,
    Numbers,
    OperationRecord,
    PathRecord,
    Provenance,
    Record,
    Refusal,
    SecondOrderRecord,
)
from checker.report.markup import SourceLine, source
from checker.report.numerals import counted, entry, ulps
from checker.report.signs import sign
from checker.values import METHODS, SEVERITY, Comparison, Number, Verdict, worst

#: Characters of LaTeX that a page shows: MathML takes some fifteen times as many, and nobody reads more.
LATEX = 2800


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One method on one exercise: the worst of its verdicts, its largest error in ULP, and a sentence that says both."""

    verdict: Verdict
    ulp: Number | None
    required: bool
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """One exercise of the overview. `cells` are in the order of the overview's methods, None where a method was not asked."""

    record: Record
    page: str
    cells: tuple[Cell | None, ...]
    ulp: Number | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where a document's records were made, and the copy of it that lies beside the pages."""

    file: str
    provenance: Provenance | None
    complete: bool
    count: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The first page."""

    sentence: str
    complete: bool
    themes: tuple[tuple[str, tuple[Row, ...]], ...]
    methods: tuple[str, ...]
    counts: tuple[tuple[Verdict, int], ...]
    unexpected: tuple[Row, ...]
    refusals: tuple[Refusal, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One method's answer for one argument: `comparison` is None where it was not judged. `marked` is the entry to point at, if any."""

    derivation: DerivationRecord
    verdict: Verdict | None
    gradient: Numbers | None
    comparison: Comparison | None
    marked: tuple[int, ...] | None
    place: str  #: the worst entry's name


@dataclass(frozen=True, kw_only=True)
class Group:
    """All that was said about the gradient of one argument, or about its derivatives. Of a large one, the part around the entry `focus`
    is shown."""

    argument: str
    truth: Numbers | None
    focus: tuple[int, ...] | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """One case, its answers by argument, and the methods that brought none."""

    case: CaseRecord
    shown: bool
    groups: tuple[Group, ...]
    absent: tuple[DerivationRecord, ...]
    allowed_from: tuple[str, ...]
    second: SecondView | None


@dataclass(frozen=True, kw_only=True)
class SecondView:
    """The second derivatives of a case: of each argument's gradient a matrix with a row for each direction."""

    record: SecondOrderRecord
    groups: tuple[Group, ...]
    absent: tuple[DerivationRecord, ...]


@dataclass(frozen=True, kw_only=True)
class CutView:
    """A cut, its line where the page shows it, and per argument what autograd returns beside the gradient with every cut open."""

    cut: CutRecord
    line: int | None
    arguments: tuple[tuple[str, Numbers | None, Numbers], ...]


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


def merged(documents: Sequence[Document]) -> list[Record]:
    """The records of all documents in order of first appearance; of one exercise the latest."""
    latest: dict[str, Record] = {}
    for document in documents:
        latest.update({record.exercise: record for record in document.records})
    return list(latest.values())


def pages(records: Sequence[Record]) -> dict[str, str]:
    """The path of each exercise's page inside the report: letters, digits, `-` and `_` only, unique also where case is ignored."""
    paths: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for record in records:
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", record.exercise.replace(".py::", "-")).strip("-")[:80] or "exercise"
        taken[stem.lower()] += 1
        while taken[stem.lower()] > 1:
            stem = f"{stem}-{taken[stem.lower()]}"
            taken[stem.lower()] += 1
        paths[record.exercise] = f"exercises/{stem}.html"
    return paths


def overview(documents: Sequence[Document]) -> Overview:
    records = merged(documents)
    paths, methods = pages(records), methods_of(records)
    rows = [
        Row(
            record=record,
            page=paths[record.exercise],
            cells=tuple(cell(record, method) for method in methods),
            ulp=largest(c.ulp for case in record.cases for c in case.comparisons),
        )
        for record in records
    ]
    themes: dict[str, list[Row]] = {}
    for row in rows:
        themes.setdefault(row.record.theme, []).append(row)
    counted_verdicts = Counter(record.verdict for record in records)
    unexpected = tuple(row for row in rows if not row.record.as_expected)
    refusals = tuple(refusal for document in documents for refusal in document.refusals)
    return Overview(
        sentence=outcome(records, refusals),
        complete=all(document.complete for document in documents),
        themes=tuple((theme, tuple(group)) for theme, group in themes.items()),
        methods=methods,
        counts=tuple((verdict, counted_verdicts[verdict]) for verdict in SEVERITY if counted_verdicts[verdict]),
        unexpected=unexpected,
        refusals=refusals,
        runs=tuple(
            Run(file=record_name(i), provenance=d.provenance, complete=d.complete, count=len(d.records)) for i, d in enumerate(documents)
        ),
    )


def outcome(records: Sequence[Record], refusals: Sequence[Refusal]) -> str:
    """What was found, in one sentence."""
    met = sum(record.as_expected for record in records)
    if not records:
        found = "No exercise was checked"
    elif len(records) == 1:
        found = "The exercise has its expected outcome" if met else "The exercise does not have its expected outcome"
    else:
        found = f"{met} of {len(records)} exercises have their expected outcome"
    return f"{found}; {counted(len(refusals), 'file or exercise', 'files or exercises')} could not be used." if refusals else f"{found}."


def record_name(number: int) -> str:
    """The file name of the copy of document `number` in the report."""
    return "record.json" if number == 0 else f"record-{number + 1}.json"


def methods_of(records: Iterable[Record]) -> tuple[str, ...]:
    """Every method that said something, in the order of columns."""
    seen = {d.method for r in records for c in r.cases for d in c.derivations} | {m for r in records for m in (*r.required, *r.missing)}
    return tuple(m for m in METHODS if m in seen) + tuple(sorted(seen - set(METHODS)))


def cell(record: Record, method: str) -> Cell | None:
    """What one method found on one exercise, over all its cases; None where it was not asked and not required."""
    comparisons = [c for case in record.cases for c in case.comparisons if c.method == method]
    derivations = [d for case in record.cases for d in case.derivations if d.method == method]
    problems = [d.problem for d in derivations if d.problem]
    required = method in record.required
    if not derivations and not required:
        return None
    verdict = worst([c.verdict for c in comparisons] + [p.verdict for p in problems]) if derivations else Verdict.NOT_AVAILABLE
    ulp = largest(c.ulp for c in comparisons)
    words = [f"{method}: {sign(verdict).word}"]
    if comparisons:
        words.append(f"largest error {ulps(ulp or 0.0)} ULP in {counted(len(comparisons), 'comparison')}")
    words += sorted({problem.message for problem in problems})[:1] if problems else [] if derivations else ["did not arrive"]
    return Cell(verdict=verdict, ulp=ulp, required=required, sentence="; ".join(words))


def largest(values: Iterable[Number]) -> Number | None:
    """The largest distance: NaN above infinity above numbers; None of none."""
    return max(values, key=lambda v: (v == "nan", float(v)), default=None)


def page(record: Record) -> Page:
    shown = min(record.cases, key=lambda case: (-SEVERITY.index(case.verdict), case.number), default=None)
    cuts = tuple(_cuts(record))
    return Page(
        record=record,
        shown=shown,
        cases=tuple(case_view(case, shown=case is shown) for case in record.cases),
        cuts=cuts,
        source=tuple(source(record.source, _notes(record, cuts))) if record.source else (),
        mathematics=tuple(readable(record.mathematics)),
        formulas={name: text for reading in record.mathematics for name, text in reading.formula.items()},
        operations=tuple((operation, _shown_line(record, operation.line)) for operation in record.operations),
        paths=tuple(p for p in record.paths if (p.lines or p.conditions) and p.signature not in {m.path for m in record.mathematics}),
    )


def readable(mathematics: Iterable[MathematicsRecord]) -> Iterator[MathematicsRecord]:
    """The readings with what is longer than a page should hold left out, and a note that says so."""
    room = LATEX
    for reading in mathematics:
        kept: dict[str | int, str] = {}
        parts: list[tuple[str | int, str]] = [("", reading.function), *reading.gradients.items(), *enumerate(reading.condition)]
        for name, latex in parts:
            if len(latex) <= room:
                room -= len(latex)
                kept[name] = latex
        left_out = len(parts) - len(kept)
        note = f"{reading.note} {counted(left_out, 'formula')} too long for this page; the record has them.".strip()
        yield msgspec.structs.replace(
            reading,
            function=kept.get("", ""),
            gradients={name: latex for name, latex in reading.gradients.items() if name in kept},
            condition=[latex for place, latex in enumerate(reading.condition) if place in kept],
            note=note if left_out else reading.note,
        )


def case_view(case: CaseRecord, *, shown: bool = False) -> CaseView:
    return CaseView(
        case=case,
        shown=shown,
        groups=tuple(_groups(case)),
        absent=tuple(d for d in case.derivations if d.problem is not None),
        allowed_from=tuple(dict.fromkeys(c.allowed_from for c in case.comparisons if c.allowed_from)),
        second=_second(case.second) if case.second is not None else None,
    )


def _second(record: SecondOrderRecord) -> SecondView:
    return SecondView(
        record=record,
        groups=tuple(_in_two_dimensions(group, record.rows) for group in _groups(record)),
        absent=tuple(d for d in record.derivations if d.problem is not None),
    )


def _groups(part: CaseRecord | SecondOrderRecord) -> Iterator[Group]:
    """What was said about each argument's gradient, or about its derivatives."""
    truth = part.reference.gradients if part.reference else {}
    comparisons = {(c.method, c.argument): c for c in part.comparisons}
    arrived = [d for d in part.derivations if d.problem is None]
    names = dict.fromkeys([*truth, *(name for d in arrived for name in d.gradients), *(c.argument for c in part.comparisons)])
    for name in names:
        lines = tuple(
            _line(d, name, comparisons.get((d.method, name))) for d in arrived if name in d.gradients or (d.method, name) in comparisons
        )
        focus = next((line.marked for line in lines if line.marked is not None), None)
        yield Group(argument=name, truth=truth.get(name), focus=focus, lines=lines)


def _in_two_dimensions(group: Group, rows: Sequence[str]) -> Group:
    """The group with a row for each direction and all entries of the argument in it, and worst entries named by both."""

    def matrix(numbers: Numbers | None) -> Numbers | None:
        total = len(numbers.values) + numbers.omitted if numbers else 0
        return msgspec.structs.replace(numbers, shape=(len(rows), total // len(rows))) if numbers and rows else numbers

    def flat(index: tuple[int, ...] | None, numbers: Numbers | None) -> tuple[int, ...] | None:
        if index is None or numbers is None:
            return None
        at = 0
        for position, size in zip(index[1:], numbers.shape[1:], strict=True):
            at = at * size + position
        return (index[0], at)

    def line(line: Line) -> Line:
        worst_entry = line.comparison.worst if line.comparison else None
        place = f"{rows[worst_entry.index[0]]}, {entry(group.argument, worst_entry.index[1:])}" if worst_entry else ""
        return replace(line, gradient=matrix(line.gradient), marked=flat(line.marked, line.gradient), place=place)

    lines = tuple(map(line, group.lines))
    focus = next((line.marked for line in lines if line.marked is not None), None)
    return replace(group, truth=matrix(group.truth), focus=focus, lines=lines)


def _line(derivation: DerivationRecord, argument: str, comparison: Comparison | None) -> Line:
    verdict = comparison.verdict if comparison else None
    worst_entry = comparison.worst if comparison else None
    return Line(
        derivation=derivation,
        verdict=verdict,
        gradient=derivation.gradients.get(argument),
        comparison=comparison,
        marked=worst_entry.index if worst_entry and verdict not in (Verdict.AGREES, Verdict.SUBGRADIENT) else None,
        place=entry(argument, worst_entry.index) if worst_entry else "",
    )


def _cuts(record: Record) -> Iterator[CutView]:
    """Each cut once, however many cases met it, with the gradients of the first case that did."""
    first: dict[tuple[str, str], tuple[CaseRecord, CutRecord]] = {}
    for case in record.cases:
        for cut in case.cuts:
            first.setdefault((cut.line, cut.how), (case, cut))
    for case, cut in first.values():
        written = next((d.gradients for d in case.derivations if d.method == "reverse"), {})
        arguments = tuple((name, written.get(name), uncut) for name, uncut in cut.uncut.items())
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
