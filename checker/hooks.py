"""Hooks: functions through which a gradient passes on its way back.

Comes in: nothing.  Goes out: contexts in which hooks are noticed, or taken off.  Why: a hook may change the gradient, and no value shows
it; and a tensor without history, from which values are computed, cannot have one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import Module

#: What torch calls to give a tensor a hook, and to ask a module for its own.
_register, _after, _before = torch.Tensor.register_hook, Module._get_backward_hooks, Module._get_backward_pre_hooks


class _Handle:
    """Stands for a hook that was not given."""

    def remove(self) -> None:
        """There is nothing to remove."""


@contextmanager
def noticed(note: Callable[[Callable[..., Any] | None], None]) -> Iterator[None]:
    """Call `note` for every hook: with None where a tensor gets one now, with the hook itself where a module has one."""

    def register(tensor: torch.Tensor, hook: Any) -> Any:
        note(None)
        return _register(tensor, hook)  # type: ignore[no-untyped-call]

    def after(module: Module) -> Any:
        found = _after(module)  # type: ignore[no-untyped-call]
        for hook in [*found[0], *found[1]]:
            note(hook)
        return found

    def before(module: Module) -> Any:
        found = _before(module)  # type: ignore[no-untyped-call]
        for hook in found:
            note(hook)
        return found

    with _in_their_place(register, after, before):
        yield


@contextmanager
def taken_off() -> Iterator[None]:
    """No tensor gets a hook, and those of modules do not run."""
    with _in_their_place(lambda tensor, hook: _Handle(), lambda module: ([], []), lambda module: []):
        yield


@contextmanager
def _in_their_place(register: Any, after: Any, before: Any) -> Iterator[None]:
    outer: Any = torch.Tensor.register_hook, Module._get_backward_hooks, Module._get_backward_pre_hooks
    torch.Tensor.register_hook, Module._get_backward_hooks, Module._get_backward_pre_hooks = register, after, before  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.Tensor.register_hook, Module._get_backward_hooks, Module._get_backward_pre_hooks = outer  # type: ignore[method-assign]
