"""A second opinion on one entry of a gradient, by means that share nothing with the checker.

Comes in: a case, an argument and an index.  Goes out: the slope there with an estimate of its error.  Why: before a gradient of PyTorch is
listed as wrong, somebody else must say so too. Where mpmath knows the function, it is asked. Everywhere else it is a plain Python loop over
calls of the original function in float64, extrapolated by Ridders' tableau (C. J. F. Ridders, Accurate computation of F′(x) and
F′(x)F″(x), Advances in Engineering Software 4, 1982).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mpmath
import torch

from checker.draws import seeded
from checker.values import Case

#: Steps are 2³ to 2⁻²² of max(1, |x|).
LARGEST, SMALLEST = -3, 22
#: A value of some hundred roundings is off by about so many units.
UNITS = 16.0

#: f′ of elementwise functions whose errors in PyTorch are smaller than differences can tell.
DERIVATIVES: dict[str, Callable[[mpmath.mpf], mpmath.mpf]] = {"digamma": lambda x: mpmath.psi(1, x)}


@dataclass(frozen=True)
class Slope:
    """∂⟨v, f⟩/∂xᵢ with an absolute error estimate; both infinite or NaN where no step gives one."""

    value: float
    error: float


def second_opinion(case: Case, argument: str, index: Sequence[int]) -> Slope:
    """The slope of ⟨v, f⟩ along one entry: by mpmath where it knows the function, else from values alone."""
    derivative = DERIVATIVES.get(case.exercise.name)
    if derivative is None:
        return slope(case, argument, index)
    x, v = case.arguments[argument].double()[tuple(index)], case.upstream[0]
    assert v is not None
    with mpmath.workdps(40):
        value = float(mpmath.mpf(float(v.double()[tuple(index)])) * derivative(mpmath.mpf(float(x))))
    return Slope(value, 2.0**-52 * abs(value))


def slope(case: Case, argument: str, index: Sequence[int]) -> Slope:
    """The slope of ⟨v, f⟩ along one entry, from values alone."""
    x = case.arguments[argument]
    here = float(x[tuple(index)])
    unit = max(1.0, abs(here))
    steps = [unit * 2.0**-k for k in range(LARGEST, SMALLEST + 1)]
    best = Slope(math.nan, math.inf)
    before: list[float] = []
    for h in steps:
        quotient, noise = _quotient(case, argument, tuple(index), here, h)
        row = [quotient]
        for order, coarser in enumerate(before, 1):  # the error of central differences has even powers of h only
            row.append(row[-1] + (row[-1] - coarser) / (4.0**order - 1.0))
        for order in range(1, len(row)):
            error = max(abs(row[order] - row[order - 1]), abs(row[order] - before[order - 1])) + noise
            if math.isfinite(error) and error < best.error:
                best = Slope(row[order], error)
        before = row
    return best


def _quotient(case: Case, argument: str, index: tuple[int, ...], here: float, h: float) -> tuple[float, float]:
    """(f(x+h) − f(x−h)) / 2h with the true distance of the two points, and what rounding may have done to it."""
    above, below = here + h, here - h
    there, size = _moved(case, argument, index, above)
    other, _ = _moved(case, argument, index, below)
    if there is None or other is None:
        return math.nan, math.inf
    difference = math.fsum(a - b for a, b in zip(there, other, strict=True))
    return difference / (above - below), UNITS * 2.0**-53 * size / (above - below)


def _moved(case: Case, argument: str, index: tuple[int, ...], value: float) -> tuple[list[float] | None, float]:
    """The terms of ⟨v, f⟩ with one entry put to `value`, and how large they are together; None where f refuses or is not finite."""
    wide = {name: t.double() if t.is_floating_point() else t for name, t in case.arguments.items()}
    wide[argument] = wide[argument].clone()
    wide[argument][index] = value
    try:
        with seeded(case.seed), torch.no_grad():
            outputs = case.exercise.call(wide)
    except Exception:  # an operator may refuse a neighbouring point
        return None, math.inf
    terms = [float(t) for o, v in zip(outputs, case.upstream, strict=True) if v is not None for t in (o.double() * v.double()).reshape(-1)]
    return (terms, math.fsum(map(abs, terms))) if all(map(math.isfinite, terms)) else (None, math.inf)
