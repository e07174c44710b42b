"""What a page shows of one case: what every method said, argument by argument.

Comes in: a case of the record, and which inputs are complex.  Goes out: a `CaseView`.  Why: a gradient, a Jacobian and a Hessian are read
in the same table; the last two have a row for each entry of the output or for each direction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from checker.judge.verdict import FAULTS
from checker.record import CaseRecord, DerivationRecord, Numbers, SecondOrderRecord
from checker.report.numerals import counted, entry
from checker.values import Comparison, Verdict

#: Rows and columns of a matrix of derivatives that are named one by one.
NAMED = 8


@dataclass(frozen=True, kw_only=True)
class Fact:
    """An array of the case itself. Of complex numbers it holds `pairs` of real and imaginary parts in a last dimension of 2."""

    name: str
    numbers: Numbers
    argument: bool  #: `name` is an argument's
    pairs: bool


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
    """All that was said about the derivatives by one argument. Of a large one, the part around the entry `focus` is shown."""

    argument: str
    truth: Numbers | None
    focus: tuple[int, ...] | None
    lines: tuple[Line, ...]
    pairs: bool  #: the gradient of a complex argument, in pairs
    what: str  #: what the table is of, up to the argument's name
    rows: str  #: what its rows are, where it has rows


@dataclass(frozen=True, kw_only=True)
class SecondView:
    """The second derivatives of a case: of each argument's gradient a matrix with a row for each direction."""

    record: SecondOrderRecord
    groups: tuple[Group, ...]
    absent: tuple[DerivationRecord, ...]


@dataclass(frozen=True, kw_only=True)
class CaseView:
    """One case, its answers by argument, and the methods that brought none."""

    case: CaseRecord
    shown: bool
    facts: tuple[Fact, ...]
    groups: tuple[Group, ...]
    absent: tuple[DerivationRecord, ...]
    allowed_from: tuple[str, ...]
    second: SecondView | None


def case_view(case: CaseRecord, complexes: Collection[str] = (), *, shown: bool = False) -> CaseView:
    """`complexes` names the complex arguments."""
    return CaseView(
        case=case,
        shown=shown,
        facts=tuple(_facts(case, complexes)),
        groups=tuple(_jacobian(case, complexes) if case.mode == "jacobian" else _groups(case, complexes)),
        absent=tuple(d for d in case.derivations if d.problem is not None),
        allowed_from=tuple(dict.fromkeys(c.allowed_from for c in case.comparisons if c.allowed_from)),
        second=_second(case.second, complexes) if case.second is not None else None,
    )


def _facts(case: CaseRecord, complexes: Collection[str]) -> Iterator[Fact]:
    for name, numbers in case.arguments.items():
        yield Fact(name=name, numbers=numbers, argument=True, pairs=name in complexes)
    upstream = [] if case.mode == "jacobian" else case.upstream  # J takes none
    for what, outputs in (("Value", case.value), ("Upstream gradient", upstream)):
        for at, output in enumerate(outputs):
            if output is not None:
                yield Fact(name=what, numbers=output, argument=False, pairs=at in case.complex_outputs)


def _groups(part: CaseRecord | SecondOrderRecord, complexes: Collection[str]) -> Iterator[Group]:
    """What was said about each argument's gradient, or about its derivatives."""
    truth = part.reference.gradients if part.reference else {}
    comparisons = {(c.method, c.argument): c for c in part.comparisons}
    arrived = [d for d in part.derivations if d.problem is None]
    names = dict.fromkeys([*truth, *(name for d in arrived for name in d.gradients), *(c.argument for c in part.comparisons)])
    for name in names:
        pairs = name in complexes
        lines = tuple(
            _line(d, name, comparisons.get((d.method, name)), pairs)
            for d in arrived
            if name in d.gradients or (d.method, name) in comparisons
        )
        yield Group(argument=name, truth=truth.get(name), focus=_focus(lines), lines=lines, pairs=pairs, what="Gradient of", rows="")


def _line(derivation: DerivationRecord, argument: str, comparison: Comparison | None, pairs: bool) -> Line:
    verdict = comparison.verdict if comparison else None
    worst = comparison.worst if comparison else None
    return Line(
        derivation=derivation,
        verdict=verdict,
        gradient=derivation.gradients.get(argument),
        comparison=comparison,
        marked=worst.index if worst and verdict in FAULTS else None,
        place=entry(argument, worst.index, pairs=pairs) if worst else "",
    )


def _focus(lines: Sequence[Line]) -> tuple[int, ...] | None:
    return next((line.marked for line in lines if line.marked is not None), None)


def _jacobian(case: CaseRecord, complexes: Collection[str]) -> Iterator[Group]:
    """The Jacobian by each argument, with a row for each entry of the outputs."""
    rows = _outputs(case)
    for group in _groups(case, complexes):
        yield _in_rows(group, rows, "Jacobian by", lambda row, column: f"∂{rows[row]}/∂{column}")


def _outputs(case: CaseRecord) -> tuple[str, ...]:
    """What each entry of the floating outputs is called: `f[3]`, and of several outputs, counted from 0, `f₁[3]`."""
    names = []
    for at, upstream in enumerate(case.upstream):
        if upstream is not None:
            name = "f" + "".join(chr(0x2080 + int(digit)) for digit in str(at)) if len(case.upstream) > 1 else "f"
            names += [entry(name, index, pairs=at in case.complex_outputs) for index in np.ndindex(*upstream.shape)]
    return tuple(names)


def _second(record: SecondOrderRecord, complexes: Collection[str]) -> SecondView:
    def name(row: int, column: str) -> str:
        random = "(seed" in record.rows[row]
        return f"(H u)[{column}] along {record.rows[row]}" if random else f"∂²/∂{record.rows[row]}∂{column}"

    return SecondView(
        record=record,
        groups=tuple(_in_rows(group, record.rows, "Derivatives of the gradient of", name) for group in _groups(record, complexes)),
        absent=tuple(d for d in record.derivations if d.problem is not None),
    )


def _in_rows(group: Group, rows: Sequence[str], what: str, name: Callable[[int, str], str]) -> Group:
    """The group as a matrix with all entries of the argument in each row, complex ones part by part. The worst entry is called what `name`
    makes of its row and of the argument's entry."""

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
        worst = line.comparison.worst if line.comparison else None
        place = name(worst.index[0], entry(group.argument, worst.index[1:], pairs=group.pairs)) if worst and worst.index else ""
        return replace(line, gradient=matrix(line.gradient), marked=flat(line.marked, line.gradient), place=place)

    lines = tuple(map(line, group.lines))
    listed = ", ".join(rows) if len(rows) <= NAMED else counted(len(rows), "entry", "entries")
    parts = ", real and imaginary parts side by side" if group.pairs else ""
    return replace(
        group,
        truth=matrix(group.truth),
        focus=_focus(lines),
        lines=lines,
        pairs=False,
        what=what,
        rows=f"a row for each of {listed}{parts}",
    )
