"""Reading what a class handed in.

Comes in: a path.  Goes out: a `Submission` for each attempt of each student.  Why: files, folders and the archives of learning systems
become one shape here, and whatever is wrong with a file becomes a sentence of the student whose file it is.

Nothing that was handed in is run, parsed as Python, or written to disk.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from checker.errors import UsageError
from checker.grading import answers, files, learning_systems, notebooks, sources
from checker.grading.files import Entry, Unreadable
from checker.grading.learning_systems import HandIn
from checker.grading.submission import Submission
from checker.sandbox.values import Program

CLASS = 50_000  #: files and folders beside one another in the folder of a class
BYTES = 32 * 2**20  #: of one student's programs together

#: What is read, and how many bytes of it.
LIMITS = {".py": sources.SOURCE, ".ipynb": notebooks.NOTEBOOK, ".toml": answers.ANSWERS}


def submissions(path: Path) -> list[Submission]:
    """What was handed in at `path`: one student's file, a folder in which each student has a file or a folder, or the download of Canvas,
    Moodle or Gradescope, as it comes or unpacked. Sorted by the student's id, then by attempt.

    Raises:
        UsageError: there is nothing at `path`, or it cannot be read as a whole.
    """
    found = learning_systems.hand_ins(_groups(path), str(path.parent if path.is_file() else path))
    return sorted((_submission(each) for each in found), key=lambda s: (s.student.id, s.attempt))


def _groups(path: Path) -> Mapping[str, list[Entry]]:
    """Entries by the file or folder of a student in which they arrived."""
    if not path.exists():
        raise UsageError(f"{path} does not exist: give a student's file, or the folder or zip of a class.")
    if path.is_file():
        return {files.printable(path.name): files.found(path.resolve())}
    try:
        children = sorted(child for child in path.iterdir() if not files.litter((child.name,)))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    if len(children) > CLASS:
        raise UsageError(f"{path} holds more than {CLASS:,} files and folders: give a folder in which each student has one.")
    return {files.printable(child.name): group for child in children if (group := files.found(child))}


def _submission(hand_in: HandIn) -> Submission:
    """Read the files of one attempt: notebooks first, then Python files, each by name."""
    kept: dict[str, bytes] = {}
    programs: list[Program] = []
    formulas: dict[str, Mapping[str, str]] = {}
    problems = [f"{entry.name} {entry.problem}" for entry in hand_in.entries if entry.problem]
    left = BYTES
    for entry in sorted(hand_in.entries, key=lambda e: (_kind(e.name) != ".ipynb", e.path)):
        kind = _kind(entry.name)
        if entry.problem or kind not in LIMITS:
            continue
        name = entry.name[: entry.name.lower().rindex(kind)] + kind
        try:
            if left < 0:
                raise Unreadable(f"was not read: there are more than {BYTES // 2**20} MiB of programs.")
            data = kept[name] = entry.read(LIMITS[kind])
            left -= len(data)
            if kind == ".ipynb":
                programs.append(notebooks.program(name, data))
            elif kind == ".py":
                programs.append(sources.program(name, data))
            else:
                formulas.update(answers.formulas(data))
        except Unreadable as error:
            problems.append(f"{name} {error}")
    if not (programs or formulas or problems):
        seen = ", ".join(entry.name for entry in hand_in.entries[:5]) or "nothing"
        problems.append(f"There is no .py, .ipynb or answers.toml file here; what was handed in: {seen}.")
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


def _kind(name: str) -> str:
    """`.py`, `.ipynb`, or `.toml` for a file of answers; empty for what is not read. Browsers and Windows append a second ending."""
    name = name.lower().rpartition("/")[2]
    for added in (".txt", ".json"):
        name = name.removesuffix(added) if name.removesuffix(added).endswith(tuple(LIMITS)) else name
    if name.endswith(".toml"):
        return ".toml" if name == "answers.toml" else ""
    return next((kind for kind in LIMITS if name.endswith(kind)), "")
