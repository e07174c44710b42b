"""Slopes along one direction, of the operation's values or of its gradients.

Comes in: a function of one number t.  Goes out: its slope at t = 0 by differences, with an error estimate.  Why: forward mode and second
derivatives of a custom operation are judged by values alone, and one random direction shows a mistake in any entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from checker.authoring import Exercise
from checker.custom.operation import Operation, Tensors
from checker.inputs import Input
from checker.methods.differences import differences_of_original
from checker.values import Case

#: How much beside the differences' own estimate is taken for rounding, relative to the slope.
ROUNDING = 1e-6


def slope(operation: Operation, function: Callable[[torch.Tensor], torch.Tensor]) -> tuple[float, float]:
    """The slope of `function` at t = 0, and how far it may be from the truth.

    Raises:
        Unsupported: the function fails beside t = 0.
    """

    def call(values: Mapping[str, torch.Tensor]) -> Tensors:
        return (function(values["t"]),)

    zero = torch.zeros((), dtype=torch.float64)
    exercise = Exercise(name=operation.exercise.name, function=function, call=call, inputs=(Input("t", (), "real"),), dtypes=("float64",))
    case = Case(
        exercise=exercise,
        number=1,
        arguments={"t": zero},
        differentiated=("t",),
        upstream=(torch.ones_like(zero),),
        dtype="float64",
        seed=operation.seed,
        origin="given",
    )
    gradients, error = differences_of_original(case)
    return float(gradients["t"]), float(error["t"])


def direction(operation: Operation, x: torch.Tensor, number: int) -> torch.Tensor:
    """A random direction of x's shape and dtype, drawn for the `number`-th time."""
    generator = torch.Generator().manual_seed(operation.seed + number)
    return torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)
