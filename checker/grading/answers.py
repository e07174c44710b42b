"""Formulas as plain text: `answers.toml`.

Comes in: bytes.  Goes out: formulas by exercise and argument.  Why: who answers with formulas alone needs no program.

    twice_dot = "4 * x"

    [weighted]
    x = "2 * w * x"
    w = "x**2"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from checker.grading import sources
from checker.grading.files import Unreadable

ANSWERS = 2**16  #: bytes of an `answers.toml`


def formulas(data: bytes) -> dict[str, dict[str, str]]:
    """Formulas by exercise, then by argument; the key "" stands for the only argument. A parameter's dotted name is a key with dots.

    Raises:
        Unreadable: it is no TOML, or a value is not a text; with its place.
    """
    text = sources.text(data)
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise Unreadable("nests tables or lists too deeply: write one formula a line.") from None
    except ValueError as error:
        raise Unreadable(f'cannot be read: {error}. Write one formula a line, as in: twice_dot = "4 * x"') from None
    found: dict[str, dict[str, str]] = {}
    for exercise, value in table.items():
        found[exercise] = {key: _formula(f"{exercise}.{key}" if key else exercise, told) for key, told in _leaves(value)}
    return found


def _leaves(value: Any) -> Iterator[tuple[str, Any]]:
    """The values of a table by their dotted keys."""
    if not isinstance(value, Mapping):
        yield "", value
        return
    for key, inner in value.items():
        for rest, leaf in _leaves(inner):
            yield f"{key}.{rest}" if rest else key, leaf


def _formula(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    kind = {bool: "true or false", int: "a number", float: "a number", list: "a list"}.get(type(value), "a date or time")
    raise Unreadable(f"says that {key} is {kind}: write the formula as text, in quotes.")
