"""Where the gradient stops, noted while a function is recorded.

Comes in: what made a tensor, and the uses at which the gradient does not follow it.  Goes out: numbered `Cut`s, with the values that they
hold.  Why: a tensor is severed long before it is used, and only a use makes a cut of it.
"""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import _disable_current_modes

from checker.tape.tape import Cut


class Cuts:
    """`found` are the cuts so far, `held[number]` the values of the tensor that one cuts."""

    def __init__(self) -> None:
        self.found: list[Cut] = []
        self.held: dict[int, torch.Tensor] = {}
        self._makers: dict[int, tuple[str, str, str]] = {}  # slot -> (mechanism, line, code) that would sever it
        self._of: dict[int, int] = {}  # slot -> number of the cut that it starts

    def note(self, how: str, line: str, code: str, *, slot: int = -1, inside: bool = False) -> int:
        """Add a cut, and give its number."""
        self.found.append(Cut(len(self.found), how, line, code, slot, inside=inside))
        return len(self.found) - 1

    def made(self, slot: int, how: str, line: str, code: str) -> None:
        """Note what severs the tensor in a slot, should it be severed where it is used."""
        self._makers[slot] = how, line, code

    def maker(self, slot: int) -> tuple[str, str]:
        """Line and code of what made the tensor in a slot; empty strings where that is not known."""
        return self._makers[slot][1:] if slot in self._makers else ("", "")

    def at(self, slot: int, tensor: torch.Tensor) -> int | None:
        """The number of the cut that the severed tensor in a slot starts, or None where it only inherits one from its operands."""
        if slot in self._of:
            return self._of[slot]
        if slot not in self._makers:
            return None
        self._of[slot] = number = self.note(*self._makers[slot], slot=slot)
        with _disable_current_modes():
            self.held[number] = tensor.detach().clone()
        return number
