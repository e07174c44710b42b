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
#: The same two shares in float32: some dozen units of the entry, and a few of the largest. They are not 1e-9 and 1e-12 widened by the
#: ratio of the units, which would let half of an entry be wrong.
SINGLE_ENTRY, SINGLE_LARGEST = 48 * 2.0**-24, 4 * 2.0**-24
#: What a float32 constant in float64 arithmetic loses: an answer that is no float32 array may be so far off and still be called single.
CONSTANT = 4 * 2.0**-24


def allowance(truth: Array, rounding: Array, radius: Array | float = 0.0, *, orders: float = ORDERS) -> Array:
    """How far a right answer in float64 may be from `truth`, of any shape; `rounding` is what the author's own order is allowed, and
    `radius` how well the truth is known. `orders` is 1 where the author fixed a tolerance: it is then the last word."""
    size = np.abs(truth)
    return np.asarray(orders * rounding + ENTRY * size + LARGEST * largest(size) + radius)


def single_allowance(truth: Array, allowed: Array, *, everywhere: bool) -> Array:
    """How far an answer in float32 may be off, given what is `allowed` in float64.

    `everywhere`: it was computed in float32, as only what is a float32 number in every entry can have been. Anything else may have lost no
    more than a float32 constant loses, so that an error of 10⁻⁶ in float64 arithmetic does not pass for rounding.
    """
    size = np.abs(truth)
    if not everywhere:
        return np.asarray(allowed + CONSTANT * size)
    lost = np.maximum(allowed - ENTRY * size - LARGEST * largest(size), 0.0)
    return np.asarray(SINGLE * lost + SINGLE_ENTRY * size + SINGLE_LARGEST * largest(size))


def in_single(got: Array) -> bool:
    """Whether every entry is a float32 number."""
    if got.dtype == np.float32:
        return True
    with np.errstate(all="ignore"):
        return bool(np.array_equal(got, np.asarray(got, dtype=np.float32), equal_nan=True))


def largest(array: Array) -> float:
    """The largest finite magnitude, 0 of none."""
    size = np.abs(array)
    return float(np.max(size, initial=0.0, where=np.isfinite(size)))
