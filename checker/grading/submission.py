"""What a student hands in, before anything of it has run.

Comes in: nothing.  Goes out: frozen value types.  Why: folders, files, notebooks and the archives of three learning systems all become
this, so that everything after it knows one shape only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from checker.sandbox.values import Program


@dataclass(frozen=True, kw_only=True)
class Student:
    """Who handed in. `id` is what the learning system calls the student (a number, a login, an address), or the folder's name."""

    id: str
    name: str = ""  #: as people write it; empty where only the id is known


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One hand-in of one student. Names, texts and problems are the student's own and untrusted.

    `files` are the bytes as they came, by name. `programs` is the code in them and `formulas` the texts of `answers.toml`, by exercise
    and argument (the key "" where the exercise has only one). `problems` are sentences about files that could not be read.
    """

    student: Student
    files: Mapping[str, bytes] = field(repr=False)
    programs: tuple[Program, ...] = field(default=(), repr=False)
    formulas: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    problems: tuple[str, ...] = ()
    submitted: datetime | None = None  #: with a time zone; None where the source does not tell
    late: bool | None = None  #: what the learning system says; None where it says nothing
    attempt: int = 1
    source: str = ""  #: where it was found, for messages

    @property
    def content(self) -> str:
        """SHA-256 of the names and bytes, in hexadecimal: what is not changed need not run again."""
        digest = hashlib.sha256()
        for name in sorted(self.files):
            for data in (name.encode("utf-8", "surrogateescape"), self.files[name]):
                digest.update(len(data).to_bytes(8, "big") + data)
        return digest.hexdigest()
