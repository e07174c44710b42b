"""LaTeX to MathML that is safe to put on a page.

Comes in: LaTeX.  Goes out: markup.  Why: browsers show MathML without a script or a network.

latex2mathml's own string output does not escape text, and passes links and colours on: its element tree is taken instead, only known
tags and attributes are copied, and what it did not understand is shown as it was written.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element

import msgspec
from markupsafe import Markup, escape

from checker.record import MathematicsRecord
from checker.report.numerals import counted

#: Characters of LaTeX that a page shows: MathML takes some fifteen times as many, and nobody reads more.
LATEX = 2800

_TAGS = frozenset(["mrow", "mi", "mn", "mo", "ms", "mtext", "mspace", "mpadded", "mstyle", "mtable", "mtr", "mtd"])
_TAGS |= {"msup", "msub", "msubsup", "mover", "munder", "munderover", "mfrac", "msqrt", "mroot"}
_ATTRIBUTES = frozenset(["stretchy", "fence", "form", "separator", "accent", "accentunder", "movablelimits", "lspace", "rspace", "width"])
_ATTRIBUTES |= {"displaystyle", "scriptlevel", "linethickness", "mathvariant", "minsize", "maxsize"}


@lru_cache(maxsize=4096)
def mathml(latex: str, *, block: bool = False) -> Markup:
    """`latex` as a MathML element; as code where it cannot be read."""
    from latex2mathml.converter import convert_to_element

    display = "block" if block else "inline"
    try:
        body = Markup("".join(_safe(convert_to_element(latex, display=display))))
    except Exception:  # a converter of foreign text may fail in any way: the page shows the text itself
        return Markup('<code class="latex">{}</code>').format(latex)
    return Markup('<math display="{}">{}</math>').format(display, body)


def _safe(element: Element) -> Iterator[str]:
    """The children of `element` as markup, known tags and attributes only; text and values are escaped.

    Raises:
        ValueError: a command or an alignment that the converter passed through unread.
    """
    for child in element:
        text = html.unescape(child.text or "")
        if text.startswith("\\") or (text == "&" and child.tag == "mi"):
            raise ValueError(text)
        inner = str(escape(text)) + "".join(_safe(child))
        if child.tag not in _TAGS:
            yield inner
            continue
        kept = "".join(f' {k}="{escape(v)}"' for k, v in child.attrib.items() if k in _ATTRIBUTES)
        yield f"<{child.tag}{kept}>{inner}</{child.tag}>"


def readable(mathematics: Iterable[MathematicsRecord]) -> Iterator[MathematicsRecord]:
    """The readings with what is longer than a page should hold left out, and a note that says so."""
    room = LATEX
    for reading in mathematics:
        kept: dict[str | int, str] = {}
        parts: list[tuple[str | int, str]] = [("", reading.function), *reading.gradients.items(), *enumerate(reading.condition)]
        for name, latex in parts:
            if len(latex) <= room:
                room -= len(latex)
                kept[name] = latex
        left_out = len(parts) - len(kept)
        note = f"{reading.note} {counted(left_out, 'formula')} too long for this page; the record has them.".strip()
        yield msgspec.structs.replace(
            reading,
            function=kept.get("", ""),
            gradients={name: latex for name, latex in reading.gradients.items() if name in kept},
            condition=[latex for place, latex in enumerate(reading.condition) if place in kept],
            note=note if left_out else reading.note,
        )
