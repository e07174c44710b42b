"""A first look at a large function: enough where nothing is out of the ordinary, at the cost of a few calls.

Comes in: a case and its tape.  Goes out: a `Slope` along one random direction, of a Jacobian `Rows`, or None where a closer look is needed.
Why: recording a function again and again, measuring how it rounds and climbing down ladders of steps costs a hundred calls, and nearly
always says what four do.

The original function at x − h·u and x + h·u, and the tape's value and forward-mode derivative along u, must all tell the same: the parabola
through the values has the slope of the tape at x, to a thousandth of what a typical entry contributes. Unless every operation is smooth by
itself, so must the cubic that goes through x + h·u/2 too, for a parabola does not see |x| at 0. Then the function is smooth here, its
differences are good, it repeats itself, and the tape follows it. All of this is done in float64, whatever the case's dtype.

What is looked at is linear in the outputs: ⟨v, ·⟩ where a gradient is judged, every output by itself where a Jacobian is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from checker.draws import seeded
from checker.judge.directions import ROUNDINGS, seed_of
from checker.methods.directions import direction
from checker.methods.jacobian import outputs_of
from checker.methods.lines import Tensors
from checker.methods.parts import part_rooms, whole
from checker.methods.tangents import pushed
from checker.tape.formats import FORMATS
from checker.values import Array, Case, Rows, Slope

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
#: Entries of a Jacobian beyond which its rows are looked at; up to here each entry is known by itself.
MANY = 16_384

#: What is looked at: a linear function of the floating outputs.
Measure = Callable[[Sequence[torch.Tensor]], Array]


def glance(case: Case, tape: Tape) -> Slope | None:
    """The slope along a fresh direction, where everything agrees on it."""
    upstream = [v for v in case.upstream if v is not None]

    def product(outputs: Sequence[torch.Tensor]) -> Array:
        return np.asarray(sum(float((o * v).sum()) for o, v in zip(outputs, upstream, strict=True)))

    found = _agreed(case, tape, product)
    if found is None:
        return None
    seed, u, slope = found
    return Slope(seed=seed, u=u, value=float(slope), error=ROUNDINGS * FORMATS["float64"].epsilon * abs(float(slope)), forward=True)


def glance_rows(case: Case, tape: Tape) -> Rows | None:
    """J u along a fresh direction, where J has very many entries and everything agrees on every row."""
    entries = sum(case.arguments[name].numel() for name in case.differentiated)
    if outputs_of(case) * entries <= MANY or case.dtype != "float64" or case.exercise.tolerance is not None:
        return None
    found = _agreed(case, tape, lambda outputs: torch.cat([o.reshape(-1) for o in outputs]).numpy())
    if found is None:
        return None
    seed, u, slopes = found
    return Rows(seed=seed, u={name: along.reshape(-1).numpy() for name, along in u.items()}, slopes=slopes)


def _agreed(case: Case, tape: Tape, measure: Measure) -> tuple[int, Tensors, Array] | None:
    """A direction with its seed, and the slope along it of what is measured; None where something disagrees."""
    if tape.cuts or tape.padding() is not None:
        return None
    seed = seed_of(case, 0)
    u = direction(case, seed)
    base, moved = pushed(case, tape, frozenset(), u)
    if moved is None or not _equal(base, [v for v in tape.values if v.is_floating_point()], case.dtype):
        return None
    slope = measure([torch.zeros_like(b) if m is None else m for b, m in zip(base, moved, strict=True)])
    entries = sum(along.numel() for along in u.values())
    room = min(float(a[0]) for a in part_rooms(case, u, [[whole(case, name) for name in u]]))
    enough = SHARE * np.abs(slope) / math.sqrt(entries)
    smooth = all(node.base in SMOOTH for node in tape.nodes)
    for power in POWERS:
        h = STEP * entries**power
        if h < room and _told(case, base, u, h, measure, slope, enough, smooth):
            return seed, u, slope
    return None


def _told(
    case: Case, base: Sequence[torch.Tensor], u: Tensors, h: float, measure: Measure, slope: Array, enough: Array, smooth: bool
) -> bool:
    """Whether differences of the original function with step h tell the slope."""
    room = {name: torch.empty_like(along) for name, along in u.items()}  # new memory for every call would cost more than adding
    try:
        behind, ahead = (measure(_change(case, base, u, t, room)) for t in (-h, h))
        if not np.all(np.abs((ahead - behind) / (2.0 * h) - slope) <= enough):
            return False
        if smooth:
            return True
        between = measure(_change(case, base, u, 0.5 * h, room))
        # the constants of a narrow tape are narrow, and those of the function in float64 are not
        here = 0.0 if case.dtype == "float64" else measure(_change(case, base, u, 0.0, room))
        return bool(np.all(np.abs((16.0 * between - 3.0 * ahead - behind - 12.0 * here) / (6.0 * h) - slope) <= enough))
    except Exception:  # a function may refuse a neighbouring point, or float64
        return False


def _change(case: Case, base: Sequence[torch.Tensor], u: Tensors, t: float, room: Tensors) -> list[torch.Tensor]:
    """f(x + t·u) − f(x) of the original function, of each floating output; x + t·u lies in `room`."""
    arguments = {}
    for name, x in case.arguments.items():
        wide = x.to(torch.float64) if x.is_floating_point() else x
        arguments[name] = torch.add(wide, u[name], alpha=t, out=room[name]) if name in u else wide.clone()
    with torch.no_grad(), seeded(case.seed):
        outputs = case.exercise.call(arguments)
    kept = [o for o, v in zip(outputs, case.upstream, strict=True) if v is not None]
    return [o - b for o, b in zip(kept, base, strict=True)]


def _equal(found: Sequence[torch.Tensor], seen: Sequence[torch.Tensor], dtype: str) -> bool:
    """Whether the tape's value in float64 is what the function gave, to rounding."""
    allowance = 64 * FORMATS[dtype].epsilon
    return all(not b.numel() or bool((a - b).abs().max() <= allowance * b.abs().max()) for a, b in zip(found, seen, strict=True))
