"""JSON: the whole class record.

Comes in: a `ClassRecord`.  Goes out: the same as JSON.  Why: other programs read everything from it. It holds true gradients
(`comparisons`) and suspicions, and is the instructor's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from checker.grading.grades import ClassRecord


class Json:
    """`grades.ClassRecord`, indented."""

    name = "json"

    def export(self, record: ClassRecord) -> Mapping[str, bytes]:
        return {"grades.json": unobeyed(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")}


#: What JSON holds as it is, and a terminal obeys: controls beyond ASCII, marks that turn the line around, and separators of lines.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def unobeyed(data: bytes) -> bytes:
    r"""The same JSON, in which no character is left that a terminal obeys: each is an escape, such as `\u009b`."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", data.decode()).encode()
