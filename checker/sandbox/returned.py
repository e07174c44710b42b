"""What a student's function returned, as labelled arrays.

Comes in: whatever was returned.  Goes out: arrays with labels, or `NoArray`, a sentence.  Why: several gradients come as a tuple, a list, a
dict or a dataclass, of arrays, tensors or numbers, and the question behind them is the same.

A label is a place in a tuple ("0", "2"), a key of a dict, or, for an operation, the name of an input. None is left out and keeps its place.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from checker.sandbox.frames import Array
from checker.sandbox.messages import ARRAYS, NAME

_ASKED = "return an array, or several as a tuple in the order of the inputs or as a dict by name"

Result = list[tuple[str, Array]]


class NoArray(Exception):
    """What was returned is no array of numbers: the sentence names what it is."""


def labelled(returned: Any, arguments: int = 1) -> Result:
    """What a student's function returned, as labelled arrays.

    A list is several arrays if it holds arrays, or one thing for each of two or more arguments; otherwise it is an array itself.

    Raises:
        NoArray: one of them is none, or there are too many.
    """
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        returned = {field.name: getattr(returned, field.name) for field in dataclasses.fields(returned)}
    if isinstance(returned, Mapping):
        pairs = [(key if isinstance(key, str) else str(key), value) for key, value in returned.items()]
    elif isinstance(returned, tuple) or (isinstance(returned, list) and (1 < arguments == len(returned) or any(map(_is_array, returned)))):
        pairs = [(str(place), value) for place, value in enumerate(returned)]
    else:
        pairs = [("0", returned)]
    given = [(label[:NAME], value) for label, value in pairs if value is not None]
    if len(given) > ARRAYS:
        raise NoArray(f"{len(given)} arrays were returned, {ARRAYS} is the most")
    return [(label, array(value)) for label, value in given]


def array(value: Any) -> Array:
    """`value` as an array of float64, float32, int64 or bool.

    Raises:
        NoArray: it is none.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().resolve_conj().resolve_neg()
        value = value.to_dense() if value.layout is not torch.strided else value
        value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
        value = value.numpy()
    made: Array = np.array(_plain(value))  # a copy, of exactly this type
    if made.dtype == object:  # such as fractions
        with suppress(TypeError, ValueError):
            made = np.array([float(one) for one in made.flat]).reshape(made.shape)
    wide = {"f": np.float32 if made.dtype.itemsize <= 4 else np.float64, "i": np.int64, "b": np.bool_, "u": np.int64}.get(made.dtype.kind)
    if wide is None or made.dtype == np.uint64:
        what = f"{named(value)} of {made.dtype}" if _is_array(value) else named(value)
        advice = "return its real part" if made.dtype.kind == "c" else _ASKED
        raise NoArray(f"{what} was returned, where real numbers are asked: {advice}")
    return made.astype(wide)


def _plain(value: Any) -> Any:
    """`value`, with arrays for the tensors in lists."""
    if isinstance(value, (list, tuple)):
        return [array(one) if _is_array(one) and one is not None else _plain(one) for one in value]
    return value


def _is_array(value: Any) -> bool:
    """Or None, which stands for one."""
    torch = sys.modules.get("torch")
    return value is None or isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def named(value: Any) -> str:
    """What a person calls it: "something of type str"."""
    if isinstance(value, type):
        return "a class"
    return "an array" if isinstance(value, np.ndarray) else f"something of type {type(value).__name__}"
