"""What the first page shows: every exercise, method by method, and how the run went.

Comes in: documents.  Goes out: an `Overview`.  Why: templates place things and decide nothing; what a page says can be tested without one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.record import Document, Provenance, Record, Refusal
from checker.report.numerals import counted, ulps
from checker.report.signs import sign
from checker.values import METHODS, SEVERITY, Number, Verdict, worst


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
    second: bool  #: the verdict is that of the second derivatives, which have no column


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
            second=record.verdict is not Verdict.AGREES and in_second_order(record),
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


def in_second_order(record: Record) -> bool:
    """Whether every case with the record's verdict has it from its second derivatives."""
    cases = [case for case in record.cases if case.verdict == record.verdict]
    return bool(cases) and all(case.second is not None and case.second.verdict == record.verdict for case in cases)


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
        found = f"largest error {ulps(ulp)} ULP in " if ulp is not None else "no entry by itself in "
        words.append(f"{found}{counted(len(comparisons), 'comparison')}")
    words += sorted({problem.message for problem in problems})[:1] if problems else [] if derivations else ["did not arrive"]
    return Cell(verdict=verdict, ulp=ulp, required=required, sentence="; ".join(words))


def largest(values: Iterable[Number | None]) -> Number | None:
    """The largest distance that is known: NaN above infinity above numbers; None of none."""
    return max((v for v in values if v is not None), key=lambda v: (v == "nan", float(v)), default=None)
