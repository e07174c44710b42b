"""What is true of every call of an ATen operation.

Comes in: an operation.  Goes out: its `Nature`.  Why: its schema and its tags tell what it writes to, whether it draws, whether values
matter to it. They are read once: recording asks at every call, and reading them takes longer than most operations.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from checker.tape.restated import SAYINGS

#: Namespaces of operators that are torch's own.
OWN = frozenset(
    ("aten", "prims", "prim", "c10d", "_c10d_functional", "higher_order", "inductor", "mkldnn", "onednn", "profiler", "quantized")
)
#: Operations whose floating results are not determined by their operands alone: the signs of vectors and of columns, the order of rows.
CHOSEN = frozenset({"linalg_eig", "_linalg_eigh", "_linalg_svd", "linalg_qr", "linalg_lu"})


@dataclass(frozen=True, slots=True)
class Nature:
    """What an operation is and does, whatever it is given."""

    own: bool  #: it is torch's own
    writes: tuple[tuple[int, str], ...]  #: positions and names of the operands that it writes to
    shape_only: bool  #: of its tensors only shapes, dtypes and devices matter to the result
    random: bool  #: it draws from a generator
    chosen: bool  #: its result is not determined by the values of its operands alone
    saying: Callable[..., Any] | None  #: how it is said again in other operations


@functools.cache
def nature(operation: Any) -> Nature:
    """What the schema and the tags of an operation say."""
    name = operation._overloadpacket.__name__
    filled = name in ("zero_", "zero", "fill_", "fill") and operation._overloadname != "Tensor"
    arguments = enumerate(operation._schema.arguments)
    random = torch.Tag.nondeterministic_seeded in operation.tags
    return Nature(
        own=operation.namespace in OWN,
        writes=tuple((k, argument.name) for k, argument in arguments if argument.alias_info is not None and argument.alias_info.is_write),
        shape_only=name.endswith("_like") or name.startswith("new_") or filled,
        random=random,
        chosen=random or name in CHOSEN,
        saying=SAYINGS.get(operation),
    )
