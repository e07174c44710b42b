"""Notebooks as programs.

Comes in: bytes of a Jupyter notebook.  Goes out: a `Program` with a part for each code cell.  Why: students write in notebooks, with lines
that only IPython understands and with JSON that anything may have written.
"""

from __future__ import annotations

from nbformat import converter, reader

from checker.grading import sources
from checker.grading.files import Unreadable
from checker.sandbox.values import Part, Program

NOTEBOOK = 16 * 2**20  #: bytes of a notebook, its pictures included


def program(name: str, data: bytes) -> Program:
    """The notebook's code cells in order, each a part called "cell 3"; the first code cell is cell 1.

    Raises:
        Unreadable: it is no notebook, or has no code.
    """
    text = sources.text(data)
    try:
        notebook = converter.convert(reader.reads(text), 4)
        cells = [str(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    except Exception:  # nbformat trusts the shape of what it reads
        raise Unreadable("is not a notebook: save it again from Jupyter.") from None
    parts = tuple(Part(label=f"cell {n}", source=cell) for n, cell in enumerate(cells, 1))
    return Program(name=name, parts=parts)
