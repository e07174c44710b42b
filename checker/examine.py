"""Everything about one exercise.

Comes in: an exercise and settings.  Goes out: its `Record`.  Why: this is the whole job for one function, in this process: its
published numbers, its points, paths not seen before, its descent. The runner calls it in a process of its own; `check` calls it for
one point.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from checker.authoring import Exercise
from checker.descent import Walk, walk
from checker.errors import ExerciseError
from checker.given import given
from checker.judge.belief import path_of, tape_of
from checker.judge.verdict import missing, record_verdict
from checker.look import Look, chosen_methods, look, required_methods
from checker.published import contradiction, reproduce
from checker.record import DescentRecord, PathRecord, PublishedRecord, Record
from checker.sampling import cases, complete, seeking
from checker.transcribe import inputs_of, source_of, text_of
from checker.values import Case, Derivation, Method, Settings


def examine(exercise: Exercise, settings: Settings) -> Record:
    """Check one exercise at its published points, at fresh ones, on new paths and along its descent; or only where `settings.at` says.

    Raises:
        ExerciseError: the exercise itself is wrong: a published number that its function does not give, an `answer` that is not its
            gradient, an input that cannot be drawn.
    """
    start = time.perf_counter()
    chosen = chosen_methods(settings)
    exercise = _as_asked(exercise, settings)
    if settings.at:
        return _gathered(exercise, settings, chosen, [look(case, chosen) for case in given(exercise, settings)], start, [], None)
    published = reproduce(exercise)
    _refuse(contradiction(exercise, published))
    walked = walk(exercise, settings.seed) if exercise.descent is not None else None
    if walked is not None:
        _refuse(contradiction(exercise, walked.published))
        published = [*published, *walked.published]
    found = [look(case, chosen) for case in cases(exercise, settings)]
    found += [look(case, chosen) for case in _new_paths(exercise, settings, found)]
    if walked is not None:
        found += [look(case, chosen, used=used) for case, used in _waypoints(exercise, settings, walked, len(found))]
    return _gathered(exercise, settings, chosen, found, start, published, walked.descent if walked is not None else None)


def examine_at(exercise: Exercise, points: Sequence[Case], settings: Settings) -> Record:
    """Check one function at the given points only."""
    start = time.perf_counter()
    chosen = chosen_methods(settings)
    points = [replace(case, exercise=_as_asked(case.exercise, settings)) for case in points]
    return _gathered(exercise, settings, chosen, [look(case, chosen) for case in points], start, [], None)


def _gathered(
    exercise: Exercise,
    settings: Settings,
    chosen: Mapping[str, Method],
    found: Sequence[Look],
    start: float,
    published: Sequence[PublishedRecord],
    descent: DescentRecord | None,
) -> Record:
    records = [one.record for one in found]
    verdict, explanation = record_verdict(records)
    required = required_methods(exercise, chosen)
    absent = missing(records, required)
    mathematics = {one.path: one.mathematics for one in reversed(found) if one.mathematics is not None}
    return Record(
        exercise=exercise.id,
        title=text_of(exercise.title),
        statement=text_of(exercise.statement),
        verdict=verdict,
        expected=exercise.expects,
        as_expected=verdict == exercise.expects and not absent,
        explanation=explanation,
        theme=exercise.theme,
        origin=exercise.origin,
        points=exercise.points,
        seconds=time.perf_counter() - start,
        seed=settings.seed,
        stochastic=any(record.stochastic for record in records),
        required=list(required),
        missing=absent,
        inputs=inputs_of(exercise),
        source=source_of(exercise),
        published=list(published),
        cases=records,
        paths=_paths(found),
        mathematics=list(reversed(mathematics.values())),
        descent=descent,
        notes=list(dict.fromkeys(note for one in found for note in one.notes)),
    )


def _as_asked(exercise: Exercise, settings: Settings) -> Exercise:
    """The exercise with the tolerance that the settings ask for, where they do."""
    return exercise if settings.tolerance is None else replace(exercise, tolerance=settings.tolerance)


def _refuse(error: ExerciseError | None) -> None:
    if error is not None:
        raise error


def _new_paths(exercise: Exercise, settings: Settings, found: Sequence[Look]) -> Iterator[Case]:
    """Points on paths that have not been seen, until no new one appears: only where Python decides anything at all."""
    seen = {one.path for one in found}
    if not exercise.sampled or not any(one.record.path.lines for one in found):
        return
    dtypes = settings.dtypes or exercise.dtypes
    start = max((one.record.number for one in found), default=-1) + 1
    for case in seeking(exercise, settings, start, dtypes[0]):
        if len(seen) >= settings.paths:
            return
        try:
            path = path_of(tape_of(case))
        except Exception:  # a point that the function refuses is no new path
            continue
        if path not in seen:
            seen.add(path)
            yield case


def _waypoints(exercise: Exercise, settings: Settings, walked: Walk, start: int) -> Iterator[tuple[Case, Derivation]]:
    """The logged steps of a descent as cases, each with the gradient that the walk really used there."""
    plan = exercise.descent
    assert plan is not None
    for number, stop in enumerate(walked.waypoints, start):
        case = complete(
            exercise, stop.arguments, settings, number=number, dtype=plan.dtype, seed=settings.seed, origin=f"waypoint, step {stop.step}"
        )
        used = Derivation(method="descent", dtype=plan.dtype, gradients={name: stop.gradient[name] for name in case.differentiated})
        yield case, used


def _paths(found: Sequence[Look]) -> list[PathRecord]:
    """Every path that was seen, once, with its conditions where the symbolic reading found them."""
    paths: dict[str, PathRecord] = {}
    for one in found:
        if one.path and (one.path not in paths or one.record.path.conditions):
            paths[one.path] = one.record.path
    return list(paths.values())
