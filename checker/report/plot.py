"""One plot: a drawing, with labels on its axes, a title, and a caption in words.

Comes in: a drawing, and what it shows.  Goes out: a `Plot`.  Why: every plot writes its numbers as the rest of the page does, and can be
read where it cannot be seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from checker.report.numerals import figures, power_of_ten
from checker.report.svg import Canvas, element
from checker.values import Array, Number

#: Points from the axes down to their label: a tick, its number and the room around them. matplotlib would measure every number for it.
BELOW = 21.5


@dataclass(frozen=True)
class Plot:
    """A drawing with its title and caption; `heat` asks for the legend of the heat map."""

    kind: str
    title: str
    caption: str
    svg: Markup
    heat: bool = False


def captioned(kind: str, title: str, caption: str, drawn: Canvas, *, heat: bool = False) -> Plot:
    """A drawing as a plot of that title; title and caption are read aloud. `kind` keeps it apart from the other plots of a page."""
    return Plot(kind, title, caption, element(drawn, kind, f"{title}. {caption}"), heat)


def floats(values: Sequence[Number]) -> Array:
    """Numbers of a record, among them words such as "nan"."""
    return np.array([float(v) for v in values], dtype=np.float64)


def ticks(drawn: Canvas, x: str, y: str, *, whole: bool = False) -> None:
    """The labels `x` and `y` of the axes, and numbers as the rest of the page writes them: whole ones only, where `whole` says so."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
    from matplotlib.transforms import ScaledTranslation

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
    below = drawn.axes.transAxes + ScaledTranslation(0, -BELOW / 72, drawn.figure.dpi_scale_trans)
    for axis in (drawn.axes.xaxis, drawn.axes.yaxis):
        axis.set_label_coords(0.5, 0, below)
    drawn.axes.set_title(y, loc="left", fontsize=11, y=1.0)


def _plain(value: float, _: int) -> str:
    return figures(float(value), 4)


def _power(value: float, _: int) -> str:
    """A tick of a logarithmic axis; powers of ten only, so that they line up."""
    return power_of_ten(round(math.log10(value)))
