r"""Text that others wrote, made fit to be looked at.

Comes in: a name, a message, what a program printed.  Goes out: the same, bounded, with what cannot be seen shown as an escape.  Why: a
terminal obeys control codes, a mark that turns the line around or a hundred accents on a letter mislead a reader, and no format holds half
a character. What comes out can be held by XML 1.0, JSON, CSV, a terminal and a page; each still escapes its own markup.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

#: So much of a name is shown where many names are.
NAME = 80
#: Marks on one letter; more of them would reach into other lines.
_MARKS = 3
#: Invisible, but Persian and Hindi spell with them, and families of emoji hold together by them.
_JOINERS = "\u200c\u200d"


def inert(text: str, limit: int | None = None) -> str:
    r"""`text` with control, formatting, private-use and unassigned characters, halves of characters and line separators as escapes.

    Line feeds and tabs stay. So do up to three combining marks on a character, and a joiner after a character beyond ASCII; others are
    escapes too. Where this would be longer than `limit` characters, it is cut, between escapes, and ends in "…". Inert text stays as it is.

    >>> inert("\x1b[31mred \u202eder 何静")
    '\\x1b[31mred \\u202eder 何静'
    >>> inert("gradient", 5)
    'grad…'
    """
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"
    shown, length = [], 0
    for piece in _pieces(text):
        shown.append(piece)
        length += len(piece)
        if limit is not None and length > limit:
            while length >= limit:
                length -= len(shown.pop())
            return "".join(shown) + "…"
    return "".join(shown)


def inert_line(text: str, limit: int | None = None) -> str:
    r"""The same on one line: white space of any kind and length is one space, and none at the ends.

    >>> inert_line(" Ada\r\n\tLovelace\x07 ")
    'Ada Lovelace\\x07'
    """
    return inert(" ".join(text.split()), limit)


def _pieces(text: str) -> Iterator[str]:
    """Each character as itself or as its escape. `room`: so many marks may follow, none where there is nothing to bear them."""
    room, joins = 0, False
    for character in text:
        category = unicodedata.category(character)
        if category in ("Mn", "Me"):
            shown, room, joins = room > 0, room - 1, True
        elif character in _JOINERS:
            shown, joins = joins, False
        else:
            shown = character in "\n\t" or (category[0] != "C" and category not in ("Zl", "Zp"))
            room, joins = (0, False) if character.isspace() else (_MARKS, not character.isascii())
        if shown:
            yield character
        else:
            room, joins = 0, False
            yield character.encode("unicode_escape").decode("ascii")
