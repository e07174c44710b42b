"""The mistakes that can be made in one step of the chain rule.

Comes in: a step of a replayed tape, with the adjoints of its results.  Goes out: what it gives to an operand, (∂f/∂operand)ᵀ·adjoint, and
what each `Change` makes of that.  Why: people who differentiate by hand make few kinds of mistakes, and each is one step done otherwise.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_unflatten

from checker.tape.tape import Node

#: Of an operation that mixes more entries than this, the diagonal of the Jacobian is not tried.
DIAGONAL = 16


class Change(enum.StrEnum):
    """What is done wrong in one step. The most usual first."""

    DROPPED = "dropped"  #: the adjoint is passed on without the step's derivative
    STOPPED = "stopped"  #: the adjoint of an intermediate is given in place of the argument's
    LOST = "lost"  #: one of several paths is forgotten
    REVERSED = "reversed"  #: the sign of what the step passes on
    TERMS = "terms"  #: a sum in place of a mean, or the reverse
    AT_RESULT = "at_result"  #: the derivative is taken at the step's result: σ′(σ(x))
    AT_ORIGIN = "at_origin"  #: the derivative is taken at what the step's operand was made of: f′(x) for f′(g(x))
    FOR_RESULT = "for_result"  #: the operand stands where the formula has the result: x(1 − x) for σ(x)(1 − σ(x))
    DIAGONAL = "diagonal"  #: only the diagonal of the step's Jacobian
    TRANSPOSED = "transposed"  #: a factor of a product is transposed, or is not


@dataclass(frozen=True)
class Step:
    """A node as it was replayed: its flattened operands and results, with their history, and the adjoints of its results: None where
    nothing flows."""

    node: Node
    spec: Any
    values: list[Any]
    results: list[Any]
    adjoints: Sequence[torch.Tensor | None] = ()

    def tracked(self) -> list[int]:
        """The places of the operands that a derivative flows to."""
        return [k for k, value in enumerate(self.values) if isinstance(value, torch.Tensor) and value.requires_grad]

    def seen(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """The results that something flows to, with their adjoints."""
        return [(r, a) for r, a in zip(self.results, self.adjoints, strict=True) if a is not None]


#: What torch raises of operations that it cannot differentiate, or of operands that do not go together: no mutant there.
REFUSED = (RuntimeError, ValueError, IndexError, TypeError)
#: Operations that have several factors, each times an upstream a product again: people call them all matmul.
PRODUCTS = ("mm", "bmm", "mv", "addmm", "addmv", "baddbmm")
#: The derivative by the result y, which is then given the operand x: of adjoint and x.
_BY_RESULT = {
    "exp": lambda adjoint, x: adjoint * x,
    "sigmoid": lambda adjoint, x: adjoint * x * (1 - x),
    "tanh": lambda adjoint, x: adjoint * (1 - x * x),
}


def passed(step: Step, place: int, values: Sequence[Any], adjoints: Sequence[torch.Tensor | None]) -> torch.Tensor | None:
    """What the step gives to the operand at `place`, its operands being `values` and its results' adjoints `adjoints`.

    None where they do not go together.
    """
    fixed = [v.detach() if isinstance(v, torch.Tensor) else v for v in values]
    fixed[place] = fixed[place].clone().requires_grad_()
    args, named = tree_unflatten(fixed, step.spec)
    try:
        with torch.enable_grad():
            results = tree_leaves(step.node.operation(*args, **named))
        ends = [(r, a) for r, a in zip(results, adjoints, strict=True) if a is not None]
        if not all(r.requires_grad and r.shape == a.shape for r, a in ends):
            return None
        (found,) = torch.autograd.grad([r for r, _ in ends], [fixed[place]], [a for _, a in ends], allow_unused=True)
    except REFUSED:
        return None
    return found


def altered(step: Step, place: int, given: torch.Tensor, maker: Step | None) -> Iterator[tuple[Change, torch.Tensor | None]]:
    """What each mistake makes of what the step gives to the operand at `place`, which the step `maker` made.

    A mistake that does not go together with the operands gives None, or another shape than that of `given`.
    """
    operand, values = step.values[place], step.values
    others = [k for k, v in enumerate(values) if isinstance(v, torch.Tensor) and k != place]
    result, adjoint = step.seen()[0]
    whole = _brought(adjoint, operand.shape) if len(step.seen()) == 1 else None
    if whole is not None and not torch.equal(whole, -given):  # a derivative of −1 that is left out is a sign
        yield Change.DROPPED, whole
    if not any(returned.alias_info is not None for returned in step.node.operation._schema.returns):  # who uses the view loses it
        yield Change.LOST, torch.zeros_like(given)
        yield Change.REVERSED, -given
    if step.node.base in ("sum", "mean"):
        terms = operand.numel() / max(1, result.numel())
        yield Change.TERMS, given * terms if step.node.base == "mean" else given / max(1.0, terms)

    def at(number: int, value: torch.Tensor) -> torch.Tensor | None:
        return passed(step, place, [value if k == number else v for k, v in enumerate(values)], step.adjoints)

    if not others and result.shape == operand.shape and len(step.results) == 1:
        yield Change.AT_RESULT, at(place, result)
        for k in maker.tracked() if maker is not None else ():
            if maker is not None and maker.values[k].shape == operand.shape:
                yield Change.AT_ORIGIN, at(place, maker.values[k])
        if step.node.base in _BY_RESULT:
            yield Change.FOR_RESULT, _BY_RESULT[step.node.base](adjoint, operand.detach())
        if torch.Tag.pointwise not in step.node.operation.tags and operand.numel() <= DIAGONAL:
            yield Change.DIAGONAL, _diagonal(step, place, adjoint)
    if step.node.base in PRODUCTS:
        for k in others:
            if values[k].dim() > 1 and values[k].shape[-1] == values[k].shape[-2]:
                yield Change.TRANSPOSED, at(k, values[k].mT)
        if adjoint.dim() > 1 and adjoint.shape[-1] == adjoint.shape[-2]:
            yield Change.TRANSPOSED, passed(step, place, values, [adjoint.mT])


def _diagonal(step: Step, place: int, adjoint: torch.Tensor) -> torch.Tensor | None:
    """The adjoint times the diagonal of the step's Jacobian, as if every entry of the result came from one entry of the operand."""
    entries = torch.zeros_like(adjoint)
    for k in range(adjoint.numel()):
        one = torch.zeros_like(adjoint)
        one.view(-1)[k] = 1.0
        row = passed(step, place, step.values, [one])
        if row is None:
            return None
        entries.view(-1)[k] = row.reshape(-1)[k]
    return entries * adjoint


def _brought(adjoint: torch.Tensor, shape: torch.Size) -> torch.Tensor | None:
    """An adjoint in the shape of an operand: spread where the step reduces to one number, summed where it broadcasts; else None."""
    if adjoint.shape == shape:
        return adjoint
    if adjoint.numel() == 1:
        return adjoint.reshape(()).expand(shape)
    try:
        return adjoint.sum_to_size(shape)
    except RuntimeError:
        return None
