"""Points where a function is not smooth: which gradients may be returned there, if any.

Comes in: a case and its tape.  Goes out: a `Classification`, which judges gradients.  Why: at a kink there is no derivative to compare
with, yet not every answer is right: a program may return any element of Clarke's subdifferential and nothing else.

First the question is whether the point is a kink at all: if differences along every entry and along random directions tell of one smooth
function, it is not. Else the point is approached from many directions. On each the original function is recorded again at shrinking
distances, so that every branch is differentiated on its own tape, and the gradients are followed to their limit. Values that do not meet
are a jump; gradients without bound, an infinite slope; and of finite limits the convex hull is what may be returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from checker.errors import Unsupported
from checker.judge.approach import Approach
from checker.judge.classification import LIMIT, UNITS, Classification
from checker.methods.differences import entries, function_of
from checker.methods.directions import along_directions, direction_rooms, direction_scale, signs
from checker.methods.steps import slopes
from checker.tape.formats import FORMATS
from checker.values import Array, Case

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: What is said of a point at which the function itself has no value.
NO_VALUE = "the function has no finite value here: give its inputs a domain where it has one, or declare expects='undefined'"
#: What is said where only the dtype is too narrow for it.
OVERFLOWS = "the function has a finite value here, but {dtype} does not hold it, or what it is computed from: a wider dtype would"


def suspicious(case: Case, tape: Tape | None, path: Sequence[Any] = (), known: Sequence[Mapping[str, Array]] = ()) -> bool:
    """Whether f may not be smooth here: a decision that exact arithmetic did not confirm, or a value that is not finite.

    `path` lists the decisions that balls checked, each with what they `found`; `known` holds what should be finite, such as the truth.
    """
    if any(not check.settled for check in path):
        return True
    if tape is not None and any(not bool(v.isfinite().all()) for v in tape.values if v.is_floating_point()):
        return True
    movable = {name: np.isfinite(case.arguments[name].double().numpy()) for name in case.differentiated}
    return any(not np.all(np.isfinite(array) | ~movable[name]) for arrays in known for name, array in arrays.items() if name in movable)


def classify(case: Case, tape: Tape | None) -> Classification:
    """What kind of point the case's is, by values and by the gradients around it. `tape` is None where it cannot be believed."""
    unit = FORMATS[case.dtype].epsilon
    try:
        around = Approach(case)
    except Exception as failure:  # the function under test may raise anything in float64
        return Classification(kind="unsettled", message=f"the function cannot be followed in float64: {failure}", unit=unit)
    if not around.finite:
        return Classification(kind="singular", message=NO_VALUE, unit=unit)
    if tape is not None and not has_value(case, tape):
        return Classification(kind="singular", message=OVERFLOWS.format(dtype=case.shown_dtype), unit=unit)
    try:
        smooth = _smooth_by_differences(case, tape)
    except Unsupported:
        smooth = None
    if smooth is not None:
        return Classification(
            kind="smooth", message="the function is differentiable here", branches=(smooth[0],), error=smooth[1], unit=unit, around=around
        )
    limits = [limit for limit in map(around.look, around.directions()) if limit is not None]
    for limit in limits:
        if limit.jump:
            return Classification(kind="jump", message=limit.trouble, unit=unit, around=around)
    for limit in limits:
        if limit.unbounded:
            return Classification(kind="singular", message=limit.trouble, unit=unit, around=around)
    settled = [limit.gradient for limit in limits if limit.gradient is not None]
    if not settled or any(not limit.consistent for limit in limits) or len(settled) < len(limits):
        message = "the gradients around this point have no limit that agrees with the slopes there"
        return Classification(kind="unsettled", message=message, unit=unit, around=around)
    gradients = np.array(settled)
    largest = float(np.max(np.abs(gradients), initial=0.0))
    blur = max(limit.error for limit in limits) + UNITS * FORMATS["float64"].epsilon * around.size
    tolerance = 10 * (LIMIT * largest + blur) + np.finfo(float).tiny
    distinct, met = [gradients[0]], [0]
    for g in gradients:
        away = [float(np.max(np.abs(g - d), initial=0.0)) for d in distinct]
        if min(away) > tolerance:
            distinct.append(g)
            met.append(1)
        else:
            met[int(np.argmin(away))] += 1
    if len(distinct) == 1:
        g = around.unflatten(gradients.mean(axis=0))
        error = {name: np.full(a.shape, tolerance) for name, a in g.items()}
        return Classification(
            kind="smooth",
            message="every branch around this point has the same gradient, so the derivative exists",
            branches=(g,),
            error=error,
            unit=unit,
            around=around,
        )
    message = f"not differentiable here: the gradients nearby tend to different limits ({len(distinct)} of them were met)"
    branches = tuple(map(around.unflatten, distinct))
    return Classification(kind="kink", message=message, branches=branches, unit=unit, blur=blur, around=around, fleeting=met.count(1))


def has_value(case: Case, tape: Tape) -> bool:
    """Whether the function's own value is finite, where its upstream gradient is not zero."""
    values = [o for o in tape.values if o.is_floating_point()]
    return all(bool(o[v != 0].isfinite().all()) for o, v in zip(values, (v for v in case.upstream if v is not None), strict=True))


def _smooth_by_differences(case: Case, tape: Tape | None) -> tuple[dict[str, Array], dict[str, Array]] | None:
    """Gradient and error from values alone, where no entry and no random direction meets a kink and all directions tell the same."""
    function, _ = function_of(case, tape)
    directions = signs(case, case.differentiated, 6, case.seed + 1)
    backward, forward = direction_rooms(case, directions)
    sample = along_directions(function, case, directions, function.dtype)
    along = slopes(sample, direction_scale(case, directions), backward, forward, eps=function.eps, measured=True)
    if along.kink.any():
        return None
    gradients, errors, kinks = entries(function, case)
    if kinks or not all(np.all(np.isfinite(e)) for e in errors.values()):
        return None
    expected, allowed = np.zeros(6), along.error.copy()
    for name, u in directions.items():
        flat = u.reshape(6, -1).numpy()
        expected += flat @ gradients[name].ravel()
        allowed += np.abs(flat) @ errors[name].ravel()
    room = np.maximum(backward, forward) > 0
    same = np.abs(along.slope - expected) <= 10 * allowed + 1e-9 * np.abs(expected)
    return (gradients, errors) if np.all(same | ~room) else None
