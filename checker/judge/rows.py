"""The Jacobian of a tape, believed where values along random directions meet it in every row.

Comes in: a function that can be replayed.  Goes out: its J, or None where a closer look is needed.  Why: differences of every column cost
as many values as there are columns, and nearly always say what some thirty do: J·u along a random direction u moves with every entry of
J, row by row, and values of f tell it too.

Along u the quotients with steps h and h/2, extrapolated, must tell each row of J·u to a thousandth of what a typical entry contributes to
it; and the second differences must shrink as h², for a central quotient does not see |x| at 0. Then J is right but for what rounding and
such a thousandth hide, and entries are held against it one by one.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from checker.judge.directions import seed_of
from checker.methods.columns import on_path, values
from checker.methods.directions import direction
from checker.methods.jacobian import outputs_of, rows_of
from checker.methods.lines import Replayed, Tensors
from checker.methods.parts import part_rooms, whole
from checker.tape.replay import replay
from checker.tape.size import point_bytes
from checker.values import Array

DIRECTIONS = 6
#: The step where n entries are moved together, times √n: truncation h⁴ and rounding ε/h are then near 1e-12.
STEP = 1e-3
#: Values must tell a row to this share of what a typical entry contributes to it.
SHARE = 1e-3
#: Units of rounding in a value of f.
ROUNDINGS = 8.0


def told_rows(function: Replayed) -> dict[str, Array] | None:
    """J of the tape in float64 by argument, of shape (outputs, *argument), where values tell every row of it."""
    case = function.case
    if function.held or (4 * DIRECTIONS + 1) * point_bytes(function.tape) > case.memory:
        return None
    found = _by_reverse(function)
    if found is None:
        return None
    return found if _told(function, found, [direction(case, seed_of(case, number)) for number in range(DIRECTIONS)]) else None


def _by_reverse(function: Replayed) -> dict[str, Array] | None:
    """J of the tape by batched reverse mode; None where torch cannot map it."""
    case = function.case
    leaves = {name: case.arguments[name].to(torch.float64).clone().requires_grad_() for name in case.differentiated}
    found = {name: np.zeros((outputs_of(case), *leaf.shape)) for name, leaf in leaves.items()}
    start = 0
    with torch.enable_grad():
        arguments = {**case.arguments, **{name: leaf.clone() for name, leaf in leaves.items()}}
        outputs = replay(function.tape, arguments, dtype=torch.float64, signature=False).outputs
        for output in outputs:
            for rows, parts, why in rows_of(output, list(leaves.values())) if output.requires_grad else ():
                if why is not None:
                    return None
                for name, part in zip(leaves, parts, strict=True):
                    if part is not None:
                        found[name][start + rows.start : start + rows.stop] = part.numpy()
            start += output.numel()
    return found


def _told(function: Replayed, jacobian: dict[str, Array], directions: list[Tensors]) -> bool:
    """Whether values of f along each direction u tell every row of J·u, on the path of the point."""
    case, entries = function.case, sum(jacobian[name][0].size for name in jacobian)
    h = STEP / math.sqrt(entries)
    if not all(h < min(float(a[0]) for a in part_rooms(case, u, [[whole(case, name) for name in u]])) for u in directions):
        return False
    steps = torch.tensor([h, -h, h / 2, -h / 2], dtype=torch.float64)
    moved = {}
    for name in jacobian:
        x, lines = case.arguments[name].to(torch.float64), torch.stack([u[name] for u in directions])
        offsets = steps.reshape(-1, *[1] * lines.dim()) * lines
        moved[name] = torch.cat([x[None], (x + offsets).flatten(0, 1)])
    found, decisions = values(function, moved)
    if not on_path(decisions, len(found)).all() or not np.all(np.isfinite(found)):
        return False
    here, (ahead, behind, half_ahead, half_behind) = found[0], found[1:].reshape(4, len(directions), -1)
    slope = (4.0 * (half_ahead - half_behind) / h - (ahead - behind) / (2.0 * h)) / 3.0
    bend = (4.0 * (half_ahead - 2.0 * here + half_behind) - (ahead - 2.0 * here + behind)) / h
    expected, square = np.zeros((2, *slope.shape))
    for name, entries_of in jacobian.items():
        along, rows = torch.stack([u[name].reshape(-1) for u in directions]).numpy(), entries_of.reshape(len(entries_of), -1)
        expected, square = expected + along @ rows.T, square + along**2 @ (rows**2).T
    typical = np.sqrt(square / max(1, entries))
    noise = ROUNDINGS * function.eps * np.max(np.abs(found), axis=0) / h
    allowed = np.where(typical > 0, SHARE * typical, noise)
    return bool(np.all((np.abs(slope - expected) <= allowed) & (np.abs(bend) <= allowed) & (noise <= allowed)))
