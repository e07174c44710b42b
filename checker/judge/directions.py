"""Slopes along fresh random directions: what a large gradient is judged by.

Comes in: a case and its function.  Goes out: `Slope` values.  Why: going through every entry would take as many evaluations as there are
entries. Along a direction u of random signs and sizes, ⟨u, Jᵀv⟩ is one number that every entry moves: a wrong entry shows in it.

Differences are the judge: forward mode shares rules with what is tested, so it takes their place only where it lies within their error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from checker.methods.differences import function_of
from checker.methods.directions import direction
from checker.methods.lines import Called, Replayed
from checker.methods.parts import Part, along_parts, part_rooms, part_scale, whole
from checker.methods.steps import slopes
from checker.methods.tangents import tangent
from checker.tape.formats import FORMATS
from checker.values import Array, Case, Reference, Settings, Slope

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: A slope by forward mode is a sum in another order than the gradient's own.
ROUNDINGS = 16.0


def unproved(case: Case) -> str:
    """Why there is no gradient to compare with."""
    entries = sum(case.arguments[name].numel() for name in case.differentiated)
    if entries > Settings.projection_above:
        return "too many entries to enclose each: judged along random directions"
    return "judged along random directions, as was asked: no entry by itself"


def refer_along(case: Case, tape: Tape | None, slope: Slope | None) -> Reference:
    """The reference of a case that is judged by projection: `slope` where there is one already, else one along a fresh direction."""
    first = slope or along(function_of(case, tape)[0], case, 0)
    reason = unproved(case)
    return Reference(kind="differences", slopes=(first,), high={}, low={}, radius={}, allowed={}, origin=reason, unproved=reason)


def seed_of(case: Case, number: int) -> int:
    """The seed of a case's direction of this number; it is logged."""
    return int.from_bytes(hashlib.sha256(f"projection/{case.seed}/{number}".encode()).digest()[:4], "big")


def along(function: Replayed | Called, case: Case, number: int) -> Slope:
    """The slope of ⟨v, f⟩ along the case's direction of this number, which moves all differentiated arguments."""
    seed = seed_of(case, number)
    return along_u(function, case, Slope(seed=seed, u=direction(case, seed), value=np.nan, error=np.inf, forward=False))


def along_u(function: Replayed | Called, case: Case, asked: Slope) -> Slope:
    """`asked` with the slope along its direction in place."""
    parts = [whole(case, name) for name in asked.u]
    value, error = (float(a[0]) for a in measured(function, case, asked.u, [parts]))
    found = by_forward(function, asked.u, parts)
    if found is not None and abs(found - value) <= error < np.inf:
        return replace(asked, value=found, error=ROUNDINGS * function.eps * abs(found), forward=True)
    return replace(asked, value=value, error=error)


def measured(
    function: Replayed | Called, case: Case, u: Mapping[str, torch.Tensor], lines: Sequence[Sequence[Part]]
) -> tuple[Array, Array]:
    """Slopes along parts of u by differences, and their errors; infinite where a part meets a kink in the point itself."""
    backward, forward = part_rooms(case, u, lines)
    sample = along_parts(function, case, u, lines, function.dtype)
    found = slopes(sample, part_scale(lines), backward, forward, eps=function.eps, measured=True)
    return found.slope, np.where(found.kink, np.inf, found.error)


def by_forward(
    function: Replayed | Called, u: Mapping[str, torch.Tensor], parts: Sequence[Part], dtype: torch.dtype = torch.float64
) -> float | None:
    """The slope along parts of u by forward mode in `dtype`; None where there is no tape, or no forward rule."""
    if isinstance(function, Called):
        return None
    moved: dict[str, torch.Tensor] = {}
    for part in parts:
        flat = moved.setdefault(part.name, torch.zeros_like(u[part.name])).reshape(-1)
        flat[part.start : part.stop] = u[part.name].reshape(-1)[part.start : part.stop]
    return tangent(function.case, function.tape, function.held, moved, dtype)[1]


def uncancelled(function: Replayed | Called, u: Mapping[str, torch.Tensor], parts: Sequence[Part]) -> float:
    """How large the terms are that forward mode adds up along parts of u, told by how float32 rounds them; 0 where nothing tells it.

    A slope that cancels, such as that of Σ(x − mean x), is known to the rounding of what it is the sum of, and not of what is left.
    """
    wide, narrow = (by_forward(function, u, parts, dtype) for dtype in (torch.float64, torch.float32))
    if wide is None or narrow is None or not np.isfinite(wide - narrow):
        return 0.0
    return abs(wide - narrow) / FORMATS["float32"].unit
