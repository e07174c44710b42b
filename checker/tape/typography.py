"""How symbols are set: sympy expressions as LaTeX and as words of Python.

Comes in: expressions and names.  Goes out: text.  Why: `weight[0, 1]`, `t_u` and `θ` should look on a page as they do in print.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import sympy
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from checker.values import Array

_LATEX = {"<": "<", "≤": r"\le", ">": ">", "≥": r"\ge", "=": "=", "≠": r"\ne"}
_PYTHON = {"<": "<", "≤": "<=", ">": ">", "≥": ">=", "=": "==", "≠": "!="}


def _greek(letter: str) -> str:
    """`lambda` of λ; empty of any other letter. Unicode spells it lamda."""
    return unicodedata.name(letter, "").partition("GREEK SMALL LETTER ")[2].lower().replace("lamda", "lambda")


_GREEK = frozenset(map(_greek, "αβγδεζηθικλμνξπρστυφχψω"))


class _Words(StrPrinter):  # type: ignore[misc]
    """Python as one would write it."""

    def _print_Abs(self, e: Any) -> str:  # noqa: N802  (sympy finds it by name)
        return f"abs({self._print(e.args[0])})"


class _Tex(LatexPrinter):  # type: ignore[misc]
    """`w[0, 1]` is written with its indices below."""

    def _print_Symbol(self, e: Any, style: str = "plain") -> str:  # noqa: N802  (sympy finds it by name)
        name, _, index = e.name.rstrip("]").partition("[")
        return letters(name, index.replace(" ", ""))


def letters(name: str, index: str = "") -> str:
    """A name in LaTeX. One letter stands as it is, a Greek one by its name; `t_u` has an index, `w1` is the first w, a word is upright."""
    stem, mark = re.fullmatch(r"(.*?)(_hat|_[^\W\d_]+|_?\d+)?", name).groups()  # type: ignore[union-attr]
    greek = _greek(stem) if len(stem) == 1 else stem
    if greek in _GREEK:
        stem = rf"\{greek}"
    elif len(stem) != 1:
        stem, mark = rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}", None
    below = [index] if index else []
    if mark == "_hat":
        stem = rf"\hat{{{stem}}}"
    elif mark and mark.strip("_").isdigit():
        stem = rf"{stem}^{{({mark.strip('_')})}}" if index else rf"{stem}_{{{mark.strip('_')}}}"
    elif mark:
        below.insert(0, rf"\mathrm{{{mark[1:]}}}")
    return stem + (f"_{{{','.join(below)}}}" if below else "")


def latex(e: sympy.Expr) -> str:
    """An expression in LaTeX."""
    return str(_Tex().doprint(e))


def matrix(entries: Array) -> str:
    """A number, a column, or a matrix."""
    if entries.ndim == 0:
        return latex(entries.item())
    rows = entries.reshape(-1, 1) if entries.ndim == 1 else entries
    return r"\begin{bmatrix}" + r" \\ ".join(" & ".join(latex(e) for e in row) for row in rows) + r"\end{bmatrix}"


def relation(parts: Sequence[Any]) -> tuple[str, str]:
    """Expressions and the signs `< ≤ > ≥ = ≠` between them, in words of Python and in LaTeX."""
    words = " ".join(_PYTHON[p] if isinstance(p, str) else _Words().doprint(p) for p in parts)
    return words, " ".join(_LATEX[p] if isinstance(p, str) else latex(p) for p in parts)
