"""Notebooks as programs.

Comes in: bytes of a Jupyter notebook.  Goes out: a `Program` with a part for each code cell.  Why: students write in notebooks, with lines
that only IPython understands, and anything may have written the JSON.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from nbformat import converter, reader

from checker.grading.reading import magics, sources
from checker.grading.reading.files import Unreadable, too_large
from checker.sandbox.values import Part, Program

NOTEBOOK = 16 * 2**20  #: bytes of a notebook, its pictures included
CELLS = 2_000  #: code cells of a notebook
CONTAINERS = 100_000  #: lists and objects in its JSON
DEPTH = 100  #: of them inside one another

_NO_NOTEBOOK = "is not a notebook: save it again from Jupyter."
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = re.compile(r"[^\[\]{}]++")


def program(name: str, data: bytes) -> Program:
    """The notebook's code cells in order, each a part called "cell 3"; the first code cell is cell 1. Cells without code are left out.

    Raises:
        Unreadable: it is no notebook, not of Python, too large or deep, or has no code.
    """
    text = sources.text(data)
    _bounded(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nbformat's advice to who wrote the file
            notebook = converter.convert(reader.reads(text), 4)
        language = _language(notebook)
        cells = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
        size = sum(len(cell.encode()) for cell in cells)
    except Exception:  # nbformat trusts the shape of what it reads, and half a character is no text
        raise Unreadable(_NO_NOTEBOOK) from None
    if not language.lower().startswith(("python", "ipython")):
        raise Unreadable(f"is a notebook of {language[:40]!r}, and was not read: hand in Python.")
    if size > sources.SOURCE or len(cells) > CELLS:
        raise too_large(sources.SOURCE) if size > sources.SOURCE else Unreadable(f"has more than {CELLS:,} code cells, and was not read.")
    parts = tuple(Part(label=f"cell {n}", source=magics.set_aside(cell)) for n, cell in enumerate(cells, 1) if cell.strip())
    if not parts:
        raise Unreadable("has no code.")
    return Program(name=name, parts=parts)


def _bounded(text: str) -> None:
    """Refuse JSON with so many or so deep lists and objects that reading it would cost much more than its size."""
    brackets = _BRACKETS.sub("", _STRINGS.sub("", text))
    depth = deepest = 0
    for bracket in brackets[: 2 * CONTAINERS]:
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if len(brackets) > 2 * CONTAINERS or deepest > DEPTH:
        raise Unreadable("is too large or too deep to be read.")


def _language(notebook: Any) -> str:
    """The language that the notebook says its kernel has; Python where it says nothing."""
    metadata = notebook.get("metadata", {})
    told = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name") or "python"
    return str(told)
