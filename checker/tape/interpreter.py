"""A tape replayed over a number system, and its gradient by one reverse sweep.

Comes in: a tape, its arguments, a number system, the cuts to honour.  Goes out: `Replayed`: arrays of scalars whose path is checked;
`pull` gives the vector–Jacobian product.  Why: one walk serves the truth, the allowed error and the mathematics.

Arrays are NumPy arrays of objects: they share memory through views as torch's tensors do, so in-place writes need no rewriting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
import torch

from checker.errors import Unsupported
from checker.tape.arrays import each, objects
from checker.tape.graph import Graph
from checker.tape.lifting import lift, width_of
from checker.tape.numbers import N, NumberSystem
from checker.tape.pairs import paired
from checker.tape.scalars import Scalar
from checker.tape.sweep import sweep
from checker.tape.tape import Tape
from checker.tape.walk import Walk
from checker.values import Array


@dataclass(frozen=True, kw_only=True)
class Replayed(Generic[N]):
    """`inputs` are the arrays of the floating arguments as they were at the start, `outputs` those of the function's floating outputs
    (None where an output is not floating). `graph.checks` is the path."""

    graph: Graph[N]
    inputs: Mapping[str, Array]
    outputs: tuple[Array | None, ...]

    def values(self) -> tuple[Array | None, ...]:
        """The outputs as arrays of numbers."""
        return tuple(None if a is None else each(a, lambda x: x.value) for a in self.outputs)


def interpret(
    tape: Tape, arguments: Mapping[str, torch.Tensor], numbers: NumberSystem[N], *, honoured: frozenset[int] = frozenset()
) -> Replayed[N]:
    """Replay `tape` at `arguments` over `numbers`; derivatives stop at the uses of the cuts in `honoured`.

    Raises:
        Unsupported: an operation that depends on an input has no rule, or is set an option that its rule does not know.
    """
    graph = Graph(numbers)
    walk = Walk(tape, graph, honoured)
    inputs = {}
    for name, slot in tape.inputs.items():
        tensor = arguments[name]
        if tensor.is_complex():
            raise Unsupported("tape", f"{name} is complex: its real form is read")
        if tensor.is_floating_point():
            graph.working(width_of(tensor.dtype)[0])
            flat = tensor.detach().to(torch.float64).numpy()
            entries = zip(np.ndindex(flat.shape), flat.reshape(-1).tolist(), strict=True)
            inputs[name] = objects([graph.variable(numbers.variable(name, index, value)) for index, value in entries], flat.shape)
            walk.slots[slot] = inputs[name].copy()
        else:
            walk.slots[slot] = lift(graph, tensor)
    with np.errstate(all="ignore"):  # not-a-number is a value like any other here
        walk.run()
    outputs = tuple(None if slot is None else walk.read(slot) for slot in tape.outputs)
    if any(paired(output) for output in outputs):
        raise Unsupported("tape", "an output is complex: its real form is read")
    return Replayed(graph=graph, inputs=inputs, outputs=outputs)


def pull(replayed: Replayed[N], upstream: Sequence[Any]) -> dict[str, Array]:
    """The vector–Jacobian product: for each floating argument the gradient of Σ ⟨upstream, output⟩, as arrays of numbers.

    `upstream` has a tensor, or an array of numbers, of each output's shape; None counts as zero.
    """
    graph = replayed.graph
    seeds: list[tuple[Scalar, N]] = []
    for output, vector in zip(replayed.outputs, upstream, strict=True):
        if output is None or vector is None:
            continue
        if isinstance(vector, torch.Tensor):
            flat = [graph.numbers.exact(v) for v in vector.detach().to(torch.float64).reshape(-1).tolist()]
        else:
            flat = list(np.asarray(vector, object).reshape(-1))
        seeds += zip(output.reshape(-1), flat, strict=True)
    adjoints = sweep(graph, seeds)
    zero = graph.numbers.zero

    def gradient(x: Scalar) -> N:
        adjoint = adjoints[x.index]
        return zero if adjoint is None else adjoint

    return {name: each(x, gradient) for name, x in replayed.inputs.items()}
