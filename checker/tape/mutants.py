"""Gradients with one mistake in the chain rule, made on purpose.

Comes in: a tape, its upstream gradients, the true gradient.  Goes out: mutants, which are gradients by `Mutation`.  Why: the tape knows
every step of the chain rule, so it can make the mistakes that people make, and name the step that an answer went wrong in.

The tape is replayed once with autograd. What a step gives to one of its operands, c = (∂f/∂operand)ᵀ·adjoint, is altered to c′. The
gradient is linear in it: the mutant is the true gradient plus what c′ − c gives when it is carried on down to the arguments.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from checker.tape.replay import replay
from checker.tape.tape import Node, Tape
from checker.values import Array

aten = torch.ops.aten

#: Of longer tapes, and of more entries to differentiate by, no mutants are made: it takes the square of the steps, some 0.2 s of a hundred.
STEPS, ENTRIES = 100, 1024
#: Of an operation that mixes more entries than this, the diagonal of the Jacobian is not tried.
DIAGONAL = 16
#: Gradients that are nearer than this share of the largest entry are the same.
SAME = 1e-6


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


@dataclass(frozen=True)
class _Step:
    """A node as it was replayed: its flattened operands and results, with their history."""

    node: Node
    spec: Any
    values: list[Any]
    results: list[Any]

    def tracked(self) -> list[int]:
        """The places of the operands that a derivative flows to."""
        return [k for k, value in enumerate(self.values) if isinstance(value, torch.Tensor) and value.requires_grad]


#: What torch raises of operations that it cannot differentiate, or of operands that do not go together: no mutant there.
_REFUSED = (RuntimeError, ValueError, IndexError, TypeError)
#: Operations that have several factors, each times an upstream a product again.
_PRODUCTS = ("mm", "bmm", "mv", "addmm", "addmv", "baddbmm")
#: The derivative by the result y, which is then given the operand x: of adjoint and x.
_BY_RESULT = {
    "exp": lambda adjoint, x: adjoint * x,
    "sigmoid": lambda adjoint, x: adjoint * x * (1 - x),
    "tanh": lambda adjoint, x: adjoint * (1 - x * x),
}


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
    steps: list[_Step] = []

    def watch(node: Node, args: list[Any], named: dict[str, Any], results: list[Any]) -> None:
        values, spec = tree_flatten((args, named))
        steps.append(_Step(node, spec, values, results))

    try:
        with torch.enable_grad():
            done = replay(replace(tape, nodes=tuple(nodes)), leaves, stopped=honoured, dtype=torch.float64, signature=False, watch=watch)
        pairs = zip(done.outputs, (v for v in upstream if v is not None), strict=True)
        ends = [(output, v.double()) for output, v in pairs if output.requires_grad]
        return _Sweep(steps, {name: leaves[name] for name in truth}, ends).mutants(truth) if ends else {}
    except _REFUSED:
        return {}


class _Sweep:
    """One replayed tape, with the adjoint of every result."""

    def __init__(self, steps: list[_Step], leaves: dict[str, torch.Tensor], ends: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self.steps, self.leaves = [step for step in steps if step.tracked()], leaves
        wanted = {id(t): t for s in self.steps for t in s.results if isinstance(t, torch.Tensor) and t.requires_grad}
        asked = [*leaves.values(), *wanted.values()]
        found = torch.autograd.grad([o for o, _ in ends], asked, [v for _, v in ends], retain_graph=True, allow_unused=True)
        self.gradient = [torch.zeros_like(t) if g is None else g for t, g in zip(asked, found, strict=True)][: len(leaves)]
        self.adjoints = {key: g for key, g in zip(wanted, found[len(leaves) :], strict=True) if g is not None}
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
                altered = {name: g.numpy() for name, g in given.items() if not _same(g.numpy(), gradient[name])}
                while mutation in found:
                    mutation = replace(mutation, variant=mutation.variant + 1)
                if altered:
                    found[mutation] = altered
        return found

    def _changes(self, step: _Step) -> Iterator[tuple[int, Change, dict[str, torch.Tensor]]]:
        """What each mistake in this step makes of the arguments' gradients."""
        seen = [(r, self.adjoints[id(r)]) for r in step.results if id(r) in self.adjoints]
        if not seen:
            return
        if len(seen) == 1:
            reached = self._carried(seen[0][0], torch.ones_like(seen[0][0]))
            same = {n: seen[0][1] for n, leaf in self.leaves.items() if n in reached and leaf.shape == seen[0][1].shape}
            yield -1, Change.STOPPED, same
        for place in step.tracked():
            operand = step.values[place]
            given = self._local(step, place, step.values)
            if given is None:
                continue
            for change, altered in self._altered(step, place, given, seen):
                if altered is not None and altered.shape == given.shape and not torch.equal(altered, given):
                    down = self._carried(operand, altered - given)
                    yield place, change, {n: g + down[n] for n, g in zip(self.leaves, self.gradient, strict=True) if n in down}

    def _carried(self, tensor: torch.Tensor, adjoint: torch.Tensor) -> dict[str, torch.Tensor]:
        """What an adjoint of an intermediate gives to each argument that it was made of."""
        down = torch.autograd.grad(tensor, list(self.leaves.values()), adjoint, retain_graph=True, allow_unused=True)
        return {name: g for name, g in zip(self.leaves, down, strict=True) if g is not None}

    def _local(self, step: _Step, place: int, values: Sequence[Any], adjoints: Sequence[torch.Tensor] = ()) -> torch.Tensor | None:
        """What the step gives to one operand, its operands being `values`; None where they do not go together."""
        fixed = [v.detach() if isinstance(v, torch.Tensor) else v for v in values]
        fixed[place] = fixed[place].clone().requires_grad_()
        args, named = tree_unflatten(fixed, step.spec)
        try:
            with torch.enable_grad():
                results = tree_leaves(step.node.operation(*args, **named))
            every: Sequence[torch.Tensor | None] = adjoints or [self.adjoints.get(id(r)) for r in step.results]
            ends = [(r, a) for r, a in zip(results, every, strict=True) if a is not None]
            if not all(r.requires_grad and r.shape == a.shape for r, a in ends):
                return None
            (found,) = torch.autograd.grad([r for r, _ in ends], [fixed[place]], [a for _, a in ends], allow_unused=True)
        except _REFUSED:
            return None
        return found

    def _altered(
        self, step: _Step, place: int, given: torch.Tensor, seen: list[tuple[torch.Tensor, torch.Tensor]]
    ) -> Iterator[tuple[Change, torch.Tensor | None]]:
        operand, values = step.values[place], step.values
        others = [k for k, v in enumerate(values) if isinstance(v, torch.Tensor) and k != place]
        result, adjoint = seen[0]
        passed = _brought(adjoint, operand.shape) if len(seen) == 1 else None
        if passed is not None and not torch.equal(passed, -given):  # a derivative of −1 that is left out is a sign
            yield Change.DROPPED, passed
        if not any(returned.alias_info is not None for returned in step.node.operation._schema.returns):  # who uses the view loses it
            yield Change.LOST, torch.zeros_like(given)
            yield Change.REVERSED, -given
        if step.node.base in ("sum", "mean"):
            terms = operand.numel() / max(1, result.numel())
            yield Change.TERMS, given * terms if step.node.base == "mean" else given / max(1.0, terms)

        def at(number: int, value: torch.Tensor) -> torch.Tensor | None:
            return self._local(step, place, [value if k == number else v for k, v in enumerate(values)])

        if not others and result.shape == operand.shape and len(step.results) == 1:
            yield Change.AT_RESULT, at(place, result)
            maker = self.makers.get(id(operand))
            for k in maker.tracked() if maker is not None else ():
                if maker is not None and maker.values[k].shape == operand.shape:
                    yield Change.AT_ORIGIN, at(place, maker.values[k])
            if step.node.base in _BY_RESULT:
                yield Change.FOR_RESULT, _BY_RESULT[step.node.base](adjoint, operand.detach())
            if torch.Tag.pointwise not in step.node.operation.tags and operand.numel() <= DIAGONAL:
                yield Change.DIAGONAL, self._diagonal(step, place, adjoint)
        if step.node.base in _PRODUCTS:
            for k in others:
                if values[k].dim() > 1 and values[k].shape[-1] == values[k].shape[-2]:
                    yield Change.TRANSPOSED, at(k, values[k].mT)
            if adjoint.dim() > 1 and adjoint.shape[-1] == adjoint.shape[-2]:
                yield Change.TRANSPOSED, self._local(step, place, values, [adjoint.mT])

    def _diagonal(self, step: _Step, place: int, adjoint: torch.Tensor) -> torch.Tensor | None:
        """The adjoint times the diagonal of the step's Jacobian, as if every entry of the result came from one entry of the operand."""
        entries = torch.zeros_like(adjoint)
        for k in range(adjoint.numel()):
            one = torch.zeros_like(adjoint)
            one.view(-1)[k] = 1.0
            row = self._local(step, place, step.values, [one])
            if row is None:
                return None
            entries.view(-1)[k] = row.reshape(-1)[k]
        return entries * adjoint


def _pure(node: Node) -> Node:
    """`y.mul_(x)` as `y = y.mul(x)`, for autograd to keep what `y` was. Where another view of `y` sees the write, the gradient is no longer
    the true one, and no mutant is made."""
    if not node.operation._schema.is_mutable:
        return node
    without = getattr(getattr(getattr(torch.ops, node.operation.namespace), node.base.removesuffix("_"), None), node.overload, None)
    return replace(node, operation=without) if without is not None else node


def _called(node: Node) -> str:
    """What people call an operation: "norm" of `linalg_vector_norm`, "softmax" of `_softmax`, "matmul" of all products of matrices."""
    if node.base in _PRODUCTS:
        return "matmul"
    name = node.base.strip("_").removeprefix("linalg_").removeprefix("vector_").removeprefix("native_")
    return name.removesuffix("_forward").removesuffix("_ex")


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


def _same(a: Array, b: Array) -> bool:
    size = max(abs(b).max(initial=0.0), abs(a).max(initial=0.0))
    return bool((abs(a - b) <= SAME * size).all())
