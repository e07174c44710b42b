"""Recording: run a function once and write down what it did.

Comes in: a call and its arguments.  Goes out: a `Tape`.  Why: a `TorchDispatchMode` is the one place that sees every ATen operation on
the executed path, after Python has chosen the path and before autograd forgets the cuts. Costs about 20 µs an operation.

**Where the gradient stops** is decided per operand at the time of use: an operand that depends on an input by floating arithmetic but does
not require grad (or is a leaf that is no input) is severed. The operation that first made a severed tensor names the cut; operations on
severed tensors inherit it and add none, so that opening one cut opens all that follows from it. What is made inside
`autograd.Function.forward` is not cut there: the forward itself must be differentiated, which is how a wrong backward is exposed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

from checker.authoring import Call
from checker.hooks import noticed
from checker.tape.budget import Room
from checker.tape.customs import Customs, Estimators, implementation
from checker.tape.cuts import Cuts
from checker.tape.kernels import plain_kernels
from checker.tape.leaks import Watcher
from checker.tape.lines import place_of, user_line
from checker.tape.liveness import live
from checker.tape.nature import nature
from checker.tape.operands import leaves, same, tensors, with_refs, written
from checker.tape.slots import Slots
from checker.tape.tape import DRAWS, Decision, Node, Ref, Tape, differentiable

aten = torch.ops.aten


def record(call: Call, arguments: Mapping[str, torch.Tensor], estimators: Estimators = MappingProxyType({})) -> Tape:
    """Run `call` once at `arguments` and return its tape. Floating and complex arguments are copied and made to require grad.

    A class of `autograd.Function` in `estimators` is recorded with the derivative that is declared there in place of its own.

    Raises:
        Unsupported: a sparse tensor takes part.
        Exception: whatever the function itself raises.
    """
    recorder = _Recorder(estimators)
    copies = {name: t.detach().clone().requires_grad_(differentiable(t.dtype)) for name, t in arguments.items()}
    for name, copy in copies.items():
        recorder.slots.add_input(name, copy)
    with torch.enable_grad(), plain_kernels(), recorder.customs.noticed(), noticed(recorder.hooked), recorder.watcher, recorder:
        outputs = call(copies)
    return recorder.finish(outputs, arguments, copies)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch loads its compiler, in 1.5 s, only to keep this class out of it

    def __init__(self, estimators: Estimators) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.nodes: list[Node] = []
        self.slots = Slots()
        self.constants: dict[int, torch.Tensor] = {}
        self.cuts = Cuts()
        self.decisions: list[Decision] = []
        self.read: dict[int, int] = {}  # id of a tensor -> node that last read it into Python
        self.customs = Customs(estimators, self._estimated)
        self.hooks: dict[str, None] = {}
        self.through: set[int] = set()  # ids of the tensors through which the memory of others is written to now
        self.entry = (0, 0)  # the last `autograd.Function` that was entered, and the first slot made in it
        self.random = False
        self.room = Room()
        self.watcher = Watcher(self._left, self._compared, self._detached_in_place, self.hooked)

    # --- operands ----------------------------------------------------------------------------------------------------------------

    def _operand(self, tensor: torch.Tensor, severed: bool) -> Ref:
        slot = self.slots.known(tensor)
        if slot is None:
            slot = self.slots.add(tensor)
            self.constants[slot] = _copy(tensor)
        return Ref(slot, self.cuts.at(slot, tensor) if severed else None)

    # --- cuts --------------------------------------------------------------------------------------------------------------------

    def _severed(self, tensor: torch.Tensor) -> bool:
        """Whether the gradient stops before a tensor through which derivatives flow."""
        if (self.customs.depth and self.slots[tensor] >= self.entry[1]) or id(tensor) in self.through:
            return False
        return not tensor.requires_grad or (tensor.is_leaf and self.slots[tensor] not in self.slots.inputs.values())

    def _mechanism(self, inside: bool) -> str:
        if inside:
            return "mark_non_differentiable"
        if self.watcher.mechanism is not None:
            return self.watcher.mechanism
        return "history" if torch.is_grad_enabled() else "no_grad"

    def hooked(self, hook: Callable[..., Any] | None = None) -> None:
        """A gradient will pass through a hook: one that a tensor gets at this line, or a module's."""
        place, code = user_line() if hook is None else (place_of(hook), getattr(hook, "__name__", type(hook).__name__))
        self.hooks[f"{place}: {code}"] = None

    def _estimated(self, tensor: torch.Tensor) -> None:
        self.cuts.made(self.slots[tensor], "estimator", *user_line())

    def _drawn(self, node: Node, inside: bool) -> None:
        """Note a draw whose distribution depends on an input, unless `no_grad` says that it is meant as a constant."""
        how = DRAWS.get(node.base)
        if (how is not None and torch.is_grad_enabled() and not inside) or (how == "implicit draw" and inside):
            self.cuts.note(how, node.line, node.code)

    def _detached_in_place(self, tensor: torch.Tensor) -> None:
        self.cuts.made(self.slots[tensor], "detach", *user_line())

    def _left(self, tensor: torch.Tensor, how: str, line: str, code: str) -> None:
        """A value leaves for Python: what follows from it is baked in, unless it is only looked at. Replays tell which."""
        if tensor in self.slots and self.slots.flows(tensor):
            self.cuts.note(how, line, code, inside=self.customs.depth > 0)

    def _compared(self, tensor: torch.Tensor, comparison: str, bound: float | None, outcome: bool) -> None:
        if self.slots.reached(tensor):
            node = self.read.get(id(tensor), -1)
            self.decisions.append(Decision(node, outcome, *user_line(), comparison=comparison, bound=bound))

    # --- operations --------------------------------------------------------------------------------------------------------------

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        kind = nature(func)
        if self.entry[0] != self.customs.entered:
            self.entry = (self.customs.entered, len(self.slots.keep))
        if not kind.own or self.customs.compiles:
            self.customs.operator(func, args, kwargs)
        written_in_python = None if kind.own else implementation(func)
        if written_in_python is not None:
            with self, self.customs.inside():
                result = written_in_python(*args, **kwargs)
            if any(self.slots.reached(t) for t in tensors((result,))):
                return result
            # its values took a way that no tape sees, such as NumPy's: it is one operation, without a rule
        if kind.saying is not None:
            compute, drew = kind.saying(*args, **kwargs)
            self.random = self.random or drew
            with self:
                return compute()
        operands = tensors(args) + tensors(kwargs.values())
        inside = self.customs.depth > 0
        changed = written(kind, args, kwargs) if kind.writes else []
        self.through = {id(t) for t in changed if not t.requires_grad and self.slots.remembered(t)} if not inside else set()
        refs: dict[int, Ref] = {}
        depends = flows = followed = False
        for t in operands:
            flowing = self.slots.flows(t)
            severed = flowing and self._severed(t)
            refs[id(t)] = self._operand(t, severed)
            if not kind.shape_only:
                flows, followed = flows or flowing, followed or (flowing and not severed)
                depends = depends or flowing or self.slots.reached(t)
        tracked = [t for t in changed if t.requires_grad and not t.is_leaf] if not inside else []

        result = func(*args, **kwargs)

        line, code = user_line()
        results = [result] if isinstance(result, torch.Tensor) else leaves(result)
        fresh: list[torch.Tensor] = []
        outputs: list[int | None] = []
        recorded: list[torch.Tensor | None] = []
        for t in results:
            slot = self.slots.known(t)
            if slot is None and isinstance(t, torch.Tensor):
                slot = self.slots.add(t)
                fresh.append(t)
            outputs.append(slot)
            recorded.append(_copy(t) if slot is not None and (kind.chosen or not depends or not differentiable(t.dtype)) else None)
        self.room.take(fresh, line)
        held_args, held_kwargs = with_refs(tuple(args), refs), {key: with_refs(value, refs) for key, value in kwargs.items()}
        every = tuple([refs[id(t)] for t in operands])
        node = Node(
            len(self.nodes), func, held_args, held_kwargs, tuple(outputs), tuple(recorded), depends, kind.random, inside, line, code, every
        )
        self.nodes.append(node)

        for t in [*changed, *(t for t, slot in zip(results, outputs, strict=True) if slot is not None)] if depends else ():
            self.slots.reach(t, flows=flows)
        if followed:  # else the outputs only inherit the cuts of the operands
            for t in fresh:
                self.cuts.made(self.slots[t], self._mechanism(inside), line, code)
        if (tracked and not torch.is_grad_enabled()) or (self.through and flows):
            # autograd keeps the history from before this write: the change of value has no derivative of its own
            self.cuts.note("history", line, code)
        if followed:
            self._drawn(node, inside)
        if func is aten._local_scalar_dense.default and depends:
            self.read[id(args[0])] = node.index
            if not differentiable(args[0].dtype):
                self.decisions.append(Decision(node.index, result, line, code))
        return result

    # --- the end -----------------------------------------------------------------------------------------------------------------

    def finish(self, outputs: tuple[torch.Tensor, ...], arguments: Mapping[str, Any], copies: Mapping[str, torch.Tensor]) -> Tape:
        slots: list[int | None] = []
        for output in outputs:
            if not differentiable(output.dtype):
                slots.append(None)
                continue
            ref = self._operand(output, self.slots.flows(output) and self._severed(output))
            slots.append(ref.slot if ref.cut is None else self._alias(ref))
        nodes = live(self.nodes, self.slots.keep, {s for s in slots if s is not None})
        used = {ref.cut for node in nodes for ref in node.refs}
        return Tape(
            inputs=self.slots.inputs,
            arguments={name: t.detach().clone() for name, t in arguments.items()},
            outputs=tuple(slots),
            nodes=nodes,
            constants=self.constants,
            meta=self.slots.meta,
            cuts=tuple(c for c in self.cuts.found if c.baked or c.number in used),
            decisions=tuple(self.decisions),
            values=tuple(t.detach().clone() for t in outputs),
            held=self.cuts.held,
            stochastic=self.random or any(n.random for n in nodes),
            customs=tuple(self.customs.found.values()),
            hooks=tuple(self.hooks),
            mutated=tuple(name for name, copy in copies.items() if not same(copy, arguments[name])),
        )

    def _alias(self, ref: Ref) -> int:
        """An output that is itself severed gets a use of its own, so that its cut can be respected."""
        slot = self.slots.alias(ref.slot)
        place = self.cuts.maker(ref.slot)
        node = Node(len(self.nodes), aten.alias.default, (ref,), {}, (slot,), (None,), True, False, False, *place, refs=(ref,))
        self.nodes.append(node)
        return slot


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    with _disable_current_modes():
        return tensor.detach().clone()
