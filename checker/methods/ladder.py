"""One ladder of difference quotients, and how much of them is rounding.

Comes in: a way to sample φ(t) − φ(0) on many lines together, and a first step for each.  Goes out: their slopes, extrapolated to step 0.
Why: what one ladder knows, and how well, is a question of its own beside which ladder to climb next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checker.methods.samples import Floats, Sample, Truth, Whole


@dataclass(frozen=True)
class Ladder:
    slope: Floats
    error: Floats
    step: Floats
    floor: Floats  #: the part of the error that is rounding
    blocked: Truth  #: another path of execution was met
    bent: Truth  #: the two sides do not look like one smooth function


def shaking_of(sample: Sample, lines: Whole, side: Whole, apart: Floats) -> Floats:
    """How much rounding shakes φ: third differences of seven points `apart`, far closer than any step (Hamming; Moré and Wild 2011).

    It sees what the size of φ cannot tell, such as cancellation inside the function: log(1 + x) − x near 0 is known to ε only.
    """
    places = np.arange(1.0, 8.0)[:, None] * apart * np.where(side == 0, 1, side)
    found = sample(np.tile(lines, 7), places.ravel())
    third = np.diff(found.delta.reshape(7, -1), n=3, axis=0)
    largest = np.max(np.abs(third), axis=0)  # its square may underflow
    # the third difference of noise of size s has size s·√20
    shaking: Floats = largest * np.sqrt(np.mean((third / np.where(largest > 0, largest, 1.0)) ** 2, axis=0) / 20.0)
    return np.where(np.isfinite(shaking), shaking, 0.0)


def climb(sample: Sample, lines: Whole, side: Whole, first: Floats, shaking: Floats, blur: Floats) -> Ladder:
    """Quotients at steps first, first/2, … of every line, extrapolated to step 0.

    A sample is taken to be uncertain by `shaking`, and by as much as moving the argument by `blur` would change it, at least.
    """
    count = len(lines)
    blank = np.zeros(count, dtype=bool)
    out = Ladder(np.full(count, np.nan), np.full(count, np.inf), first.copy(), np.zeros(count), blank.copy(), blank)
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
