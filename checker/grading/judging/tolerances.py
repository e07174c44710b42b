"""How far an answer may be off.

Comes in: a truth and what rounding may do to the author's program.  Goes out: an allowance, entry by entry.  Why: a student may choose
another order of operations than the author, and loses other roundings by it; what is further off than that is a mistake.
"""

from __future__ import annotations

import numpy as np

from checker.values import Array

#: Times the error that the author's order of operations is allowed. Another order, such as an explicit inverse, may lose that much more.
ORDERS = 64.0
#: Of the entry, and of the largest entry: where the author's order happens to lose nothing at all, another still rounds.
ENTRY, LARGEST = 1e-9, 1e-12
#: float32's unit roundoff over float64's.
SINGLE = 2.0**29
#: Times the allowed error in float32. It is a bound, which in float64 may be far from what happens; 64 of it in float32 would let a share
#: of 10⁻⁴ of the gradient of a small network be wrong.
SINGLE_ORDERS = 4.0
#: The same two shares in float32: 256 units of the entry, and 64 of the largest. They are not 1e-9 and 1e-12 widened by the ratio of the
#: units, which would let half of an entry be wrong.
SINGLE_ENTRY, SINGLE_LARGEST = 256 * 2.0**-24, 64 * 2.0**-24
#: What a float32 constant in float64 arithmetic loses: an answer that is no float32 array may be so far off and still be called single.
CONSTANT = 4 * 2.0**-24


def allowance(truth: Array, rounding: Array, radius: Array | float = 0.0, *, orders: float = ORDERS) -> Array:
    """How far a right answer in float64 may be from `truth`, of any shape; `rounding` is what the author's own order is allowed, and
    `radius` how well the truth is known. `orders` is 1 where the author fixed a tolerance: it is then the last word."""
    size = np.abs(truth)
    return np.asarray(orders * rounding + ENTRY * size + LARGEST * largest(size) + radius)


def single_allowance(truth: Array, rounding: Array | float = 0.0, radius: Array | float = 0.0) -> Array:
    """The same for an answer that was computed in float32; `rounding` and `radius` are those of float64."""
    size = np.abs(truth)
    return np.asarray(SINGLE_ORDERS * SINGLE * rounding + SINGLE_ENTRY * size + SINGLE_LARGEST * largest(size) + radius)


def in_single(got: Array) -> bool:
    """Whether every entry is a float32 number. Only then was an answer computed in float32; anything else may have lost no more than a
    float32 constant loses, so that an error of 10⁻⁶ in float64 arithmetic does not pass for rounding."""
    if got.dtype == np.float32:
        return True
    with np.errstate(all="ignore"):
        return bool(np.array_equal(got, np.asarray(got, dtype=np.float32), equal_nan=True))


def largest(array: Array) -> float:
    """The largest finite magnitude, 0 of none."""
    size = np.abs(array)
    return float(np.max(size, initial=0.0, where=np.isfinite(size)))
