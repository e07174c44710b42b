"""Reading what a class handed in.

Comes in: a path.  Goes out: a `Submission` for each attempt of each student.  Why: files, folders and the archives of learning systems
become one shape here, and whatever is wrong with a file becomes a sentence of the student whose file it is.

Nothing that was handed in is run, parsed as Python, or written to disk.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path

from checker.errors import UsageError
from checker.grading.reading import answers, archives, files, gradescope, learning_systems, notebooks, sources
from checker.grading.reading.files import Entry, Unreadable
from checker.grading.reading.learning_systems import HandIn
from checker.grading.submission import Submission
from checker.sandbox.values import Program

CLASS = 50_000  #: files and folders beside one another in the folder of a class
#: What Gradescope calls the folder around its export. No other folder is looked into for a download: a student could have made it.
WRAPPER = re.compile(r"assignment_\d+_export")
BYTES = 32 * 2**20  #: of one student's programs together
FAILED = 2**20  #: bytes that a file counts as that could not be read: trying took time
PROBLEMS = 20  #: sentences about one student's files

#: How many bytes are read of a file of each kind, in the order in which programs run.
LIMITS = {".ipynb": notebooks.NOTEBOOK, ".py": sources.SOURCE, ".toml": answers.ANSWERS}
_NESTED = "is a zip inside a zip, and was not read: hand in the files themselves, or one zip."


def submissions(path: Path) -> list[Submission]:
    """What was handed in at `path`: one student's file, a folder in which each student has a file or a folder, or the download of Canvas,
    Moodle or Gradescope, as it comes or unpacked. Sorted by the student's id, then by attempt.

    Raises:
        UsageError: there is nothing at `path`, or it cannot be read as a whole.
    """
    with _groups(path) as (groups, source):
        metadata = groups.pop(gradescope.METADATA, None)
        try:
            found = (
                gradescope.hand_ins(metadata[0].read(gradescope.BYTES), groups, source)
                if metadata
                else learning_systems.hand_ins(groups, source)
            )
        except Unreadable as error:
            raise UsageError(f"{gradescope.METADATA} of {path} {error} Download the export again.") from None
        return [_submission(hand_in) for hand_in in _numbered(found)]


@contextmanager
def _groups(path: Path) -> Iterator[tuple[dict[str, list[Entry]], str]]:
    """Entries by the file or folder of a student in which they arrived, and where that is."""
    if not path.exists():
        raise UsageError(f"{path} does not exist: give a student's file, or the folder or zip of a class.")
    try:
        if path.is_dir():
            yield _folder(path), str(path)
        elif files.kind(path.name) == ".zip":
            with path.open("rb") as file:
                yield _archive(archives.entries(file, archives.CLASS_ENTRIES)), str(path)
        elif files.kind(path.name):
            name = files.canonical(path.name)
            yield {name: [replace(entry, path=(name,)) for entry in files.found(path.resolve())]}, str(path.parent)
        else:
            raise UsageError(
                f"{path} is not what students hand in: give a .py, .ipynb or answers.toml file, or the folder or zip of a class."
            )
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except Unreadable as error:
        raise UsageError(f"{path} {error} Download it again, or unpack it and give the folder.") from None


def _folder(path: Path) -> dict[str, list[Entry]]:
    children = _children(path)
    if len(children) == 1 and WRAPPER.fullmatch(children[0].name) and children[0].is_dir() and not children[0].is_symlink():
        children = _children(children[0])
    if len(children) > CLASS:
        raise UsageError(f"{path} holds more than {CLASS:,} files and folders: give a folder in which each student has one.")
    groups: dict[str, list[Entry]] = {}
    for child in children:
        name = files.canonical(child.name)
        if name in groups:
            raise UsageError(f"{path} holds two that are both called {name}, written in different characters: rename one of them.")
        groups[name] = files.found(child)
    return groups


def _children(path: Path) -> list[Path]:
    """What may be a student's, in order; of a crowded folder, one more than a class may have."""
    return sorted(islice((child for child in path.iterdir() if not files.litter([child.name])), CLASS + 1))


def _archive(entries: list[Entry]) -> dict[str, list[Entry]]:
    outer = {entry.path[0] for entry in entries}
    if len(outer) == 1 and WRAPPER.fullmatch(next(iter(outer))):
        entries = [entry.inside for entry in entries]
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        group = groups.setdefault(entry.path[0], [])
        if len(group) < files.ENTRIES:
            group.append(entry)
        elif len(group) == files.ENTRIES:
            group.append(files.crowded(entry.path[:1]))
    return groups


def _numbered(hand_ins: list[HandIn]) -> list[HandIn]:
    """Sorted by student, each attempt of a student with a number of its own."""
    found: list[HandIn] = []
    for hand_in in sorted(hand_ins, key=lambda h: (h.student.id, h.attempt)):
        taken = found[-1].attempt if found and found[-1].student.id == hand_in.student.id else 0
        found.append(replace(hand_in, attempt=max(hand_in.attempt, taken + 1)))
    return found


def _submission(hand_in: HandIn) -> Submission:
    """Read the files of one attempt: notebooks first, then Python files, each by name."""
    kept: dict[str, bytes] = {}
    programs: list[Program] = []
    formulas: dict[str, Mapping[str, str]] = {}
    entries = _unfolded(hand_in.entries)
    problems = [f"{entry.name} {entry.problem}" for entry in entries if entry.problem]
    order, spent = list(LIMITS), 0
    readable = [entry for entry in entries if not entry.problem and files.kind(entry.name) in LIMITS]
    for entry in sorted(readable, key=lambda e: (order.index(files.kind(e.name)), e.path)):
        kind = files.kind(entry.name)
        name = files.stem(entry.name) + kind
        try:
            if name in kept:
                raise Unreadable("was handed in twice; the first was read.")
            if spent >= BYTES:
                raise Unreadable(f"was not read: there are more than {BYTES // 2**20} MiB of programs.")
            spent += FAILED  # until it is read
            data = kept[name] = entry.read(LIMITS[kind])
            spent += len(data) - FAILED
            if kind == ".ipynb":
                programs.append(notebooks.program(name, data))
            elif kind == ".py":
                programs.append(sources.program(name, data))
            else:
                formulas.update(answers.formulas(data))
        except Unreadable as error:
            problems.append(f"{name} {error}")
    if not (kept or problems):
        problems.append(_nothing(entries))
    if len(problems) > PROBLEMS:
        problems = [*problems[:PROBLEMS], f"There are {len(problems) - PROBLEMS:,} more problems of this kind."]
    return Submission(
        student=hand_in.student,
        files=kept,
        programs=tuple(programs),
        formulas=formulas,
        problems=tuple(problems),
        submitted=hand_in.submitted,
        late=hand_in.late,
        attempt=hand_in.attempt,
        source=hand_in.source,
    )


def _unfolded(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, with the files of each zip in its place. A zip inside a zip is refused."""
    found: list[Entry] = []
    left = archives.ZIP
    for entry in entries:
        if entry.problem or files.kind(entry.name) != ".zip":
            found.append(entry)
            continue
        try:
            if left <= 0 or len(found) > files.ENTRIES:
                raise Unreadable("was not read: there is too much in zips.")
            data = entry.read(archives.ZIP)
            left -= max(len(data), FAILED)
            inside = archives.entries(io.BytesIO(data))
        except Unreadable as error:
            found.append(replace(entry, problem=str(error)))
            continue
        found += [replace(each, problem=each.problem or _NESTED) if files.kind(each.name) == ".zip" else each for each in inside]
    return found


def _nothing(entries: Sequence[Entry]) -> str:
    seen = ", ".join(entry.name for entry in entries[:5]) or "nothing"
    return f"There is no .py, .ipynb or answers.toml file, nor a zip of them. What was handed in: {seen}."
