"""Which of the recorded operations matter.

Comes in: all operations and the slots that are asked for.  Goes out: the operations behind them.  Why: what reaches no output and no
decision needs no rule, and costs nothing in any replay.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from checker.tape.nature import nature
from checker.tape.operands import storage, written
from checker.tape.tape import Node, Ref


def live(nodes: Sequence[Node], keep: Sequence[torch.Tensor], wanted: set[int]) -> tuple[Node, ...]:
    """Nodes that reach a slot in `wanted` or a decision, or that write to the memory of something that does.

    `keep[slot]` is the tensor in a slot.
    """
    needed, storages = set(wanted), {storage(keep[slot]) for slot in wanted}
    written_to = {node.index: written(kind, node.args, node.kwargs) for node in nodes if (kind := nature(node.operation)).writes}
    found: list[Node] = []
    for node in reversed(nodes):
        reads = node.operation is torch.ops.aten._local_scalar_dense.default and node.depends
        writes = any(storage(keep[r.slot]) in storages for r in written_to.get(node.index, ()) if isinstance(r, Ref))
        if reads or writes or not needed.isdisjoint(node.outputs):
            found.append(node)
            for ref in node.refs:
                needed.add(ref.slot)
                if written_to:
                    storages.add(storage(keep[ref.slot]))
    return tuple(reversed(found))
