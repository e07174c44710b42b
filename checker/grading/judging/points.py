"""Where answers are asked: points of one exercise, drawn so that nobody can know them.

Comes in: an exercise, settings whose seed is secret.  Goes out: cases in float64.  Why: every floating entry lies on float32's grid, so
that an answer that works in float32 is asked at the same point, and a non-scalar output has a drawn upstream, even at a published point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch

from checker.arguments import fixed_values
from checker.authoring import Exercise
from checker.errors import ExerciseError
from checker.judge.belief import path_of, tape_of
from checker.sampling import at_example, complete, sample
from checker.seeking import SCALES
from checker.values import Case, Settings

#: How much larger the inputs of the large probe are: exp(1024) overflows in float64, so that the textbook formulas of softmax and of
#: logarithms of sums break, where careful ones do not. A power of two, so that entries stay on the grid.
LARGE = 1024.0
#: Numbers of points, apart from one another: drawn ones from 0, published ones, and those that look for new paths.
PUBLISHED, SEEKING = 1_000, 2_000
#: Draws after which an exercise whose function refuses its own points is given up.
TRIES = 32


def fresh(exercise: Exercise, settings: Settings, size: int) -> tuple[list[Case], list[str]]:
    """`size` cases at fresh points, with the name of the execution path of each; where Python decides anything, more on unseen paths.

    Domains hold, points that the function refuses are left out. An author's `sampled=False` is about what a report shows: answers are
    asked at fresh points all the same.

    Raises:
        ExerciseError: an input cannot be drawn, or the function fails at every point.
    """
    cases: list[Case] = []
    failure: Exception | None = None
    for number in range(TRIES):
        try:
            cases.append(on_grid(sample(exercise, settings, number, "float64"), settings))
        except ExerciseError:
            raise
        except Exception as error:  # the function may refuse a point
            failure = error
        if len(cases) == size:
            break
    if not cases:
        message = f"{exercise.name} cannot be graded: its function fails wherever it is tried: {type(failure).__name__}: {failure}."
        raise ExerciseError(message, file=exercise.path or None, line=exercise.line or None, advice="Give its inputs domains.")
    paths = [_path(case) for case in cases]
    if _decides(cases[0]):
        for case, path in _unseen(exercise, settings, paths):
            cases.append(case)
            paths.append(path)
    return cases, paths


def published(exercise: Exercise, settings: Settings) -> Iterator[Case]:
    """The published points. One that does not fit is left out: `checker check` tells its author."""
    for number, example in enumerate(exercise.examples, PUBLISHED):
        try:
            yield on_grid(at_example(exercise, example, settings, number, "float64"), settings)
        except Exception:  # the function may refuse a point, and the example may be wrong
            continue


def large(exercise: Exercise, settings: Settings, cases: Sequence[Case]) -> Iterator[Case]:
    """The cases with every unbounded real input `LARGE` times as large, largest entries first; none where there is no such input."""
    fixed = fixed_values(exercise.values, torch.Generator().manual_seed(0))
    free = [i for i in exercise.inputs if i.kind == "real" and i.name not in fixed]
    names = [i.name for i in free if (i.domain.low, i.domain.high) == (-math.inf, math.inf)]

    def reach(case: Case) -> float:
        return max((float(case.arguments[name].max()) for name in names if case.arguments[name].numel()), default=0.0)

    for case in sorted(cases, key=reach, reverse=True) if names else []:
        try:
            yield on_grid(case, settings, {name: LARGE * case.arguments[name] for name in names})
        except Exception:  # the function may refuse large inputs
            continue


def on_grid(case: Case, settings: Settings, moved: Mapping[str, torch.Tensor] | None = None) -> Case:
    """The case, some of its arguments `moved`, with every floating entry rounded to float32 and a drawn upstream.

    An answer is given one upstream, that of the first floating output; further outputs that are no scalars have one of zeros.
    """
    arguments = {**case.arguments, **(moved or {})}
    drawn = complete(
        case.exercise,
        {name: t.float().double() if t.is_floating_point() else t for name, t in arguments.items()},
        settings,
        number=case.number,
        dtype="float64",
        seed=case.seed,
        origin=case.origin,
        generator=torch.Generator().manual_seed(case.seed ^ 1),
    )
    first = next(k for k, vector in enumerate(drawn.upstream) if vector is not None)
    known = [v if v is None or v.dim() == 0 or k == first else torch.zeros_like(v) for k, v in enumerate(drawn.upstream)]
    return replace(drawn, upstream=tuple(known))


def _unseen(exercise: Exercise, settings: Settings, paths: Sequence[str]) -> Iterator[tuple[Case, str]]:
    """Cases on execution paths that are not among `paths`, one each."""
    seen = {*paths, ""}
    for number in range(SEEKING, SEEKING + 4 * len(SCALES)):
        if len(seen) > settings.paths:
            return
        scale = SCALES[number % len(SCALES)]
        try:
            case = on_grid(sample(exercise, settings, number, "float64", scale=scale, origin="new path"), settings)
        except Exception:  # the function may refuse a point
            continue
        path = _path(case)
        if path not in seen:
            seen.add(path)
            yield case, path


def _decides(case: Case) -> bool:
    return _path(case) != "" and bool(tape_of(case).decisions)


def _path(case: Case) -> str:
    """The case's execution path; empty where the function cannot be recorded."""
    try:
        return path_of(tape_of(case))
    except Exception:  # the function under test may raise anything
        return ""
