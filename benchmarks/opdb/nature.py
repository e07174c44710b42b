"""What kind of point a case is, from values alone: a second opinion on verdicts that say that there is no gradient.

Comes in: a case.  Goes out: "smooth", "subgradient", "jump" or "undefined".  Why: a checker that calls a point a kink need not judge
anything there; so somebody else must see the kink. Along random directions d, the slopes (φ(x + hd) − φ(x))/h of φ = ⟨v, f⟩ are taken on
both sides at shrinking h. At a jump the difference does not shrink; where no slope exists it grows without bound; at a kink the two sides
differ.
"""

from __future__ import annotations

import math

import torch

from checker.draws import seeded
from checker.values import Case

#: Directions that are tried, and the exponents k of the steps 2⁻ᵏ.
DIRECTIONS, STEPS = 12, (14, 16, 18, 20)
#: Relative differences that rounding and the second derivative explain at these steps.
SAME = 1e-4


def nature(case: Case) -> str:
    """What the most striking of the directions shows."""
    here = _value(case, None, 0.0)
    if not math.isfinite(here):
        return "undefined"
    generator = torch.Generator().manual_seed(case.seed)
    found = {_along(case, here, generator) for _ in range(DIRECTIONS)}
    return next(kind for kind in ("jump", "undefined", "subgradient", "smooth") if kind in found)


def _along(case: Case, here: float, generator: torch.Generator) -> str:
    direction = {name: torch.randn(t.shape, generator=generator, dtype=torch.float64) for name, t in _floating(case).items()}
    right, left = ([_value(case, direction, side * 2.0**-k) - here for k in STEPS] for side in (1.0, -1.0))
    if not all(map(math.isfinite, (*right, *left))):
        return "undefined"
    slopes = [[d * 2.0**k for d, k in zip(moved, STEPS, strict=True)] for moved in (right, left)]
    noise = 2.0**-50 * (1.0 + abs(here)) * 2.0 ** STEPS[-1]
    for moved, slope in zip((right, left), slopes, strict=True):
        if abs(moved[-1]) > 0.9 * abs(moved[0]) > noise:
            return "jump"
        if abs(slope[-1]) > 1.5 * abs(slope[0]) + noise:  # a slope like h⁻ᵃ grows 64ᵃ-fold over these steps
            return "undefined"
    wide, narrow = (abs(slopes[0][k] + slopes[1][k]) for k in (0, -1))  # the two sides differ by h·φ″ where φ is smooth
    meet = narrow <= SAME * max(abs(slopes[0][-1]), abs(slopes[1][-1])) + noise or narrow < 0.1 * wide
    return "smooth" if meet else "subgradient"


def _floating(case: Case) -> dict[str, torch.Tensor]:
    return {name: case.arguments[name].double() for name in case.differentiated}


def _value(case: Case, direction: dict[str, torch.Tensor] | None, h: float) -> float:
    """φ(x + hd); NaN where the function refuses."""
    wide = {name: t.double() if t.is_floating_point() else t for name, t in case.arguments.items()}
    if direction is not None:
        wide |= {name: wide[name] + h * d for name, d in direction.items()}
    try:
        with seeded(case.seed), torch.no_grad():
            outputs = case.exercise.call(wide)
    except Exception:  # an operator may refuse a neighbouring point
        return math.nan
    pairs = zip(outputs, case.upstream, strict=True)
    return math.fsum(float(t) for o, v in pairs if v is not None for t in (o.double() * v.double()).ravel())
