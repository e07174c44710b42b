"""Hooks: functions through which a gradient passes on its way back.

Comes in: a function, where its values are asked for.  Goes out: the values; contexts in which hooks are noticed, or taken off.  Why: a hook
may change the gradient, and no value shows it; and a tensor without history, from which values are computed, cannot have one.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import Module
from torch.nn.modules.module import register_module_forward_pre_hook

if TYPE_CHECKING:
    from checker.authoring import Call

#: What torch says where a tensor without history is to have a hook, or is to keep its gradient.
REFUSED = ("cannot register a hook on a tensor that doesn't require gradient", "can't retain_grad on Tensor that has requires_grad=False")


#: What torch says where a function differentiates something itself, as the penalty of a gradient does, and nothing has a history.
UNTRACKED = ("does not require grad and does not have a grad_fn", "One of the differentiated Tensors does not require grad")


class _Handle:
    """Stands for a hook that was not given."""

    def remove(self) -> None:
        """There is nothing to remove."""


def values(call: Call, arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """What `call` gives at copies of `arguments`, without a history.

    A function that gives hooks, or lets tensors keep their gradients, is refused there, and called once more with nothing to refuse: to
    take hooks off always would cost more than most functions. One that differentiates inside itself is called with a history.
    """
    with torch.no_grad():
        try:
            return call({name: t.clone() for name, t in arguments.items()})
        except RuntimeError as error:
            refused, untracked = (any(said in str(error) for said in sayings) for sayings in (REFUSED, UNTRACKED))
            if not refused and not untracked:
                raise
        if refused:
            with taken_off():
                return call({name: t.clone() for name, t in arguments.items()})
    with torch.enable_grad():
        tracked = {n: t.detach().requires_grad_(t.is_floating_point() or t.is_complex()).clone() for n, t in arguments.items()}
        return tuple(output.detach() for output in call(tracked))


@contextmanager
def noticed(note: Callable[[Callable[..., Any]], None]) -> Iterator[None]:
    """Call `note` for every hook of a module that is called. (Those that tensors get, `tape/leaks.py` sees.)"""

    def before(module: Any, given: Any) -> None:
        for hook in [*itertools.chain(*module._get_backward_hooks()), *module._get_backward_pre_hooks()]:
            note(hook)

    handle = register_module_forward_pre_hook(before)
    try:
        yield
    finally:
        handle.remove()


#: What asks for a hook, or for one that torch gives itself, and what it finds where there are none.
_NONE: tuple[tuple[type, str, Callable[..., Any]], ...] = (
    (torch.Tensor, "register_hook", lambda tensor, hook: _Handle()),
    (torch.Tensor, "retain_grad", lambda tensor: None),
    (Module, "_get_backward_hooks", lambda module: ([], [])),
    (Module, "_get_backward_pre_hooks", lambda module: []),
)


@contextmanager
def taken_off() -> Iterator[None]:
    """No tensor gets a hook or keeps its gradient, and the hooks of modules do not run."""
    outer = [vars(owner).get(name) for owner, name, _ in _NONE]
    for owner, name, nothing in _NONE:
        setattr(owner, name, nothing)
    try:
        yield
    finally:
        for (owner, name, _), before in zip(_NONE, outer, strict=True):
            if before is None:  # it is inherited
                delattr(owner, name)
            else:
                setattr(owner, name, before)
