"""Limits on how much a call may do, and a recording keep.

Comes in: operations as they are done.  Goes out: an exception where there are too many.  Why: a plot asks a function for values far from
the point that was checked, and a loop that ends there may not end here; a recording keeps whatever a loop makes, until nothing is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from checker.errors import Unsupported
from checker.memory import left, written

#: Operations that a recording keeps at most: each takes some kilobytes, whatever its tensors take.
OPERATIONS = 500_000
#: So many bytes of tensors are kept without asking the machine what it has left; beyond them, half of it.
UNASKED = 256 << 20


class Exhausted(RuntimeError):
    """The budget is used up."""


class Budget(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Lets `operations` ATen operations pass; the next one raises `Exhausted`."""

    def __init__(self, operations: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.left = operations

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Exhausted("more operations than this call was given")
        return func(*args, **(kwargs or {}))


class Room:
    """What a recording keeps alive: tensors that share memory count once."""

    def __init__(self) -> None:
        self.operations, self.bytes, self.most = 0, 0, UNASKED
        self.owned: set[int] = set()

    def take(self, made: Sequence[torch.Tensor], line: str) -> None:
        """Count an operation and the tensors that it made.

        Raises:
            Unsupported: there are more than a recording can hold.
        """
        self.operations += 1
        for storage in (tensor.untyped_storage() for tensor in made):
            if storage._cdata not in self.owned:
                self.owned.add(storage._cdata)
                self.bytes += storage.nbytes()
        if self.bytes > self.most == UNASKED:
            self.most = self.bytes + left() // 2
        if self.operations > OPERATIONS or self.bytes > self.most:
            message = f"{self.operations:,} operations hold {written(self.bytes)}, more than can be recorded: does a loop here never end?"
            raise Unsupported("tape", message, line=line or None)
