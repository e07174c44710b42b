"""What was measured, and the table of it.

Comes in: rates and seconds, one a repeat.  Goes out: Markdown, and a plot.  Why: the terminal and the documentation say the same.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from checker.provenance import cores, processor

OURS, OTTER = "checker grade", "otter run"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a tool did with a class. The lists have one entry a repeat."""

    tool: str
    answers: str
    at_once: int
    submissions: int
    rates: list[float] = field(default_factory=list)  #: submissions a second; ours once steady, theirs over all
    starts: list[float] = field(default_factory=list)  #: seconds beyond what the submissions take at that rate
    seconds: list[float] = field(default_factory=list)  #: wall time in all
    wrong: int = 0  #: parts that are wrong
    found: int = 0  #: of them, those that were marked so

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


def table(measured: Sequence[Measured], facts: Mapping[str, str]) -> str:
    """Every tool and class with its rate, and how often Otter's that is; above it the `facts` about where that was."""
    otter = {(one.answers, one.at_once): one.rate for one in measured if one.tool == OTTER}
    heads = ("", "answers", "at once", "submissions a second", "times Otter", "start, s", "in all, s", "submissions", "wrong parts found")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for one in _by_answers(measured):
        beside = otter.get((one.answers, one.at_once))
        cells = (
            one.tool,
            one.answers,
            str(one.at_once),
            _spread(one.rates),
            f"{one.rate / beside:.0f}" if beside and one.tool == OURS else "",
            _spread(one.starts) if one.tool == OURS else "",
            _spread(one.seconds),
            str(one.submissions),
            f"{one.found} of {one.wrong}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([_sentence(facts), "", *lines, ""])


def plot(measured: Sequence[Measured], file: Path) -> None:
    """Each rate as a dot on a logarithmic axis, with the range of its repeats."""
    import matplotlib
    from matplotlib.figure import Figure

    rows = _by_answers(measured)[::-1]
    figure = Figure(figsize=(8, 0.28 * len(rows) + 0.8), layout="constrained")
    axes = figure.subplots()
    for place, one in enumerate(rows):
        axes.plot([min(one.rates), max(one.rates)], [place, place], color="0.6")
        axes.plot(one.rate, place, "o", color="C0" if one.tool == OURS else "C7")
    axes.set_yticks(range(len(rows)), [f"{one.tool}, {one.answers}, {one.at_once} at once" for one in rows])
    axes.set_xscale("log")
    axes.set_xlabel("submissions a second, median and range")
    axes.grid(axis="x", alpha=0.4)
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(file)


def machine() -> dict[str, str]:
    """Where this is measured, with what, and how busy the machine is beforehand: processes that wait for a core, over the last minute."""
    tools = {name: version(name) for name in ("gradient-checker", "numpy", "torch")}
    busy = {"load before": f"{os.getloadavg()[0]:.1f}"}
    return {
        "processor": processor(),
        "cores": str(cores()),
        "kernel": platform.release(),
        "python": platform.python_version(),
        **tools,
        **busy,
    }


def _by_answers(measured: Sequence[Measured]) -> list[Measured]:
    """The same, those of the same answers together."""
    order = list(dict.fromkeys(one.answers for one in measured))
    return sorted(measured, key=lambda one: order.index(one.answers))


def _sentence(facts: Mapping[str, str]) -> str:
    named = ", ".join(f"{name} {value}" for name, value in facts.items() if name not in ("processor", "cores"))
    return f"{facts['cores']} cores of {facts['processor'].removeprefix('cpu: ')}; {named}; {time.strftime('%d %B %Y')}. Median (range)."


def _spread(values: Sequence[float]) -> str:
    """The median of the repeats, and their range."""
    low, middle, high = (f"{value:.3g}" for value in (min(values), statistics.median(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"
