"""Text that others wrote, made fit to be looked at.

Comes in: a name, a message, what a program printed.  Goes out: the same, bounded, with what cannot be seen made visible.  Why: escaping
keeps text from being markup, but a mark that turns the line around, a control code or ten thousand letters would still mislead a reader.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

#: So much of a name, and of what a program printed, is shown.
NAME, OUTPUT = 80, 4000
#: Accents on one letter; more of them would reach into other lines.
_ACCENTS = 3
#: Invisible, but some scripts spell with them.
_JOINERS = "\u200c\u200d"


def line(text: str, limit: int = NAME) -> str:
    """`text` on one line."""
    return visible(" ".join(text[: 4 * limit].split()), limit)


def visible(text: str, limit: int = OUTPUT) -> str:
    """`text` with control, formatting and unassigned characters as `\\x1b` or `\\u202e`; cut, with `…`, after `limit` characters."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    plain = cut.replace("\n", "").replace("\t", "")
    return cut if plain.isascii() and plain.isprintable() else "".join(_characters(cut))


def _characters(text: str) -> Iterator[str]:
    accents = 0
    for character in text:
        category = unicodedata.category(character)
        accents = accents + 1 if category == "Mn" else 0
        if accents > _ACCENTS:
            continue
        if (category[0] == "C" and character not in "\n\t" + _JOINERS) or category in ("Zl", "Zp"):
            yield character.encode("ascii", "backslashreplace").decode() if character > "\x7f" else f"\\x{ord(character):02x}"
        else:
            yield character
