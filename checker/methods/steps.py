"""Slopes of many functions of one variable at once, each with an error estimate.

Comes in: a way to sample φ(t) − φ(0) on many lines together, and how far each line may be followed.  Goes out: `Slopes`.  Why: every
finite difference of the package, along a coordinate or a random direction, on a tape or on the original function, is one of these.

The first ladder of three central quotients has steps 4h, 2h, h with h = scale · ε^(1/5), the best step of the five-point formula for a
function whose derivatives are of order one; Richardson extrapolation joins them (Ridders 1982; Press et al., *Numerical Recipes*, §5.7).
Where its error estimate asks for more, further ladders with steps 32 times smaller follow, until the error grows more than twofold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from checker.methods.ladder import climb, shaking_of
from checker.methods.reach import parted, room
from checker.methods.samples import Floats, RoundingBounds, Sample, Samples, Truth, Whole

LADDERS = 7  #: at most so many ladders per line
SHRINK = 32.0  #: from one ladder to the next
EDGE = 0.99  #: how much of the distance to an open edge is used
BEYOND = 1e3  #: rounding at its worst is believed up to so many times what it is seen to be
EXCUSED = 1e-3  #: an error beyond this part of the slope is not put down to rounding at its worst before rounding was looked at


@dataclass(frozen=True)
class Slopes:
    """φ′(0) of every line: estimate, absolute error estimate, last step h, and whether φ has a kink or a jump at 0 itself.

    The error at a kink is infinite; its `slope` is the central quotient, which is no derivative.
    """

    slope: Floats
    error: Floats
    step: Floats
    kink: Truth


def best_step(eps: float, *, order: int = 1, accuracy: int = 4) -> float:
    """ε^(1/(k+p)): where truncation and rounding of a difference of derivative order k and accuracy order p are in balance.

    >>> f"{best_step(2.0**-52):.1e} {best_step(2.0**-52, accuracy=2):.1e} {best_step(2.0**-23):.1e}"
    '7.4e-04 6.1e-06 4.1e-02'
    """
    return float(eps ** (1.0 / (order + accuracy)))


def slopes(
    sample: Sample,
    scale: Floats,
    backward: Floats,
    forward: Floats,
    *,
    eps: float,
    rounding: RoundingBounds = RoundingBounds(),  # noqa: B008  (a value)
    measured: bool = False,
) -> Slopes:
    """The slope of every line at 0.

    `scale` is the length over which φ changes by its own size, as far as anyone knows: max(1, |x|). `backward` and `forward` say how far
    the line stays inside the domain on either side (0: not at all; infinity: no edge). `eps` is the rounding unit of the samples.
    With `measured` the samples' rounding is measured before the first step, and not only where that is not good enough: φ may be a long
    sum.
    """
    with np.errstate(all="ignore"):
        return _slopes(sample, scale, EDGE * backward, EDGE * forward, eps, rounding, measured)


def _slopes(
    exact: Sample, scale: Floats, backward: Floats, forward: Floats, eps: float, rounding: RoundingBounds, measured: bool
) -> Slopes:
    def sample(lines: Whole, t: Floats) -> Samples:
        found = exact(lines, t)
        return replace(found, noise=found.noise + 2.0 * worst[lines])

    count, worst = len(scale), np.full(len(scale), rounding.worst)
    top = 4.0 * scale * best_step(eps)
    side, first = _plan(top, backward, forward)
    slope, error, step = np.full(count, np.nan), np.full(count, np.inf), first.copy()
    kink = np.zeros(count, dtype=bool)
    shaking, blur = np.zeros(count), eps * scale  # until it is measured, rounding is taken to be that of the argument at least
    active = np.arange(count)
    if measured:
        # four third differences tell it only roughly; and a long sum shakes fully only where all its terms move by many roundings
        shaking = 3.0 * shaking_of(sample, active, side, np.minimum(first, scale) * 2.0**-20)
    for ladder in range(LADDERS):
        found = climb(sample, active, side[active], first[active], shaking[active], blur[active])
        apart = np.abs(found.slope - slope[active])
        refuted = apart > 2.0 * (found.error + error[active])  # longer steps knew of another function: sin at 10⁸
        told = np.where(refuted, apart, found.error)
        if ladder > 1:
            told = np.where(found.bent, np.inf, told)  # it was looked at closely, and still the sides do not meet
        better = (told < error[active]) | refuted | np.isnan(slope[active])
        lines = active[better]
        grown = ~refuted & (told > 2.0 * error[active]) & (error[active] < 1e-4 * np.abs(slope[active]))
        slope[lines], error[lines], step[lines] = found.slope[better], told[better], found.step[better]
        rounded = error[active] <= 4.0 * found.floor
        if ladder == 0:
            rounded &= (worst[active] == 0) | (error[active] <= EXCUSED * np.abs(slope[active]))
        done = (error[active] <= 1e-9 * np.abs(slope[active])) | rounded | grown
        # Another path may only have been met because the first steps were long: try shorter ones before looking closely.
        look = found.bent if ladder == 0 else (found.bent | found.blocked) if ladder == 1 else np.zeros(len(active), dtype=bool)
        if look.any():
            suspects = active[look]
            error[suspects] = np.inf
            kink[suspects] = parted(sample, suspects, top[suspects], backward[suspects], forward[suspects])
            open_ = suspects[~kink[suspects]]
            reach = room(sample, open_, top[open_], backward[open_], forward[open_])
            kink[open_] = reach.kink
            clear = open_[~reach.kink]
            side[clear], first[clear] = _plan(top[clear], reach.backward[~reach.kink], reach.forward[~reach.kink])
            first[clear] *= SHRINK  # taken back below: the first ladder of these lines has not been climbed yet
            done = np.where(look, kink[active], done)
        active, climbed = active[~done], ~look[~done]
        if not len(active):
            break
        first[active] /= SHRINK
        if ladder == 0:
            blur[active] = 0.0
            closer = shaking_of(sample, active, side[active], np.minimum(first[active], scale[active]) * 2.0**-26)
            shaking[active] = np.maximum(shaking[active], closer)
            # Rounding at its worst may be so large that it would explain any values, those beyond a pole too: begin again without it.
            seen = np.maximum(BEYOND * shaking[active], rounding.least)
            hidden = (shaking[active] > 0) & (worst[active] > seen)
            worst[active] = np.where(hidden, seen, worst[active])
            error[active[hidden]] = np.inf
            first[active[hidden & climbed]] *= SHRINK
    return Slopes(slope, np.where(kink, np.inf, error), step, kink)


def _plan(top: Floats, backward: Floats, forward: Floats) -> tuple[Whole, Floats]:
    """Side (0 central, ±1 one-sided) and largest step of a ladder within `backward` and `forward`: one-sided where a side is very short."""
    near, far = np.minimum(backward, forward), np.maximum(backward, forward)
    central = (near >= top / 64.0) | (far <= 2.0 * near)
    side = np.where(central, 0, np.where(forward >= backward, 1, -1))
    return side, np.minimum(top, np.where(central, near, far))
