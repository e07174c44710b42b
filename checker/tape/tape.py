"""The tape: the flat list of ATen operations on the executed path, as plain data.

Comes in: nothing.  Goes out: `Tape`, `Node`, `Ref`, `Cut`, `Decision`.  Why: everything that is derived (replays in torch, sympy and
balls) reads this and nothing else. Recording is in `record.py`; this module loads no torch.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from checker.tape.formats import FORMATS

if TYPE_CHECKING:
    import torch

    from checker.tape.customs import Custom

#: Draws whose distribution may depend on an input, and what autograd makes of them: a constant, or a derivative that keeps the probability
#: below the draw (implicit reparametrisation: Figurnov, Mohamed and Mnih, 2018).
DRAWS = {
    **dict.fromkeys(("normal", "bernoulli", "poisson", "multinomial", "binomial"), "draw"),
    **dict.fromkeys(("_standard_gamma", "_sample_dirichlet"), "implicit draw"),
}


#: The dtypes of the parts of complex numbers.
PARTS = {"complex64": "float32", "complex128": "float64"}


@dataclass(frozen=True, slots=True)
class Ref:
    """A use of a tensor as an operand: the slot that holds it and, where the gradient was stopped at this use, the cut's number."""

    slot: int
    cut: int | None = None


@dataclass(frozen=True, slots=True)
class Meta:
    """Shape, strides, storage offset (in elements), dtype and device type of the tensor in a slot, as recorded."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    dtype: torch.dtype
    device: str


@dataclass(frozen=True, slots=True)
class Cut:
    """A place where autograd stops while the value goes on.

    `how` names the mechanism: "detach", "no_grad", "estimator" (explicit, taken as meant) or "item", "float()", "int()", "tolist", "numpy",
    "data", "tensor", "mark_non_differentiable", "history" (implicit: wrong where it changes the gradient, unless the exercise declares it).
    `number` is its name in `Ref.cut`, not a position: cuts that reach nothing are left out of the tape. `slot` is the tensor that was
    cut, or -1 where the value left the tape (item, int(), numpy): then it is `baked` into what follows and no replay can open it
    again.
    """

    number: int
    how: str
    line: str  #: "file.py:12", of the user's code
    code: str  #: the text of that line
    slot: int = -1
    inside: bool = False  #: inside an `autograd.Function`, whose backward answers for what its forward does

    @property
    def explicit(self) -> bool:
        return self.how in ("detach", "no_grad", "estimator")

    @property
    def baked(self) -> bool:
        return self.slot < 0


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    `args` and `kwargs` are the operation's own, with every tensor replaced by a `Ref` (they nest in lists and tuples as ATen's do).
    `outputs` are the slots of the flattened result, None where an output is not a tensor. An in-place operation's output is the slot of
    the operand it wrote, so that slots follow Python objects; views share memory with their base exactly as in torch.
    `recorded` has, per output, the tensor that was seen, kept where a replay may need it: integer and boolean outputs (decisions,
    indices), random draws, results with a free sign, and every output of an operation that depends on no input; else None.
    `depends` says that a differentiable input reaches this operation, by values (cuts are not looked at).
    `random` says that the operation drew from a generator. `inside` is true inside an `autograd.Function`'s forward.
    """

    index: int
    operation: Any  #: torch._ops.OpOverload
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    outputs: tuple[int | None, ...]
    recorded: tuple[Any, ...]
    depends: bool
    random: bool
    inside: bool
    line: str
    code: str
    refs: tuple[Ref, ...]  #: every `Ref` among `args` and `kwargs`, in order

    @property
    def name(self) -> str:
        """`aten.mul` of `aten.mul.Tensor`: what messages call the operation."""
        return f"{self.operation.namespace}.{self.base}"

    @property
    def base(self) -> str:
        """`mul` of `aten.mul.Tensor` and `mul_` of `aten.mul_.Tensor`."""
        return str(self.operation._overloadpacket.__name__)

    @property
    def overload(self) -> str:
        """`Tensor` of `aten.mul.Tensor`."""
        return str(self.operation._overloadname)


@dataclass(frozen=True, slots=True)
class Decision:
    """A value that left the tape into Python control flow: `node` is the `_local_scalar_dense` that read it.

    Where Python itself compared the scalar that was read, `comparison` says how ("lt", as ATen names it), `bound` with which number, and
    `value` is the outcome; then `line` is that of the comparison. With another scalar that was read there is no `bound`. Else the
    tensor read was boolean or integer, and `value` is what was read.
    """

    node: int
    value: bool | int | float
    line: str
    code: str
    comparison: str | None = None
    bound: float | None = None


@dataclass(frozen=True, kw_only=True)
class Tape:
    """One execution of a function at one point.

    `inputs` maps each argument to its slot, `outputs` lists the slots of the function's floating outputs in order (None for an output that
    is not floating), `constants` holds tensors that entered from outside, `meta` describes every slot when it was first made.
    Dead operations are not kept: nodes are those that reach an output, a decision, or a mutation of something that does.
    """

    inputs: Mapping[str, int]
    arguments: Mapping[str, torch.Tensor]
    outputs: tuple[int | None, ...]
    nodes: tuple[Node, ...]
    constants: Mapping[int, torch.Tensor]
    meta: Mapping[int, Meta]
    cuts: tuple[Cut, ...] = ()
    decisions: tuple[Decision, ...] = ()
    values: tuple[torch.Tensor, ...] = ()  #: the outputs that were seen while recording
    held: Mapping[int, torch.Tensor] = field(default_factory=dict)  #: cut number -> the value at the cut, as recorded
    stochastic: bool = False
    customs: tuple[Custom, ...] = ()  #: operations that torch did not write
    hooks: tuple[str, ...] = ()  #: the hooks that gradients pass through: "net.py:12: y.register_hook(clip)"
    mutated: tuple[str, ...] = ()  #: arguments that the function wrote to

    @cached_property
    def spent(self) -> tuple[tuple[int, ...], ...]:
        """By node: the slots that no later node needs and that are no output. A replay lets go of them there."""
        needed = {slot for slot in self.outputs if slot is not None}
        found: list[tuple[int, ...]] = []
        for node in reversed(self.nodes):
            slots = {ref.slot for ref in node.refs}
            slots.update(node.outputs)  # type: ignore[arg-type]
            found.append(tuple(slots - needed))
            needed |= slots
        return tuple(reversed(found))

    def followed(self, stopped: frozenset[int]) -> frozenset[int]:
        """By index: the nodes that reach an output, or what Python reads, other than through uses at the cuts in `stopped`.

        What the others decide moves values only. Where something is written in place, every node counts.
        """
        if not stopped or any(node.operation._schema.is_mutable for node in self.nodes):
            return frozenset(node.index for node in self.nodes)
        if stopped not in self._followed:
            reached = {slot for slot in self.outputs if slot is not None}
            found = set()
            for node in reversed(self.nodes):
                if node.outputs.count(None) == len(node.outputs) or reached.intersection(node.outputs):
                    found.add(node.index)
                    reached.update(ref.slot for ref in node.refs if ref.cut is None or ref.cut not in stopped)
            self._followed[stopped] = frozenset(found)
        return self._followed[stopped]

    @cached_property
    def _followed(self) -> dict[frozenset[int], frozenset[int]]:
        return {}

    def coarsest(self, dtype: str) -> str:
        """Of `dtype` and those that values were computed in, the one that rounds most: half precision inside `autocast`, say."""
        made = {str(self.meta[slot].dtype) for node in self.nodes if node.depends for slot in node.outputs if slot is not None}
        names = {dtype, *(PARTS.get(name, name) for name in (long.removeprefix("torch.") for long in made))}
        return max(names & FORMATS.keys(), key=lambda name: FORMATS[name].unit)

    @cached_property
    def mapped(self) -> set[Hashable]:
        """The ways in which a batch of points came out as its points do alone, so far."""
        return set()

    def padding(self) -> Node | None:
        """The first embedding with a `padding_idx`: reverse mode stops at that row, though it moves the value; no other method does."""
        return next((n for n in self.nodes if n.base == "embedding" and len(n.args) > 2 and n.args[2] >= 0), None)

    def comparisons(self) -> dict[int, list[Decision]]:
        """By the node that read a scalar: how Python then compared it with numbers."""
        found: dict[int, list[Decision]] = {}
        for decision in self.decisions:
            if decision.bound is not None:
                found.setdefault(decision.node, []).append(decision)
        return found

    def honoured(self, declared: frozenset[str] = frozenset()) -> frozenset[int]:
        """Numbers of the cuts that the truth respects: the explicit ones, and those whose mechanism the exercise declares."""
        return frozenset(c.number for c in self.cuts if c.explicit or c.how in declared)


def differentiable(dtype: torch.dtype) -> bool:
    """Whether derivatives pass through tensors of `dtype`: it is floating or complex."""
    return dtype.is_floating_point or dtype.is_complex
