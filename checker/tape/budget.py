"""A limit on how much a call may do.

Comes in: a number of operations.  Goes out: a mode under which one more raises.  Why: a plot asks a function for values far from the point
that was checked, and a loop that ends there may not end here.
"""

from __future__ import annotations

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


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
