"""Who handed in what, read from the names that learning systems give to files.

Comes in: entries by the folder or file in which they arrived.  Goes out: one `HandIn` an attempt of a student.  Why: each learning system
writes names, numbers and lateness in its own way, and nothing after this should know of any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from checker.grading.reading import files
from checker.grading.reading.files import Entry
from checker.grading.submission import Student

#: `doejane_LATE_4711_90210_answers-1.py`: the student's number in Canvas, the file's, and the file's name. Canvas counts files of the same
#: name up: `answers.py` handed in again is `answers-1.py`.
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)", re.DOTALL)
#: `Jane Doe_4711_assignsubmission_file_`: a folder, or followed by a file's name. The number is that of "Participant 4711". What counts is
#: the first such number, since a student gives the file its name.
MOODLE = re.compile(r"(?P<name>.*?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<file>.*)", re.DOTALL)
_COUNTED = re.compile(r"(?P<stem>.+)-\d+(?P<ending>(?:\.[^.]+)?)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class HandIn:
    """The files of one attempt of a student. Their paths begin in what the student handed in."""

    student: Student
    entries: tuple[Entry, ...]
    late: bool | None = None
    submitted: datetime | None = None
    attempt: int = 1
    source: str = ""


def recognised(name: str) -> bool:
    """Whether a learning system gives such names."""
    return bool(CANVAS.fullmatch(name) or MOODLE.fullmatch(name))


def hand_ins(groups: Mapping[str, Sequence[Entry]], source: str) -> list[HandIn]:
    """What each student handed in. A name that no learning system gives is the student's id."""
    canvas: dict[str, list[tuple[re.Match[str], Entry]]] = {}
    others: dict[str, list[HandIn]] = {}
    for name, entries in groups.items():
        lone = [entry.path for entry in entries[:1]] == [(name,)]
        if lone and (match := CANVAS.fullmatch(name)):
            canvas.setdefault(match["id"], []).append((match, entries[0]))
        elif piece := _piece(name, entries, lone, f"{source}/{name}"):
            others.setdefault(piece.student.id, []).append(piece)
    of_canvas = [attempt for pieces in canvas.values() for attempt in _canvas(pieces, source)]
    return of_canvas + [_together(pieces) for pieces in others.values()]


def _piece(name: str, entries: Sequence[Entry], lone: bool, source: str) -> HandIn | None:
    """What arrived as one file or one folder; None for a file that is nobody's, such as a list of the class."""
    inside = tuple(entry if lone else entry.inside for entry in entries)
    if moodle := MOODLE.fullmatch(name):
        student = Student(id=moodle["id"], name="" if moodle["name"] == "Participant" else moodle["name"])
        return HandIn(student=student, entries=(replace(inside[0], path=(moodle["file"] or name,)),) if lone else inside, source=source)
    if lone and not files.kind(name) and not entries[0].problem:
        return None
    return HandIn(student=Student(id=files.stem(name) if lone else name), entries=inside, source=source)


def _together(pieces: list[HandIn]) -> HandIn:
    return replace(pieces[0], entries=tuple(entry for piece in pieces for entry in piece.entries))


def _canvas(pieces: list[tuple[re.Match[str], Entry]], source: str) -> Iterator[HandIn]:
    """The attempts of one student, from his or her files in the order of their numbers. A name that comes again begins the next attempt."""
    pieces = sorted(pieces, key=lambda piece: (len(piece[0]["number"]), piece[0]["number"]))
    names = _uncounted([match["file"] for match, _ in pieces])
    attempts: list[dict[str, tuple[re.Match[str], Entry]]] = [{}]
    for name, piece in zip(names, pieces, strict=True):
        if name in attempts[-1]:
            attempts.append({})
        attempts[-1][name] = piece
    for number, attempt in enumerate(attempts, 1):
        match = next(iter(attempt.values()))[0]
        yield HandIn(
            student=Student(id=match["id"], name=match["name"]),
            entries=tuple(replace(entry, path=(name,)) for name, (_, entry) in attempt.items()),
            late=any(match["late"] for match, _ in attempt.values()),
            attempt=number,
            source=f"{source}/{match[0]}",
        )


def _uncounted(names: list[str]) -> list[str]:
    """File names without Canvas's count, so that they import one another as when they were written. `problem-1.py` and `problem-2.py`, with
    no `problem.py` beside them, were called so by the student."""
    bare = [match["stem"] + match["ending"] if (match := _COUNTED.fullmatch(name)) else name for name in names]
    return [short if short in names or bare.count(short) == 1 else name for name, short in zip(names, bare, strict=True)]
