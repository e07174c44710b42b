"""What is known of functions of one variable where they are sampled.

Comes in: nothing.  Goes out: the types in which lines are sampled.  Why: whoever samples a function along lines and whoever makes slopes
of the samples need know nothing else of one another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]
Truth = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Samples:
    """What was found at the points asked for; all of one length."""

    t: Floats  #: the steps as realised, (x + t) − x
    delta: Floats  #: φ(t) − φ(0)
    noise: Floats  #: how far rounding may have moved `delta`
    same: Truth  #: finite, and on the path of execution of t = 0


class RoundingBounds(NamedTuple):
    """How far rounding moves φ whatever the samples show, where that is known: by `least` at least, by `worst` at most."""

    least: float = 0.0
    worst: float = 0.0


#: (lines, steps) -> samples, in order.
Sample = Callable[[Whole, Floats], Samples]
