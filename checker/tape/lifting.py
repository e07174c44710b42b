"""Between tensors and arrays of scalars.

Comes in: a recorded tensor, or an array.  Goes out: the one as the other.  Why: what the float run saw enters a replay exactly, and a
rehearsal needs floats near what a replay holds.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch

from checker.tape.arrays import objects
from checker.tape.graph import Graph
from checker.tape.pairs import Pair, paired
from checker.tape.scalars import Scalar
from checker.values import Array


@cache
def width_of(dtype: torch.dtype) -> tuple[str, int]:
    """Name of a floating dtype, or of a complex one's parts, and its number of significant bits."""
    return str(dtype.to_real()).removeprefix("torch."), round(1 - np.log2(torch.finfo(dtype).eps))


def lift(graph: Graph[Any], tensor: torch.Tensor) -> Array:
    """A tensor as an array: integers and booleans as they are, floating and complex values as exact constants."""
    tensor = tensor.detach()
    if tensor.is_complex():
        parts = lift(graph, torch.view_as_real(tensor.resolve_conj()))
        pairs: Array = graph.map(Pair, parts[..., 0], parts[..., 1])
        return pairs
    if not tensor.is_floating_point():
        return np.array(tensor.numpy())
    exact = graph.numbers.exact
    return objects([Scalar(graph, exact(v)) for v in tensor.to(torch.float64).reshape(-1).tolist()], tuple(tensor.shape))


def near(graph: Graph[Any], array: Array) -> torch.Tensor:
    """An array as a tensor of floats, or of complex numbers, near its scalars."""
    if array.dtype != object:
        return torch.from_numpy(array.copy())
    float_of = graph.numbers.approximate
    if paired(array):
        numbers = [complex(float_of(x.re.value), float_of(x.im.value)) for x in array.reshape(-1)]
        return torch.tensor(numbers, dtype=torch.complex128).reshape(array.shape)
    return torch.tensor([float_of(x.value) for x in array.reshape(-1)], dtype=torch.float64).reshape(array.shape)
