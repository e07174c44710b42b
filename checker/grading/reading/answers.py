"""Formulas as plain text: `answers.toml`.

Comes in: bytes.  Goes out: formulas by exercise and argument.  Why: who answers with formulas alone needs no program.

    twice_dot = "4 * x"

    [weighted]
    x = "2 * w * x"
    w = "x**2"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from checker.grading.reading import sources
from checker.grading.reading.files import Unreadable
from checker.inert import NAME, inert_line

ANSWERS = 2**16  #: bytes of an `answers.toml`
LINE = 4_000  #: characters of a line: reading a name takes the square of the names that dots join in it
DEPTH = 20  #: names that dots may join

_TOO_DEEP = "nests tables or lists too deeply: write one formula a line."


def formulas(data: bytes) -> dict[str, dict[str, str]]:
    """Formulas by exercise, then by argument; the key "" stands for the only argument. A parameter's dotted name is a key with dots.

    Raises:
        Unreadable: it is no TOML, or a value is not a text; with its place.
    """
    text = sources.text(data)
    if max(map(len, text.split("\n"))) > LINE:
        raise Unreadable(f"has a line of more than {LINE:,} characters: shorten the formula.")
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    except ValueError as error:
        raise Unreadable(f'cannot be read: {inert_line(str(error))}. Write one formula a line, as in: twice_dot = "4 * x"') from None
    return {exercise: dict(_formulas(exercise, value)) for exercise, value in table.items()}


def _formulas(exercise: str, value: Any) -> Iterator[tuple[str, str]]:
    """The formulas of one exercise by their dotted keys."""
    waiting = [("", value, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if depth > DEPTH:
            raise Unreadable(_TOO_DEEP)
        if isinstance(value, dict):
            waiting += [(f"{key}.{inner}" if key else inner, told, depth + 1) for inner, told in reversed(value.items())]
        elif isinstance(value, str):
            yield key, value
        else:
            kind = {bool: "true or false", int: "a number", float: "a number", list: "a list"}.get(type(value), "a date or time")
            place = inert_line(f"{exercise}.{key}" if key else exercise, NAME)
            raise Unreadable(f"says that {place} is {kind}: write the formula as text, in quotes.")
