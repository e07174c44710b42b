"""The points that answers are asked at, each with its truth.

Comes in: an exercise and a secret.  Goes out: a `Pool`, which gives every submission its `Question`s.  Why: no student can know the
points, every run asks the same ones, and a class costs one pool of truths rather than one truth an answer.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from checker.authoring import Exercise
from checker.errors import ExerciseError
from checker.grading.judging import points
from checker.grading.judging.tolerances import ORDERS, allowance, largest, single_allowance
from checker.judge.beginning import recorded
from checker.judge.belief import UNREPEATABLE, believe
from checker.judge.classification import Classification
from checker.judge.compare import compare
from checker.judge.directions import unproved
from checker.judge.kinks import classify, suspicious
from checker.judge.reference import Truth, refer
from checker.methods.autograd import Reverse, to_array, vjp
from checker.sandbox.values import Trouble
from checker.tape.mutants import Mutation, mutants
from checker.values import Array, Case, Mode, Settings, Verdict

#: How many ordinary points an answer is asked, at least: one on each execution path that was found, where those are more.
ASKED = 3
#: A point is not asked where even a right answer may be off by this share of the gradient.
TOO_WIDE = 1e-6
#: Where float32 may lose this share of a gradient that float64 knows well, an answer is not judged as one of float32: zeros would be right.
LOST_IN_SINGLE = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """A point that an answer is asked, and the truth there. It is equal to itself alone.

    `case` is in float64 with every floating entry on float32's grid. `value` is the function's first floating output, float64. At a kink
    `classification` judges: any member of Clarke's set is right. `plain` is the gradient with an upstream of ones, by which a forgotten
    upstream is recognised; empty where the output is a scalar.
    """

    case: Case
    truth: Truth
    classification: Classification | None = None
    value: Array
    ordinary: bool = True  #: False of the probe at large inputs
    plain: Mapping[str, Array] = field(default_factory=dict)

    @functools.cached_property
    def upstream(self) -> Array:
        """The upstream gradient of `value`, of its shape: a one where that is a scalar."""
        return to_array(next(vector for vector in self.case.upstream if vector is not None))

    @functools.cached_property
    def gradient(self) -> Mapping[str, Array]:
        """The true gradient of each differentiated argument, float64. At a kink, one of those that are right."""
        reference = self.truth.reference
        assert reference is not None
        return reference.high if self.classification is None else self.classification.branches[0]

    @functools.cached_property
    def mutants(self) -> Mapping[Mutation, Mapping[str, Array]]:
        """The gradients of answers with one mistake in the chain rule; of a class's wrong answers the first makes them."""
        tape, problem = recorded(self.case)
        if tape is None or problem is not None or self.classification is not None:
            return {}
        return mutants(tape, self.case.upstream, self.gradient, honoured=tape.honoured(self.case.exercise.cuts))

    @functools.cached_property
    def allowed(self) -> Mapping[str, Array]:
        """How far each entry of a right answer may be from `gradient`."""
        reference = self.truth.reference
        assert reference is not None
        orders = ORDERS if self.case.exercise.tolerance is None else 1.0
        return {n: allowance(g, reference.allowed[n], reference.radius[n], orders=orders) for n, g in self.gradient.items()}

    @functools.cached_property
    def narrow(self) -> Mapping[str, Array]:
        """The same for an answer that was computed in float32. What the author fixed, or what was only estimated, is not widened."""
        reference = self.truth.reference
        assert reference is not None
        if self.case.exercise.tolerance is not None or reference.kind == "differences":
            found = {n: single_allowance(g, radius=self.allowed[n]) for n, g in self.gradient.items()}
        else:
            found = {n: single_allowance(g, reference.allowed[n], reference.radius[n]) for n, g in self.gradient.items()}
        return {n: self._if_told(found[n], self.allowed[n], g) for n, g in self.gradient.items()}

    @functools.cached_property
    def value_allowed(self) -> Array:
        """How far each entry of a right value may be from `value`."""
        return allowance(self.value, self._value_rounding)

    @functools.cached_property
    def value_narrow(self) -> Array:
        """The same for a value that was computed in float32."""
        return self._if_told(single_allowance(self.value, self._value_rounding), self.value_allowed, self.value)

    def _if_told(self, narrow: Array, allowed: Array, truth: Array) -> Array:
        """What float32 may lose, if that leaves something to tell right from wrong by; else what float64 may. At large inputs and where
        even float64 loses as much, as of a gradient that vanishes, nothing better can be asked."""
        size = largest(truth)
        lost = self.ordinary and largest(narrow) > LOST_IN_SINGLE * size and largest(allowed) <= TOO_WIDE * size
        return allowed if lost else narrow

    @property
    def _value_rounding(self) -> Array:
        reference = self.truth.reference
        known = reference is not None and reference.value_allowed and np.shape(reference.value_allowed[0]) == self.value.shape
        return reference.value_allowed[0] if reference is not None and known else np.zeros_like(self.value)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What an answer gave at one question.

    `gradients` are as returned: of any dtype and shape; a missing key says that nothing was returned for it. `value` is what its forward
    returned, where the form computes one. `own` is Jᵀv of the student's own forward by differences, with its error estimate, where that
    forward is wrong.
    """

    question: Question
    gradients: Mapping[str, Array] = field(default_factory=dict)
    value: Array | None = None
    trouble: Trouble | None = None  #: why it gave nothing here
    own: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)


class NoTruth(Exception):
    """Why a case cannot be asked, without a full stop."""


def question_at(case: Case, *, ordinary: bool = True) -> Question:
    """The case with its truth.

    Raises:
        NoTruth: there is none, or an ordinary point at which rounding alone may move the gradient by too much.
    """
    if case.mode is Mode.PROJECTION:
        raise NoTruth(unproved(case))
    tape, problem = recorded(case)
    if tape is None or problem is not None:
        raise NoTruth(problem.message if problem is not None else "the function could not be recorded")
    if tape.stochastic:
        raise NoTruth("it draws random numbers, which no answer can know: make the draw an input")
    belief = believe(case, tape)
    if not belief.repeats:
        raise NoTruth(UNREPEATABLE)
    truth = refer(case, tape, belief)
    reference = truth.reference
    if reference is None:
        raise NoTruth(truth.reason)
    trusted = tape if belief.trusts(case.exercise.cuts) else None
    path = truth.enclosure.path if truth.enclosure is not None else ()
    point = classify(case, trusted) if suspicious(case, trusted, path, (reference.high,)) else None
    if point is not None and point.kind not in ("smooth", "kink"):
        raise NoTruth(point.message)
    floating = [v for v in tape.values if v.is_floating_point()]
    question = Question(case=case, truth=truth, classification=point, value=to_array(floating[0]), ordinary=ordinary, plain=_plain(case))
    size = max(map(largest, question.gradient.values()), default=0.0)
    if ordinary and point is None and any(largest(allowed) > TOO_WIDE * size for allowed in question.allowed.values()):
        raise NoTruth("rounding alone may move the gradient by too much")
    return question


def _plain(case: Case) -> Mapping[str, Array]:
    """The gradient with an upstream of ones, where the outputs are not scalars."""
    if all(v is None or v.dim() == 0 for v in case.upstream):
        return {}
    ones = tuple(None if v is None else torch.ones_like(v) for v in case.upstream)
    _, gradients = vjp(replace(case, upstream=ones))
    return {n: np.zeros(tuple(case.arguments[n].shape)) if g is None else to_array(g) for n, g in gradients.items()}


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
