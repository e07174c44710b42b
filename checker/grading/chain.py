"""Which step of the chain rule a wrong answer went wrong in.

Comes in: one part's pairs at questions where the function is smooth.  Goes out: a sentence that names the step, or nothing.  Why: "as if
the derivative of the norm were left out" is what a teacher would say. It is said only of an answer that equals the mutant at every
question: a false explanation is worse than none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checker.grading import hints
from checker.grading.patterns import Pair
from checker.grading.questions import Question
from checker.grading.tolerances import allowance, largest, single_allowance
from checker.tape.mutants import Change, Mutation
from checker.values import Array

#: So many characters of the author's line are shown.
CODE = 80
#: At fewer entries that are wrong, of all questions together, a mistake is not told from an accident.
EVIDENCE = 2

SAID = {
    Change.DROPPED: hints.DROPPED,
    Change.STOPPED: hints.STOPPED,
    Change.LOST: hints.LOST,
    Change.REVERSED: hints.REVERSED,
    Change.TERMS: hints.TERMS,
    Change.AT_RESULT: hints.AT_RESULT,
    Change.AT_ORIGIN: hints.AT_ORIGIN,
    Change.FOR_RESULT: hints.FOR_RESULT,
    Change.DIAGONAL: hints.DIAGONAL,
    Change.TRANSPOSED: hints.TRANSPOSED_FACTOR,
}
_ORDER = list(Change)


def explained(part: str, asked: Sequence[tuple[Question, Pair]]) -> str:
    """The one mistake in the chain rule that gives this answer at every question, in words; empty where there is none.

    Of several the most usual is said, and of these the earliest: hence "as if". Nothing is said of an answer that holds no derivative at
    all, such as zeros, a constant or the upstream itself.
    """
    if not asked or not all(pair.fits and pair.finite for _, pair in asked) or _empty(asked):
        return ""
    if sum(int(pair.off(pair.loose).sum()) for _, pair in asked) < EVIDENCE:
        return ""
    tried = dict.fromkeys(mutation for question, _ in asked for mutation in question.mutants)
    for mutation in sorted(tried, key=lambda m: (_ORDER.index(m.change), m.step, m.operand)):
        if all(_equals(pair, _mutant(mutation, part, question), question, part) for question, pair in asked):
            code = " ".join(mutation.code.split("  #")[0].split()) or asked[0][0].case.exercise.name
            return SAID[mutation.change].format(mutation.operation, code if len(code) <= CODE else code[: CODE - 1] + "…")
    return ""


def _mutant(mutation: Mutation, part: str, question: Question) -> Array:
    """The gradient with this mistake; where it changes nothing, as on another path, the true one."""
    return question.mutants.get(mutation, {}).get(part, question.gradient[part])


def _equals(pair: Pair, mutant: Array, question: Question, part: str) -> bool:
    """Whether an answer is this mutant, as nearly as one that is right is the truth."""
    allowed = allowance(mutant, np.zeros(()), question.allowed[part])
    narrow = single_allowance(mutant, radius=question.narrow[part])
    as_if = Pair(got=pair.got, truth=mutant, allowed=allowed, narrow=narrow, single=pair.single)
    return bool(np.all(np.isfinite(mutant))) and not as_if.off(np.maximum(allowed, narrow) if pair.single else allowed).any()


def _empty(asked: Sequence[tuple[Question, Pair]]) -> bool:
    """Whether an answer is one number everywhere, or the upstream as it came."""
    values = np.concatenate([pair.got.ravel() for _, pair in asked])
    if np.ptp(values) <= 1e-6 * largest(values):
        return True
    return all(_passed_on(pair.got, question.upstream) for question, pair in asked)


def _passed_on(got: Array, upstream: Array) -> bool:
    """Whether an answer is the upstream, or its transpose, brought to its shape and nothing more."""
    return any(
        upstream.ndim <= got.ndim
        and all(have in (1, want) for have, want in zip(vector.shape[::-1], got.shape[::-1], strict=False))
        and bool(np.allclose(got, vector, rtol=1e-6))
        for vector in (upstream, upstream.T)
    )
