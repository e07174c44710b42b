"""A derivative along many directions by forward mode, with the draws that the function makes by itself.

Comes in: what gives the derivative along one direction by `torch.func`, and by dual tensors.  Goes out: that of a batch of directions.
Why: `vmap` takes a batch in one pass; but of a tensor that is not contiguous `torch.func` draws other numbers than the function does when
it is called, so that its derivative would be that of another draw; and of some operations it makes tangents of another dtype, which the
next operation refuses. Dual tensors do neither, one direction at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from checker.draws import seeded

Tensors = tuple[torch.Tensor, ...]

#: What torch raises where an operation cannot be mapped over a batch.
UNMAPPED = (RuntimeError, ValueError, IndexError, NotImplementedError)


def along_each(batch: Tensors, seed: int, *, by_func: Callable[..., Tensors], by_duals: Callable[..., Tensors]) -> tuple[Tensors, str]:
    """The derivative along every row of `batch`, stacked, and why rows were taken one by one, where they could not be mapped."""
    why, single = "", by_func
    try:
        with seeded(seed) as drew:
            moved = torch.func.vmap(by_func, randomness="same")(*batch)
            if not drew():
                return moved, why
        single = by_duals
    except UNMAPPED as error:
        why = str(error).split("\n")[0][:200]
        if _draws_or_fails(by_func, [rows[0] for rows in batch], seed):
            single = by_duals
    found = []
    for row in zip(*batch, strict=True):
        with seeded(seed):
            found.append(single(*row))
    return tuple(torch.stack(column) for column in zip(*found, strict=True)), why


def _draws_or_fails(function: Callable[..., Tensors], row: Sequence[torch.Tensor], seed: int) -> bool:
    with seeded(seed) as drew:
        try:
            function(*row)
        except UNMAPPED:
            return True
        return drew()
