"""What an answer turned out to be, part by part.

Comes in: an exercise and what an answer gave at its questions.  Goes out: one `Finding` a part, which a student may read, and
`Comparison`s with the true values, which are the instructor's.  Why: an answer is right at every question, or it is wrong in a way that a
student can be told; and what is told holds at every question.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from msgspec.structs import replace as with_fields

from checker.authoring import Exercise
from checker.grading.grades import Finding, Kind
from checker.grading.judging import hints
from checker.grading.judging.chain import explained
from checker.grading.judging.own_forward import has_slope, own_pair
from checker.grading.judging.patterns import Pair
from checker.grading.judging.questions import Answered, Question
from checker.grading.judging.recognition import recognised, sizes_of
from checker.judge.compare import compare
from checker.sandbox.values import Reason, Trouble
from checker.values import Array, Comparison, Derivation, Verdict, number

#: The part that is the value.
FORWARD = "forward"
KINDS = {
    Reason.RAISED: Kind.RAISED,
    Reason.TIMED_OUT: Kind.TIMED_OUT,
    Reason.MEMORY: Kind.MEMORY,
    Reason.OUTPUT: Kind.OUTPUT,
    Reason.DIED: Kind.DIED,
    Reason.PROTOCOL: Kind.PROTOCOL,
    Reason.KIND: Kind.RETURNED,
}
#: machine epsilon of float32, by which a kink judges an answer that was computed in it
SINGLE_EPSILON = 2.0**-23


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One part at one question."""

    part: str
    answered: Answered
    pair: Pair
    kink: bool = False  #: a gradient where there is none: any subgradient is right

    @functools.cached_property
    def member(self) -> bool:
        return _member(self.part, self.answered, self.pair)

    @property
    def exact(self) -> bool:
        return self.member if self.kink else self.pair.exact

    @property
    def near(self) -> bool:
        return self.member if self.kink else self.pair.near


@np.errstate(all="ignore")  # what students return may overflow anywhere
def findings(exercise: Exercise, answered: Sequence[Answered], *, single_allowed: bool) -> tuple[list[Finding], list[Comparison]]:
    """Judge an answer by what it gave at its questions.

    `single_allowed`: what is right to float32 is right. The findings are in the order of the exercise's inputs, after that of the value
    ("forward") where the form computes one; a single one with an empty part where nothing can be told apart.
    """
    stopped = next((a for a in answered if a.trouble is not None and a.question.ordinary), None)
    valued = [a for a in answered if a.value is not None]
    if stopped is not None and (not valued or stopped.value is None):
        return [troubled(stopped.trouble)], []  # type: ignore[arg-type]
    found: list[Finding] = []
    forward = [_Judged(part=FORWARD, answered=a, pair=_value_pair(a)) for a in valued]
    if forward:
        found.append(_finding(FORWARD, forward, _failure([a for a in answered if a.value is None]), single_allowed))
    wrong_forward = bool(found) and found[0].kind is not Kind.RIGHT
    compared: list[Comparison] = []
    for name in exercise.differentiated:
        if stopped is not None:
            found.append(with_fields(troubled(stopped.trouble), part=name))  # type: ignore[arg-type]
            continue
        finding, comparisons = _argument(name, answered, single_allowed)
        if finding.kind is not Kind.RIGHT and wrong_forward and any(a.question.ordinary and has_slope(name, a) for a in answered):
            finding, comparisons = with_fields(_argument(name, answered, single_allowed, own=True)[0], forward=True), []
        found.append(finding)
        compared += comparisons
    return found, compared


def value_right(answered: Answered) -> bool:
    """Whether the value that a forward gave at one question is right, to float32 at least."""
    return answered.value is not None and _value_pair(answered).near


def troubled(trouble: Trouble) -> Finding:
    """The finding about a whole answer that gave nothing."""
    return Finding(part="", kind=KINDS[trouble.reason], detail=trouble.text, label=trouble.label, line=trouble.line)


def _argument(name: str, answered: Sequence[Answered], single: bool, *, own: bool = False) -> tuple[Finding, list[Comparison]]:
    """The gradient of one argument; with `own` by differences of the student's forward wherever those can be had."""
    given = [a for a in answered if a.trouble is None and (a.question.ordinary or not own)]
    if not given or any(name not in a.gradients for a in given):
        return Finding(part=name, kind=Kind.MISSING), []
    judged = [_judged(name, a, own=own) for a in given]
    finding = _finding(name, judged, _failure(answered), single)
    if finding.kind is Kind.RIGHT:
        return finding, []
    swapped = _swapped(name, given) if finding.kind in (Kind.WRONG, Kind.SHAPE) else ""
    if not own and not swapped:
        finding = _explained(finding, judged)
    return with_fields(finding, detail=finding.detail or swapped), _comparisons(name, given, judged)


def _explained(finding: Finding, judged: Sequence[_Judged]) -> Finding:
    """The finding, or the step of the chain rule that explains what no plain mistake does."""
    if finding.kind not in (Kind.WRONG, Kind.SOME_ENTRIES):
        return finding
    smooth = [(j.answered.question, j.pair) for j in judged if j.answered.question.ordinary and not j.kink]
    step = explained(finding.part, smooth)
    return Finding(part=finding.part, kind=Kind.CHAIN, detail=step, entries=judged[0].pair.truth.size) if step else finding


def _judged(name: str, answered: Answered, *, own: bool) -> _Judged:
    question, got = answered.question, _numbers(answered.gradients[name])
    if own and has_slope(name, answered):
        return _Judged(part=name, answered=answered, pair=own_pair(got, name, answered))
    return _Judged(part=name, answered=answered, pair=_pair(got, question, name), kink=question.classification is not None)


def _pair(got: Array, question: Question, name: str) -> Pair:
    plain = question.plain.get(name)
    return Pair(got=got, truth=question.gradient[name], allowed=question.allowed[name], narrow=question.narrow[name], plain=plain)


def _member(name: str, answered: Answered, pair: Pair) -> bool:
    """Whether the gradient of this argument is part of one that may be returned at a kink.

    Subgradients are of all arguments together: where each is one by itself, and they are none together, all are wrong. But one that is
    wrong by itself, or missing, must not make another wrong, so that a known one stands in for it.
    """
    point = answered.question.classification
    assert point is not None
    if not pair.fits or not np.all(np.isfinite(pair.got)):
        return False
    judge = replace(point, unit=max(point.unit, SINGLE_EPSILON)) if pair.single else point
    given = {n: _numbers(g) for n, g in answered.gradients.items() if n in point.branches[0]}

    def passes(part: str, gradient: Mapping[str, Array]) -> bool:
        return judge.verdict_for(gradient).arguments[part] is not Verdict.WRONG

    def alone(part: str) -> bool:
        return any(passes(part, {**branch, part: given[part]}) for branch in point.branches)

    if any(n not in given or given[n].shape != b.shape for n, b in point.branches[0].items()):
        return alone(name)
    return passes(name, given) or (len(given) > 1 and alone(name) and not all(map(alone, given)))


def _value_pair(answered: Answered) -> Pair:
    assert answered.value is not None
    question = answered.question
    return Pair(got=_numbers(answered.value), truth=question.value, allowed=question.value_allowed, narrow=question.value_narrow)


def _failure(answered: Sequence[Answered]) -> Trouble | None:
    """What stopped an answer at large inputs."""
    return next((a.trouble for a in answered if a.trouble is not None and not a.question.ordinary), None)


def _finding(part: str, judged: Sequence[_Judged], failed: Trouble | None, single: bool) -> Finding:
    """What one part turned out to be, at ordinary points first; `failed` is what stopped the answer at large ones."""
    ordinary = [j for j in judged if j.answered.question.ordinary]
    large = [j for j in judged if not j.answered.question.ordinary]
    if not all(j.near for j in ordinary):
        return _wrong(part, ordinary)
    if failed is not None or not all(j.near for j in large):
        return _located(Finding(part=part, kind=Kind.UNSTABLE, detail=failed.text if failed is not None else ""), large)
    if not single and not all(j.exact for j in judged):
        return Finding(part=part, kind=Kind.SINGLE, entries=judged[0].pair.truth.size)
    return Finding(part=part, kind=Kind.RIGHT, entries=judged[0].pair.truth.size)


def _wrong(part: str, judged: Sequence[_Judged]) -> Finding:
    """Which mistake, of a part that is wrong at an ordinary point."""
    if not all(j.pair.finite for j in judged) and all(j.pair.fits for j in judged):
        bad = [j for j in judged if not j.pair.finite]
        return _located(Finding(part=part, kind=Kind.NOT_FINITE), bad, lambda p: ~np.isfinite(p.got) & np.isfinite(p.truth))
    smooth = [j for j in judged if not j.kink]
    if smooth and not all(j.near for j in smooth):
        found = recognised(part, [j.pair for j in smooth], sizes_of(smooth[0].answered.question.case))
        if found.kind not in (Kind.WRONG, Kind.SOME_ENTRIES):
            return found
        right = sum(j.near for j in smooth)
        if found.kind is Kind.WRONG and right and not found.detail:
            found = with_fields(found, detail=hints.SOME_POINTS.format(right, len(smooth)))
        return _located(found, smooth)
    return _located(Finding(part=part, kind=Kind.SOME_ENTRIES, detail=hints.NO_SUBGRADIENT), [j for j in judged if not j.near])


def _located(finding: Finding, judged: Sequence[_Judged], which: Callable[[Pair], Array] | None = None) -> Finding:
    """The finding with its first wrong entry, and how many of how many are wrong, at the first question where any is."""
    for j in judged:
        if not j.pair.fits:
            return with_fields(finding, shape=j.pair.got.shape, expected_shape=j.pair.truth.shape)
        off = which(j.pair) if which is not None else _off(j)
        if off.any():
            at = tuple(int(i) for i in np.argwhere(off)[0])
            return with_fields(finding, index=at, got=number(float(j.pair.got[at])), wrong=int(off.sum()), entries=off.size)
    return finding


def _off(judged: _Judged) -> Array:
    """Which entries are wrong; at a kink, which lie beyond those of every branch."""
    pair, point = judged.pair, judged.answered.question.classification
    if not judged.kink or point is None:
        return pair.off(pair.loose)
    branches = np.array([branch[judged.part] for branch in point.branches])
    return np.asarray((pair.got < branches.min(axis=0) - pair.loose) | (pair.got > branches.max(axis=0) + pair.loose))


def _comparisons(name: str, given: Sequence[Answered], judged: Sequence[_Judged]) -> list[Comparison]:
    """This argument against the truth, at the first question where it is wrong: with expected values, for instructors."""
    for answered, j in zip(given, judged, strict=True):
        reference = j.answered.question.truth.reference
        if j.exact or not j.pair.fits or reference is None:
            continue
        widened = replace(reference, allowed={name: j.pair.allowed}, origin=f"{reference.origin}, widened for another order of operations")
        derivation = Derivation(method="answer", gradients={name: _numbers(answered.gradients[name]).astype(np.float64)})
        return compare(derivation, widened, j.answered.question.case)
    return []


def _swapped(name: str, given: Sequence[Answered]) -> str:
    """That this is right for another argument, where it is."""
    for other in given[0].question.gradient:
        pairs = (_pair(_numbers(a.gradients[name]), a.question, other) for a in given)
        if other != name and all(pair.near for pair in pairs):
            return hints.SWAPPED.format(other)
    return ""


def _numbers(array: Array) -> Array:
    """Any dtype as floating, float32 as it is."""
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
