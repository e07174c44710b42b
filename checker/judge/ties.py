"""Entries of a large argument at which the function has a kink, set aside.

Comes in: a function, and a direction that meets a kink in the point itself.  Goes out: the entries that meet it, each with its one-sided
slopes, and the same direction without them.  Why: one |xᵢ| at 0 among a million entries must not keep the others from being judged.

Parts of the direction are split until single entries are left (group testing, as in `bisection.py`). Where many entries meet one kink, as
all weights of a unit that is at the tie of its relu do, nothing is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from checker.judge.bisection import SPLIT, split
from checker.judge.directions import along_u, measured
from checker.methods.lines import Called, Replayed
from checker.methods.parts import Part, along_parts, part_scale, whole
from checker.methods.samples import Floats, Samples, Whole
from checker.methods.steps import slopes
from checker.values import Case, Slope

#: At most so many entries are set aside.
MOST = 8

#: Steps ever nearer to the point, and by how much a quotient at least grows from one to the next where it has no bound: √ grows by 10.
NEARER, GROWTH = np.array([1e-2, 1e-4, 1e-6, 1e-8]), 2.0


@dataclass(frozen=True)
class Tie:
    """An entry at a kink: between its two one-sided slopes lies every subgradient's entry, each known to `error`."""

    name: str
    place: int  #: in row-major order
    low: float
    high: float
    error: float

    def holds(self, got: float) -> bool:
        """Whether `got` can be an entry of a subgradient."""
        return self.low - self.error <= got <= self.high + self.error


def set_aside(function: Replayed | Called, case: Case, slope: Slope) -> tuple[Slope, list[Tie]] | None:
    """The slope along `slope.u` without the entries at a kink, and these; None where they are too many, none meets it by
    itself, or a side has no slope.
    """
    entries = _entries(function, case, slope)
    if not entries:
        return None
    u = {name: along.clone() for name, along in slope.u.items()}
    for part in entries:
        u[part.name].view(-1)[part.start] = 0.0
    rest = along_u(function, case, replace(slope, u=u))
    ties = [_tie(function, case, slope, part) for part in entries]
    return (rest, ties) if np.isfinite([rest.error, *(tie.error for tie in ties)]).all() else None


def unbounded(function: Replayed | Called, case: Case, slope: Slope, parts: Sequence[Part]) -> bool:
    """Whether the quotient of every one of some single entries grows without bound on a side, as that of √x at 0 does."""
    sample = along_parts(function, case, slope.u, [[part] for part in parts], function.dtype)
    lines, steps = np.repeat(np.arange(len(parts)), 2 * len(NEARER)), np.tile(np.concatenate([NEARER, -NEARER]), len(parts))
    with np.errstate(all="ignore"):
        quotient = np.abs(sample(lines, steps).delta / steps).reshape(len(parts), 2, len(NEARER))
        grows = (quotient[..., 1:] > GROWTH * quotient[..., :-1]).all(axis=2)
    return bool(grows.any(axis=1).all())


def _entries(function: Replayed | Called, case: Case, slope: Slope) -> list[Part]:
    """The single entries that meet a kink."""
    open_ = [whole(case, name) for name in slope.u]
    while True:
        _, error = measured(function, case, slope.u, [[part] for part in open_])
        open_ = [part for part, e in zip(open_, error, strict=True) if not np.isfinite(e)]
        if len(open_) > MOST:
            return []
        if all(part.size == 1 for part in open_):
            return open_
        open_ = [smaller for part in open_ for smaller in split(part, SPLIT)]


def _tie(function: Replayed | Called, case: Case, slope: Slope, part: Part) -> Tie:
    """One-sided slopes of an entry. The path changes in the point itself, and on neither side after it: it is not looked at."""
    lines: Sequence[Sequence[Part]] = [[part]]
    sample, none, far = along_parts(function, case, slope.u, lines, function.dtype), np.zeros(1), np.full(1, np.inf)

    def on_one_side(lines: Whole, t: Floats) -> Samples:
        found = sample(lines, t)
        return replace(found, same=np.isfinite(found.delta))

    u = float(slope.u[part.name].reshape(-1)[part.start])
    sides = [slopes(on_one_side, part_scale(lines), *room, eps=function.eps) for room in ((none, far), (far, none))]
    low, high = sorted(float(side.slope[0]) / u + 0.0 for side in sides)  # never -0
    return Tie(part.name, part.start, low, high, max(float(side.error[0]) for side in sides) / abs(u))
