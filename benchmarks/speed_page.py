"""The page about speed: tables and plots of what `speed.py` measured.

Comes in: timings, powers, and what was asked of them.  Goes out: Markdown, and two plots.  Why: the terminal and the documentation say the
same, and a target that is missed says so with the lines that took the time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from power import Power


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One tool at one piece of work: seconds of the first call and of the best of `repeats`."""

    work: str
    tool: str
    first: float
    best: float
    repeats: int
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class Target:
    """What was asked and what was found: `found` and `asked` in `unit`; met where found is at least asked, or at most with `below`."""

    what: str
    asked: float
    found: float
    unit: str
    below: bool = False
    profile: Sequence[str] = field(default_factory=list)  #: where the time went, shown where it is missed

    @property
    def met(self) -> bool:
        return self.found <= self.asked if self.below else self.found >= self.asked


def page(
    timings: Sequence[Timing],
    powers: Sequence[Power],
    targets: Sequence[Target],
    imports: Mapping[str, tuple[float, float]],
    facts: Mapping[str, str],
) -> str:
    """Everything, as Markdown."""
    loading = ", ".join(f"{module} {first:.2g} s ({warm:.2g} s once its files are in memory)" for module, (first, warm) in imports.items())
    parts = [
        _sentence(facts),
        "",
        *_targets(targets),
        "",
        *_timings(timings),
        "",
        f"Importing takes beside that: {loading}.",
        "",
        *_powers(powers),
        "",
    ]
    return "\n".join(parts)


def _targets(targets: Sequence[Target]) -> list[str]:
    lines = ["| asked | at least / at most | found | |", "|---|---|---|---|"]
    for one in targets:
        bound = f"{'≤' if one.below else '≥'} {one.asked:g} {one.unit}"
        lines.append(f"| {one.what} | {bound} | {one.found:.3g} {one.unit} | {'met' if one.met else '**missed**'} |")
    missed = [one for one in targets if not one.met and one.profile]
    for one in missed:
        lines += ["", f"Where the time of “{one.what}” goes: {'; '.join(one.profile)}."]
    return lines


def _timings(timings: Sequence[Timing]) -> list[str]:
    ours = {one.work: one.best for one in timings if one.ours}
    lines = ["| work | tool | first call, ms | warm, ms | calls | times ours |", "|---|---|---|---|---|---|"]
    for one in timings:
        ratio = "" if one.ours or one.work not in ours else f"{one.best / ours[one.work]:.3g}"
        lines.append(f"| {one.work} | {one.tool} | {one.first * 1e3:.3g} | {one.best * 1e3:.3g} | {one.repeats} | {ratio} |")
    return lines


def _powers(powers: Sequence[Power]) -> list[str]:
    lines = ["| tool | n | dtype | flipped signs missed | smallest change caught | right called wrong |", "|---|---|---|---|---|---|"]
    for one in powers:
        smallest = "none" if one.smallest is None else f"{one.smallest:.0e}".replace("e-0", "e-")
        cells = (
            (f"{one.missed} of {one.flips}", smallest, f"{one.alarms} of {one.right}")
            if not one.cannot
            else (f"– ({one.cannot})", "–", "–")
        )
        lines.append(f"| {one.tool} | {one.n:,} | {one.dtype} | {' | '.join(cells)} |")
    return lines


def plots(timings: Sequence[Timing], powers: Sequence[Power], folder: Path) -> None:
    """`speed.svg`: warm times, a dot each. `power.svg`: the smallest change caught by size, hollow where right gradients were called wrong.

    On white, with dark lines: legible wherever it is shown.
    """
    import matplotlib
    from matplotlib.figure import Figure

    rows = list(timings)[::-1]
    speed = Figure(figsize=(8, 0.26 * len(rows) + 0.8), layout="constrained")
    axes = speed.subplots()
    for place, one in enumerate(rows):
        axes.plot(one.best * 1e3, place, "o", color="C0" if one.ours else "C7")
    axes.set_yticks(range(len(rows)), [f"{one.work}: {one.tool}" for one in rows])
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds, warm")
    axes.grid(axis="x", alpha=0.4)
    seen = Figure(figsize=(8, 3.6), layout="constrained")
    for axes, dtype in zip(seen.subplots(1, 2, sharey=True), ("float64", "float32"), strict=True):
        for number, tool in enumerate(dict.fromkeys(one.tool for one in powers)):
            found = [one for one in powers if one.tool == tool and one.dtype == dtype and one.smallest is not None]
            color, marker = f"C{number}", "os^vDPX*<"[number % 9]
            axes.plot([one.n for one in found], [one.smallest for one in found], "-", color=color, marker=marker, label=tool, alpha=0.8)
            wolf = [one for one in found if one.alarms]
            axes.plot([one.n for one in wolf], [one.smallest for one in wolf], marker, color=color, markerfacecolor="white")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_title(dtype)
        axes.set_xlabel("entries of the gradient")
        axes.grid(alpha=0.4)
    seen.axes[0].set_ylabel("smallest change of one entry caught")
    seen.legend(*seen.axes[0].get_legend_handles_labels(), loc="outside right center", fontsize="small")
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        speed.savefig(folder / "speed.svg")
        seen.savefig(folder / "power.svg")


def _sentence(facts: Mapping[str, str]) -> str:
    named = ", ".join(f"{name} {value}" for name, value in facts.items() if name not in ("processor", "cores"))
    return f"{facts['cores']} cores of {facts['processor'].removeprefix('cpu: ')}; {named}; {time.strftime('%d %B %Y')}."
