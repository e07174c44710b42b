"""The real form of functions of complex numbers.

Comes in: a call and the names of its complex arguments.  Goes out: the same function of real tensors, whose last dimension of 2 holds the
real and the imaginary part.  Why: what differentiates and judges then knows only real numbers, and PyTorch's convention for the gradient
of a real function, ∂L/∂re + i ∂L/∂im, is that of its real form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from checker.authoring import Call


def real_form(call: Call, names: Collection[str]) -> Call:
    """`call` with real tensors in place of the complex arguments `names`, and of whatever complex tensors it returns."""

    def real(arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        joined = {name: torch.view_as_complex(t) if name in names else t for name, t in arguments.items()} if names else arguments
        return tuple([parts(output) for output in call(joined)])

    return real


def parts(tensor: torch.Tensor) -> torch.Tensor:
    """A complex tensor as its real and imaginary parts, a real one as it is."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def numbers(value: Any) -> Any:
    """Numbers as an author writes them, in lists, as a tensor or an array; complex ones as pairs."""
    if isinstance(value, torch.Tensor):
        return parts(value)
    array = np.asarray(value)
    return np.stack([array.real, array.imag], -1) if np.iscomplexobj(array) else value
