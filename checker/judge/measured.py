"""How much rounding a function amplifies, measured.

Comes in: a function with its tape.  Goes out: its gradient by autograd through the tape, in float32 and in float64.  Why: where a function
is too large for balls, the allowed error must still come from the function and not from a guess. The difference of the two gradients is
what rounding to float32 did, and it scales with the unit of the dtype under test. A wrong rule is wrong in both, so this excuses none.
"""

from __future__ import annotations

import torch

from checker.methods.lines import Called, Replayed
from checker.tape.formats import FORMATS
from checker.tape.replay import replay
from checker.values import Array

#: Unit roundoff of float32, in which the measurement is made.
SINGLE = FORMATS["float32"].unit

#: Another order of the same operations may round so many times as much as was measured.
MEASURED = 16.0


def in_two_widths(function: Replayed | Called) -> dict[str, list[Array]]:
    """The gradient of every argument by autograd through the tape, in float32 and in float64; none where there is no tape."""
    if isinstance(function, Called):
        return {}
    case, found = function.case, dict[str, list[Array]]()
    for dtype in (torch.float32, torch.float64):
        leaves = {n: case.arguments[n].to(dtype).clone().requires_grad_() for n in case.differentiated}
        try:
            with torch.enable_grad():
                arguments = {**case.arguments, **{n: leaf.clone() for n, leaf in leaves.items()}}
                outputs = replay(function.tape, arguments, stopped=function.held, dtype=dtype, signature=False).outputs
                total = torch.stack([(o.double() * v).sum() for o, v in zip(outputs, function.upstream, strict=True)]).sum()
                gradients = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
        except RuntimeError:  # an operation without that dtype, or without a derivative: nothing is measured then
            return {}
        for (name, leaf), g in zip(leaves.items(), gradients, strict=True):
            found.setdefault(name, []).append((torch.zeros_like(leaf) if g is None else g).double().numpy())
    return found
