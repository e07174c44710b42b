"""What a call of an ATen operation is given: its tensors, the memory that they are in, and what it does with them.

Comes in: an operation and its operands.  Goes out: the tensors among them, those that it writes to, whether their values matter.  Why:
recording follows dependence and derivatives through memory, and the schema of an operation tells what it does there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch


def leaves(value: Any) -> Iterator[Any]:
    """What lists, tuples and dictionaries hold, in order."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        yield from leaves(tuple(value.values()))
    else:
        yield value


def written(func: Any, args: Any, kwargs: Any) -> list[Any]:
    """The operands that an operation writes to, by its schema."""
    if not func._schema.is_mutable:
        return []
    found: list[Any] = []
    for position, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = args[position] if position < len(args) else kwargs.get(argument.name)
            found += value if isinstance(value, list | tuple) else [] if value is None else [value]
    return found


def shape_only(func: Any) -> bool:
    """Whether the values of an operation's tensors do not matter to its result: only shapes, dtypes and devices do."""
    name = func._overloadpacket.__name__
    return (
        name.endswith("_like") or name.startswith("new_") or (name in ("zero_", "zero", "fill_", "fill") and func._overloadname != "Tensor")
    )


def storage(tensor: torch.Tensor) -> int:
    """The memory of a tensor, which its views share."""
    return int(tensor.untyped_storage()._cdata)


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors hold the same values, not-a-number being one of them."""
    a, b = a.detach(), b.detach()
    return a.shape == b.shape and (torch.equal(a, b) or torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))
