"""A function at one point, drawn: its differences, its tangent, its contours.

Comes in: a case.  Goes out: its plots.  Why: the V of truncation and rounding, a line that touches, and a gradient that stands across its
contours are seen faster than read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from checker.record import CaseRecord, CurveRecord
from checker.report.numerals import figures
from checker.report.plot import Plot, captioned, floats, ticks
from checker.report.svg import COLOUR, canvas
from checker.values import Array

#: A curve is shown as far up and down as its tangent goes, so many times over.
TANGENTS = 1.5
#: A step of a curve that is this many times as high as those beside it is a jump, and not drawn.
JUMP = 5.0


def differences(case: CaseRecord) -> Iterator[Plot]:
    """Error against step: rounding falls with h, truncation rises."""
    for derivation in case.derivations:
        steps: dict[str, Any] = derivation.details.get("steps") or {}
        h, error = floats(steps.get("h", [])), floats(steps.get("error", []))
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
        ticks(drawn, "step h", "relative error")
        yield captioned("steps", f"Error against step ({derivation.method})", caption, drawn)
        return


def curves(case: CaseRecord) -> Iterator[Plot]:
    """The function near the point, of one variable or of two, with what its gradient says."""
    for curve in case.curves:
        if curve.kind == "tangent" and len(curve.x) > 1:
            yield _tangent(curve)
        elif curve.kind == "contour" and min(len(curve.x), len(curve.y)) > 1:
            yield _contour(curve)


def _tangent(curve: CurveRecord) -> Plot:
    """The function of one variable and the line that the gradient predicts."""
    x, y = floats(curve.x), floats(curve.y)
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
    ticks(drawn, name, "value")
    caption = (
        f"The function, and the line of slope {figures(slope)} through {name} = {figures(point)}, where its value is {figures(value)}."
    )
    return captioned(f"tangent-{_safe(name)}", "The function and its tangent", caption, drawn)


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
    x, y = floats(curve.x), floats(curve.y)
    z = np.ma.masked_invalid(floats(curve.z).reshape(len(y), len(x)))
    names, point = [str(n) for n in curve.extra["names"]], floats(curve.extra["point"])
    gradient = floats(curve.extra["gradient"])
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
    ticks(drawn, names[0], names[1])
    where = ", ".join(f"{n} = {figures(float(v), 4)}" for n, v in zip(names, point, strict=True))
    caption = f"Lines of equal value, and the direction of the gradient at {where}; its length is {figures(length, 4)}."
    return captioned("contour", "Contours and the gradient", caption, drawn)


def _safe(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
