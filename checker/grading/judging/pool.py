"""The points of an exercise that a class is asked.

Comes in: an exercise and a secret.  Goes out: a `Pool`, which gives every submission its `Question`s.  Why: no student can know the
points, every run asks the same ones, and a class costs one pool of truths rather than one truth an answer.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import warnings
from dataclasses import replace

import numpy as np

from checker.authoring import Exercise
from checker.errors import ExerciseError
from checker.grading.judging import points
from checker.grading.judging.questions import NoTruth, Question, question_at
from checker.judge.compare import compare
from checker.methods.autograd import Reverse
from checker.values import Case, Settings, Verdict

#: How many ordinary points an answer is asked, at least: one on each execution path that was found, where those are more.
ASKED = 3


class Pool:
    """The points of one exercise, drawn from `secret`; each truth is found when it is first asked for, and kept.

    Raises:
        ExerciseError: the exercise has complex inputs, or no fresh point can be used: the function is stochastic, has too many entries, or
            no truth could be found.
    """

    def __init__(self, exercise: Exercise, secret: bytes, size: int = 8) -> None:
        self.exercise, self._secret = exercise, secret
        if exercise.complex:
            raise self._refusal("it has complex inputs, and submissions are read in real numbers")
        self._settings = Settings(seed=int.from_bytes(hashlib.sha256(b"points\0" + secret).digest(), "big"))
        self._cases, self._paths = points.fresh(exercise, self._settings, size)
        self._found: dict[int, Question | None] = {}
        self._reasons: list[str] = []
        if not any(self._fresh(number) for number in range(len(self._cases))):
            raise self._refusal(self._reasons[-1])

    def _refusal(self, reason: str) -> ExerciseError:
        return ExerciseError(
            f"{self.exercise.name} cannot be graded: {reason}.",
            file=self.exercise.path or None,
            line=self.exercise.line or None,
            advice="Change its function or its sizes, or leave it out of the assignment.",
        )

    def questions(self, content: str) -> list[Question]:
        """What the submission with this content is asked: fresh points, a published one that is special, and the large probe.

        The same content is always asked the same. Every content is asked on all execution paths that were found, so that nobody is
        spared the branch that is wrong.
        """
        count = max(ASKED, len(set(self._paths)))
        chosen = itertools.islice(filter(None, map(self._fresh, self._order(content))), count)
        return [*chosen, *self._special, *self._large]

    def _order(self, content: str) -> list[int]:
        """The numbers of all fresh points, as they follow from secret and content, each execution path once before any comes again."""

        def rank(number: int) -> bytes:
            parts = (self._secret, content.encode("utf-8", "replace"), self.exercise.id.encode(), b"%d" % number)
            return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).digest()

        turns: dict[str, int] = {}
        ordered = []
        for number in sorted(range(len(self._cases)), key=rank):
            turn = turns[self._paths[number]] = turns.get(self._paths[number], 0) + 1
            ordered.append((turn, number))
        return [number for _, number in sorted(ordered, key=lambda pair: pair[0])]

    def _fresh(self, number: int) -> Question | None:
        if number not in self._found:
            self._found[number] = self._question(self._cases[number])
        return self._found[number]

    @functools.cached_property
    def _special(self) -> list[Question]:
        """The first published point that is a kink, or that is all that the author wants to be checked."""
        found = filter(None, map(self._question, points.published(self.exercise, self._settings)))
        return list(itertools.islice((q for q in found if q.classification is not None or not self.exercise.sampled), 1))

    @functools.cached_property
    def _large(self) -> list[Question]:
        """One point at large inputs, where the author's own function is right there."""
        found = (self._question(case, ordinary=False) for case in points.large(self.exercise, self._settings, self._cases[:ASKED]))
        return list(itertools.islice((q for q in found if q is not None and _holds(q)), 1))

    def _question(self, case: Case, *, ordinary: bool = True) -> Question | None:
        """The case with its truth, or None where it cannot be had; the reason is kept."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return question_at(case, ordinary=ordinary)
            except NoTruth as reason:
                self._reasons.append(str(reason))
                return None


def _holds(question: Question) -> bool:
    """Whether PyTorch's reverse mode gives the certified truth of this point, in float32 too where that is allowed, and all is finite."""
    reference, case = question.truth.reference, question.case
    if question.classification is not None or reference is None or reference.kind != "certified" or not np.all(np.isfinite(question.value)):
        return False
    found = Reverse().derive(case, None, None)
    compared = {c.verdict for c in compare(found, reference, case)} if found.problem is None else {Verdict.CRASHED}
    return compared <= {Verdict.AGREES, Verdict.INCONCLUSIVE} and ("float32" not in case.exercise.dtypes or _holds_in_single(question))


def _holds_in_single(question: Question) -> bool:
    case = question.case
    arguments = {name: t.float() if t.is_floating_point() else t for name, t in case.arguments.items()}
    upstream = tuple(v.float() if v is not None else None for v in case.upstream)
    found = Reverse().derive(replace(case, arguments=arguments, upstream=upstream, dtype="float32"), None, None)
    return found.problem is None and all(np.all(np.abs(g - question.gradient[n]) <= question.narrow[n]) for n, g in found.gradients.items())
