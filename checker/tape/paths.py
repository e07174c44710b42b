"""What another order of the same chain rule may differ by.

Comes in: a tape, its arguments and the upstream gradient.  Goes out: an error bound for forward mode.  Why: reverse mode adds up the
paths from an output to an input in one order and forward mode in another, so that where paths cancel they round differently; the
allowed error of `balls.allowed` follows the reverse order.

The derivative is a sum over paths of products of local derivatives. In whatever order they are multiplied and added, the error is at most
γ·Σ|path|, with γ = n·u for n roundings along a path (Higham, Accuracy and Stability, section 3.1). Σ|path| is one reverse sweep with the
absolute values of every local derivative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from flint import arb

from checker.tape.arithmetic import Balls, precision
from checker.tape.formats import FORMATS
from checker.tape.interpreter import Replayed, interpret
from checker.tape.tape import Tape
from checker.values import Array

#: Kernels add up half-precision terms in float32, and round the sum once.
ACCUMULATED = FORMATS["float32"].unit

#: Precision of the local derivatives: a bound needs no more than a float has.
BITS = 64


@dataclass(frozen=True, kw_only=True)
class Orders:
    """Of every floating argument's entries: how far another order of the chain rule may be off, and Σ|path|, the size of what adds up."""

    error: Mapping[str, Array]
    size: Mapping[str, Array]


def any_order(
    tape: Tape, arguments: Mapping[str, torch.Tensor], upstream: Sequence[torch.Tensor | None], unit: float, *, honoured: frozenset[int]
) -> Orders:
    """n·`unit`·Σ|path| for every entry of every floating argument, and Σ|path|; `unit` is the unit roundoff of the dtype under test.

    Raises:
        Unsupported: an operation has no ball rule.
    """
    with precision(BITS):
        replayed = interpret(tape, arguments, Balls(), honoured=honoured)
        sums, roundings = _sweep(replayed, upstream, min(1.0, ACCUMULATED / unit))
    error, size = {}, {}
    for name, array in replayed.inputs.items():
        index = np.array([x.index for x in array.reshape(-1)], dtype=int)
        error[name] = (unit * roundings[index] * sums[index]).reshape(array.shape)
        size[name] = sums[index].reshape(array.shape)
    return Orders(error=error, size=size)


def started(replayed: Replayed[Any], upstream: Sequence[torch.Tensor | None]) -> tuple[Array, Array]:
    """Σ|path| and the roundings along a path of every scalar, where only the outputs have been reached."""
    sums, roundings = np.zeros((2, len(replayed.graph.edges)))
    for output, vector in zip(replayed.outputs, upstream, strict=True):
        if output is None or vector is None:
            continue
        for x, v in zip(output.reshape(-1), vector.detach().double().reshape(-1).tolist(), strict=True):
            if x.index >= 0:
                sums[x.index] += abs(v)
                roundings[x.index] = 1
    return sums, roundings


def _sweep(replayed: Replayed[arb], upstream: Sequence[torch.Tensor | None], term: float) -> tuple[Array, Array]:
    """Σ|path| and the largest number of roundings along a path, from the outputs to every scalar; a term of a sum counts as `term`.

    The last sum, over the outputs, is made in float64 (`Forward`) and rounds nothing.
    """
    edges = replayed.graph.edges
    sums, roundings = started(replayed, upstream)
    for i in range(len(edges) - 1, -1, -1):
        if sums[i] == 0:
            continue
        passed = roundings[i] + 1 + term * len(edges[i])
        for j, derivative in edges[i]:
            sums[j] += sums[i] * abs(replayed.graph.numbers.approximate(derivative))
            roundings[j] = max(roundings[j], passed)
    return sums, roundings
