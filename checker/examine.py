"""Everything about one exercise.

Comes in: an exercise and settings.  Goes out: its `Record`.  Why: this is the whole job for one function, in this process: its
published numbers, its points, paths not seen before, its descent. The runner calls it in a process of its own; `check` calls it for
one point.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from checker.authoring import Exercise
from checker.custom import examined
from checker.descent import Walk, walk
from checker.errors import ExerciseError
from checker.given import given
from checker.judge.verdict import missing, record_verdict
from checker.look import Look, chosen_methods, look, required_methods
from checker.published import contradiction, reproduce
from checker.record import DescentRecord, PathRecord, PublishedRecord, Record
from checker.sampling import cases, complete
from checker.seeking import unseen
from checker.transcribe import inputs_of, source_of, text_of
from checker.values import Case, Derivation, Method, Mode, Settings


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
    points = list(cases(exercise, settings))
    found = [look(case, chosen) for case in points]
    if exercise.sampled and any(one.record.path.lines for one in found):  # only where Python decides anything at all
        known = {one.path: case for one, case in zip(reversed(found), reversed(points), strict=True) if one.path}
        found += [look(case, chosen) for case in _new_paths(exercise, settings, known, points[-1].number + 1)]
    if walked is not None:
        found += [look(case, chosen, used=used) for case, used in _waypoints(exercise, settings, walked, len(found))]
    return _gathered(exercise, settings, chosen, found, start, published, walked.descent if walked is not None else None)


def examine_at(exercise: Exercise, points: Sequence[Case], settings: Settings) -> Record:
    """Check one function at the given points only."""
    start = time.perf_counter()
    chosen = chosen_methods(settings)
    if settings.tolerance is not None or settings.second_order:
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
    operations = examined(found)
    verdict, explanation = record_verdict(records, operations)
    required = required_methods(exercise, chosen, settings.mode)
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
        operations=operations,
        notes=list(dict.fromkeys([*(note for one in found for note in one.notes), *_ended(found, settings)])),
    )


def _as_asked(exercise: Exercise, settings: Settings) -> Exercise:
    """The exercise with the tolerance and the second order that the settings ask for, where they do."""
    tolerance = exercise.tolerance if settings.tolerance is None else settings.tolerance
    return replace(exercise, tolerance=tolerance, second_order=exercise.second_order or settings.second_order)


def _refuse(error: ExerciseError | None) -> None:
    if error is not None:
        raise error


def _new_paths(exercise: Exercise, settings: Settings, known: Mapping[str, Case], start: int) -> Iterator[Case]:
    """Points on paths that have not been seen, until no new one appears or there are as many as are asked for."""
    dtypes = settings.dtypes or exercise.dtypes
    found = unseen(exercise, settings, known, start, dtypes[0])
    return (case for _, case in islice(found, max(0, settings.paths - len(known))))


def _waypoints(exercise: Exercise, settings: Settings, walked: Walk, start: int) -> Iterator[tuple[Case, Derivation]]:
    """The logged steps of a descent as cases, each with the gradient that the walk really used there, which is one product with J."""
    plan, settings = exercise.descent, settings if settings.mode is not Mode.JACOBIAN else replace(settings, mode=None)
    assert plan is not None
    for number, stop in enumerate(walked.waypoints, start):
        case = complete(
            exercise, stop.arguments, settings, number=number, dtype=plan.dtype, seed=settings.seed, origin=f"waypoint, step {stop.step}"
        )
        used = Derivation(method="descent", dtype=plan.dtype, gradients={name: stop.gradient[name] for name in case.differentiated})
        yield case, used


def _ended(found: Sequence[Look], settings: Settings) -> list[str]:
    """What is said where there may be more paths than were followed."""
    drawn = any(one.record.origin in ("sampled", "new path") for one in found)
    places = dict.fromkeys(place for one in found for place in one.unfollowed if drawn)
    said = [f"path unseen: what Python makes of {place} is not followed, and may lead where no point was" for place in places]
    count = len({one.path for one in found if one.path})
    if count >= settings.paths and any(one.record.origin == "new path" for one in found):
        said.append(f"{count} execution paths were followed; the search for more ended there")
    return said


def _paths(found: Sequence[Look]) -> list[PathRecord]:
    """Every path that was seen, once, with its conditions where the symbolic reading found them."""
    paths: dict[str, PathRecord] = {}
    for one in found:
        if one.path and (one.path not in paths or one.record.path.conditions):
            paths[one.path] = one.record.path
    return list(paths.values())
