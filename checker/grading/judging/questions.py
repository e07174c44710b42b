"""A point that answers are asked at, with its truth, and what an answer gave there.

Comes in: a case.  Goes out: a `Question`, or `NoTruth`, a sentence.  Why: an answer is judged by a truth that is known better than any
answer can be, and where there is none, nothing is asked.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from checker.grading.judging.tolerances import ORDERS, allowance, largest, single_allowance
from checker.judge.beginning import recorded
from checker.judge.belief import UNREPEATABLE, believe
from checker.judge.classification import Classification
from checker.judge.directions import unproved
from checker.judge.kinks import classify, suspicious
from checker.judge.reference import Truth, refer
from checker.methods.autograd import to_array, vjp
from checker.sandbox.values import Trouble
from checker.tape.mutants import Mutation, mutants
from checker.values import Array, Case, Mode

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
