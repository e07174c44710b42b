r"""LaTeX to the spelling of formulas: `2 X^\top (X w - y)` becomes `times(2, X.T, (times(X, w) - y))`.

Comes in: a formula in LaTeX and the names it may use.  Goes out: text of the formulas' own grammar, and the column that each character came
from.  Why: many write mathematics in LaTeX; it must mean what the same formula means in any other spelling, so it is written anew, never
evaluated. What LaTeX leaves open (how far `\sin x y` reaches, which entry `x_i` is) is refused with what to write instead.

`items.py` takes it apart, `reader.py` reads it along a `cursor.py`, and what each command means stands in `commands.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_LATEX = re.compile(r"\\[A-Za-z(\[|,;!]|\$|[\^_]\s*\{")


def is_latex(text: str) -> bool:
    """Whether a formula is in LaTeX: it has a command, a dollar sign, or braces after ^ or _."""
    return _LATEX.search(text) is not None


def translated(text: str, names: Collection[str]) -> tuple[str, tuple[int, ...]]:
    """The formula in the grammar's spelling, and for each of its characters the column (0-based) it came from.

    Raises:
        FormulaError: LaTeX that cannot be read, or that leaves open what is meant.
    """
    from checker.latex.items import items, unlabelled  # most formulas are not in LaTeX
    from checker.latex.reader import Reader

    pieces = Reader(text, names, unlabelled(items(text, names))).whole()
    return "".join(piece for piece, _ in pieces), tuple(column for piece, column in pieces for _ in piece)
