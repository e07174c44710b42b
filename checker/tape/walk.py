"""One pass over the nodes of a tape, each by its rule.

Comes in: a tape, a graph, the cuts to honour.  Goes out: the array of every slot.  Why: what an operation means is in its rule; here is
what holds for all of them: cuts, views and writing in place, dtypes, and what is recalled or decomposed where there is no rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from checker.errors import Unsupported
from checker.tape.decompositions import decomposition
from checker.tape.graph import Graph
from checker.tape.lifting import lift, near, width_of
from checker.tape.mirrors import INVERSES, Mirrors
from checker.tape.operations import Rule, bind, find
from checker.tape.pairs import COMPLEX, ComplexValue, pair, paired, part_by_part
from checker.tape.scalars import Free, Scalar
from checker.tape.tape import Node, Ref, Tape, differentiable
from checker.values import Array


class Walk:
    """`slots` holds the array of every slot that is known, `missing` the operations that gave none."""

    def __init__(self, tape: Tape, graph: Graph[Any], honoured: frozenset[int], line: str | None = None) -> None:
        self.tape, self.graph, self.honoured, self.line = tape, graph, honoured, line
        self.slots: dict[int, Array] = {}
        self.missing: dict[int, Node] = {}
        self.mirrors = Mirrors(graph)
        self.comparisons = tape.comparisons()

    def run(self) -> None:
        for slot, tensor in self.tape.constants.items():
            self.slots[slot] = lift(self.graph, tensor)
        followed = self.tape.followed(self.honoured)
        for node in self.tape.nodes:
            self.graph.line, self.graph.followed = self.line or node.line, node.index in followed
            self.step(node)

    def step(self, node: Node) -> None:
        found = find(node.operation)
        if found is not None and found.view:
            self.store(node, self.view(node, found))
        elif not node.depends:
            self.recall(node)
        elif node.base == "_local_scalar_dense":
            self.compared(node)
        elif found is not None:
            self.compute(node, found)
        elif all(slot is None for slot in node.outputs):
            raise Unsupported(node.name, "it gives nothing, and writes into its operands", line=node.line)
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
            target = self.read(first(node).slot)
            self.write(node, target, self.graph.array(result) if target.dtype == object else lift(self.graph, node.recorded[0]))
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
        if width and not self.line and width < width_of(self.tape.meta[ref.slot].dtype)[1]:
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
        self.mirrors.reflect(node, target)

    def view(self, node: Node, found: Rule) -> Any:
        result = self.call(node, found, self.base)
        if node.base in INVERSES and result.dtype == object:
            operand = first(node)
            if operand.cut is not None and operand.cut in self.honoured:
                result.flags.writeable = False
            else:
                self.mirrors.add(node, self.read(operand.slot), result)
        return result

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
                self.slots[slot] = lift(self.graph, tensor)
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
                self.write(node, self.slots[slot], lift(self.graph, tensor))
            else:
                self.slots[slot] = lift(self.graph, tensor)

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
        rehearsed = {k: near(self.graph, v) for k, v in operands.items()}
        rehearsal = decomposition(node, args, kwargs, rehearsed)
        self.refuse_rounded_constants(node, rehearsal)
        inner = Walk(rehearsal, self.graph, frozenset(), line=node.line)
        inner.slots = {slot: operands[k].copy() for k, slot in rehearsal.inputs.items()}
        inner.run()
        results = [None if slot is None else inner.read(slot) for slot in rehearsal.outputs]
        if node.operation._schema.is_mutable:
            target = self.read(first(node).slot)
            self.write(node, target, inner.read(rehearsal.outputs[0] or 0))
            results = [target]
        self.store(node, results)

    def refuse_rounded_constants(self, node: Node, rehearsal: Tape) -> None:
        """A decomposition that makes constants of its own, such as interpolation's weights, made them in float64; the kernel did not.

        Raises:
            Unsupported: the dtype at work would have rounded one of them.
        """
        dtypes = (self.tape.meta[r.slot].dtype for r in node.refs)
        dtype = next((d.to_real() for d in dtypes if differentiable(d)), None)
        recorded = [t for n in rehearsal.nodes if not n.depends for t in n.recorded if t is not None and differentiable(t.dtype)]
        made = [torch.view_as_real(t.resolve_conj()) if t.is_complex() else t for t in recorded]
        if dtype is not None and any(not torch.equal(t.nan_to_num(), t.to(dtype).to(t.dtype).nan_to_num()) for t in made):
            raise Unsupported(node.name, f"torch's decomposition of it makes constants that {width_of(dtype)[0]} rounds", line=node.line)

    def read(self, slot: int) -> Array:
        if slot in self.missing:
            node = self.missing[slot]
            raise Unsupported(node.name, "one of its outputs has no rule here", line=node.line)
        return self.slots[slot]

    def set_dtype(self, node: Node) -> int:
        """Tell the number system in which dtype this operation works: that of its first floating or complex output. Gives its
        significant bits."""
        for slot in node.outputs:
            if slot is not None and differentiable(self.tape.meta[slot].dtype):
                name, width = width_of(self.tape.meta[slot].dtype)
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


def first(node: Node) -> Ref:
    """The operand that an in-place operation writes."""
    value = node.args[0] if node.args else next(iter(node.kwargs.values()))
    if not isinstance(value, Ref):
        raise Unsupported(node.name, "it writes to something that is not a tensor", line=node.line)
    return value
