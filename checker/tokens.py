"""A formula, taken apart into words, numbers and signs.

Comes in: a formula as written.  Goes out: its tokens, each with its column.  Why: what belongs together is told by characters alone:
superscripts are no part of a name, `^T` is one sign, and `∇f =` says whose formula it is and is none of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

#: Kind, text and column.
Token = tuple[str, str, int]

_LETTER = r"(?![ᵀ⁰¹²³⁴⁵⁶⁷⁸⁹])"  #: superscripts are no part of a name
_TOKEN = re.compile(
    rf"""(?P<space>\s+) | (?P<norm>[‖∥]|\|\|) | (?P<fraction>[¼½¾⅐-⅞])
    | (?P<index>\.[0-9]+(?=\.[^\W\d])) | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+) | (?P<transpose>\^?[ᵀ⊤]|\^T(?!\w))
    | (?P<name>(?:{_LETTER}[^\W\d])(?:{_LETTER}\w)*) | (?P<symbol>.)""",
    re.VERBOSE | re.DOTALL,
)
#: What people write before the formula itself: `dy/dx =`, `∇f(x) =`, `grad_x =`, `f'(x) =`; looked for in the first `BEFORE` characters.
_LABEL = re.compile(
    r"""\s*(?:[∇∂]\s*[\w.]* | (?:[dDg]|[gG]rad)[\w.]* | [\w.]+(?:[_.]grad|'))\s*    # ∇, ∂L, dy, grad_x, x.grad, f'
    (?:[\w.]+\s*)? (?:\([\w\s,.]*\)\s*)? (?:/\s*[d∂][\w.]*\s*)? =(?!=)         # f, (x), /dx, =""",
    re.VERBOSE,
)
BEFORE = 60


def tokens(text: str, names: Collection[str]) -> list[Token]:
    """The tokens of `text`, in which `names` may be used, without what stands before the formula itself; full-width forms as ASCII.

    `^T` is a transpose unless an input is called T, and so it is in `x^Ty`, unless one is called Ty.
    """
    found: list[Token] = []
    for piece in _TOKEN.finditer(_plain(text)):
        kind, token, column = str(piece.lastgroup), piece.group(), piece.start()
        if token == "^T" and "T" in names:
            found += [("symbol", "^", column), ("name", "T", column + 1)]
        elif found and found[-1][1] == "^" and token[0] == "T" and token not in names and token[1:] in names:
            found[-1:] = [("transpose", "^T", column - 1), ("name", token[1:], column + 1)]
        elif kind != "space":
            found.append((kind, token, column))
    return found


def _plain(text: str) -> str:
    """Of the same length: ASCII for the full-width forms that East Asian keyboards type, and spaces for what names the formula."""
    plain = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    label = _LABEL.match(plain, 0, BEFORE)
    return " " * label.end() + plain[label.end() :] if label else plain
