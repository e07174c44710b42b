"""The file name of each student's pages.

Comes in: students.  Goes out: one name for each.  Why: what a student is called may hold path separators, marks that turn a line around,
or another student's name; a file name holds only small letters, digits and `-`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

from checker.grading.grades import StudentRecord

_LENGTH = 40


def file_names(students: Sequence[StudentRecord]) -> list[str]:
    """`ada-lovelace-3f29ab01cd` for each: what can be read of the name or id, and a hash of the id that keeps namesakes apart."""
    names: dict[str, None] = {}
    for student in students:
        digest = hashlib.sha256(student.id.encode("utf-8", "surrogatepass")).hexdigest()[:10]
        stem = f"{_plain(student.name) or _plain(student.id) or 'student'}-{digest}"
        name, number = stem, 1
        while name in names:
            number += 1
            name = f"{stem}-{number}"
        names[name] = None
    return list(names)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text[: 4 * _LENGTH]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_LENGTH].rstrip("-")
