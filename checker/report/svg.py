"""A matplotlib figure as inline SVG that follows the page's colours.

Comes in: a figure, made while `drawing()` lasts, in the colours named here.  Goes out: an `<svg>` element.  Why inline: a picture in a
file of its own knows neither the page's palette nor its fonts. Every colour becomes a class of the style sheet, so that one drawing
serves light, dark and print, and no style attribute is left for the Content-Security-Policy to refuse.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Levels of the heat map, from far inside the allowed error to far outside.
HEAT = ("heat0", "heat1", "heat2", "heat3", "heat4", "heat5", "heat6")
_ROLES = ("ink", "muted", "faint", "paper", "accent", "second", "bad", *HEAT)
#: The colour to draw each role in. The page never sees it: it stands for the class of that role.
COLOUR = {role: f"#0000{number:02x}" for number, role in enumerate(_ROLES, start=1)}
_ROLE = {colour: role for role, colour in COLOUR.items()}

_KEPT = frozenset(["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-dashoffset", "opacity", "text-anchor"])
_TARGET = re.compile(r"""(?:xlink:href="|url\()#([^")]+)""")
_LONG_DECIMALS = re.compile(r"(-?\d+\.\d\d)\d+")
#: Room for ticks and labels: left, right, top, bottom, in inches.
_MARGINS = (0.6, 0.15, 0.3, 0.5)
#: Pixels of the page for one point of the drawing.
_PIXELS = 1.3
_STYLE = re.compile(r"([\w-]+): ([^;]+)")
_SPACE = re.compile(r"\s+")
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True)
class Canvas:
    """A figure with one set of axes, and the settings that it was made under."""

    figure: Figure
    axes: Axes


def prepare() -> None:
    """Load matplotlib: once, before processes are forked that draw."""
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401

    _settings()


@contextmanager
def drawing() -> Iterator[None]:
    """While this lasts, matplotlib draws for a page, whatever the user's own settings are."""
    from matplotlib import rc_context

    with rc_context(_settings()), warnings.catch_warnings():
        # text stays text: the reader's fonts have the glyphs, whether matplotlib's do or not
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        yield


@cache
def _settings() -> Any:
    """matplotlib's defaults, in the colours of the page."""
    from matplotlib import rcParamsDefault

    defaults = {
        str(k): v for k, v in rcParamsDefault.items() if not k.startswith(("backend", "interactive", "toolbar", "date.", "keymap."))
    }
    return defaults | {
        "svg.fonttype": "none",
        "text.parse_math": False,
        "svg.hashsalt": "gradient-checker",
        "font.size": 11,
        "axes.edgecolor": COLOUR["faint"],
        "axes.labelcolor": COLOUR["muted"],
        "axes.linewidth": 1.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "text.color": COLOUR["muted"],
        "xtick.color": COLOUR["faint"],
        "ytick.color": COLOUR["faint"],
        "xtick.labelcolor": COLOUR["muted"],
        "ytick.labelcolor": COLOUR["muted"],
        "xtick.major.size": 3,
        "ytick.major.size": 3,
        "lines.linewidth": 1.8,
    }


def canvas(width: float = 4.25, height: float = 2.5) -> Canvas:
    """An empty figure; the size, in inches, is that of its axes. It is the one of before, wiped: making axes takes longer than drawing."""
    sheet = _sheet()
    left, right, top, bottom = _MARGINS
    across, up = left + width + right, bottom + height + top
    sheet.figure.set_size_inches(across, up)
    _wipe(sheet.axes)
    sheet.axes.set_position((left / across, bottom / up, width / across, height / up))
    return sheet


@cache
def _sheet() -> Canvas:
    from matplotlib.figure import Figure

    with drawing():
        figure = Figure(facecolor="none")
        return Canvas(figure, figure.add_axes((0, 0, 1, 1), facecolor="none"))


def _wipe(axes: Axes) -> None:
    """Take away what was drawn, and what was set for it."""
    for artist in (*axes.lines, *axes.collections, *axes.patches, *axes.texts):
        artist.remove()
    axes.set_xscale("linear")
    axes.set_yscale("linear")
    axes.set_aspect("auto")
    axes.set(xlim=(0, 1), ylim=(0, 1), autoscale_on=True)
    axes.relim()
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(True)


def element(drawn: Canvas, name: str, description: str) -> Markup:
    """The figure as an `<svg>` element. `name` keeps its ids apart from those of other plots on the page; `description` is read aloud."""
    buffer = io.StringIO()
    drawn.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(buffer.getvalue())
    ids = {target: f"{name}-{number}" for number, target in enumerate(sorted(set(_TARGET.findall(buffer.getvalue()))))}
    box = root.get("viewBox", "")
    width, height = (f"{float(size) * _PIXELS:.0f}" for size in box.split()[2:])
    attributes = {"class": "plot", "viewBox": box, "width": width, "height": height, "role": "img", "aria-label": description}
    return Markup(_tag("svg", attributes, "".join(_written(child, ids) for child in root)))


def _written(node: ElementTree.Element, ids: Mapping[str, str]) -> str:
    """An element of matplotlib's drawing, its colours as classes, without what a page does not need."""
    tag = node.tag.removeprefix(_SVG)
    if tag in ("metadata", "style"):
        return ""
    inner = "".join(_written(child, ids) for child in node)
    if tag == "g" and {"transform", "clip-path"}.isdisjoint(node.keys()):
        return inner
    attributes, classes = {}, []
    for key, value in node.items():
        if key == _HREF:
            attributes["href"] = f"#{ids[value[1:]]}"
        elif key == "clip-path":
            attributes[key] = f"url(#{ids[value[5:-1]]})"
        elif key == "id" and value in ids:
            attributes[key] = ids[value]
        elif key not in ("id", "style"):
            attributes[key] = _LONG_DECIMALS.sub(r"\1", _SPACE.sub(" ", value).strip())
    for key, value in _STYLE.findall(node.get("style", "")):
        if key in ("fill", "stroke") and value in _ROLE:
            classes.append(f"{key}-{_ROLE[value]}")
        elif key in _KEPT:
            attributes[key] = value
    if classes:
        attributes["class"] = " ".join(classes)
    text = escape((node.text or "").strip()) if tag in ("text", "tspan") else ""
    return _tag(tag, attributes, text + inner) if inner or tag != "defs" else ""


def _tag(name: str, attributes: Mapping[str, str], inner: str) -> str:
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{inner}</{name}>"
