"""Networks as functions of their parameters.

Comes in: an `nn.Module` class.  Goes out: a `Call` over inputs and parameters, and a function that draws parameters.  Why: a network's
gradient is a gradient with respect to its parameters, so they must be arguments (`torch.func.functional_call`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from checker.draws import seeded

if TYPE_CHECKING:
    from checker.authoring import Call


def module_call(make: Callable[[], torch.nn.Module]) -> tuple[Call, Callable[[int], dict[str, torch.Tensor]]]:
    """The call of a module by `functional_call`, and its parameters as initialised under a seed."""
    template = built(make, 0)
    names = list(inspect.signature(template.forward).parameters)
    return of_module(template, names), lambda seed: {k: p.detach().clone() for k, p in built(make, seed).named_parameters()}


def built(make: Callable[[], torch.nn.Module], seed: int) -> torch.nn.Module:
    """A module made under `seed`; the caller's random state is left as it was."""
    with seeded(seed):
        return make()


def of_module(module: torch.nn.Module, names: list[str]) -> Call:
    """A `Call` in which `names` are forward's inputs and every other argument is a parameter.

    Buffers (running means and the like) are constants: each call gets fresh copies, in the parameters' dtype and on their device.
    """
    from checker.authoring import flatten_output

    def call(arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        state: dict[str, Any] = {k: v for k, v in arguments.items() if k not in names}
        like = next((t for t in arguments.values() if t.is_floating_point() or t.is_complex()), None)
        for name, buffer in module.named_buffers():
            state[name] = buffer.detach().clone()
            if like is not None and (buffer.is_floating_point() or buffer.is_complex()):
                width = like.dtype.to_complex() if buffer.is_complex() else like.dtype.to_real()
                state[name] = state[name].to(like.device, width)
        return flatten_output(torch.func.functional_call(module, state, tuple(arguments[n] for n in names)))

    return call
