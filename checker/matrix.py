"""The matrix: which methods must arrive for which exercise.

Comes in: the file `required.toml` of a folder of exercises.  Goes out: `Matrix`.  Why: a method that is skipped in silence proves nothing,
so the folder says what is required and a run that misses some of it fails.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from checker.authoring import Exercise

FILE = "required.toml"

#: The built-in methods. Those of plugins may be required too.
METHODS = ("certified", "symbolic", "formula", "differences", "reverse", "forward", "cuda")


@dataclass(frozen=True)
class Matrix:
    """Methods by exercise by file. `cuda` adds that method wherever there is a GPU. `problems`: line (1-based, or None) and sentence."""

    cuda: bool = False
    tables: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    problems: tuple[tuple[int | None, str], ...] = ()

    def required(self, file: str, exercise: Exercise) -> tuple[str, ...]:
        """What is required of `exercise`: its row, or what it requires anyway where it has none."""
        import torch

        row = self.tables.get(file, {}).get(exercise.name)
        if row is None:
            return exercise.required
        return (*row, "cuda") if self.cuda and torch.cuda.is_available() else row


def read(file: Path) -> Matrix:
    """The matrix at `file`; an empty one where there is no such file."""
    if not file.is_file():
        return Matrix()
    try:
        text = file.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = re.search(r"at line (\d+)", str(error))
        return Matrix(problems=((int(found[1]) if found else None, f"{FILE} cannot be read: {error}."),))
    cuda = data.pop("cuda", False)
    problems: list[tuple[int | None, str]] = []
    if not isinstance(cuda, bool):
        problems.append((line_of(text, "cuda"), f"cuda is {cuda!r}: write true or false."))
    tables = {name: _table(text, name, table, problems) for name, table in data.items()}
    return Matrix(cuda=cuda is True, tables=tables, problems=tuple(problems))


def line_of(text: str, key: str) -> int | None:
    """The line (1-based) on which `key` is written, as a table or as a row."""
    pattern = re.compile(rf'\s*\[?\s*["\']?{re.escape(key)}["\']?\s*[\]=]')
    return next((number for number, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)


def _table(text: str, file: str, table: Any, problems: list[tuple[int | None, str]]) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict):
        problems.append((line_of(text, file), f'{file!r} is no table: write ["file.py"], and below it exercise = ["reverse", …].'))
        return {}
    rows: dict[str, tuple[str, ...]] = {}
    for name, methods in table.items():
        if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
            problems.append((line_of(text, name), f'{file}::{name} must have a list of methods, such as ["reverse", "forward"].'))
            continue
        rows[name] = tuple(methods)
        for method in methods:
            if method not in METHODS and method not in entry_points(group="checker.methods").names:
                known = ", ".join(METHODS)
                problems.append((line_of(text, name), f"{file}::{name} requires {method!r}, which is no method; methods are {known}."))
    return rows
