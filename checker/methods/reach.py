"""How far a line can be followed before the function is another one.

Comes in: a way to sample φ(t) − φ(0) on many lines together.  Goes out: the room on either side of 0, or that there is a kink in 0 itself.
Why: a step that crosses a kink, a jump or a change of path says nothing of the slope at 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from checker.methods.samples import Floats, Sample, Truth, Whole

PROBES = 24  #: steps, each a quarter of the one before, at which the path of execution is looked at
NEAREST = 20  #: the probe that is near enough to be the point itself: 2.7e-15 of max(1, |x|), a dozen roundings away


@dataclass(frozen=True)
class Room:
    backward: Floats  #: how far the path of execution of t = 0 reaches on this side
    forward: Floats
    kink: Truth


def parted(sample: Sample, lines: Whole, top: Floats, backward: Floats, forward: Floats) -> Truth:
    """Whether the paths of execution part in the point itself: where they do, looking at every longer step would be wasted."""
    step = np.concatenate([top * 0.25**NEAREST, -top * 0.25**NEAREST])
    inside = np.concatenate([step[: len(lines)] <= forward, step[: len(lines)] <= backward])
    found = sample(np.tile(lines, 2)[inside], step[inside])
    other = np.zeros(len(step), dtype=bool)
    other[inside] = ~found.same.astype(bool)
    return np.logical_or(other[: len(lines)], other[len(lines) :])


def room(sample: Sample, lines: Whole, top: Floats, backward: Floats, forward: Floats) -> Room:
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
    return Room(np.minimum(np.minimum(reach[1], backward), smooth), np.minimum(np.minimum(reach[0], forward), smooth), cut | folded)


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
