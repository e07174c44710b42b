"""The functions that a formula may call, as a table.

Comes in: nothing.  Goes out: `FUNCTIONS`, by name, and `kind`.  Why: what a formula can do is exactly what stands here.

Each is written as a Python function, and its own signature says what may be passed: a parameter's name tells what is expected of it
(`KINDS`); all others take tensors. Reductions without `dim` reduce everything. Angles are in radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name)

ENTRIES = 2**22  #: of any tensor on the way
SIZE = 2**16  #: largest whole number, such as a size
#: What evaluating one formula may cost, in multiplications; an entry that is computed counts as `ENTRY` of them. A second, and 256 MiB.
WORK, ENTRY = 2**28, 2**3

#: What is expected of a parameter, by its name.
KINDS = {
    "dim": "integers",  # one whole number, or several in brackets
    "shape": "integers",
    **dict.fromkeys(("n", "m", "i", "j", "k", "correction", "classes"), "integer"),
    "p": "order",  # a number or inf
    "keepdim": "flag",
    "condition": "condition",
    "tensors": "tensors",  # [a, b, …]
    "labels": "labels",  # a tensor of whole numbers
}


def kind(parameter: str) -> str:
    """What a parameter of that name takes: a value of `KINDS`, else "tensor"."""
    return KINDS.get(parameter, "tensor")


def transposed(x: torch.Tensor) -> torch.Tensor:
    """xᵀ; a vector and a number are their own."""
    return x if x.ndim < 2 else x.transpose(-2, -1)


def _dims(x: torch.Tensor, dim: Any) -> Any:
    return tuple(range(x.ndim)) if dim is None else dim


def _shape(shape: tuple[Any, ...], least: int = -1) -> tuple[int, ...]:
    """The shape written as `2, 3` or as `[2, 3]`, of at most `ENTRIES`; −1 is whatever is left where that can be."""
    sizes = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    if min(sizes, default=0) < least:
        raise ValueError(f"the size {min(sizes)} is none")
    if math.prod(map(abs, sizes)) > ENTRIES:
        raise ValueError(f"it would have {math.prod(map(abs, sizes))} entries, and at most {ENTRIES} are computed")
    return sizes


def _var(x: torch.Tensor, dim: Any = None, correction: int = 1, keepdim: bool = False) -> torch.Tensor:
    return torch.var(x, _dims(x, dim), correction=correction, keepdim=keepdim)


FUNCTIONS: dict[str, Callable[..., torch.Tensor]] = {
    # entry by entry
    "exp": lambda x: torch.exp(x),
    "expm1": lambda x: torch.expm1(x),
    "log": lambda x: torch.log(x),
    "ln": lambda x: torch.log(x),
    "log1p": lambda x: torch.log1p(x),
    "sqrt": lambda x: torch.sqrt(x),
    "square": lambda x: x * x,
    "abs": lambda x: torch.abs(x),
    "sign": lambda x: torch.sign(x),
    "sin": lambda x: torch.sin(x),
    "cos": lambda x: torch.cos(x),
    "tan": lambda x: torch.tan(x),
    "atan": lambda x: torch.atan(x),
    "sinh": lambda x: torch.sinh(x),
    "cosh": lambda x: torch.cosh(x),
    "tanh": lambda x: torch.tanh(x),
    "erf": lambda x: torch.erf(x),
    "sigmoid": lambda x: torch.sigmoid(x),
    "relu": lambda x: torch.relu(x),
    "softplus": lambda x: F.softplus(x),
    "gelu": lambda x: F.gelu(x),
    "silu": lambda x: F.silu(x),
    # choice
    "where": lambda condition, a, b: torch.where(condition, a, b),
    "maximum": lambda a, b: torch.maximum(a, b),
    "minimum": lambda a, b: torch.minimum(a, b),
    "clamp": lambda x, min, max: torch.minimum(torch.maximum(x, min), max),  # noqa: A006
    # reductions
    "sum": lambda x, dim=None, keepdim=False: torch.sum(x, _dims(x, dim), keepdim=keepdim),
    "mean": lambda x, dim=None, keepdim=False: torch.mean(x, _dims(x, dim), keepdim=keepdim),
    "prod": lambda x: torch.prod(x),
    "max": lambda x, *, dim=None, keepdim=False: torch.amax(x, _dims(x, dim), keepdim=keepdim),
    "min": lambda x, *, dim=None, keepdim=False: torch.amin(x, _dims(x, dim), keepdim=keepdim),
    "var": _var,
    "std": lambda x, dim=None, correction=1, keepdim=False: torch.sqrt(_var(x, dim, correction, keepdim)),
    "norm": lambda x, p=2, dim=None, keepdim=False: torch.linalg.vector_norm(x, p, dim, keepdim),
    "logsumexp": lambda x, dim=None, keepdim=False: torch.logsumexp(x, _dims(x, dim), keepdim),
    "softmax": lambda x, dim=-1: torch.softmax(x, dim),
    "log_softmax": lambda x, dim=-1: torch.log_softmax(x, dim),
    "cumsum": lambda x, dim=-1: torch.cumsum(x, dim),
    # products and matrices
    "dot": lambda a, b: torch.dot(a, b),
    "outer": lambda a, b: torch.outer(a, b),
    "cross": lambda a, b, dim=-1: torch.linalg.cross(a, b, dim=dim),
    "matmul": lambda a, b: torch.matmul(a, b),
    "mm": lambda a, b: torch.mm(a, b),
    "bmm": lambda a, b: torch.bmm(a, b),
    "transpose": lambda x, i=-2, j=-1: torch.transpose(x, i, j) if x.ndim > 1 else x,
    "trace": lambda x: torch.trace(x),
    "det": lambda x: torch.linalg.det(x),
    "logdet": lambda x: torch.logdet(x),
    "inv": lambda x: torch.linalg.inv(x),
    "solve": lambda a, b: torch.linalg.solve(a, b),
    "diag": lambda x, k=0: torch.diag(x, k),
    "tril": lambda x, k=0: torch.tril(x, k),
    "triu": lambda x, k=0: torch.triu(x, k),
    # new tensors
    "ones": lambda *shape: torch.ones(_shape(shape), dtype=torch.float64),
    "zeros": lambda *shape: torch.zeros(_shape(shape), dtype=torch.float64),
    "eye": lambda n: torch.eye(*_shape((n, n)), dtype=torch.float64),
    "ones_like": lambda x: torch.ones_like(x),
    "zeros_like": lambda x: torch.zeros_like(x),
    "one_hot": lambda labels, classes: F.one_hot(labels, _shape((labels.numel(), classes))[1]).to(torch.float64),
    # arrangement
    "reshape": lambda x, *shape: torch.reshape(x, _shape(shape)),
    "expand": lambda x, *shape: x.expand(_shape(shape, least=0)),
    "flatten": lambda x: torch.flatten(x),
    "unsqueeze": lambda x, dim: torch.unsqueeze(x, dim),
    "squeeze": lambda x, dim: torch.squeeze(x, dim),
    "flip": lambda x, dim=-1: torch.flip(x, (dim,) if isinstance(dim, int) else dim),
    "stack": lambda tensors, dim=0: torch.stack(tensors, dim),
    "cat": lambda tensors, dim=0: torch.cat(tensors, dim),
}

#: Functions whose value is a whole number that depends on shapes alone.
MEASURES: dict[str, Callable[..., int]] = {
    "size": lambda x, i: x.shape[i],
    "len": lambda x: len(x),
    "numel": lambda x: x.numel(),
}

_PRODUCTS = frozenset(FUNCTIONS[name] for name in ("matmul", "mm", "bmm"))
_ELIMINATIONS = frozenset(FUNCTIONS[name] for name in ("det", "logdet", "inv", "solve"))

#: Products as mathematics writes them side by side, and powers: shapes tell what is meant.
SHAPED = frozenset({"times", "power"})


def work(function: Callable[..., Any], given: Sequence[Any], size: int) -> int:
    """About how many multiplications a call takes whose result has `size` entries."""
    entries = [g.numel() for g in given if isinstance(g, torch.Tensor)]
    each = ENTRY * (sum(entries) + size)
    if function in _PRODUCTS:
        return int(each + size * given[0].shape[-1])
    return int(each + (entries[0] + size) * given[0].shape[-1]) if function in _ELIMINATIONS else each
