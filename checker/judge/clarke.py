"""Membership in a convex hull, and the direction that separates what is outside.

Comes in: points and a candidate.  Goes out: `Nearest`.  Why: where f is not differentiable, the gradients that a program may return are
Clarke's: the convex hull of the limits of gradients nearby (Clarke, *Optimization and Nonsmooth Analysis*, theorem 2.5.1).

The nearest point of the hull is found, not just whether there is one: its residual can be held against rounding, which a linear programme's
own tolerance would drown, and it shows where a branch that is still missing would have to lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Nearest:
    """Whether the candidate lies in the hull, each entry within its tolerance, and c − p for the nearest point p of the hull.

    Where it does not, w = c − p separates: ⟨w, c⟩ > ⟨w, q⟩ for every point q of the hull.
    """

    inside: bool
    separator: Floats


def nearest(points: Floats, candidate: Floats, tolerance: Floats) -> Nearest:
    """The point of the convex hull of `points` (m, n) that is nearest to `candidate` (n,), which is finite.

    min ‖Σ λₖ (pₖ − c)‖ over λ ≥ 0, Σ λ = 1, as one non-negative least-squares problem: with the sum as one more row its solution is a
    multiple of λ (Lawson and Hanson, *Solving Least Squares Problems*, chapter 23).
    """
    from scipy.optimize import nnls  # kinks alone ask for it, and to load it takes longer than most checks

    shifted = np.asarray(points, dtype=float) - candidate
    unit = float(np.max(np.abs(shifted), initial=0.0))
    if unit == 0.0:
        return Nearest(True, np.zeros_like(shifted[0]))
    rows = np.vstack([shifted.T / unit, np.ones(len(shifted))])
    weights, _ = nnls(rows, np.concatenate([np.zeros(rows.shape[0] - 1), [1.0]]), maxiter=100 * len(shifted))
    separator = -(weights / weights.sum()) @ shifted
    return Nearest(bool(np.all(np.abs(separator) <= tolerance)), separator)
