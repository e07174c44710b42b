"""JSON: the whole class record.

Comes in: a `ClassRecord`.  Goes out: the same as JSON.  Why: other programs read everything from it. It holds true gradients
(`comparisons`) and suspicions, and is the instructor's.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from checker.grading.grades import ClassRecord


class Json:
    """`grades.ClassRecord`, indented."""

    name = "json"

    def export(self, record: ClassRecord) -> Mapping[str, bytes]:
        return {"grades.json": msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"}
