"""Pictures that make the subject visible.

Comes in: a record.  Goes out: plots as inline SVG, each with a caption in words.  Why: the V of truncation and rounding, a tangent, a
gradient that stands across its contours, and a wrong entry in a field of right ones are seen faster than read.

Each drawing uses few artists: a report of fifty exercises draws well over a hundred.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from markupsafe import Markup

from checker.record import CaseRecord, CurveRecord, DescentRecord, Numbers, Record
from checker.report.numerals import figures, power_of_ten
from checker.report.svg import COLOUR, HEAT, Canvas, canvas, drawing, element
from checker.values import Array, Number, Verdict

#: What each colour of the heat map means: |error| ÷ allowed error, up to the edge on its right.
HEAT_EDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
HEAT_WORDS = ("< 0.001", "to 0.01", "to 0.1", "to 1: allowed", "to 10: wrong", "to 100: wrong", "> 100: wrong")


#: A curve is shown as far up and down as its tangent goes, so many times over.
TANGENTS = 1.5
#: A step of a curve that is this many times as high as those beside it is a jump, and not drawn.
JUMP = 5.0


@dataclass(frozen=True)
class Plot:
    """A drawing with its title and caption; `heat` asks for the legend of the heat map."""

    kind: str
    title: str
    caption: str
    svg: Markup
    heat: bool = False


def plots(record: Record, shown: CaseRecord | None) -> list[Plot]:
    """What can be drawn of an exercise: of the case `shown` that the page opens with, else of the first that has the data."""
    heat = partial(_heat, complexes={i.name for i in record.inputs if i.kind == "complex"})
    with drawing():
        training = [*_descent(record.descent)] if record.descent else []
        cases = [*([shown] if shown else []), *(case for case in record.cases if case is not shown)]
        return training + [plot for draw in (_curves, _steps, heat) for plot in _first(draw, cases)]


def _first(draw: Callable[[CaseRecord], Iterator[Plot]], cases: Sequence[CaseRecord]) -> list[Plot]:
    """The plots of the first case that has any, with a word on which it is."""
    for case in cases:
        if found := list(draw(case)):
            return [replace(plot, caption=f"{plot.caption} Point {case.number}, {case.dtype}.") for plot in found]
    return []


def _floats(values: Sequence[Number]) -> Array:
    return np.array([float(v) for v in values], dtype=np.float64)


def _plot(kind: str, title: str, caption: str, drawn: Canvas, *, heat: bool = False) -> Plot:
    return Plot(kind, title, caption, element(drawn, kind, f"{title}. {caption}"), heat)


def _ticks(drawn: Canvas, x: str, y: str, *, whole: bool = False) -> None:
    """Labels, and numbers as the rest of the page writes them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    for axis in (drawn.axes.xaxis, drawn.axes.yaxis):
        logarithmic = axis.get_scale() == "log"
        axis.set_major_locator(LogLocator(numticks=7) if logarithmic else MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=whole))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(_power if logarithmic else _plain))
    widest = max((len(axis.get_major_formatter()(value)) for value in axis.get_majorticklocs()), default=0)
    box = drawn.axes.get_position()
    box.x0 = (10 + 6.4 * widest) / 72 / drawn.figure.get_figwidth()
    drawn.axes.set_position(box)
    drawn.axes.set_xlabel(x)
    drawn.axes.set_title(y, loc="left", fontsize=11, y=1.0)


def _plain(value: float, _: int) -> str:
    return figures(float(value), 4)


def _power(value: float, _: int) -> str:
    """A tick of a logarithmic axis; powers of ten only, so that they line up."""
    return power_of_ten(round(math.log10(value)))


def _steps(case: CaseRecord) -> Iterator[Plot]:
    """Error against step: rounding falls with h, truncation rises."""
    for derivation in case.derivations:
        steps: dict[str, Any] = derivation.details.get("steps") or {}
        h, error = _floats(steps.get("h", [])), _floats(steps.get("error", []))
        seen = np.isfinite(h) & np.isfinite(error) & (h > 0) & (error > 0)
        if seen.sum() < 3:
            continue
        h, error = h[seen], error[seen]
        order = np.argsort(h)
        h, error = h[order], error[order]
        drawn = canvas()
        axes = drawn.axes
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.plot(h, error, color=COLOUR["accent"], marker="o", markersize=3.5)
        caption = (
            "Relative error of the directional derivative. To the left rounding is divided by an ever smaller step; "
            "to the right truncation grows."
        )
        if not seen.all():
            caption += " Steps at which it is exactly zero are left out."
        chosen = steps.get("chosen")
        if chosen is not None and h[0] <= float(chosen) <= h[-1]:
            about = float(np.exp(np.interp(np.log(float(chosen)), np.log(h), np.log(error))))
            axes.axvline(float(chosen), color=COLOUR["second"], linewidth=1.2, dashes=(4, 3))
            axes.plot([float(chosen)], [about], color=COLOUR["second"], marker="o", markersize=7)
            caption += f" Marked: the chosen step, {figures(float(chosen), 2)}, where it is about {figures(about, 1)}."
        _ticks(drawn, "step h", "relative error")
        yield _plot("steps", f"Error against step ({derivation.method})", caption, drawn)
        return


def _curves(case: CaseRecord) -> Iterator[Plot]:
    for curve in case.curves:
        if curve.kind == "tangent" and len(curve.x) > 1:
            yield _tangent(curve)
        elif curve.kind == "contour" and min(len(curve.x), len(curve.y)) > 1:
            yield _contour(curve)


def _tangent(curve: CurveRecord) -> Plot:
    """The function of one variable and the line that the gradient predicts."""
    x, y = _floats(curve.x), _floats(curve.y)
    point, value, slope = (float(curve.extra[key]) for key in ("point", "value", "slope"))
    drawn = canvas()
    axes = drawn.axes
    axes.plot(*_in_pieces(x, np.where(np.isfinite(y), y, np.nan)), color=COLOUR["accent"])
    finite = y[np.isfinite(y)]
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        reach = TANGENTS * abs(slope) * float(np.ptp(x))
        if np.isfinite([value, reach]).all() and 0 < reach < high - low:  # else a far branch would press this one flat
            low, high = max(low, value - reach), min(high, value + reach)
        room = 0.08 * (high - low or 1.0)
        axes.set_ylim(low - room, high + room)
    axes.set_xlim(float(x.min()), float(x.max()))
    if np.isfinite([value, slope]).all():
        axes.axline((point, value), slope=slope, color=COLOUR["second"], linewidth=1.3, dashes=(5, 3))
    axes.plot([point], [value], color=COLOUR["second"], marker="o", markersize=6)
    name = curve.argument or "x"
    _ticks(drawn, name, "value")
    caption = (
        f"The function, and the line of slope {figures(slope)} through {name} = {figures(point)}, where its value is {figures(value)}."
    )
    return _plot(f"tangent-{_safe(name)}", "The function and its tangent", caption, drawn)


def _in_pieces(x: Array, y: Array) -> tuple[Array, Array]:
    """The points of a curve with a gap wherever it jumps: where one step is many times as high as both of its neighbours."""
    rise = np.abs(np.diff(y))
    if rise.size < 3:
        return x, y
    around = np.maximum(np.append(rise[1:], 0), np.insert(rise[:-1], 0, 0))
    jumps = np.flatnonzero(rise > JUMP * around) + 1
    return np.insert(x, jumps, np.nan), np.insert(y, jumps, np.nan)


def _contour(curve: CurveRecord) -> Plot:
    """Level lines of a function of two variables and its gradient, on equal axes so that the right angle is seen."""
    x, y = _floats(curve.x), _floats(curve.y)
    z = np.ma.masked_invalid(_floats(curve.z).reshape(len(y), len(x)))
    names, point = [str(n) for n in curve.extra["names"]], _floats(curve.extra["point"])
    gradient = _floats(curve.extra["gradient"])
    drawn = canvas(3.4, 3.4)
    axes = drawn.axes
    if z.count():
        levels = np.unique(np.quantile(z.compressed(), np.linspace(0.02, 0.98, 11)))  # as many lines on a plain as on a slope
        axes.contour(x, y, z, levels=levels, colors=COLOUR["accent"], linewidths=1.0, linestyles="solid")
    axes.set_aspect("equal", adjustable="box")
    length = float(np.hypot(*gradient))
    if np.isfinite(length) and length > 0:
        reach = 0.3 * min(float(np.ptp(x)), float(np.ptp(y)))
        tip, tail = tuple(point + gradient / length * reach), tuple(point)
        axes.annotate("", xy=tip, xytext=tail, arrowprops={"arrowstyle": "-|>", "color": COLOUR["second"], "linewidth": 2, "shrinkA": 0})
    axes.plot([point[0]], [point[1]], color=COLOUR["second"], marker="o", markersize=6)
    _ticks(drawn, names[0], names[1])
    where = ", ".join(f"{n} = {figures(float(v), 4)}" for n, v in zip(names, point, strict=True))
    caption = f"Lines of equal value, and the direction of the gradient at {where}; its length is {figures(length, 4)}."
    return _plot("contour", "Contours and the gradient", caption, drawn)


def _matrix(numbers: Numbers | None) -> Array | None:
    """A complete array of two dimensions, neither of them 1; else None."""
    if numbers is None or numbers.omitted or len(numbers.shape) != 2 or min(numbers.shape) < 2:
        return None
    return _floats(numbers.values).reshape(numbers.shape)


def _heat(case: CaseRecord, *, complexes: Collection[str]) -> Iterator[Plot]:
    """The error of one matrix-shaped gradient, entry by entry, as a fraction of what was allowed; of a Jacobian where that is a matrix."""
    if case.reference is None:
        return
    what = "the Jacobian by" if case.mode == "jacobian" else "the gradient of"
    candidates = sorted(case.comparisons, key=lambda c: (c.verdict is not Verdict.WRONG, c.method != "reverse"))
    for comparison in candidates:
        name = comparison.argument
        got = next((_matrix(d.gradients.get(name)) for d in case.derivations if d.method == comparison.method), None)
        true, allowed = _matrix(case.reference.gradients.get(name)), _matrix(case.reference.allowed.get(name))
        if got is None or true is None or allowed is None or got.shape != true.shape:
            continue
        with np.errstate(all="ignore"):
            ratio = np.where(got == true, 0.0, np.abs(got - true) / allowed)
        ratio = np.where(np.isnan(ratio), np.inf, ratio)
        if not ratio.any():
            continue
        rows, columns = ratio.shape
        side = min(0.5, 4.2 / max(rows, columns))
        drawn = canvas(side * columns, side * rows)
        _cells(drawn, ratio)
        _ticks(drawn, "column", "row", whole=True)
        worst = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        caption = (
            f"|error| ÷ allowed error of {comparison.method}, for each entry of {what} {name}. The largest, "
            f"{figures(float(ratio[worst]), 2)}, is in row {int(worst[0])}, column {int(worst[1])}."
        )
        if name in complexes and case.mode != "jacobian":
            caption += " Column 0 is of the real parts, column 1 of the imaginary ones."
        yield _plot("heat", "Where the error lies", caption, drawn, heat=True)
        return


def _cells(drawn: Canvas, ratio: Array) -> None:
    from matplotlib.collections import PolyCollection

    rows, columns = ratio.shape
    gap = 0.06
    squares = [
        [(c + gap, r + gap), (c + 1 - gap, r + gap), (c + 1 - gap, r + 1 - gap), (c + gap, r + 1 - gap)]
        for r in range(rows)
        for c in range(columns)
    ]
    levels = np.searchsorted(HEAT_EDGES, ratio.ravel(), side="left")
    drawn.axes.add_collection(
        PolyCollection([np.array(s) - 0.5 for s in squares], facecolors=[COLOUR[HEAT[v]] for v in levels], linewidths=0)
    )
    drawn.axes.set_xlim(-0.5, columns - 0.5)
    drawn.axes.set_ylim(rows - 0.5, -0.5)
    for spine in drawn.axes.spines.values():
        spine.set_visible(False)


def _descent(descent: DescentRecord) -> Iterator[Plot]:
    """Loss over the steps, and the path that the parameters took."""
    steps, loss = np.array(descent.steps, dtype=np.float64), _floats(descent.loss)
    how = f"{descent.optimizer}, rate {figures(descent.rate)}, {descent.total} steps"
    drawn = canvas()
    positive = loss[np.isfinite(loss)]
    if positive.size and positive.min() > 0 and positive.max() > 30 * positive.min():
        drawn.axes.set_yscale("log")
    drawn.axes.plot(steps, loss, color=COLOUR["accent"], marker="o", markersize=3.5 if len(steps) < 40 else 0)
    _ticks(drawn, "step", "loss")
    ends = (
        f"From {figures(loss[0], 5)} at step {descent.steps[0]} to {figures(loss[-1], 5)} at step {descent.steps[-1]}"
        if len(steps)
        else "No step"
    )
    yield _plot("loss", "Loss", f"{ends}; {how}.", drawn)

    entries = [
        (name if len(values[0]) == 1 else f"{name}[{at}]", _floats([v[at] for v in values]))
        for name, values in descent.parameters.items()
        if values
        for at in range(len(values[0]))
    ]
    if not entries:
        return
    drawn = canvas()
    if len(entries) == 2:
        (first, x), (second, y) = entries
        drawn.axes.plot(x, y, color=COLOUR["accent"], marker="o", markersize=3)
        drawn.axes.plot(x[-1:], y[-1:], color=COLOUR["second"], marker="o", markersize=7)
        _ticks(drawn, first, second)
        yield _plot(
            "path",
            "The path of the parameters",
            f"It ends, marked, at {first} = {figures(x[-1], 5)}, {second} = {figures(y[-1], 5)}.",
            drawn,
        )
        return
    shown = entries[:6]
    for (name, values), role in zip(shown, ("accent", "second", "muted", "ink", "bad", "faint"), strict=False):
        drawn.axes.plot(steps, values, color=COLOUR[role], marker="o", markersize=3)
        drawn.axes.annotate(name, (steps[-1], values[-1]), xytext=(4, 2), textcoords="offset points", ha="right", va="bottom")
    _ticks(drawn, "step", shown[0][0] if len(shown) == 1 else "parameters")
    rest = f" The first {len(shown)} of {len(entries)} entries." if len(entries) > len(shown) else ""
    ends = ", ".join(f"{name} = {figures(values[-1], 5)}" for name, values in shown)
    yield _plot("path", "The path of the parameters", f"It ends at {ends}.{rest}", drawn)


def _safe(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
