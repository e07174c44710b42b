"""Pictures that make the subject visible: which ones a page shows.

Comes in: a record.  Goes out: plots as inline SVG, each with a caption in words.  Why: a page shows each kind of picture once, of the case
that it opens with where that has the data, and says of which point it is.

Each drawing uses few artists: a report of fifty exercises draws well over a hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from checker.record import CaseRecord, Record
from checker.report.case_plots import curves, differences
from checker.report.descent_plots import training
from checker.report.heat_map import heat_map
from checker.report.plot import Plot
from checker.report.svg import drawing


def plots(record: Record, shown: CaseRecord | None) -> list[Plot]:
    """What can be drawn of an exercise: of the case `shown` that the page opens with, else of the first that has the data."""
    heat = partial(heat_map, complexes={i.name for i in record.inputs if i.kind == "complex"})
    with drawing():
        descent = [*training(record.descent)] if record.descent else []
        cases = [*([shown] if shown else []), *(case for case in record.cases if case is not shown)]
        return descent + [plot for draw in (curves, differences, heat) for plot in _first(draw, cases)]


def _first(draw: Callable[[CaseRecord], Iterator[Plot]], cases: Sequence[CaseRecord]) -> list[Plot]:
    """The plots of the first case that has any, with a word on which it is."""
    for case in cases:
        if found := list(draw(case)):
            return [replace(plot, caption=f"{plot.caption} Point {case.number}, {case.dtype}.") for plot in found]
    return []
