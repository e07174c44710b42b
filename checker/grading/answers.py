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

from checker.grading import sources
from checker.grading.files import Unreadable, printable

ANSWERS = 2**16  #: bytes of an `answers.toml`
DEPTH = 20  #: names that dots join

_TOO_DEEP = "nests tables or lists too deeply: write one formula a line."


def formulas(data: bytes) -> dict[str, dict[str, str]]:
    """Formulas by exercise, then by argument; the key "" stands for the only argument. A parameter's dotted name is a key with dots.

    Raises:
        Unreadable: it is no TOML, or a value is not a text; with its place.
    """
    text = sources.text(data)
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise Unreadable(_TOO_DEEP) from None
    except ValueError as error:
        # what is not TOML has a place; a number or date beyond all bounds has Python's words, which are no student's concern
        said = printable(str(error)) if isinstance(error, tomllib.TOMLDecodeError) else "a number or date in it is out of bounds"
        raise Unreadable(f'cannot be read: {said}. Write one formula a line, as in: twice_dot = "4 * x"') from None
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
            place = printable(f"{exercise}.{key}" if key else exercise)[:80]
            raise Unreadable(f"says that {place} is {kind}: write the formula as text, in quotes.")
