"""One operation as torch's own decomposition writes it, in smaller operations.

Comes in: a node and tensors near its operands.  Goes out: the tape of the decomposition.  Why: an operation without a rule of its own
need not be unsupported. Only single operations are decomposed: decomposing a whole tape would lose where gradients stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

from checker.errors import Unsupported
from checker.tape.record import record
from checker.tape.tape import Node, Ref, Tape


def decomposition(node: Node, args: tuple[Any, ...], kwargs: Mapping[str, Any], operands: Mapping[str, torch.Tensor]) -> Tape:
    """The tape of `node` decomposed. In `args` and `kwargs` the operand number i is written `Ref(i)`.

    Raises:
        Unsupported: torch has no decomposition of it into other operations, or one that gives other values.
    """
    operation = _functional(node)
    names = list(operands)

    def results(function: Callable[..., Any], tensors: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        real_args, real_kwargs = tree_map_only(Ref, lambda ref: tensors[names[ref.slot]], (args, dict(kwargs)))
        return tuple(tree_leaves(function(*real_args, **real_kwargs)))

    try:
        tape = record(lambda tensors: results(_smaller(operation), tensors), operands)
        whole = results(operation, operands)
    except (RuntimeError, NotImplementedError, TypeError, ValueError, IndexError) as problem:
        raise Unsupported(node.name, line=node.line) from problem
    if any(inner.operation is operation for inner in tape.nodes):
        raise Unsupported(node.name, line=node.line)
    whole_value, value = whole[0].double(), tape.values[0].double()
    if whole_value.shape != value.shape or not torch.allclose(whole_value, value, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise Unsupported(node.name, "torch's decomposition of it gives another value", line=node.line)
    return tape


def _functional(node: Node) -> Any:
    """The operation itself, or of an in-place one the twin that returns its result."""
    if not node.operation._schema.is_mutable:
        return node.operation
    twin = getattr(torch.ops.aten, node.base.removesuffix("_"), None) if node.operation.namespace == "aten" else None
    if twin is None or not node.base.endswith("_") or node.overload not in twin.overloads():
        raise Unsupported(node.name, line=node.line)
    return getattr(twin, node.overload)


def _smaller(operation: Any) -> Callable[..., Any]:
    return _table().get(operation, operation)


@cache
def _table() -> Mapping[Any, Callable[..., Any]]:
    from torch._decomp import core_aten_decompositions  # slow to import, and seldom needed

    return dict(core_aten_decompositions())
