"""The tensors that a recording has seen, each in a slot.

Comes in: tensors, as they turn up.  Goes out: their slots, what they looked like, whether an input reaches them.  Why: a tape names tensors
by slots; and views share memory, so that what an input reaches is told by memory and not by tensor.
"""

from __future__ import annotations

import torch

from checker.errors import Unsupported
from checker.tape.lines import user_line
from checker.tape.operands import storage
from checker.tape.tape import Meta, differentiable


class Slots:
    """`keep[slot]` is the tensor in a slot, `meta[slot]` what it looked like, `inputs` the slots of the arguments."""

    def __init__(self) -> None:
        self.keep: list[torch.Tensor] = []  # strong references: while they live, ids and storages stay unique
        self.meta: dict[int, Meta] = {}
        self.inputs: dict[str, int] = {}
        self._slots: dict[int, int] = {}  # id of a tensor -> slot
        self._reached: set[int] = set()  # storages whose values depend on an input
        self._flowing: set[int] = set()  # those that do by floating arithmetic, so that a derivative can be lost

    def __contains__(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._slots

    def __getitem__(self, tensor: torch.Tensor) -> int:
        """The slot of a tensor; a new one where it has none."""
        known = self.known(tensor)
        return self.add(tensor) if known is None else known

    def known(self, tensor: torch.Tensor) -> int | None:
        """The slot of a tensor, None where it has none."""
        return self._slots.get(id(tensor))

    def add(self, tensor: torch.Tensor) -> int:
        """A slot for a tensor that has none.

        Raises:
            Unsupported: the tensor is sparse.
        """
        if tensor.layout is not torch.strided:
            raise Unsupported("tape", f"{tensor.layout} tensors are not recorded", line=user_line()[0] or None)
        slot = len(self.keep)
        self._slots[id(tensor)] = slot
        self.keep.append(tensor)
        self.meta[slot] = Meta(tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset()), tensor.dtype, tensor.device.type)
        return slot

    def add_input(self, name: str, leaf: torch.Tensor) -> None:
        self.inputs[name] = self[leaf]
        self.reach(leaf, flows=True)

    def alias(self, slot: int) -> int:
        """A new slot for the tensor in `slot`."""
        self.keep.append(self.keep[slot].detach())
        self.meta[len(self.keep) - 1] = self.meta[slot]
        return len(self.keep) - 1

    def reach(self, tensor: torch.Tensor, *, flows: bool) -> None:
        """Note that the values in the memory of a tensor depend on an input, and whether they do by floating arithmetic."""
        memory = storage(tensor)
        self._reached.add(memory)
        if flows and differentiable(tensor.dtype):
            self._flowing.add(memory)

    def reached(self, tensor: torch.Tensor) -> bool:
        """Whether the values of a tensor depend on an input."""
        return storage(tensor) in self._reached

    def flows(self, tensor: torch.Tensor) -> bool:
        """Whether they do by floating arithmetic, so that a derivative can be lost."""
        return storage(tensor) in self._flowing and differentiable(tensor.dtype)

    def remembered(self, tensor: torch.Tensor) -> bool:
        """Whether another tensor with a history has the same memory: a write then changes what autograd remembers otherwise."""
        memory = storage(tensor)
        return memory in self._flowing and any(t.requires_grad and not t.is_leaf and storage(t) == memory for t in self.keep)
