"""One submission, graded.

Comes in: an assignment and the gradebook's secret; then submissions.  Goes out: a `Result` for each exercise.  Why: this is where a
student's code, the sandbox and the truth meet, and nowhere else.

A submission's code runs at most once in each kind of sandbox, and once more after each answer that ended it: an endless loop costs its own
exercise and no other.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Sequence
from contextlib import ExitStack

import msgspec

from checker.authoring import Exercise
from checker.grading.asking import ask, walk
from checker.grading.assignment import Assignment
from checker.grading.formulas import formula_findings
from checker.grading.grades import Finding, Kind, Result
from checker.grading.mistakes import findings, troubled, value_right
from checker.grading.questions import Answered, Pool
from checker.grading.step_mistakes import step_findings
from checker.grading.submission import Submission
from checker.grading.trajectories import trajectory
from checker.sandbox.box import Box
from checker.sandbox.session import Session
from checker.sandbox.values import ALL, Form, Found, Loaded, Program, Reason, Stopped
from checker.sandbox.values import Kind as Mounted
from checker.values import Comparison

_Judged = tuple[Form | None, list[Finding], list[Comparison]]

#: The layers that need bubblewrap.
NAMESPACES = frozenset({"bubblewrap", "namespaces"})
#: Troubles after which the child is no more, and a fresh one has to load the code again.
_FATAL = (Reason.TIMED_OUT, Reason.MEMORY, Reason.OUTPUT, Reason.DIED, Reason.PROTOCOL)


class Protection(enum.StrEnum):
    """How far from this machine untrusted code is kept."""

    FULL = "full"  #: every layer
    PARTIAL = "partial"  #: Landlock and seccomp without namespaces, where bubblewrap cannot run; only by choice
    NONE = "none"  #: no layer at all, only with --i-trust-these-files; every result says so


class Grader:
    """Grades submissions one after another. Use it in a `with`: it holds running sandboxes once it has needed them.

    The truth of a first point of every exercise is found when a grader is made; processes forked from here have them all.

    Raises:
        ExerciseError: an exercise cannot be graded, by its author's fault.
    """

    def __init__(self, assignment: Assignment, secret: bytes, *, protection: Protection = Protection.FULL) -> None:
        self.assignment, self.protection = assignment, protection
        self._exercises = {exercise.id: exercise for exercise in assignment.exercises}
        self._pools = {exercise.id: Pool(exercise, secret) for exercise in assignment.exercises}
        self._trajectories = {exercise.id: trajectory(exercise, secret) for exercise in assignment.exercises}
        self.boxes: dict[Mounted, Box] = {}

    def __enter__(self) -> Grader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the sandboxes."""
        for box in self.boxes.values():
            box.close()
        self.boxes.clear()

    def results(self, submission: Submission, wanted: Sequence[str]) -> list[Result]:
        """What the submission's answers to the exercises `wanted` (their ids) turned out to be, in that order.

        Raises:
            CheckerError: the harness failed. It is never the student's fault.
            UsageError: the sandbox cannot be had here.
        """
        exercises = [self._exercises[one] for one in wanted]
        sittings: dict[Mounted, _Sitting] = {}
        try:
            return [self._result(exercise, submission, sittings) for exercise in exercises]
        finally:
            for sitting in sittings.values():
                sitting.close()

    def _result(self, exercise: Exercise, submission: Submission, sittings: dict[Mounted, _Sitting]) -> Result:
        start = time.perf_counter()
        sitting = self._sitting(exercise, submission, sittings)
        form, found, compared = self._judged(exercise, submission, sitting)
        return Result(
            exercise=exercise.id,
            form=form,
            findings=found,
            comparisons=compared,
            output=sitting.printed() if sitting else "",
            seconds=time.perf_counter() - start,
            sandboxed=self.protection is not Protection.NONE or sitting is None,
        )

    def _sitting(self, exercise: Exercise, submission: Submission, sittings: dict[Mounted, _Sitting]) -> _Sitting | None:
        """The submission in the sandbox that this exercise asks for; None where it has no code. Only what needs torch gets it: a child
        without it is far lighter."""
        if not submission.programs:
            return None
        torch = any("torch" in part.source for program in submission.programs for part in program.parts)
        mounted: Mounted = "torch" if torch and exercise.name not in self.assignment.by_hand else "numpy"
        if mounted not in sittings:
            if mounted not in self.boxes:
                self.boxes[mounted] = self._box(mounted)
            names = [one.name for one in self.assignment.exercises]
            sittings[mounted] = _Sitting(self.boxes[mounted], submission.programs, names)
        return sittings[mounted]

    def _box(self, mounted: Mounted) -> Box:
        limits, libraries = self.assignment.limits, self.assignment.libraries
        layers = ALL if self.protection is Protection.FULL else ALL - NAMESPACES
        return Box(mounted, limits, layers=layers, trusted=self.protection is Protection.NONE, libraries=libraries)

    def _judged(self, exercise: Exercise, submission: Submission, sitting: _Sitting | None) -> _Judged:
        texts = submission.formulas.get(exercise.name)
        answer, loaded = None, Loaded()
        if sitting is not None:
            try:
                loaded = sitting.loaded()
                answer = loaded.found.get(exercise.name)
            except Stopped as stopped:
                if texts is None:
                    return None, [troubled(stopped.trouble)], []
        if answer is not None and answer.form is Form.FORMULA:
            texts = answer.formulas
        elif answer is not None and sitting is not None:
            return answer.form, *self._asked(exercise, submission, sitting, answer)
        if texts is not None:
            questions = self._pools[exercise.id].questions(submission.content)
            return Form.FORMULA, *formula_findings(texts, questions, lambda answered: findings(exercise, answered, single_allowed=False))
        return None, [_absent(loaded, exercise.name in self.assignment.by_hand)], []

    def _asked(
        self, exercise: Exercise, submission: Submission, sitting: _Sitting, answer: Found
    ) -> tuple[list[Finding], list[Comparison]]:
        """Ask at every question, until an answer ends the child."""
        if answer.form is Form.STEP:
            path = self._trajectories[exercise.id]
            if path is None:
                detail = f"{exercise.name} is no training exercise: give its gradient instead of a step"
                return [Finding(part="", kind=Kind.RETURNED, detail=detail)], []
            states, trouble = walk(sitting.session, exercise.name, path)
            return step_findings(exercise, path, states, trouble), []
        answered: list[Answered] = []
        for question in self._pools[exercise.id].questions(submission.content):
            answered.append(ask(sitting.session, exercise.name, answer, question, value_right))
            trouble = answered[-1].trouble
            if trouble is not None and trouble.reason in _FATAL:
                break
        return findings(exercise, answered, single_allowed="float32" in exercise.dtypes)


class _Sitting:
    """A submission in one kind of sandbox: loaded when first asked for, and again after an answer that ended its child."""

    def __init__(self, box: Box, programs: Sequence[Program], names: Sequence[str]) -> None:
        self.box, self.programs, self.names = box, programs, names
        self._session: Session | None = None
        self._loaded: Loaded | None = None
        self._stopped: Stopped | None = None
        self._seen = 0
        self._opened = ExitStack()

    @property
    def session(self) -> Session:
        """The session that `loaded` has opened."""
        assert self._session is not None
        return self._session

    def loaded(self) -> Loaded:
        """What its code gave.

        Raises:
            Stopped: it could not be loaded. That is not tried twice.
        """
        if self._stopped is not None:
            raise self._stopped
        if self._session is None or not self._session.alive:
            self.close()
            self._session, self._seen = self._opened.enter_context(self.box.open()), 0
            try:
                self._loaded = self._session.load(self.programs, self.names)
            except Stopped as stopped:
                self._stopped = stopped
                raise
        assert self._loaded is not None
        return self._loaded

    def printed(self) -> str:
        """What the code has printed since this was asked last."""
        if self._session is None:
            return ""
        text = self._session.output
        new, self._seen = text[self._seen :], len(text)
        return new

    def close(self) -> None:
        self._opened.close()


def _absent(loaded: Loaded, by_hand: bool) -> Finding:
    """No answer under the name that was asked for: torch was needed where it may not be, a part failed before it, or it is not there."""
    if by_hand and loaded.imports_torch:
        return Finding(part="", kind=Kind.FORBIDDEN)
    if loaded.troubles:
        first = troubled(loaded.troubles[0])
        return msgspec.structs.replace(first, kind=Kind.ABSENT)
    return Finding(part="", kind=Kind.ABSENT)
