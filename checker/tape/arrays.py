"""Arrays of objects: numbers of a system, scalars, pairs.

Comes in: objects, or an array and what to make of each entry.  Goes out: an array.  Why: NumPy looks for entries inside whatever it is
given; here each object is one entry, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from checker.values import Array


def objects(items: Collection[Any], shape: tuple[int, ...] = (-1,)) -> Array:
    """Objects, in the order of their rows, as an array of `shape`: a vector, where none is said."""
    return np.fromiter(items, object, len(items)).reshape(shape)


def each(entries: Array, function: Callable[[Any], Any]) -> Array:
    """An array of what `function` gives of each entry."""
    return objects([function(x) for x in entries.reshape(-1)], entries.shape)
