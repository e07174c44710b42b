"""The pictures of a class's page.

Comes in: the page's view.  Goes out: inline SVG.  Why: how the points are spread is seen faster than read.
"""

from __future__ import annotations

from markupsafe import Markup

from checker.report.class_views import ClassPage
from checker.report.language import Language
from checker.report.svg import COLOUR, canvas, drawing, element


def distribution(page: ClassPage, language: Language) -> Markup | None:
    """How many students have how many points; None where nobody handed in."""
    if not page.bars:
        return None
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    words, number = language.words, language.number
    with drawing():
        drawn = canvas(5.5, 2.2)
        axes = drawn.axes
        middles = [(bar.low + bar.high) / 2 for bar in page.bars]
        counts = [bar.count for bar in page.bars]
        widths = [0.88 * (bar.high - bar.low) for bar in page.bars]
        axes.bar(middles, counts, width=widths, color=COLOUR["accent"], linewidth=0)
        for middle, count in zip(middles, counts, strict=True):
            if count:
                axes.annotate(number(count), (middle, count), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom")
        axes.set_xlim(0, page.bars[-1].high)
        axes.set_ylim(0, 1.12 * max(counts))
        axes.set_xticks([bar.low for bar in page.bars] + [page.bars[-1].high])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value))))
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(float(value))))
        axes.set_xlabel(words("points"))
        axes.set_title(words("students"), loc="left", fontsize=11)
        told = "; ".join(f"{number(bar.low)}–{number(bar.high)}: {number(bar.count)}" for bar in page.bars if bar.count)
        return element(drawn, "distribution", f"{words('Students by points')}. {told}.")
