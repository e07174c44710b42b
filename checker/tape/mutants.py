"""Gradients with one mistake in the chain rule, made on purpose.

Comes in: a tape, its upstream gradients, the true gradient.  Goes out: mutants, which are gradients by `Mutation`.  Why: the tape knows
every step of the chain rule, so it can make the mistakes that people make, and name the step that an answer went wrong in.

The tape is replayed once with autograd. What a step gives to one of its operands is altered from c to c′ (`mistakes.py`). The
gradient is linear in it: the mutant is the true gradient plus what c′ − c gives when it is carried on down to the arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils._pytree import tree_flatten

from checker.tape.mistakes import PRODUCTS, REFUSED, Change, Step, altered, passed
from checker.tape.replay import replay
from checker.tape.tape import Node, Tape
from checker.values import Array

#: Of longer tapes, and of more entries to differentiate by, no mutants are made: it takes the square of the steps, some 0.2 s of a hundred.
STEPS, ENTRIES = 100, 1024
#: Gradients that are nearer than this share of the largest entry are the same.
SAME = 1e-6


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One mistake, in one step, on the way to its operand number `operand`; `code` is the author's line, on `line`.

    `round` counts the steps of this operation on this line, so that a mistake has the same name on every path.
    """

    operand: int
    change: Change
    round: int = 0
    variant: int = 0  #: which, where a step has several mistakes of this kind
    operation: str  #: as people call it: "norm"
    line: str
    code: str


def mutants(
    tape: Tape, upstream: Sequence[torch.Tensor | None], truth: Mapping[str, Array], *, honoured: frozenset[int] = frozenset()
) -> dict[Mutation, dict[str, Array]]:
    """The gradients of every single mistake that can be made on purpose, float64; of the arguments that it changes.

    `upstream` has one vector for each output, `truth` the true gradient of every argument, by which the replay is judged. There are none
    where the tape draws at random, is longer than `STEPS`, writes into what is used elsewhere, or does not give the truth.
    """
    long = sum(node.depends for node in tape.nodes) > STEPS or sum(g.size for g in truth.values()) > ENTRIES
    nodes = [_pure(node) for node in tape.nodes]
    if long or tape.stochastic or any(node.depends and node.operation._schema.is_mutable for node in nodes):
        return {}
    leaves = {n: t.detach().double().requires_grad_(n in truth) if t.is_floating_point() else t for n, t in tape.arguments.items()}
    steps: list[Step] = []

    def watch(node: Node, args: list[Any], named: dict[str, Any], results: list[Any]) -> None:
        values, spec = tree_flatten((args, named))
        steps.append(Step(node, spec, values, results))

    try:
        with torch.enable_grad():
            done = replay(replace(tape, nodes=tuple(nodes)), leaves, stopped=honoured, dtype=torch.float64, signature=False, watch=watch)
        pairs = zip(done.outputs, (v for v in upstream if v is not None), strict=True)
        ends = [(output, v.double()) for output, v in pairs if output.requires_grad]
        return _Sweep(steps, {name: leaves[name] for name in truth}, ends).mutants(truth) if ends else {}
    except REFUSED:
        return {}


class _Sweep:
    """One replayed tape, with the adjoint of every result."""

    def __init__(self, steps: list[Step], leaves: dict[str, torch.Tensor], ends: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self.leaves, tracked = leaves, [step for step in steps if step.tracked()]
        wanted = {id(t): t for s in tracked for t in s.results if isinstance(t, torch.Tensor) and t.requires_grad}
        asked = [*leaves.values(), *wanted.values()]
        found = torch.autograd.grad([o for o, _ in ends], asked, [v for _, v in ends], retain_graph=True, allow_unused=True)
        self.gradient = [torch.zeros_like(t) if g is None else g for t, g in zip(asked, found, strict=True)][: len(leaves)]
        adjoints = dict(zip(wanted, found[len(leaves) :], strict=True))
        self.steps = [replace(step, adjoints=[adjoints.get(id(r)) for r in step.results]) for step in tracked]
        self.makers = {id(result): step for step in self.steps for result in step.results}

    def mutants(self, truth: Mapping[str, Array]) -> dict[Mutation, dict[str, Array]]:
        gradient = {name: g.numpy() for name, g in zip(self.leaves, self.gradient, strict=True)}
        if not all(gradient[name].shape == g.shape and _same(gradient[name], g) for name, g in truth.items()):
            return {}
        found: dict[Mutation, dict[str, Array]] = {}
        rounds: Counter[tuple[str, str]] = Counter()
        for step in self.steps:
            node, name = step.node, _called(step.node)
            rounds[node.line, name] += 1
            for place, change, given in self._changes(step):
                mutation = Mutation(
                    operand=place, change=change, round=rounds[node.line, name] - 1, operation=name, line=node.line, code=node.code
                )
                changed = {name: g.numpy() for name, g in given.items() if not _same(g.numpy(), gradient[name])}
                while mutation in found:
                    mutation = replace(mutation, variant=mutation.variant + 1)
                if changed:
                    found[mutation] = changed
        return found

    def _changes(self, step: Step) -> Iterator[tuple[int, Change, dict[str, torch.Tensor]]]:
        """What each mistake in this step makes of the arguments' gradients."""
        seen = step.seen()
        if not seen:
            return
        if len(seen) == 1:
            reached = self._carried(seen[0][0], torch.ones_like(seen[0][0]))
            same = {n: seen[0][1] for n, leaf in self.leaves.items() if n in reached and leaf.shape == seen[0][1].shape}
            yield -1, Change.STOPPED, same
        for place in step.tracked():
            operand = step.values[place]
            given = passed(step, place, step.values, step.adjoints)
            if given is None:
                continue
            for change, other in altered(step, place, given, self.makers.get(id(operand))):
                if other is not None and other.shape == given.shape and not torch.equal(other, given):
                    down = self._carried(operand, other - given)
                    yield place, change, {n: g + down[n] for n, g in zip(self.leaves, self.gradient, strict=True) if n in down}

    def _carried(self, tensor: torch.Tensor, adjoint: torch.Tensor) -> dict[str, torch.Tensor]:
        """What an adjoint of an intermediate gives to each argument that it was made of."""
        down = torch.autograd.grad(tensor, list(self.leaves.values()), adjoint, retain_graph=True, allow_unused=True)
        return {name: g for name, g in zip(self.leaves, down, strict=True) if g is not None}


def _pure(node: Node) -> Node:
    """`y.mul_(x)` as `y = y.mul(x)`, for autograd to keep what `y` was. Where another view of `y` sees the write, the gradient is no longer
    the true one, and no mutant is made."""
    if not node.operation._schema.is_mutable:
        return node
    without = getattr(getattr(getattr(torch.ops, node.operation.namespace), node.base.removesuffix("_"), None), node.overload, None)
    return replace(node, operation=without) if without is not None else node


def _called(node: Node) -> str:
    """What people call an operation: "norm" of `linalg_vector_norm`, "softmax" of `_softmax`, "matmul" of all products of matrices."""
    if node.base in PRODUCTS:
        return "matmul"
    name = node.base.strip("_").removeprefix("linalg_").removeprefix("vector_").removeprefix("native_")
    return name.removesuffix("_forward").removesuffix("_ex")


def _same(a: Array, b: Array) -> bool:
    size = max(abs(b).max(initial=0.0), abs(a).max(initial=0.0))
    return bool((abs(a - b) <= SAME * size).all())
