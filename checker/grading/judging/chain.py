"""Which step of the chain rule a wrong answer went wrong in.

Comes in: one part's pairs at questions where the function is smooth.  Goes out: a sentence that names the step, or nothing.  Why: "as if
the derivative of the norm were left out" is what a teacher would say. It is said only of an answer that equals the mutant at every
question: a false explanation is worse than none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checker.grading.judging import hints
from checker.grading.judging.patterns import Pair
from checker.grading.judging.questions import Question
from checker.grading.judging.tolerances import allowance, largest, single_allowance
from checker.tape.mistakes import Change
from checker.tape.mutants import Mutation
from checker.values import Array

#: So many characters of the author's line are shown.
CODE = 80
#: At fewer entries, or questions, that are wrong a mistake is not told from an accident.
EVIDENCE = 2
#: A mistake that changes less than this share of the largest entry may be rounding.
APART = 1e-3
#: An answer may be off by no more than this share of a mutant, or it is not told from others.
FAINT = 1 / 16

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
    all, such as zeros, a constant or the upstream itself, nor where mutants cannot be made of every question.
    """
    if not all(pair.fits and pair.finite and question.mutants for question, pair in asked) or _empty(asked):
        return ""
    if sum(int(pair.off(pair.loose).sum()) for _, pair in asked) < EVIDENCE:
        return ""
    tried = dict.fromkeys(mutation for question, _ in asked for mutation in question.mutants)
    for mutation in sorted(tried, key=lambda m: _ORDER.index(m.change)):
        if _gives(mutation, part, asked):
            code = " ".join(mutation.code.split(" #")[0].split()) or asked[0][0].case.exercise.name
            return SAID[mutation.change].format(mutation.operation, code if len(code) <= CODE else code[: CODE - 1] + "…")
    return ""


def _gives(mutation: Mutation, part: str, asked: Sequence[tuple[Question, Pair]]) -> bool:
    """Whether a mistake gives this answer. Where it changes nothing, as on another path, the answer must be right."""
    apart = 0
    for question, pair in asked:
        truth = question.gradient[part]
        mutant = question.mutants.get(mutation, {}).get(part, truth)
        if not np.all(np.isfinite(mutant)) or not _equals(pair, mutant, question, part):
            return False
        apart += largest(mutant - truth) > APART * largest(truth)
    return apart >= min(EVIDENCE, len(asked))


def _equals(pair: Pair, mutant: Array, question: Question, part: str) -> bool:
    """Whether an answer is this mutant, as nearly as one that is right is the truth."""
    allowed = allowance(mutant, np.zeros(()), question.allowed[part])
    narrow = single_allowance(mutant, radius=question.narrow[part])
    as_if = Pair(got=pair.got, truth=mutant, allowed=allowed, narrow=narrow, single=pair.single)
    most = np.maximum(allowed, narrow) if pair.single else allowed
    # where a mutant is tiny beside the truth, whose errors are allowed, anything would equal it
    return largest(most) <= FAINT * largest(mutant) and not as_if.off(most).any()


def _empty(asked: Sequence[tuple[Question, Pair]]) -> bool:
    """Whether an answer is zero at some question, or one number everywhere, or the upstream as it came."""
    if not all(pair.got.any() for _, pair in asked):
        return True
    values = np.concatenate([pair.got.ravel() for _, pair in asked] or [np.zeros(0)])
    constant = np.max(values, initial=-np.inf) - np.min(values, initial=np.inf) <= 1e-6 * largest(values)
    return bool(constant) or all(_passed_on(pair.got, question.upstream) for question, pair in asked)


def _passed_on(got: Array, upstream: Array) -> bool:
    """Whether an answer is the upstream, or its transpose, brought to its shape and nothing more."""
    return any(
        upstream.ndim <= got.ndim
        and all(have in (1, want) for have, want in zip(vector.shape[::-1], got.shape[::-1], strict=False))
        and bool(np.allclose(got, vector, rtol=1e-6))
        for vector in (upstream, upstream.T)
    )
