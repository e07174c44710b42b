"""Points for the plots that make a gradient visible.

Comes in: a case and its true gradient.  Goes out: `CurveRecord` values: the function with its tangent for one variable, contours with
the gradient arrow for two.  Why: a page is made from the record alone, so what it draws must be computed here, with the original
function.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch

from checker.draws import seeded
from checker.record import CurveRecord
from checker.sampling import inside
from checker.tape.budget import Budget
from checker.tape.replay import batched
from checker.tape.tape import Tape
from checker.values import Array, Case, number

#: Points of a curve, and points along each axis of a contour plot: enough for the eye, few enough for a record.
ALONG, ACROSS = 81, 25
#: A plotted point may take so many operations before the function counts as having no value there.
OPERATIONS = 2000
#: Plots are left out where one point is more scalar operations than this.
LARGEST = 20_000


def curves(case: Case, tape: Tape | None, gradient: Mapping[str, Array]) -> list[CurveRecord]:
    """The plots that `case` allows: none unless its value is one number and one or two entries are differentiated.

    A tape on which Python decided nothing gives all points in one batch; otherwise the original function is called at each.
    """
    if sum(case.arguments[name].numel() for name in case.differentiated) not in (1, 2):
        return []
    entries = [(name, k) for name in case.differentiated for k in range(case.arguments[name].numel())]
    if tape is not None and sum(math.prod(meta.shape) for meta in tape.meta.values()) > LARGEST:
        return []
    floating = [v for v in case.upstream if v is not None]
    if len(floating) != 1 or floating[0].numel() != 1 or any(n not in gradient for n, _ in entries):
        return []
    centre = np.array([float(case.arguments[name].double().flatten()[k]) for name, k in entries])
    slope = np.array([float(np.ravel(gradient[name])[k]) for name, k in entries])
    if not (np.all(np.isfinite(centre)) and np.all(np.isfinite(slope))):
        return []
    reach = np.maximum(1.0, np.abs(centre)) * 1.5
    if len(entries) == 1:
        return [_tangent(case, tape, entries[0], float(centre[0]), float(slope[0]), float(reach[0]))]
    return [_contour(case, tape, entries, centre, slope, reach)]


def _tangent(case: Case, tape: Tape | None, entry: tuple[str, int], centre: float, slope: float, reach: float) -> CurveRecord:
    xs = np.linspace(centre - reach, centre + reach, ALONG)
    xs = xs[_allowed(case, entry[0], xs)]
    *ys, here = _values(case, tape, [entry], np.append(xs, centre)[:, None])
    point = {"point": centre, "value": number(here), "slope": slope}
    return CurveRecord(kind="tangent", argument=entry[0], x=[number(x) for x in xs], y=[number(y) for y in ys], extra=point)


def _contour(case: Case, tape: Tape | None, entries: list[tuple[str, int]], centre: Array, slope: Array, reach: Array) -> CurveRecord:
    axes = []
    for (name, _), c, r in zip(entries, centre, reach, strict=True):
        axis = np.linspace(c - r, c + r, ACROSS)
        axes.append(axis[_allowed(case, name, axis)])
    z = _values(case, tape, entries, np.array([[x, y] for y in axes[1] for x in axes[0]]))
    names = [case.exercise.input(name).entry([int(i) for i in np.unravel_index(k, case.arguments[name].shape)]) for name, k in entries]
    return CurveRecord(
        kind="contour",
        argument=entries[0][0],
        x=[number(v) for v in axes[0]],
        y=[number(v) for v in axes[1]],
        z=[number(v) for v in z],
        extra={"names": names, "point": [float(c) for c in centre], "gradient": [float(s) for s in slope]},
    )


def _allowed(case: Case, name: str, xs: Array) -> Array:
    result: Array = inside(case.exercise.input(name).domain, torch.from_numpy(xs)).numpy()
    return result


def _values(case: Case, tape: Tape | None, entries: list[tuple[str, int]], points: Array) -> list[float]:
    """The function's value, in float64, with `entries` replaced by each row of `points`; NaN where it refuses a point."""
    moved: dict[str, torch.Tensor] = {}
    for (name, k), column in zip(entries, points.T, strict=True):
        x = case.arguments[name].double()
        batch = moved.setdefault(name, x.expand(len(points), *x.shape).clone())
        batch.reshape(len(points), -1)[:, k] = torch.from_numpy(column.copy())
    if tape is not None and not tape.decisions and not any(cut.baked for cut in tape.cuts):
        outputs = batched(tape, moved, dtype=torch.float64, signature=False).outputs
        return [float(v) for v in outputs[0].reshape(len(points), -1).sum(1)]
    return [_value(case, {name: batch[row] for name, batch in moved.items()}) for row in range(len(points))]


def _value(case: Case, moved: Mapping[str, torch.Tensor]) -> float:
    arguments = {name: t.double() if t.is_floating_point() else t for name, t in case.arguments.items()}
    try:
        with seeded(case.seed), torch.no_grad(), Budget(OPERATIONS):
            outputs = case.exercise.call({**arguments, **moved})
    except Exception:  # a plot has a gap where the function has no value
        return float("nan")
    return float(next(o for o in outputs if o.is_floating_point()).double().sum())
