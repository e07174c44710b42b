"""A tape replayed over a number system, and its gradient by one reverse sweep.

Comes in: a tape, its arguments, a number system, the cuts to honour.  Goes out: `Replayed`: arrays of scalars whose path is checked;
`pull` gives the vector–Jacobian product.  Why: one walk serves the truth, the allowed error and the mathematics.

Arrays are NumPy arrays of objects: they share memory through views as torch's tensors do, so in-place writes need no rewriting.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic

import numpy as np
import torch

from checker.errors import Unsupported
from checker.tape.decompositions import decomposition
from checker.tape.numbers import N, NumberSystem
from checker.tape.operations import Rule, bind, find
from checker.tape.pairs import COMPLEX, ComplexValue, Pair, pair, paired, part_by_part
from checker.tape.scalars import Free, Graph, Scalar
from checker.tape.tape import Node, Ref, Tape, differentiable
from checker.values import Array

#: Views whose numbers are other ones than their operand's, and the view that leads back.
INVERSES = {"view_as_real": "view_as_complex", "view_as_complex": "view_as_real", "_conj": "_conj", "_neg_view": "_neg_view"}


@dataclass(frozen=True, kw_only=True)
class Replayed(Generic[N]):
    """`inputs` are the arrays of the floating arguments as they were at the start, `outputs` those of the function's floating outputs
    (None where an output is not floating). `graph.checks` is the path."""

    graph: Graph[N]
    inputs: Mapping[str, Array]
    outputs: tuple[Array | None, ...]

    def values(self) -> tuple[Array | None, ...]:
        """The outputs as arrays of numbers."""
        return tuple(None if a is None else _each(a, lambda x: x.value) for a in self.outputs)


def interpret(
    tape: Tape, arguments: Mapping[str, torch.Tensor], numbers: NumberSystem[N], *, honoured: frozenset[int] = frozenset()
) -> Replayed[N]:
    """Replay `tape` at `arguments` over `numbers`; derivatives stop at the uses of the cuts in `honoured`.

    Raises:
        Unsupported: an operation that depends on an input has no rule, or is set an option that its rule does not know.
    """
    graph = Graph(numbers)
    walk = _Walk(tape, graph, honoured)
    inputs = {}
    for name, slot in tape.inputs.items():
        tensor = arguments[name]
        if tensor.is_complex():
            raise Unsupported("tape", f"{name} is complex: its real form is read")
        if tensor.is_floating_point():
            graph.working(_width(tensor.dtype)[0])
            flat = tensor.detach().to(torch.float64).numpy()
            entries = zip(np.ndindex(flat.shape), flat.reshape(-1).tolist(), strict=True)
            array: Array = np.empty(flat.size, object)
            array[:] = [graph.variable(numbers.variable(name, index, value)) for index, value in entries]
            inputs[name] = array = array.reshape(flat.shape)
            walk.slots[slot] = array.copy()
        else:
            walk.slots[slot] = walk.lift(tensor)
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
    adjoints = graph.sweep(seeds)
    zero = graph.numbers.zero

    def gradient(x: Scalar) -> N:
        adjoint = adjoints[x.index]
        return zero if adjoint is None else adjoint

    return {name: _each(array, gradient) for name, array in replayed.inputs.items()}


def _each(array: Array, function: Callable[[Any], Any]) -> Array:
    flat = np.empty(array.size, object)
    flat[:] = [function(x) for x in array.reshape(-1)]
    return flat.reshape(array.shape)


@cache
def _width(dtype: torch.dtype) -> tuple[str, int]:
    """Name of a floating dtype, or of a complex one's parts, and its number of significant bits."""
    return str(dtype.to_real()).removeprefix("torch."), round(1 - np.log2(torch.finfo(dtype).eps))


class _Walk:
    """One pass over the nodes of a tape: `slots` holds the array of every slot that is known."""

    def __init__(self, tape: Tape, graph: Graph[Any], honoured: frozenset[int], line: str | None = None) -> None:
        self.tape, self.graph, self.honoured, self.line = tape, graph, honoured, line
        self.slots: dict[int, Array] = {}
        self.missing: dict[int, Node] = {}
        self.mirrors: list[tuple[Array, Array, Rule, Rule]] = []
        self.comparisons = tape.comparisons()

    def run(self) -> None:
        for slot, tensor in self.tape.constants.items():
            self.slots[slot] = self.lift(tensor)
        for node in self.tape.nodes:
            self.graph.line = self.line or node.line
            self.step(node)

    def step(self, node: Node) -> None:
        found = find(node.operation)
        if found is not None and found.view:
            self.store(node, self.mirrored(node, found, self.call(node, found, self.base)))
        elif not node.depends:
            self.recall(node)
        elif node.base == "_local_scalar_dense":
            self.compared(node)
        elif found is not None:
            self.compute(node, found)
        elif node.random or not self.floating(node):
            self.recall(node)
        else:
            self.decompose(node)

    def compared(self, node: Node) -> None:
        """What Python compared the scalar with that it read: checked as the same comparison of tensors is."""
        for decision in self.comparisons.get(node.index, ()):
            self.graph.line = self.line or decision.line
            found = find(getattr(torch.ops.aten, str(decision.comparison)).Scalar)
            assert found is not None
            found.function(self.graph, self.operand(node.args[0], 0), decision.bound, recorded=(np.asarray(decision.value),))

    def compute(self, node: Node, found: Rule) -> None:
        """An operation that an input reaches, by its rule. What the float run decided is followed."""
        width = self.set_dtype(node)
        result = self.completed(node, self.call(node, found, lambda ref: self.operand(ref, width)))
        if self.graph.numbers.overflows and width:
            result = [self.fit(r) for r in result] if isinstance(result, list | tuple) else self.fit(result)
        if node.operation._schema.is_mutable and node.base.endswith("_"):
            target = self.read(_first(node).slot)
            self.write(node, target, self.graph.array(result) if target.dtype == object else self.lift(node.recorded[0]))
            result = target
        self.store(node, result)

    def call(self, node: Node, found: Rule, operand: Callable[[Ref], Array]) -> Any:
        args = tuple(_fill(a, operand) for a in node.args)
        kwargs = {k: _fill(v, operand) for k, v in node.kwargs.items()}
        try:
            return found.function(self.graph, **bind(node, found, args, kwargs, self.tape))
        except ComplexValue as refused:
            raise Unsupported(node.name, refused.reason, line=node.line) from None

    def completed(self, node: Node, result: Any) -> Any:
        """Results with their dtypes: a rule may give scalars where torch gives complex numbers whose imaginary part is zero."""
        several = isinstance(result, list | tuple)
        results = list(result) if several else [result]
        for place, (slot, array) in enumerate(zip(node.outputs, results, strict=False)):
            if slot is None or not isinstance(array, np.ndarray) or array.dtype != object:
                continue
            if self.tape.meta[slot].dtype.is_complex:
                results[place] = self.graph.map(lambda x: pair(self.graph, x), array)
            elif paired(array):
                raise Unsupported(node.name, COMPLEX, line=node.line)
        return results if several else results[0]

    def operand(self, ref: Ref, width: int) -> Array:
        """The array of an operand: without derivative where a cut is honoured, rounded where the operation works in fewer bits."""
        array = self.read(ref.slot)
        if array.dtype != object:
            return array
        if ref.cut is not None and ref.cut in self.honoured and any(x.index >= 0 for x in array.reshape(-1)):
            array = self.graph.stop(array)
        if width and not self.line and width < _width(self.tape.meta[ref.slot].dtype)[1]:
            numbers, one = self.graph.numbers, self.graph.numbers.one

            def stored(x: Scalar) -> Scalar:
                return self.graph.node(numbers.rounded(x.value), ((x, one),))

            array = self.graph.map(part_by_part(stored, array), array)
        return array

    def fit(self, result: Any) -> Any:
        """A result as the working dtype can hold it: where it overflows, it and its derivative may be anything."""
        if not isinstance(result, np.ndarray) or result.dtype != object:
            return result
        graph = self.graph

        def one(x: Scalar) -> Scalar:
            if isinstance(x, Free):
                return x
            stored = graph.numbers.stored(x.value)
            return x if stored is x.value else graph.node(stored, ((x, stored),))

        return graph.map(part_by_part(one, result), result)

    def write(self, node: Node, target: Array, values: Array) -> None:
        """Write in place, through every view."""
        if not target.flags.writeable:
            raise Unsupported(node.name, "it writes through a view behind a stopped gradient, or into an expanded tensor", line=node.line)
        target[...] = values
        self.reflect(node, target)

    def mirrored(self, node: Node, found: Rule, result: Any) -> Any:
        """The result of a view. One of other numbers than its operand's, such as a conjugate, is kept up with it by `reflect`."""
        if node.base in INVERSES and result.dtype == object:
            operand = _first(node)
            back = find(getattr(torch.ops.aten, INVERSES[node.base]).default)
            assert back is not None
            if operand.cut is not None and operand.cut in self.honoured:
                result.flags.writeable = False
            else:
                self.mirrors.append((self.read(operand.slot), result, found, back))
        return result

    def reflect(self, node: Node, written: Array) -> None:
        """Write again what mirrors an array that was written to, and what is mirrored in it."""
        changed, waiting = [written], self.mirrors
        while changed:
            array = changed.pop()
            near = [np.may_share_memory(base, array) or np.may_share_memory(image, array) for base, image, _, _ in waiting]
            met = list(itertools.compress(waiting, near))
            waiting = [mirror for mirror, is_near in zip(waiting, near, strict=True) if not is_near]
            for base, image, there, back in met:
                forward = np.may_share_memory(base, array)
                target, values = (image, there.function(self.graph, base)) if forward else (base, back.function(self.graph, image))
                if not target.flags.writeable:
                    raise Unsupported(node.name, "it writes through a view behind a stopped gradient", line=node.line)
                target[...] = values
                changed.append(target)

    def base(self, ref: Ref) -> Array:
        """The operand of a view: the array itself, or behind an honoured cut a copy that must not be written to."""
        array = self.operand(ref, 0)
        if array is not self.read(ref.slot):
            array.flags.writeable = False
        return array

    def store(self, node: Node, result: Any) -> None:
        """Put results into their slots; integers and booleans are those that the float run saw."""
        results = result if isinstance(result, list | tuple) else (result,)
        for place, slot in enumerate(node.outputs):
            if slot is None:
                continue
            value = results[place] if place < len(results) else None
            tensor = node.recorded[place]
            if tensor is not None and not differentiable(tensor.dtype) and not (value is not None and value.dtype != object):
                self.slots[slot] = self.lift(tensor)
            elif value is not None:
                self.slots[slot] = value
            else:
                self.missing[slot] = node

    def recall(self, node: Node) -> None:
        """Take an operation's outputs as they were recorded."""
        mutable = node.operation._schema.is_mutable
        for slot, tensor in zip(node.outputs, node.recorded, strict=True):
            if slot is None or tensor is None:
                continue
            if mutable and slot in self.slots:
                self.write(node, self.slots[slot], self.lift(tensor))
            else:
                self.slots[slot] = self.lift(tensor)

    def decompose(self, node: Node) -> None:
        """An operation without a rule, by torch's own decomposition of it into operations that may have one.

        It is rehearsed at floats near the operands, which decides its path, and then walked over the operands themselves.
        """
        self.set_dtype(node)
        operands: dict[str, Array] = {}

        def name(ref: Ref) -> Ref:
            operands[f"operand{len(operands)}"] = self.operand(ref, 0)
            return Ref(len(operands) - 1)

        args = tuple(_fill(a, name) for a in node.args)
        kwargs = {k: _fill(v, name) for k, v in node.kwargs.items()}
        rehearsed = {k: self.rehearse(v) for k, v in operands.items()}
        rehearsal = decomposition(node, args, kwargs, rehearsed)
        self.refuse_rounded_constants(node, rehearsal)
        inner = _Walk(rehearsal, self.graph, frozenset(), line=node.line)
        inner.slots = {slot: operands[k].copy() for k, slot in rehearsal.inputs.items()}
        inner.run()
        results = [None if slot is None else inner.read(slot) for slot in rehearsal.outputs]
        if node.operation._schema.is_mutable:
            target = self.read(_first(node).slot)
            self.write(node, target, inner.read(rehearsal.outputs[0] or 0))
            results = [target]
        self.store(node, results)

    def refuse_rounded_constants(self, node: Node, rehearsal: Tape) -> None:
        """A decomposition that makes constants of its own, such as interpolation's weights, made them in float64; the kernel did not.

        Raises:
            Unsupported: the dtype at work would have rounded one of them.
        """
        dtypes = (self.tape.meta[r.slot].dtype for r in self.tape.refs(node))
        dtype = next((d.to_real() for d in dtypes if differentiable(d)), None)
        recorded = [t for n in rehearsal.nodes if not n.depends for t in n.recorded if t is not None and differentiable(t.dtype)]
        made = [torch.view_as_real(t.resolve_conj()) if t.is_complex() else t for t in recorded]
        if dtype is not None and any(not torch.equal(t.nan_to_num(), t.to(dtype).to(t.dtype).nan_to_num()) for t in made):
            raise Unsupported(node.name, f"torch's decomposition of it makes constants that {_width(dtype)[0]} rounds", line=node.line)

    def rehearse(self, array: Array) -> torch.Tensor:
        if array.dtype != object:
            return torch.from_numpy(array.copy())
        near = self.graph.numbers.approximate
        if paired(array):
            numbers = [complex(near(x.re.value), near(x.im.value)) for x in array.reshape(-1)]
            return torch.tensor(numbers, dtype=torch.complex128).reshape(array.shape)
        return torch.tensor([near(x.value) for x in array.reshape(-1)], dtype=torch.float64).reshape(array.shape)

    def read(self, slot: int) -> Array:
        if slot in self.missing:
            node = self.missing[slot]
            raise Unsupported(node.name, "one of its outputs has no rule here", line=node.line)
        return self.slots[slot]

    def lift(self, tensor: torch.Tensor) -> Array:
        """A recorded tensor as an array: integers and booleans as they are, floating and complex values as exact constants."""
        tensor = tensor.detach()
        if tensor.is_complex():
            parts = self.lift(torch.view_as_real(tensor.resolve_conj()))
            pairs: Array = self.graph.map(Pair, parts[..., 0], parts[..., 1])
            return pairs
        if not tensor.is_floating_point():
            return np.array(tensor.numpy())
        exact, graph = self.graph.numbers.exact, self.graph
        flat = np.empty(tensor.numel(), object)
        flat[:] = [Scalar(graph, exact(v)) for v in tensor.to(torch.float64).reshape(-1).tolist()]
        return flat.reshape(tuple(tensor.shape))

    def set_dtype(self, node: Node) -> int:
        """Tell the number system in which dtype this operation works: that of its first floating or complex output. Gives its
        significant bits."""
        for slot in node.outputs:
            if slot is not None and differentiable(self.tape.meta[slot].dtype):
                name, width = _width(self.tape.meta[slot].dtype)
                if self.line is None:  # a rehearsal is in float64, whatever the operation works in
                    self.graph.working(name)
                return width
        return 0

    def floating(self, node: Node) -> bool:
        return any(slot is not None and differentiable(self.tape.meta[slot].dtype) for slot in node.outputs)


def _fill(value: Any, operand: Callable[[Ref], Any]) -> Any:
    """The operation's own arguments, with every `Ref` replaced by its array."""
    if isinstance(value, Ref):
        return operand(value)
    if isinstance(value, list | tuple):
        return [_fill(item, operand) for item in value]
    return value


def _first(node: Node) -> Ref:
    """The operand that an in-place operation writes."""
    value = node.args[0] if node.args else next(iter(node.kwargs.values()))
    if not isinstance(value, Ref):
        raise Unsupported(node.name, "it writes to something that is not a tensor", line=node.line)
    return value
