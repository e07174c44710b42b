"""Operations that draw and compute in one, said again as a computation with what they drew.

Comes in: an operation and its operands, while it is recorded.  Goes out: its result, by operations that draw nothing.  Why: the results
of a random operation are put back as they were recorded; what of them depends on the input must be computed again at every other point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from checker.errors import Unsupported
from checker.tape.lines import user_line

aten = torch.ops.aten


def _rrelu(
    x: torch.Tensor, noise: torch.Tensor, lower: float = 0.125, upper: float = 1 / 3, training: bool = False, generator: Any = None
) -> tuple[Callable[[], torch.Tensor], bool]:  # fmt: skip
    """x above 0 and a slope times x below: one drawn for each entry, which torch leaves in `noise`, or in evaluation the mean slope."""
    if not training:
        return lambda: aten.leaky_relu(x, (lower + upper) / 2), False
    aten.rrelu_with_noise(x, noise, lower, upper, training, generator)
    slopes = noise.clone()
    return lambda: aten._prelu_kernel(x, slopes), True


def _rrelu_in_place(
    x: torch.Tensor, noise: torch.Tensor, lower: float = 0.125, upper: float = 1 / 3, training: bool = False, generator: Any = None
) -> tuple[Callable[[], torch.Tensor], bool]:  # fmt: skip
    if training:
        raise Unsupported("aten.rrelu_with_noise_", "slopes drawn in place have no rule here", line=user_line()[0] or None)
    return lambda: aten.leaky_relu_(x, (lower + upper) / 2), False


#: By operation: what takes its operands, and gives what computes its result in other operations, and whether it drew for it. It raises
#: `Unsupported` where there is nothing that a tape could follow.
SAYINGS: dict[Any, Callable[..., tuple[Callable[[], torch.Tensor], bool]]] = {
    aten.rrelu_with_noise.default: _rrelu,
    aten.rrelu_with_noise_.default: _rrelu_in_place,
}
