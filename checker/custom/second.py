"""The derivative of a custom backward.

Comes in: an `Operation`.  Goes out: one `CheckRecord`.  Why: a backward that works on tensors without history has no derivative of its own,
and torch then gives a second derivative that lacks terms, without a word. `@once_differentiable` says so instead.

s(t) = ⟨u, J(x + t·d)ᵀ v⟩ is a function of one number, for a random direction d of each input in turn; and so is ⟨u, J(x)ᵀ (v + t·d)⟩ for
each output. Autograd's s′(0) is compared with the differences of s.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence

import torch

from checker.custom.along import ROUNDING, direction, slope
from checker.custom.operation import Operation, gradients
from checker.errors import Unsupported
from checker.methods.failures import first_line
from checker.record import CheckRecord
from checker.values import Verdict


def twice(operation: Operation) -> CheckRecord:
    """Whether autograd's derivative of Jᵀv is that of its values."""
    wide = operation.widened()
    if wide is None:
        return _found(Verdict.UNSUPPORTED, "not tried: differences of a gradient need float64, which the operation does not take")
    for what, along in _lines(wide):
        try:
            got, (expected, error) = _by_autograd(along), slope(wide, along)
        except Unsupported as failure:
            return _found(Verdict.INCONCLUSIVE, str(failure))
        except Exception as failure:  # the operation under test may raise anything
            if "once_differentiable" in str(failure):
                return _found(Verdict.UNSUPPORTED, "@once_differentiable says that it has none")
            return _found(Verdict.CRASHED, f"it fails: {type(failure).__name__}: {first_line(failure)}")
        if not math.isfinite(expected + error):
            return _found(Verdict.INCONCLUSIVE, f"the gradient is not smooth along {what} here")
        if not abs(got - expected) <= 4 * error + ROUNDING * max(1.0, abs(expected)):
            return _found(Verdict.WRONG, _sentence(what, got, expected))
    return _found(Verdict.AGREES, "its derivative is that of the gradient's values")


def _by_autograd(along: Callable[[torch.Tensor], torch.Tensor]) -> float:
    """s′(0). By `backward()`, which visits every node: `grad` leaves out those that do not lead to t, and so never meets the one with which
    `@once_differentiable` raises."""
    t = torch.zeros((), dtype=torch.float64, requires_grad=True)
    found = along(t)
    if found.requires_grad:
        found.backward()  # type: ignore[no-untyped-call]
    return 0.0 if t.grad is None else float(t.grad)


def _lines(operation: Operation) -> Iterator[tuple[str, Callable[[torch.Tensor], torch.Tensor]]]:
    """What is moved, and s(t) when it is."""
    upstream = operation.upstream()
    for number, v in enumerate(upstream):
        if v is not None:  # first of all: only here does @once_differentiable raise
            yield "the upstream gradient", functools.partial(_moved, operation, upstream, None, number)
    for place in operation.wanted:
        yield operation.name(place), functools.partial(_moved, operation, upstream, place, None)


def _moved(
    operation: Operation, upstream: Sequence[torch.Tensor | None], place: int | None, output: int | None, t: torch.Tensor
) -> torch.Tensor:
    """s(t), with its history where t has one, moving the input at `place` or the upstream of `output`."""
    with torch.enable_grad():
        xs = [operation.inputs[k].detach().clone().requires_grad_() for k in operation.wanted]
        xs = [x + t * direction(operation, x, k) if k == place else x for k, x in zip(operation.wanted, xs, strict=True)]
        given = list(operation.inputs)
        for k, x in zip(operation.wanted, xs, strict=True):
            given[k] = x.clone()
        v = [u if u is None or k != output else u + t * direction(operation, u, -1 - k) for k, u in enumerate(upstream)]
        found = gradients(xs, operation(*given), v, create_graph=True)
        return torch.stack([(direction(operation, g, 100 + k) * g).sum() for k, g in enumerate(found)]).sum()


def _sentence(what: str, got: float, expected: float) -> str:
    if got == 0.0:
        advice = "compute it from saved tensors with torch's operations, or mark backward with @once_differentiable"
        return f"a second derivative through {what} is silently zero in place of {expected:.6g}: {advice}"
    return f"the derivative of its gradient along a direction of {what}: got {got:.10g}, expected {expected:.10g}"


def _found(verdict: Verdict, message: str) -> CheckRecord:
    return CheckRecord(name="double backward", verdict=verdict, message=message, beside=True)
