"""What became of a class of attackers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checker.grading.grades import ClassRecord, Result
from checker.grading.run import Outcome

ATTACKS = Path(__file__).parent / "submissions"


@dataclass(frozen=True, kw_only=True)
class Raid:
    """A class of attackers that was graded."""

    record: ClassRecord
    outcome: Outcome
    canary: str
    seconds: dict[str, float]  #: wall time, by submission
    left_behind: set[str]  #: processes
    appeared: set[str]  #: files outside their place

    def results(self, name: str) -> list[Result]:
        """What became of the submission of this name, by exercise."""
        student = next(one for one in self.record.students if one.id == name)
        return [grade.result for grade in student.attempts[0].grades]
