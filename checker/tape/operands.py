"""What a call of an ATen operation is given: its tensors, and the memory that they are in.

Comes in: operands.  Goes out: the tensors among them, those that are written to.  Why: recording follows dependence and derivatives through
memory, which views share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from checker.tape.nature import Nature
    from checker.tape.tape import Ref

#: What operands nest in, and what else may hold them.
NESTS, NESTED = (list, tuple), (list, tuple, dict)


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


def tensors(values: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors among operands, in order, those in lists and tuples too."""
    found: list[torch.Tensor] = []
    for value in values:
        if isinstance(value, torch.Tensor):
            found.append(value)
        elif isinstance(value, NESTS):
            found += tensors(value)
    return found


def with_refs(value: Any, refs: Mapping[int, Ref]) -> Any:
    """`value` with a `Ref` in place of every tensor; they are known by their ids."""
    if isinstance(value, torch.Tensor):
        return refs[id(value)]
    return type(value)([with_refs(item, refs) for item in value]) if isinstance(value, NESTS) else value


def written(kind: Nature, args: Any, kwargs: Mapping[str, Any]) -> list[Any]:
    """The operands that an operation writes to."""
    found: list[Any] = []
    for position, name in kind.writes:
        value = args[position] if position < len(args) else kwargs.get(name)
        found += value if isinstance(value, NESTS) else [] if value is None else [value]
    return found


def storage(tensor: torch.Tensor) -> int:
    """The memory of a tensor, which its views share."""
    memory: int = tensor.untyped_storage()._cdata
    return memory


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors hold the same values, not-a-number being one of them."""
    a, b = a.detach(), b.detach()
    return a.shape == b.shape and (torch.equal(a, b) or torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)))
