"""A first look at a large function: enough where nothing is out of the ordinary, at the cost of a few calls.

Comes in: a case and its tape.  Goes out: a `Slope` along one random direction, or None where a closer look is needed.  Why: recording a
function again and again, measuring how it rounds and climbing down ladders of steps costs a hundred calls, and nearly always says what
four do.

The original function at x − h·u and x + h·u, and the tape's value and forward-mode derivative along u, must all tell the same: the parabola
through the values has the slope of the tape at x, to a thousandth of what a typical entry contributes. Unless every operation is smooth by
itself, so must the cubic that goes through x + h·u/2 too, for a parabola does not see |x| at 0. Then the function is smooth here, its
differences are good, it repeats itself, and the tape follows it. All of this is done in float64, whatever the case's dtype.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from checker.draws import seeded
from checker.judge.directions import ROUNDINGS, seed_of
from checker.methods.directions import direction
from checker.methods.lines import Tensors
from checker.methods.parts import part_rooms, whole
from checker.methods.tangents import tangent
from checker.tape.formats import FORMATS
from checker.values import Case, Slope

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: The step where n entries are moved together, times n to these powers: n^-½ keeps a function of their sum where it is, n^-¼ moves each by
#: more, where that is lost in the rounding of a long sum. Truncation h³ and rounding ε/h are then near 1e-12.
STEP, POWERS = 1e-3, (-0.5, -0.25)
#: ATen operations that have every derivative wherever their values are finite.
SMOOTH = frozenset(
    {"add", "sub", "rsub", "mul", "neg", "sum", "mean", "mm", "bmm", "mv", "dot", "addmm", "baddbmm", "addmv", "convolution", "square"}
    | {"exp", "expm1", "sin", "cos", "tanh", "sinh", "cosh", "sigmoid", "erf", "atan", "asinh", "gelu", "silu", "log_sigmoid_forward"}
    | {"_softmax", "_log_softmax", "logsumexp", "nll_loss_forward", "mse_loss", "native_layer_norm", "cumsum", "log", "log1p", "reciprocal"}
    | {"t", "view", "_unsafe_view", "transpose", "permute", "expand", "unsqueeze", "squeeze", "select", "slice", "cat", "stack", "clone"}
    | {"alias", "detach", "reshape", "ones_like", "zeros_like", "lift_fresh", "arange", "full", "ones", "zeros"}
)
#: Differences must tell the derivative to this share of what a typical entry contributes to it.
SHARE = 1e-3


def glance(case: Case, tape: Tape) -> Slope | None:
    """The slope along a fresh direction, where everything agrees on it."""
    if tape.cuts or tape.padding() is not None:
        return None
    seed = seed_of(case, 0)
    u = direction(case, seed)
    base, slope = tangent(case, tape, frozenset(), u)
    if slope is None or not _equal(base, [v for v in tape.values if v.is_floating_point()], case.dtype):
        return None
    entries = sum(case.arguments[name].numel() for name in u)
    room = min(float(a[0]) for a in part_rooms(case, u, [[whole(case, name) for name in u]]))
    enough = SHARE * abs(slope) / math.sqrt(entries)
    for power in POWERS:
        h = STEP * entries**power
        if h < room and _told(case, base, u, h, slope, enough, smooth=all(node.base in SMOOTH for node in tape.nodes)):
            return Slope(seed=seed, u=u, value=slope, error=ROUNDINGS * FORMATS["float64"].epsilon * abs(slope), forward=True)
    return None


def _told(case: Case, base: Sequence[torch.Tensor], u: Tensors, h: float, slope: float, enough: float, smooth: bool) -> bool:
    """Whether differences of the original function with step h tell the slope."""
    room = {name: torch.empty_like(along) for name, along in u.items()}  # new memory for every call would cost more than adding
    try:
        behind, ahead = _change(case, base, u, -h, room), _change(case, base, u, h, room)
        if not abs((ahead - behind) / (2.0 * h) - slope) <= enough:
            return False
        return smooth or abs((16.0 * _change(case, base, u, 0.5 * h, room) - 3.0 * ahead - behind) / (6.0 * h) - slope) <= enough
    except Exception:  # a function may refuse a neighbouring point, or float64
        return False


def _change(case: Case, base: Sequence[torch.Tensor], u: Tensors, t: float, room: Tensors) -> float:
    """⟨v, f(x + t·u) − f(x)⟩ of the original function; x + t·u lies in `room`."""
    arguments = {}
    for name, x in case.arguments.items():
        wide = x.to(torch.float64) if x.is_floating_point() else x
        arguments[name] = torch.add(wide, u[name], alpha=t, out=room[name]) if name in u else wide.clone()
    with torch.no_grad(), seeded(case.seed):
        outputs = case.exercise.call(arguments)
    kept = [(o, v) for o, v in zip(outputs, case.upstream, strict=True) if v is not None]
    return float(sum(torch.sub(o, b).mul_(v).sum() for (o, v), b in zip(kept, base, strict=True)))


def _equal(found: Sequence[torch.Tensor], seen: Sequence[torch.Tensor], dtype: str) -> bool:
    """Whether the tape's value in float64 is what the function gave, to rounding."""
    allowance = 64 * FORMATS[dtype].epsilon
    return all(not b.numel() or bool((a - b).abs().max() <= allowance * b.abs().max()) for a, b in zip(found, seen, strict=True))
