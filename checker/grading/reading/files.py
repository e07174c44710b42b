"""Files as they were handed in, from a folder that nobody vouches for.

Comes in: a path.  Goes out: `Entry` values, one a file, not yet read.  Why: a folder and an archive must look the same to whatever sorts
files by student, and a link, a pipe or a million files must cost nobody but the student who handed them in.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from checker.inert import inert

ENTRIES = 20_000  #: files and folders of one student that are looked at
CROWD = 200_000  #: names in one folder among which programs are looked for
DEPTH = 16  #: folders inside one another

#: What systems and tools leave behind, as they do files and folders whose names begin with a dot: nobody handed it in.
LITTER = frozenset({"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"})

#: Windows hides a second ending, and browsers append one: `answers.py.txt` is meant as `answers.py`.
_KIND = re.compile(
    r"(?P<stem>.+?)(?P<kind>\.py|\.ipynb|\.zip|(?:(?<=^answers)|(?<=/answers))\.toml)(?:\.txt|\.json)*+",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)


class Unreadable(Exception):
    """A file cannot be read. The words follow its name in a sentence for the student, and say what to do where something can be done."""


@dataclass(frozen=True)
class Entry:
    """A file that was found. `path` are its folders and its name, canonical; `problem` says after its name why it is refused, where it is.

    `read(limit)` gives its bytes.

    Raises:
        Unreadable: from `read`: there are more than `limit` bytes, or they cannot be had.
    """

    path: tuple[str, ...]
    read: Callable[[int], bytes] = field(repr=False, default=lambda limit: b"")
    problem: str = ""

    @property
    def name(self) -> str:
        """The path in one text, for messages."""
        return "/".join(self.path)

    @property
    def inside(self) -> Entry:
        """The same file, seen from the folder in which its path begins."""
        return replace(self, path=self.path[1:] or self.path)


def crowded(path: tuple[str, ...]) -> Entry:
    """What stands for the files of `path` that were not looked at."""
    return Entry(path, problem=f"holds more than {ENTRIES:,} files; the others were not looked at.")


def canonical(name: str) -> str:
    r"""The name of a file or a student: inert, and in Unicode's composed form, in which what looks the same is the same. White space is not
    collapsed, for two names must stay two.

    >>> canonical("e\u0301\n\x1b[31m") == "é\\n\\x1b[31m"
    True
    """
    return inert(unicodedata.normalize("NFC", name)).replace("\n", r"\n").replace("\t", r"\t")


def too_large(limit: int) -> Unreadable:
    """What to say of a file of more than `limit` bytes."""
    return Unreadable(f"is larger than {limit // 2**10:,} KiB, and was not read.")


def litter(path: Iterable[str]) -> bool:
    """Whether a file lies where nobody hands in files."""
    return any(part in LITTER or (part.startswith(".") and part not in (".", "..")) for part in path)


def kind(name: str) -> str:
    """What a file is by its name: `.py`, `.ipynb`, `.zip`, or `.toml` for a file of answers; empty for what is not read."""
    match = _KIND.fullmatch(name)
    return match["kind"].lower() if match else ""


def stem(name: str) -> str:
    """A file's name without the ending that says its kind, and what follows that."""
    match = _KIND.fullmatch(name)
    return match["stem"] if match else name


def found(root: Path) -> list[Entry]:
    """What is at `root`: the file itself, or every file below the folder, in order. The first part of every path is `root`'s own name.

    Links are not followed, and what is neither file nor folder is not opened. Of a folder with more than `ENTRIES` entries the rest is
    not looked at.
    """
    entries: list[Entry] = []
    waiting: list[tuple[Path, tuple[str, ...]]] = [(root, (canonical(root.name),))]
    for _ in range(ENTRIES + 1):
        if not waiting:
            return entries
        path, name = waiting.pop()
        try:
            found = _look(path, name)
        except OSError as error:
            found = Entry(name, problem=f"cannot be read: {error.strerror}.")
        if isinstance(found, Entry):
            entries.append(found)
        else:
            waiting.extend((child, (*name, canonical(child.name))) for child in reversed(found))
    return [*entries, crowded((canonical(root.name),))]


def _look(path: Path, name: tuple[str, ...]) -> Entry | list[Path]:
    """The entry at `path`, or what the folder there holds."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return Entry(name, problem="is a link, which is not followed: hand in the file itself.")
    if stat.S_ISREG(mode):
        return Entry(name, lambda limit: _read(path, limit))
    if not stat.S_ISDIR(mode):
        return Entry(name, problem="is neither a file nor a folder, and was not opened.")
    if len(name) > DEPTH:
        return Entry(name, problem=f"lies more than {DEPTH} folders deep, and was not looked at.")
    return _children(path)


def _children(folder: Path) -> list[Path]:
    """What a folder holds, programs first; of a crowded one, one more than is looked at."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in islice(entries, CROWD) if not litter([entry.name])]
    return [folder / name for name in sorted(names, key=lambda name: (not kind(name), name))[: ENTRIES + 1]]


def _read(path: Path, limit: int) -> bytes:
    try:
        # between the look and the opening the file may have become a link or a pipe: neither is followed or waited for
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("is no longer a file.")
            data = file.read(limit + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}.") from None
    if len(data) > limit:
        raise too_large(limit)
    return data
