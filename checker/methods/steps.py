"""Slopes of many functions of one variable at once, each with an error estimate.

Comes in: a way to sample φ(t) − φ(0) on many lines together, and how far each line may be followed.  Goes out: `Slopes`.  Why: every
finite difference of the package, along a coordinate or a random direction, on a tape or on the original function, is one of these.

The first ladder of three central quotients has steps 4h, 2h, h with h = scale · ε^(1/5), the best step of the five-point formula for a
function whose derivatives are of order one; Richardson extrapolation joins them (Ridders 1982; Press et al., *Numerical Recipes*, §5.7).
Where its error estimate asks for more, further ladders with steps 32 times smaller follow, until the error grows more than twofold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Whole = np.ndarray[Any, np.dtype[np.int64]]
Truth = np.ndarray[Any, np.dtype[np.bool_]]

LADDERS = 7  #: at most so many ladders per line
SHRINK = 32.0  #: from one ladder to the next
PROBES = 24  #: steps, each a quarter of the one before, at which the path of execution is looked at
NEAREST = 20  #: the probe that is near enough to be the point itself: 2.7e-15 of max(1, |x|), a dozen roundings away
EDGE = 0.99  #: how much of the distance to an open edge is used
BEYOND = 1e3  #: rounding at its worst is believed up to so many times what it is seen to be
EXCUSED = 1e-3  #: an error beyond this part of the slope is not put down to rounding at its worst before rounding was looked at


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
        shaking = 3.0 * _shaking(sample, active, side, np.minimum(first, scale) * 2.0**-20)
    for ladder in range(LADDERS):
        found = _climb(sample, active, side[active], first[active], shaking[active], blur[active])
        better = (found.error < error[active]) | np.isnan(slope[active])
        lines = active[better]
        grown = (found.error > 2.0 * error[active]) & (error[active] < 1e-4 * np.abs(slope[active]))
        slope[lines], error[lines], step[lines] = found.slope[better], found.error[better], found.step[better]
        rounded = error[active] <= 4.0 * found.floor
        if ladder == 0:
            rounded &= (worst[active] == 0) | (error[active] <= EXCUSED * np.abs(slope[active]))
        done = (error[active] <= 1e-9 * np.abs(slope[active])) | rounded | grown
        # Another path may only have been met because the first steps were long: try shorter ones before looking closely.
        look = found.bent if ladder == 0 else (found.bent | found.blocked) if ladder == 1 else np.zeros(len(active), dtype=bool)
        if look.any():
            suspects = active[look]
            error[suspects] = np.inf
            kink[suspects] = _parted(sample, suspects, top[suspects], backward[suspects], forward[suspects])
            open_ = suspects[~kink[suspects]]
            room = _room(sample, open_, top[open_], backward[open_], forward[open_])
            kink[open_] = room.kink
            clear = open_[~room.kink]
            side[clear], first[clear] = _plan(top[clear], room.backward[~room.kink], room.forward[~room.kink])
            first[clear] *= SHRINK  # taken back below: the first ladder of these lines has not been climbed yet
            done = np.where(look, kink[active], done)
        active, climbed = active[~done], ~look[~done]
        if not len(active):
            break
        first[active] /= SHRINK
        if ladder == 0:
            blur[active] = 0.0
            closer = _shaking(sample, active, side[active], np.minimum(first[active], scale[active]) * 2.0**-26)
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


@dataclass(frozen=True)
class _Ladder:
    slope: Floats
    error: Floats
    step: Floats
    floor: Floats  #: the part of the error that is rounding
    blocked: Truth  #: another path of execution was met
    bent: Truth  #: the two sides do not look like one smooth function


def _shaking(sample: Sample, lines: Whole, side: Whole, apart: Floats) -> Floats:
    """How much rounding shakes φ: third differences of seven points `apart`, far closer than any step (Hamming; Moré and Wild 2011).

    It sees what the size of φ cannot tell, such as cancellation inside the function: log(1 + x) − x near 0 is known to ε only.
    """
    places = np.arange(1.0, 8.0)[:, None] * apart * np.where(side == 0, 1, side)
    found = sample(np.tile(lines, 7), places.ravel())
    third = np.diff(found.delta.reshape(7, -1), n=3, axis=0)
    shaking: Floats = np.sqrt(np.mean(third**2, axis=0) / 20.0)  # the third difference of noise of size s has size s·√20
    return np.where(np.isfinite(shaking), shaking, 0.0)


def _climb(sample: Sample, lines: Whole, side: Whole, first: Floats, shaking: Floats, blur: Floats) -> _Ladder:
    """Quotients at steps first, first/2, … of every line, extrapolated to step 0.

    A sample is taken to be uncertain by `shaking`, and by as much as moving the argument by `blur` would change it, at least.
    """
    count = len(lines)
    blank = np.zeros(count, dtype=bool)
    out = _Ladder(np.full(count, np.nan), np.full(count, np.inf), first.copy(), np.zeros(count), blank.copy(), blank)
    for chosen, rungs, quotients in ((side == 0, 3, _central), (side != 0, 6, _one_sided)):
        if not chosen.any():
            continue
        where = np.flatnonzero(chosen)
        step = first[where] * 0.5 ** np.arange(rungs)[:, None]
        found = quotients(sample, lines[where], step, side[where], shaking[where])
        noise = found.noise + blur[where] * np.abs(found.quotient) / step
        value, error, floor, rung = _extrapolate(found.quotient, noise, found.powers)
        out.slope[where] = np.where(found.same, value, found.quotient[-1])
        out.error[where] = np.where(found.same, error, np.inf)
        out.step[where] = np.take_along_axis(step, rung[None], 0)[0]
        out.floor[where] = floor
        out.blocked[where] = ~found.same
        out.bent[where] = found.same & (found.gap[-1] > 0.6 * found.gap[0]) & (found.gap[-1] > 20.0 * noise[-1])
    return out


@dataclass(frozen=True)
class _Quotients:
    quotient: Floats  #: rung × line
    noise: Floats
    same: Truth  #: every rung of the line is on the path of t = 0
    gap: Floats  #: forward less backward quotient, beyond what their own rounding explains; 0 where there is one side only
    powers: Floats  #: of the step in the quotient's error series


def _central(sample: Sample, lines: Whole, step: Floats, side: Whole, shaking: Floats) -> _Quotients:
    found = sample(np.tile(lines, 2 * len(step)), np.concatenate([step.ravel(), -step.ravel()]))
    t, delta, noise, same = (a.reshape(2, *step.shape) for a in (found.t, found.delta, found.noise, found.same.astype(float)))
    width = t[0] - t[1]
    ahead, behind = delta[0] / t[0], delta[1] / t[1]
    return _Quotients(
        quotient=(delta[0] - delta[1]) / width,
        noise=np.maximum(noise.sum(axis=0), 2.0 * shaking) / width,
        same=(same == 1).all(axis=(0, 1)),
        gap=np.maximum(0.0, np.abs(ahead - behind) - 1e-7 * (np.abs(ahead) + np.abs(behind))),
        powers=2.0 * np.arange(1.0, len(step)),
    )


def _one_sided(sample: Sample, lines: Whole, step: Floats, side: Whole, shaking: Floats) -> _Quotients:
    found = sample(np.tile(lines, len(step)), (step * side).ravel())
    t, delta, noise, same = (a.reshape(step.shape) for a in (found.t, found.delta, found.noise, found.same.astype(float)))
    return _Quotients(
        quotient=delta / t,
        noise=np.maximum(noise, 2.0 * shaking) / np.abs(t),
        same=(same == 1).all(axis=0),
        gap=np.zeros(step.shape),
        powers=np.arange(1.0, len(step)),
    )


def _extrapolate(quotient: Floats, noise: Floats, powers: Floats) -> tuple[Floats, Floats, Floats, Whole]:
    """Richardson's triangle for steps halved from row to row: the value of least error, that error, its rounding part, and its row."""
    rows = len(quotient)
    best, error = quotient[-1].copy(), np.full(quotient.shape[1], np.inf)
    floor, rung = noise[-1].copy(), np.full(quotient.shape[1], rows - 1)
    value, spread = [quotient[0]], [noise[0]]
    for row in range(1, rows):
        values, spreads = [quotient[row]], [noise[row]]
        for column in range(row):
            factor = 2.0 ** powers[column] - 1.0
            values.append(values[column] + (values[column] - value[column]) / factor)
            spreads.append(spreads[column] + (spreads[column] + spread[column]) / factor)
            change = np.maximum(np.abs(values[-1] - values[-2]), np.abs(values[-1] - value[column]))
            estimate = change + spreads[-1]
            better = estimate < error
            best, error = np.where(better, values[-1], best), np.where(better, estimate, error)
            floor, rung = np.where(better, spreads[-1], floor), np.where(better, row, rung)
        value, spread = values, spreads
    return best, error, floor, rung


@dataclass(frozen=True)
class _Room:
    backward: Floats  #: how far the path of execution of t = 0 reaches on this side
    forward: Floats
    kink: Truth


def _parted(sample: Sample, lines: Whole, top: Floats, backward: Floats, forward: Floats) -> Truth:
    """Whether the paths of execution part in the point itself: where they do, looking at every longer step would be wasted."""
    step = np.concatenate([top * 0.25**NEAREST, -top * 0.25**NEAREST])
    inside = np.concatenate([step[: len(lines)] <= forward, step[: len(lines)] <= backward])
    found = sample(np.tile(lines, 2)[inside], step[inside])
    other = np.zeros(len(step), dtype=bool)
    other[inside] = ~found.same.astype(bool)
    return np.logical_or(other[: len(lines)], other[len(lines) :])


def _room(sample: Sample, lines: Whole, top: Floats, backward: Floats, forward: Floats) -> _Room:
    """How far each line can be followed on either side without leaving the path of t = 0, looking at steps top, top/4, top/16, …"""
    count = len(lines)
    step = top * 0.25 ** np.arange(PROBES)[:, None]
    t = np.concatenate([step.ravel(), -step.ravel()])
    inside = np.concatenate([(step <= forward).ravel(), (step <= backward).ravel()])
    asked = np.flatnonzero(inside)
    found = sample(np.tile(lines, 2 * PROBES)[asked], t[asked])
    # a step that no longer moves x says nothing about the path
    fill = {"t": t, "delta": np.full(t.size, np.nan), "noise": np.full(t.size, np.inf), "same": np.zeros(t.size)}
    for name, array in fill.items():
        array[asked] = getattr(found, name)
    real, delta, noise, same = (fill[name].reshape(2, PROBES, count) for name in ("t", "delta", "noise", "same"))
    moved = (np.abs(real) >= 0.5 * step) & inside.reshape(2, PROBES, count)
    reach = []
    for a in (0, 1):
        bad = moved[a] & (same[a] == 0)
        last = np.where(bad.any(axis=0), PROBES - 1 - np.argmax(bad[::-1], axis=0), -1)  # the smallest step on another path
        reach.append(np.where(last < PROBES - 1, step[np.minimum(last + 1, PROBES - 1), np.arange(count)], 0.0))
        settled = moved[a] & (same[a] == 1)
        reach[-1] = np.where((settled & (np.arange(PROBES)[:, None] > last)).any(axis=0), reach[-1], 0.0)
    cut = ((reach[0] == 0) & (forward > step[-1])) | ((reach[1] == 0) & (backward > step[-1]))
    folded, smooth = _fold(real, delta, noise, moved & (same == 1))
    return _Room(np.minimum(np.minimum(reach[1], backward), smooth), np.minimum(np.minimum(reach[0], forward), smooth), cut | folded)


def _fold(t: Floats, delta: Floats, noise: Floats, valid: Truth) -> tuple[Truth, Floats]:
    """Whether the two sides meet at an angle, or not at all, at every scale down to rounding; and below which step they do not.

    Nothing but values is looked at, so that it also sees what no decision shows. The sum φ(t) + φ(−t) − 2φ(0) shrinks like t² where φ is
    smooth, like t where there is a kink nearer than t, and not at all where there is a jump.
    """
    count = t.shape[2]
    folded, smooth = np.zeros(count, dtype=bool), np.full(count, np.inf)
    for line in range(count):
        rows = np.flatnonzero(valid[0, :, line] & valid[1, :, line])
        if len(rows) < 8:
            continue
        up, down = delta[0, rows, line], delta[1, rows, line]
        step, fold, rounding = t[0, rows, line], np.abs(up + down), noise[:, rows, line].sum(axis=0)
        floor = max(float(np.median(fold[-3:])), float(rounding[-3:].max()))
        if floor > max(0.5 * fold[0], 1e-6 * float((np.abs(up) + np.abs(down)).max()), 100.0 * float(rounding.max())):
            folded[line] = True  # values that do not meet
            continue
        clear = np.flatnonzero(fold > 8.0 * (floor + rounding))
        angle = fold / step
        bent = np.flatnonzero(angle[1:] > 0.6 * angle[:-1])
        bent = bent[np.isin(bent, clear) & np.isin(bent + 1, clear)]
        if not len(bent):
            continue
        if bent[-1] + 1 == clear[-1] and np.isin(bent[-1] - np.arange(4), bent).all() and angle[clear[-1]] > 0.9 * angle[clear[-2]]:
            folded[line] = True
        elif bent[-1] + 3 < len(step):
            smooth[line] = step[bent[-1] + 3]
    return folded, smooth
