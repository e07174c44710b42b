"""Two ways to see that a rule is right: differences of exact values, and torch within what it may round."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from checker.tape.balls import Enclosure, Midpoints, allowed, enclose
from checker.tape.record import record
from tests.tape.functions_of_interest import Draw

#: Moves of an argument for central differences: their error is of the order of its square.
STEP = 2.0**-20


def exact(
    function: Callable[..., Any], arguments: dict[str, torch.Tensor], upstream: torch.Tensor | None = None
) -> tuple[Enclosure, torch.Tensor]:
    """The enclosed value and gradient at `arguments`, and the upstream that was taken."""
    tape = record(lambda named: (function(*named.values()),), arguments)
    if upstream is None:
        upstream = torch.randn(tape.values[0].shape, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    return enclose(tape, arguments, (upstream,), honoured=tape.honoured()), upstream


def slopes(function: Callable[..., Any], draw: Draw) -> tuple[float, float]:
    """⟨v, f(x + h u) − f(x − h u)⟩ / 2h, of values that are exact to 106 bits, and ⟨gradient, u⟩, which it is to order h²."""
    generator = torch.Generator().manual_seed(11)
    point = draw(generator)
    direction = {k: torch.randn(t.shape, dtype=torch.float64, generator=generator) for k, t in point.items()}
    here, upstream = exact(function, point)
    assert {c.found for c in here.path} <= {"ok"}
    ahead, behind = (
        exact(function, {k: t + side * STEP * direction[k] for k, t in point.items()}, upstream)[0].value[0] for side in (1, -1)
    )
    assert ahead is not None
    assert behind is not None
    weights = upstream.numpy()
    slope = float((((ahead.high - behind.high) + (ahead.low - behind.low)) * weights).sum()) / (2 * STEP)
    along = sum(float((here.gradient[k].high * u.numpy()).sum()) for k, u in direction.items())
    return slope, along


def errors(function: Callable[..., Any], draw: Draw, dtype: torch.dtype, seed: int) -> dict[str, tuple[Any, Any, Any]]:
    """Of the value, and of the gradient of each argument: |torch − truth|, what was allowed, and the truth."""
    generator = torch.Generator().manual_seed(seed)
    arguments = {k: t.to(dtype) if t.is_floating_point() else t for k, t in draw(generator).items()}
    tape = record(lambda named: (function(*named.values()),), arguments)
    upstream = (torch.randn(tape.values[0].shape, dtype=torch.float64, generator=generator).to(tape.values[0].dtype),)
    truth = enclose(tape, arguments, upstream, honoured=tape.honoured())
    widths, value_widths = allowed(tape, arguments, upstream, truth, honoured=tape.honoured())
    leaves = {k: t.clone().requires_grad_() for k, t in arguments.items()}
    value = function(*leaves.values())
    grads = torch.autograd.grad(value, list(leaves.values()), upstream[0], allow_unused=True)
    enclosed = truth.value[0]
    assert enclosed is not None
    found = {"value": (_distance(value, enclosed), value_widths[0], enclosed.high)}
    for (argument, leaf), gradient in zip(leaves.items(), grads, strict=True):
        gradient = torch.zeros_like(leaf) if gradient is None else gradient
        found[argument] = (_distance(gradient, truth.gradient[argument]), widths[argument], truth.gradient[argument].high)
    return found


def _distance(tensor: torch.Tensor, truth: Midpoints) -> Any:
    return np.abs((tensor.detach().double().numpy() - truth.high) - truth.low)
