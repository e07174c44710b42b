"""A training run, drawn: its loss, and the path of its parameters.

Comes in: the record of a descent.  Goes out: its plots.  Why: whether the steps go where they should is seen faster than read.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from checker.record import DescentRecord
from checker.report.numerals import figures
from checker.report.plot import Plot, captioned, floats, ticks
from checker.report.svg import COLOUR, canvas


def training(descent: DescentRecord) -> Iterator[Plot]:
    """Loss over the steps, and the path that the parameters took."""
    steps, loss = np.array(descent.steps, dtype=np.float64), floats(descent.loss)
    how = f"{descent.optimizer}, rate {figures(descent.rate)}, {descent.total} steps"
    drawn = canvas()
    positive = loss[np.isfinite(loss)]
    if positive.size and positive.min() > 0 and positive.max() > 30 * positive.min():
        drawn.axes.set_yscale("log")
    drawn.axes.plot(steps, loss, color=COLOUR["accent"], marker="o", markersize=3.5 if len(steps) < 40 else 0)
    ticks(drawn, "step", "loss")
    ends = (
        f"From {figures(loss[0], 5)} at step {descent.steps[0]} to {figures(loss[-1], 5)} at step {descent.steps[-1]}"
        if len(steps)
        else "No step"
    )
    yield captioned("loss", "Loss", f"{ends}; {how}.", drawn)

    entries = [
        (name if len(values[0]) == 1 else f"{name}[{at}]", floats([v[at] for v in values]))
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
        ticks(drawn, first, second)
        yield captioned(
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
    ticks(drawn, "step", shown[0][0] if len(shown) == 1 else "parameters")
    rest = f" The first {len(shown)} of {len(entries)} entries." if len(entries) > len(shown) else ""
    ends = ", ".join(f"{name} = {figures(values[-1], 5)}" for name, values in shown)
    yield captioned("path", "The path of the parameters", f"It ends at {ends}.{rest}", drawn)
