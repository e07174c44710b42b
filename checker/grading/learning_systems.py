"""Who handed in what, read from the names that learning systems give to files.

Comes in: entries by the folder or file that they lie in.  Goes out: one `HandIn` an attempt of a student.  Why: each learning system writes
names, numbers and lateness in its own way, and nothing after this should know of any.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from checker.grading import files
from checker.grading.files import Entry
from checker.grading.submission import Student


@dataclass(frozen=True, kw_only=True)
class HandIn:
    """The files of one attempt of a student. Their paths begin in what the student handed in."""

    student: Student
    entries: tuple[Entry, ...]
    late: bool | None = None
    submitted: datetime | None = None
    attempt: int = 1
    source: str = ""


#: `doejane_LATE_4711_90210_answers.py`: the student's number in Canvas, then the file's.
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)", re.DOTALL)
#: `Jane Doe_4711_assignsubmission_file_`: a folder, or followed by the file's name.
MOODLE = re.compile(r"(?P<name>[^_]*)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL)


def hand_ins(groups: Mapping[str, Sequence[Entry]], source: str = "") -> list[HandIn]:
    """What each student handed in, from entries by the name of the folder or file in which they arrived."""
    found = []
    for name, entries in groups.items():
        alone = entries[0].path == (name,)
        if alone and (canvas := CANVAS.fullmatch(name)):
            found.append(_canvas(canvas, entries[0], f"{source}/{name}"))
        else:
            student = Student(id=files.stem(name) if alone else name)
            inside = tuple(entries) if alone else tuple(replace(e, path=e.path[1:] or e.path) for e in entries)
            found.append(HandIn(student=student, entries=inside, source=f"{source}/{name}"))
    return found


def _canvas(match: re.Match[str], entry: Entry, source: str) -> HandIn:
    student = Student(id=match["id"], name=match["name"])
    return HandIn(student=student, entries=(replace(entry, path=(match["file"],)),), late=bool(match["late"]), source=source)
