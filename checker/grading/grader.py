"""One submission, graded.

Comes in: an assignment and the gradebook's secret; then submissions.  Goes out: a `Result` for each exercise.  Why: this is where a
student's code, the sandbox and the truth meet, and nowhere else.

A name that the code defines wins over the same name in `answers.toml`, which wins where the code does not run.
"""

from __future__ import annotations

import enum
import functools
import re
import time
from collections.abc import Sequence

import msgspec

from checker.authoring import Exercise
from checker.grading.asking import ask, walk
from checker.grading.assignment import Assignment
from checker.grading.grades import Finding, Kind, Result
from checker.grading.judging import hints
from checker.grading.judging.formulas import formula_findings
from checker.grading.judging.mistakes import findings, troubled, value_right
from checker.grading.judging.own_forward import strange
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered
from checker.grading.judging.step_mistakes import step_findings
from checker.grading.judging.trajectories import trajectory
from checker.grading.sitting import Sitting
from checker.grading.submission import Submission
from checker.sandbox.box import Box
from checker.sandbox.session import Session
from checker.sandbox.values import ALL, Form, Found, Loaded, Reason, Stopped
from checker.sandbox.values import Kind as Mounted
from checker.values import Comparison

_Judged = tuple[Form | None, list[Finding], list[Comparison]]

#: The layers that need bubblewrap.
NAMESPACES = frozenset({"bubblewrap", "namespaces"})
#: A line of code that speaks of torch; a comment, such as those of `checker starter`, does not count.
_TORCH = re.compile(r"^[^#\n]*torch", re.MULTILINE)
_NO_TORCH = "No module named 'torch"
#: Troubles after which the child is no more, and a fresh one has to load the code again.
_FATAL = (Reason.TIMED_OUT, Reason.MEMORY, Reason.OUTPUT, Reason.DIED, Reason.PROTOCOL)


class Protection(enum.StrEnum):
    """How far from this machine untrusted code is kept."""

    FULL = "full"  #: every layer
    PARTIAL = "partial"  #: Landlock and seccomp without namespaces, where bubblewrap cannot run; only by choice
    NONE = "none"  #: no layer at all, only with --i-trust-these-files; every result says so


class Grader:
    """Grades submissions one after another. Use it in a `with`: it holds running sandboxes once it has needed them.

    The truths of an exercise are found when it is first asked for, or by `prepare`.
    """

    def __init__(self, assignment: Assignment, secret: bytes, *, protection: Protection = Protection.FULL) -> None:
        self.assignment, self.protection = assignment, protection
        self._exercises = {exercise.id: exercise for exercise in assignment.exercises}
        self._pool = functools.cache(lambda one: Pool(self._exercises[one], secret))
        self._path = functools.cache(lambda one: trajectory(self._exercises[one], secret))
        self.boxes: dict[Mounted, Box] = {}

    def prepare(self) -> None:
        """Find the truth of a first point of every exercise: processes that are forked later have them all.

        Raises:
            ExerciseError: an exercise cannot be graded, by its author's fault.
        """
        for one in self._exercises:
            self._pool(one)
            self._path(one)

    def try_sandbox(self) -> None:
        """See that untrusted code can be held here.

        Raises:
            UsageError: it cannot: what is missing, and how it comes.
        """
        with self._box("numpy") as box, box.open():
            pass

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
            ExerciseError: an exercise cannot be graded, by its author's fault.
            UsageError: the sandbox cannot be had here.
        """
        sittings: dict[Mounted, Sitting] = {}
        try:
            return [self._result(self._exercises[one], submission, sittings) for one in wanted]
        finally:
            for sitting in sittings.values():
                sitting.close()

    def _result(self, exercise: Exercise, submission: Submission, sittings: dict[Mounted, Sitting]) -> Result:
        start = time.perf_counter()
        sitting = self._sitting(exercise, submission, sittings)
        form, found, compared = self._judged(exercise, submission, sitting)
        return Result(
            exercise=exercise.id,
            form=form,
            findings=found,
            comparisons=compared,
            suspicions=strange(found),
            output=sitting.printed() if sitting else "",
            seconds=time.perf_counter() - start,
            sandboxed=self.protection is not Protection.NONE or sitting is None,
        )

    def _sitting(self, exercise: Exercise, submission: Submission, sittings: dict[Mounted, Sitting]) -> Sitting | None:
        """The submission in the sandbox that this exercise asks for; None where it has no code. Only what needs torch gets it: a child
        without it is far lighter."""
        if not submission.programs:
            return None

        def sitting(mounted: Mounted) -> Sitting:
            if mounted not in sittings:
                if mounted not in self.boxes:
                    self.boxes[mounted] = self._box(mounted)
                sittings[mounted] = Sitting(self.boxes[mounted], submission.programs, [one.name for one in self.assignment.exercises])
            return sittings[mounted]

        if exercise.name in self.assignment.by_hand:
            return sitting("numpy")
        if any(_TORCH.search(part.source) for program in submission.programs for part in program.parts):
            return sitting("torch")
        try:
            unseen = sitting("numpy").loaded().imports_torch  # by a library, or by a name that is put together
        except Stopped:
            unseen = False
        return sitting("torch" if unseen else "numpy")

    def _box(self, mounted: Mounted) -> Box:
        limits, libraries = self.assignment.limits, self.assignment.libraries
        layers = ALL if self.protection is Protection.FULL else ALL - NAMESPACES
        return Box(mounted, limits, layers=layers, trusted=self.protection is Protection.NONE, libraries=libraries)

    def _judged(self, exercise: Exercise, submission: Submission, sitting: Sitting | None) -> _Judged:
        texts = submission.formulas.get(exercise.name)
        by_hand = exercise.name in self.assignment.by_hand
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
            found, compared = self._asked(exercise, submission, sitting.session, answer)
            return answer.form, [_without_torch(one) if by_hand else one for one in found], compared
        if texts is not None:
            questions = self._pool(exercise.id).questions(submission.content)
            return Form.FORMULA, *formula_findings(texts, questions, lambda answered: findings(exercise, answered, single_allowed=False))
        return None, [_absent(exercise.name, submission, loaded, by_hand)], []

    def _asked(self, exercise: Exercise, submission: Submission, session: Session, answer: Found) -> tuple[list[Finding], list[Comparison]]:
        """Ask at every question, until an answer ends the child."""
        if answer.form is Form.STEP:
            path = self._path(exercise.id)
            if path is None:
                detail = f"{exercise.name} is no training exercise: give its gradient instead of a step"
                return [Finding(part="", kind=Kind.RETURNED, detail=detail)], []
            states, trouble = walk(session, exercise.name, path)
            return step_findings(exercise, path, states, trouble), []
        answered: list[Answered] = []
        for question in self._pool(exercise.id).questions(submission.content):
            answered.append(ask(session, exercise.name, answer, question, value_right))
            trouble = answered[-1].trouble
            if trouble is not None and trouble.reason in _FATAL:
                break
        return findings(exercise, answered, single_allowed="float32" in exercise.dtypes)


def _absent(name: str, submission: Submission, loaded: Loaded, by_hand: bool) -> Finding:
    """No answer under the name that was asked for: what failed in a part that speaks of it, else anywhere; or half a pair."""
    sources = {part.label: part.source for program in submission.programs for part in program.parts}
    failed = sorted(loaded.troubles, key=lambda one: name not in sources.get(one.label, one.text))
    if failed:
        found = troubled(failed[0])
        if by_hand and loaded.imports_torch and name in sources.get(found.label, ""):
            return msgspec.structs.replace(found, kind=Kind.FORBIDDEN, detail="")
        return msgspec.structs.replace(found, kind=Kind.ABSENT)
    halves = [f"{name}_forward", f"{name}_backward"]
    there = [half for half in halves if any(re.search(rf"\b{re.escape(half)}\b", source) for source in sources.values())]
    if len(there) == 1:
        (other,) = set(halves) - set(there)
        return Finding(part="", kind=Kind.ABSENT, detail=hints.HALF.format(there[0], other))
    return Finding(part="", kind=Kind.ABSENT)


def _without_torch(found: Finding) -> Finding:
    """What failed because torch is not there is not allowed, and that is what is said."""
    if found.kind is not Kind.RAISED or _NO_TORCH not in found.detail:
        return found
    return msgspec.structs.replace(found, kind=Kind.FORBIDDEN, detail="")
