"""Where in a matrix the error lies, as a map of coloured cells.

Comes in: a case.  Goes out: the plot of one gradient or Jacobian, if it is a matrix.  Why: a wrong entry in a field of right ones is seen
at once, and so is a wrong row or diagonal, which names the mistake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from checker.record import CaseRecord, Numbers
from checker.report.numerals import figures
from checker.report.plot import Plot, captioned, floats, ticks
from checker.report.svg import COLOUR, HEAT, Canvas, canvas
from checker.values import Array, Verdict

#: What each colour of the heat map means: |error| ÷ allowed error, up to the edge on its right.
HEAT_EDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
HEAT_WORDS = ("< 0.001", "to 0.01", "to 0.1", "to 1: allowed", "to 10: wrong", "to 100: wrong", "> 100: wrong")


def heat_map(case: CaseRecord, *, complexes: Collection[str]) -> Iterator[Plot]:
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
        ticks(drawn, "column", "row", whole=True)
        worst = np.unravel_index(int(np.argmax(ratio)), ratio.shape)
        caption = (
            f"|error| ÷ allowed error of {comparison.method}, for each entry of {what} {name}. The largest, "
            f"{figures(float(ratio[worst]), 2)}, is in row {int(worst[0])}, column {int(worst[1])}."
        )
        if name in complexes and case.mode != "jacobian":
            caption += " Column 0 is of the real parts, column 1 of the imaginary ones."
        yield captioned("heat", "Where the error lies", caption, drawn, heat=True)
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


def _matrix(numbers: Numbers | None) -> Array | None:
    """A complete array of two dimensions, neither of them 1; else None."""
    if numbers is None or numbers.omitted or len(numbers.shape) != 2 or min(numbers.shape) < 2:
        return None
    return floats(numbers.values).reshape(numbers.shape)
