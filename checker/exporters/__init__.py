"""Grades in the forms that other tools read.

Comes in: a `ClassRecord`.  Goes out: files.  Why: a course keeps its grades elsewhere. The built-in exporters enter by the same door as a
plugin's, the entry points of the group `checker.exporters`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from checker.errors import CheckerError, UsageError
from checker.grading.grades import ClassRecord


class Exporter(Protocol):
    """A form of a class's grades."""

    name: str

    def export(self, record: ClassRecord) -> Mapping[str, bytes]:
        """The files of this form, by name."""


def names() -> tuple[str, ...]:
    """The forms that are installed, without loading any."""
    return tuple(sorted(entry_points(group="checker.exporters").names))


def exporter(name: str) -> Exporter:
    """The exporter of this name.

    Raises:
        UsageError: there is none.
        CheckerError: a plugin's entry point cannot be loaded.
    """
    found = [entry for entry in entry_points(group="checker.exporters") if entry.name == name]
    if not found:
        raise UsageError(f"there is no export {name!r}: there are {', '.join(names())}.")
    try:
        made: Exporter = found[0].load()()
    except Exception as error:  # a plugin may fail in any way
        raise CheckerError(f"the exporter {name!r} ({found[0].value}) cannot be loaded: {type(error).__name__}: {error}") from error
    return made


def write(files: Mapping[str, bytes] | bytes, output: Path | None = None) -> None:
    """Write one file to `output`, several into it as a folder. None, and `-`, are standard output, which takes one.

    Each file is written whole, or not at all.

    Raises:
        UsageError: it cannot be written; several files for standard output, or for a file.
        OSError: standard output cannot be written, or nobody reads it any more.
    """
    by_name = {"": files} if isinstance(files, bytes) else files
    if output is None or str(output) == "-":
        if len(by_name) > 1:
            raise UsageError(f"this makes {len(by_name)} files: give a folder with -o.")
        for data in by_name.values():
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        if len(by_name) > 1:
            output.mkdir(parents=True, exist_ok=True)
        for name, data in by_name.items():
            _place(output / name if len(by_name) > 1 else output, data)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}. Give another place with -o.") from None


def _place(path: Path, data: bytes) -> None:
    if path.exists() and not path.is_file():  # a device or pipe
        path.write_bytes(data)
        return
    temporary = path.resolve().with_name(f".{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        temporary.replace(path.resolve())
    finally:
        temporary.unlink(missing_ok=True)
