"""What the operations of a tape say about which output depends on which input.

Comes in: a tape.  Goes out: whether a function is elementwise in an argument.  Why: such a function has a diagonal Jacobian, all columns
of which can be sampled in one go, and outside of which nothing need be computed to be known.
"""

from __future__ import annotations

import torch

from checker.tape.tape import Ref, Tape

#: Operations that give every entry where it was; of torch's own tags only `pointwise` says so, and these do not carry it.
_KEEPING = frozenset({"alias", "detach", "lift_fresh"})


def elementwise(tape: Tape, name: str) -> bool:
    """Whether every output has the shape of the argument `name`, and entry k depends on no entry of it but k, by the operations alone.

    Every operation that the argument reaches is pointwise (`torch.Tag.pointwise`), and every tensor that it reaches has its shape. False
    says nothing.
    """
    shape, reached = tuple(tape.arguments[name].shape), {tape.inputs[name]}
    for node in tape.nodes:
        refs = node.refs
        if not any(ref.slot in reached for ref in refs):
            continue
        if node.random or not (torch.Tag.pointwise in node.operation.tags or node.base in _KEEPING):
            return False
        if node.operation._schema.is_mutable and not (isinstance(node.args[0], Ref) and node.args[0].slot in reached):
            return False  # what it writes into may be a view: others see it, elsewhere
        slots = [slot for slot in node.outputs if slot is not None]
        if any(tape.meta[slot].shape != shape for slot in (*slots, *(ref.slot for ref in refs if ref.slot in reached))):
            return False
        reached.update(slots)
    return all(tape.meta[slot].shape == shape for slot in tape.outputs if slot is not None)
