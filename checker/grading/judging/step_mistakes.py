"""What a training step turned out to be, parameter by parameter.

Comes in: a trajectory, and the states that the student's step reached along it.  Goes out: one `Finding` a parameter.  Why: a step is more
than a gradient: it has a direction, a rate and no memory of the last gradient, and each goes wrong in its own way. A step is judged from
where the student's own earlier steps have led, so that one mistake is not counted again in every later step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace as with_fields

from checker.authoring import Exercise
from checker.grading.grades import Finding, Kind
from checker.grading.judging import hints
from checker.grading.judging.mistakes import troubled
from checker.grading.judging.patterns import Pair
from checker.grading.judging.recognition import recognised
from checker.grading.judging.tolerances import SINGLE_ENTRY, SINGLE_LARGEST, allowance, in_single, largest
from checker.grading.judging.trajectories import State, Trajectory, updates
from checker.sandbox.values import Trouble
from checker.values import Array, number

#: Of the largest update of the whole walk: the reference is PyTorch's gradient in float64, which no ball encloses.
UPDATE = 1e-9


@np.errstate(all="ignore")  # what students return may overflow anywhere
def step_findings(exercise: Exercise, walked: Trajectory, states: Sequence[State], trouble: Trouble | None = None) -> list[Finding]:
    """One finding a parameter: whether each step went from where it began to where it should.

    `states` are what the student's step returned, each from the one before it; `trouble` is what stopped it.
    """
    if trouble is not None:
        return [troubled(trouble)]
    begun: list[State] = [walked.start]
    for state in states:
        if not all(_fits(state, walked.start, name) and np.all(np.isfinite(state[name])) for name in walked.start):
            break
        begun.append({name: np.asarray(state[name], dtype=np.float64) for name in walked.start})
    begun = begun[: len(states)]
    right = updates(exercise, walked, begun, zero_grad=True)
    accumulated = functools.cache(lambda: updates(exercise, walked, begun, zero_grad=False))
    rows = {len(array): "n" for batch in walked.batches for array in batch.values() if array.ndim and len(array) > 1}
    found = []
    for name, start in walked.start.items():
        bad = next((state for state in states[: len(begun)] if not _fits(state, walked.start, name)), None)
        if bad is None and begun:
            steps = [_Step(before=b[name], after=s[name], update=u[name]) for b, s, u in zip(begun, states, right, strict=False)]
            found.append(_finding(exercise, name, steps, accumulated, rows))
        elif bad is not None and name in bad:
            found.append(Finding(part=name, kind=Kind.SHAPE, shape=bad[name].shape, expected_shape=start.shape))
        else:
            found.append(Finding(part=name, kind=Kind.MISSING))
    return [with_fields(finding, update=True) for finding in found]


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One parameter before a step, as the student's step returned it, and how it should have moved."""

    before: Array
    after: Array
    update: Array

    def pair(self, scale: float, update: Array | None = None) -> Pair:
        """How it moved beside how it should have; `scale` is the largest update of the walk. What is a float32 number throughout may be
        off by float32's rounding of the parameter."""
        truth = self.update if update is None else update
        rounding = 2.0**-53 * largest(self.before) + UPDATE * scale * np.ones_like(truth)
        if in_single(self.after):
            rounding = rounding + (SINGLE_LARGEST * largest(self.before) + SINGLE_ENTRY * scale)
        return Pair(got=self.after - self.before, truth=truth, allowed=allowance(truth, rounding, orders=1.0), single=False)


def _finding(
    exercise: Exercise, name: str, steps: Sequence[_Step], accumulated: Callable[[], list[State]], rows: Mapping[int, str]
) -> Finding:
    entries = steps[0].before.size
    for step in steps:
        broken = ~np.isfinite(step.after)
        if broken.any():
            return _at(Finding(part=name, kind=Kind.NOT_FINITE), step, broken)
    scale = max(largest(step.update) for step in steps)
    pairs = [step.pair(scale) for step in steps]
    if all(pair.near for pair in pairs):
        rounded = "float32" not in exercise.dtypes and all(in_single(step.after) for step in steps)
        return Finding(part=name, kind=Kind.SINGLE if rounded else Kind.RIGHT, entries=entries)
    if all(step.pair(scale, total[name]).near for step, total in zip(steps, accumulated(), strict=False)):
        return Finding(part=name, kind=Kind.WRONG, detail=hints.ACCUMULATED, wrong=entries, entries=entries)
    if not any(np.any(pair.got) for pair in pairs):
        return Finding(part=name, kind=Kind.WRONG, detail=hints.STILL, wrong=entries, entries=entries)
    found = recognised(name, pairs, rows)
    if found.kind in (Kind.SIGN, Kind.FACTOR):
        return with_fields(found, detail=hints.UPHILL if found.kind is Kind.SIGN else hints.RATE)
    if found.kind not in (Kind.WRONG, Kind.SOME_ENTRIES):
        return found
    first, pair = next((k, pair) for k, pair in enumerate(pairs) if not pair.near)
    return _at(with_fields(found, detail=hints.IN_STEP.format(first + 1)), steps[first], pair.off(pair.loose))


def _at(finding: Finding, step: _Step, off: Array) -> Finding:
    """The finding with its first wrong entry, as the student's step returned it."""
    at = tuple(int(i) for i in np.argwhere(off)[0])
    return with_fields(finding, index=at, got=number(float(step.after[at])), wrong=int(off.sum()), entries=off.size)


def _fits(state: State, start: State, name: str) -> bool:
    return name in state and state[name].shape == start[name].shape
