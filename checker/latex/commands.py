r"""What LaTeX's commands mean in a formula, as tables.

Comes in: nothing.  Goes out: sets and dicts of command names, and `greek`.  Why: what can be written in LaTeX is exactly what stands here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

#: Commands and marks between products; what they are in the grammar. `\cdot` and `\times` stand between factors.
OPERATORS = {
    **{c: c for c in "+-/<>=,:!"},
    **dict.fromkeys(("*", "odot", "circ", "ast", "⊙", "∘", "∗"), "*"),
    **dict.fromkeys(("oslash", "div", "÷"), "/"),
    **dict.fromkeys("−–", "-"),
    **dict.fromkeys(("le", "leq", "leqslant", "≤"), "<="),
    **dict.fromkeys(("ge", "geq", "geqslant", "≥"), ">="),
    **dict.fromkeys(("ne", "neq", "≠"), "!="),
    "lt": "<",
    "gt": ">",
}
DOTS = frozenset({"cdot", "times", "·", "⋅", "×"})
#: Bars of a norm, as commands and as marks; a single | is something else.
NORMS = {"command": frozenset({"|", "lVert", "rVert", "Vert"}), "mark": frozenset({"||", "‖", "∥"})}
#: Marks that are no factor: operators, closing brackets, and what is attached to a factor.
MARKS = frozenset("+-/<>=,:!*⊙∘∗÷−–≤≥≠·⋅×)]^_'′ᵀ⊤⁰¹²³⁴⁵⁶⁷⁸⁹")
#: Spaces, and sizes of brackets.
IGNORED = frozenset(
    [",", ";", ":", "!", " ", "quad", "qquad", "left", "right", "middle", "displaystyle", "textstyle", "limits", "nolimits"]
    + [size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")]
)
#: Fonts: what they hold is an expression.
STYLES = frozenset(["mathbf", "boldsymbol", "bm", "pmb", "symbf", "vec", "mathit", "mathsf", "mathnormal", "mathcal", "underline"])
#: Words: what they hold is one name.
WORDS = frozenset(["text", "textrm", "textbf", "textit", "texttt", "textsf", "mathrm", "mathtt", "operatorname"])
ACCENTS = frozenset(["hat", "widehat", "bar", "overline", "tilde", "dot"])
FUNCTION_NAMES = {
    **{name: name for name in ("exp", "log", "ln", "sin", "cos", "tan", "sinh", "cosh", "tanh", "det", "max", "min")},
    "arctan": "atan",
    "tr": "trace",
    "diag": "diag",
    "sgn": "sign",
}
REFUSED = {
    "sum": r"Write \operatorname{sum}(…), which adds all entries.",
    "prod": r"Write \operatorname{prod}(…), which multiplies all entries.",
    **dict.fromkeys(("partial", "nabla"), "Write what the derivative is, in terms of the inputs."),
    "begin": "Write where(x > 0, a, b) for cases, and names for matrices.",
    "int": "Write the value of the integral.",
    **dict.fromkeys(("mathbb", "mathbbm"), "Write where(x > 0, 1, 0) for an indicator, mean(x) for a mean."),
    **dict.fromkeys(("lvert", "rvert", "vert"), r"Write \operatorname{abs}(x), or \lVert x \rVert."),
    **dict.fromkeys(("langle", "rangle"), r"Write x^\top y for the inner product."),
    "otimes": r"Write x y^\top for the outer product.",
    **dict.fromkeys(("pm", "mp"), "Write one sign."),
    **dict.fromkeys(("dots", "ldots", "cdots", "vdots"), "Write all of it."),
    **dict.fromkeys(("arcsin", "arccos", "sec", "csc", "cot", "coth"), "Write it with sin, cos, tan and atan."),
    "infty": "An infinite number has no place here.",
    "\\": "Write one formula on one line.",
}
_GREEK = re.compile(
    "alpha|beta|gamma|delta|epsilon|z?eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|tau|upsilon|phi|chi|psi|omega", re.I
)
#: What people call an input where Python or brevity forbids the letter's name.
_SHORT = {"lambda": ("lam", "lambda_", "lmbda", "lamda"), "epsilon": ("eps",)}


def greek(command: str, names: Collection[str]) -> str | None:
    r"""What a Greek letter's command names: the letter or its name, whichever is among `names`; None of another command."""
    latin = command.removeprefix("var") if command.startswith("var") else command
    if not _GREEK.fullmatch(latin) or latin[1:] != latin[1:].lower():
        return None
    size = "SMALL" if latin.islower() else "CAPITAL"
    letter = unicodedata.lookup(f"GREEK {size} LETTER {'LAMDA' if latin.lower() == 'lambda' else latin.upper()}")
    return next((name for name in (letter, latin, *_SHORT.get(latin, ())) if name in names), latin)
