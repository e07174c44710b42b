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
from checker.values import METHODS

FILE = "required.toml"


@dataclass(frozen=True)
class Matrix:
    """Methods by exercise by file. `cuda` adds that method wherever there is a GPU, but for the exercises of `cpu_only`.

    `problems`: line (1-based, or None) and sentence.
    """

    cuda: bool = False
    cpu_only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    problems: tuple[tuple[int | None, str], ...] = ()

    def required(self, file: str, exercise: Exercise) -> tuple[str, ...]:
        """What is required of `exercise`: its row, or what it requires anyway where it has none."""
        import torch

        row = self.tables.get(file, {}).get(exercise.name)
        if row is None:
            return exercise.required
        on_gpu = self.cuda and exercise.name not in self.cpu_only.get(file, ()) and torch.cuda.is_available()
        return (*row, "cuda") if on_gpu else row


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
    cpu_only = data.pop("cpu_only", {})
    if not (isinstance(cpu_only, dict) and all(isinstance(n, list) and all(isinstance(e, str) for e in n) for n in cpu_only.values())):
        problems.append((line_of(text, "cpu_only"), 'cpu_only must be a table of lists, such as { "file.py" = ["exercise"] }.'))
        cpu_only = {}
    tables = {name: _table(text, name, table, problems) for name, table in data.items()}
    only = {file: tuple(names) for file, names in cpu_only.items()}
    return Matrix(cuda=cuda is True, cpu_only=only, tables=tables, problems=tuple(problems))


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
