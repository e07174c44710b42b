"""How much rounding a function amplifies, measured.

Comes in: a function with its tape.  Goes out: its gradient by autograd through the tape, in a narrow dtype and in float64.  Why: where a
function is too large for balls, the allowed error must still come from the function and not from a guess. The difference of the two is
what rounding did, and it scales with the unit of the dtype. A wrong rule is wrong in both, so this excuses none.

Float64 is measured in float32 and scaled. Half precision is measured in itself where torch can, for it underflows where float32 does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from checker.methods.lines import Called, Replayed
from checker.tape.formats import FORMATS
from checker.tape.replay import replay
from checker.values import Array

#: Unit roundoff of float32.
SINGLE = FORMATS["float32"].unit

#: Another order of the same operations may round so many times as much as was measured.
MEASURED = 16.0


@dataclass(frozen=True)
class Widths:
    """A gradient in float64, and how far rounding in the dtype under test moves its entries."""

    double: Array
    moved: Array


def in_two_widths(function: Replayed | Called, dtype: str) -> dict[str, Widths]:
    """The gradient of every argument by autograd through the tape, with what rounding to `dtype` does; empty where there is no tape."""
    double = _gradients(function, "float64")
    for narrow in dict.fromkeys((dtype if dtype != "float64" else "float32", "float32")):
        single = _gradients(function, narrow)
        if double and single:
            scale = FORMATS[dtype].unit / FORMATS[narrow].unit
            return {name: Widths(g, scale * np.nan_to_num(single[name] - g, posinf=0.0, neginf=0.0)) for name, g in double.items()}
    return {}


def _gradients(function: Replayed | Called, dtype: str) -> dict[str, Array]:
    """The gradients in one dtype; none where there is no tape, or torch has no kernel for an operation in that dtype."""
    if isinstance(function, Called):
        return {}
    case, wanted = function.case, getattr(torch, dtype)
    leaves = {n: case.arguments[n].to(wanted).clone().requires_grad_() for n in case.differentiated}
    try:
        with torch.enable_grad():
            arguments = {**case.arguments, **{n: leaf.clone() for n, leaf in leaves.items()}}
            outputs = replay(function.tape, arguments, stopped=function.held, dtype=wanted, signature=False).outputs
            pairs = [(o, v.to(o.dtype)) for o, v in zip(outputs, function.upstream, strict=True) if o.requires_grad]
            gradients = torch.autograd.grad([o for o, _ in pairs], list(leaves.values()), [v for _, v in pairs], allow_unused=True)
    except RuntimeError:
        return {}
    return {
        name: (torch.zeros_like(leaf) if g is None else g).double().numpy()
        for (name, leaf), g in zip(leaves.items(), gradients, strict=True)
    }
