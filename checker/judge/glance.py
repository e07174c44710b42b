"""A first look at a large function: enough where nothing is out of the ordinary, at the cost of a few calls.

Comes in: a case and its tape.  Goes out: a `Slope` along one random direction, or None where a closer look is needed.  Why: recording a
function again and again, measuring how it rounds and climbing down ladders of steps costs a hundred calls, and nearly always says what
four do.

The original function at x − h·u, x + h·u/2 and x + h·u, and the tape's value and forward-mode derivative along u, must all tell the same:
the parabola and the cubic through the values have one slope at x, and it is that of the tape, to a thousandth of what a typical entry
contributes. Then the function is smooth here, its differences are good, it repeats itself, and the tape follows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch

from checker.draws import seeded
from checker.judge.directions import ROUNDINGS, seed_of
from checker.methods.lines import direction, part_rooms, part_scale, whole
from checker.methods.tangents import tangent
from checker.tape.formats import FORMATS
from checker.values import Case, Slope

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: The step, a multiple of the scale on which the function changes: truncation h³ and rounding ε/h are then both near 1e-12.
STEP = 1e-3
#: Differences must tell the derivative to this share of what a typical entry contributes to it.
SHARE = 1e-3


def glance(case: Case, tape: Tape) -> Slope | None:
    """The slope along a fresh direction, where everything agrees on it."""
    if case.dtype != "float64" or tape.cuts or tape.padding() is not None:
        return None
    seed = seed_of(case, 0)
    u = direction(case, seed)
    parts = [[whole(case, name) for name in u]]
    h = STEP * float(part_scale(parts)[0])
    backward, forward = part_rooms(case, u, parts)
    if not (h < backward[0] and h < forward[0]):
        return None
    value, slope = tangent(case, tape, frozenset(), u)
    if slope is None or not _equal(value, [v for v in tape.values if v.is_floating_point()]):
        return None
    behind, halfway, ahead = (_change(case, tape, u, t * h) for t in (-1.0, 0.5, 1.0))
    if behind is None or halfway is None or ahead is None:
        return None
    central, cubic = (ahead - behind) / (2.0 * h), (16.0 * halfway - 3.0 * ahead - behind) / (6.0 * h)
    entries = sum(case.arguments[name].numel() for name in u)
    enough = SHARE * abs(slope) / np.sqrt(entries)
    if not (abs(cubic - slope) <= enough and abs(central - slope) <= enough):
        return None
    return Slope(seed=seed, u=u, value=slope, error=ROUNDINGS * FORMATS["float64"].epsilon * abs(slope), forward=True)


def _change(case: Case, tape: Tape, u: Mapping[str, torch.Tensor], t: float) -> float | None:
    """⟨v, f(x + t·u) − f(x)⟩ of the original function; None where it fails."""
    arguments = {name: torch.add(x, u[name], alpha=t) if name in u else x.clone() for name, x in case.arguments.items()}
    try:
        with torch.no_grad(), seeded(case.seed):
            outputs = case.exercise.call(arguments)
    except Exception:  # a function may refuse a neighbouring point
        return None
    if any(o.shape != base.shape for o, base in zip(outputs, tape.values, strict=True)):
        return None
    return sum(
        float(torch.sub(o, base).mul_(v).sum()) for o, base, v in zip(outputs, tape.values, case.upstream, strict=True) if v is not None
    )


def _equal(found: tuple[torch.Tensor, ...], seen: list[torch.Tensor]) -> bool:
    allowance = 64 * FORMATS["float64"].epsilon
    return all(
        float((a - b).abs_().max()) <= allowance * float(b.abs().max()) if b.numel() else True for a, b in zip(found, seen, strict=True)
    )
