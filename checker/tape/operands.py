"""What a call of an ATen operation is given: its tensors, the memory that they are in, and what it does with them.

Comes in: an operation and its operands.  Goes out: the tensors among them, those that it writes to, whether their values matter.  Why:
recording follows dependence and derivatives through memory, and the schema of an operation tells what it does there. What a schema says is
read once, for a recording asks it at every operation.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch

#: Namespaces of operators that are torch's own.
OWN = frozenset(
    ("aten", "prims", "prim", "c10d", "_c10d_functional", "higher_order", "inductor", "mkldnn", "onednn", "profiler", "quantized")
)
#: Operations whose floating results are not determined by their operands alone: the signs of vectors and of columns, the order of rows.
CHOSEN = frozenset({"linalg_eig", "_linalg_eigh", "_linalg_svd", "linalg_qr", "linalg_lu"})
#: What operands nest in.
NESTS, NESTED = (list, tuple), (list, tuple, dict)


@dataclass(frozen=True, slots=True)
class Nature:
    """What is true of every call of an operation."""

    own: bool  #: it is torch's own
    writes: tuple[tuple[int, str], ...]  #: positions and names of the operands that it writes to
    shape_only: bool  #: of its tensors only shapes, dtypes and devices matter to the result
    random: bool  #: it draws from a generator
    chosen: bool  #: its result is not determined by the values of its operands alone


@functools.cache
def nature(func: Any) -> Nature:
    """What the schema of an operation says."""
    name = func._overloadpacket.__name__
    filled = name in ("zero_", "zero", "fill_", "fill") and func._overloadname != "Tensor"
    arguments = enumerate(func._schema.arguments)
    random = torch.Tag.nondeterministic_seeded in func.tags
    return Nature(
        own=func.namespace in OWN,
        writes=tuple((k, argument.name) for k, argument in arguments if argument.alias_info is not None and argument.alias_info.is_write),
        shape_only=name.endswith("_like") or name.startswith("new_") or filled,
        random=random,
        chosen=random or name in CHOSEN,
    )


def leaves(value: Any) -> list[Any]:
    """What lists, tuples and dictionaries hold, in order."""
    if isinstance(value, dict):
        value = tuple(value.values())
    elif not isinstance(value, NESTS):
        return [value]
    found: list[Any] = []
    for item in value:
        if isinstance(item, NESTED):
            found += leaves(item)
        else:
            found.append(item)
    return found


def written(func: Any, args: Any, kwargs: Any) -> list[Any]:
    """The operands that an operation writes to, by its schema."""
    found: list[Any] = []
    for position, name in nature(func).writes:
        value = args[position] if position < len(args) else kwargs.get(name)
        found += value if isinstance(value, NESTS) else [] if value is None else [value]
    return found


def storage(tensor: torch.Tensor) -> int:
    """The memory of a tensor, which its views share."""
    return int(tensor.untyped_storage()._cdata)


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors hold the same values, not-a-number being one of them."""
    a, b = a.detach(), b.detach()
    return a.shape == b.shape and (torch.equal(a, b) or torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))
