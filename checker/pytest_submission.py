"""One student's file as tests.

Comes in: `pytest --checker-submission FILE`.  Goes out: one test an exercise, which passes with full marks and otherwise says what a
student is told.  Why: students see at home, and continuous integration at every push, what grading would find; by the same machinery.

The file runs in the sandbox, at fresh points each time; it is never imported by pytest.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from checker.authoring import Exercise
    from checker.grading.grader import Grader
    from checker.grading.submission import Submission

#: The grader of this run, once a test has needed it.
_GRADER = pytest.StashKey["Grader"]()


class NotRight(Exception):
    """An answer has not earned all of its points; the message is what a student is told."""


class SubmissionFile(pytest.File):
    """A student's file."""

    def collect(self) -> Iterable[pytest.Item]:
        """One test for each exercise that was asked for."""
        from checker.errors import Error
        from checker.grading.assignment import plain
        from checker.grading.reading.intake import submissions
        from checker.inert import inert

        try:
            assignment = plain(exercises_for(self.config))
            (submission,) = submissions(self.path)
        except Error as error:
            raise self.CollectError(f"checker: {inert(str(error))}") from None
        for exercise in assignment.exercises:
            item = SubmissionItem.from_parent(self, name=exercise.name, exercise=exercise, submission=submission)
            item.grader = lambda: self._grader(assignment)
            yield item

    def _grader(self, assignment: Any) -> Grader:
        from checker.grading.grader import Grader, Protection

        stash = self.config.stash
        if _GRADER not in stash:
            trusted = self.config.getoption("--checker-i-trust-this-file")
            grader = Grader(assignment, os.urandom(32), protection=Protection.NONE if trusted else Protection.FULL)
            stash[_GRADER] = grader
            self.config.add_cleanup(grader.close)
        return stash[_GRADER]


class SubmissionItem(pytest.Item):
    """The answer to one exercise."""

    grader: Any

    def __init__(self, *, exercise: Exercise, submission: Submission, **given: Any) -> None:
        super().__init__(**given)
        self.exercise, self.submission = exercise, submission

    def runtest(self) -> None:
        """Raise where something is to be corrected; skip what has no answer yet."""
        from checker.grading.grades import Kind
        from checker.grading.judging.feedback import summary
        from checker.sandbox.wall import SandboxUnavailable

        try:
            (result,) = self.grader().results(self.submission, [self.exercise.id])
        except SandboxUnavailable as error:
            raise NotRight(f"{error}\nTo run your own file without a sandbox: --checker-i-trust-this-file") from None
        if all(finding.kind is Kind.RIGHT for finding in result.findings):
            return
        problems = "".join(f"\n{problem}" for problem in self.submission.problems)
        if not problems and all(finding.kind is Kind.ABSENT and not finding.detail for finding in result.findings):
            pytest.skip(f"{self.exercise.name} has no answer in {self.path.name}")
        raise NotRight(summary(result, "en") + problems + (f"\nprinted:\n{result.output}" if result.output else ""))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from checker.errors import Error
        from checker.inert import inert

        known = isinstance(excinfo.value, (NotRight, Error))
        return inert(str(excinfo.value)) if known else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


def exercises_for(config: pytest.Config) -> list[str]:
    """The exercises that a file is tested by: those given by `--checker-exercises`, else the folder `exercises` of the working folder, as
    in what `checker starter` writes, else the built-in ones. Exercises run as the user: those beside somebody's file may be somebody's."""
    given = [*config.getoption("--checker-exercises"), *map(str, config.getini("checker_exercises"))]
    own = config.invocation_params.dir / "exercises"
    return given or ([str(own)] if own.is_dir() else [])
