"""Which library a student's function works with, and its arguments in that library.

Comes in: functions of a submission, and arrays.  Goes out: "numpy" and "torch" in the order to try, and copies of the arrays.  Why: nobody
who writes a gradient says with what it is to be asked; the program does.

Where torch is mounted, a function is asked with tensors if the nearest library named is torch, and with arrays if it is NumPy: first in
the function and those of the submission that it calls, then in its program. Where that raises, the other is tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from checker.sandbox.frames import Array
from checker.sandbox.messages import Upstream
from checker.sandbox.programs import is_of
from checker.sandbox.values import Kind


def libraries(functions: Sequence[Callable[..., Any]], kind: Kind) -> list[str]:
    """What to ask with, in order."""
    if kind == "numpy":
        return ["numpy"]
    for near in (list(_named_by(functions)), [value for f in functions for value in list(getattr(f, "__globals__", {}).values())]):
        if any(is_of(value, "torch") for value in near):
            return ["torch", "numpy"]
        if any(is_of(value, "numpy") for value in near):
            return ["numpy", "torch"]
    return ["torch", "numpy"]


def _named_by(functions: Sequence[Callable[..., Any]]) -> Iterator[Any]:
    """The globals that are named in functions and in the functions of their module that they call."""
    waiting, seen = [f for f in functions if isinstance(f, FunctionType)], set()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        for name in _names(function.__code__):
            value = function.__globals__.get(name)
            yield value
            if isinstance(value, FunctionType) and value.__globals__ is function.__globals__:
                waiting.append(value)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def given(library: str, value: Array) -> Any:
    """A copy of `value`, as an array or as a tensor."""
    if library == "numpy":
        return value.copy()
    import torch

    return torch.from_numpy(value.copy())


def upstream_given(library: str, upstream: Upstream | None) -> Any:
    """Copies of the upstream gradient: of one output, or of several as a tuple, with None where nothing flows."""
    if upstream is None or isinstance(upstream, np.ndarray):
        return upstream if upstream is None else given(library, upstream)
    return tuple(None if one is None else given(library, one) for one in upstream)
