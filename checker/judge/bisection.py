"""From a slope that is wrong to the entries that make it so.

Comes in: a gradient, a direction along which it is wrong, and a way to measure slopes along parts of that direction.  Goes out: the wrong
entries with their true values, or the parts in which there are more than can be named.  Why: "a slope is wrong" helps no one, the entry
does.

A part that is off is split in four, all measured at once, and the search goes on in the quarter that is furthest off: one wrong entry among
n takes about 4·log₄ n directions. What an entry that was found adds to its slope is taken off, and the search begins again, until the rest
agrees (adaptive group testing; Dorfman 1943, Hwang 1972).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from checker.methods.parts import Part
from checker.values import Array

#: So many wrong entries of an argument are named.
NAMED = 3
#: A part is split so many times at once.
SPLIT = 4
#: Where more entries are wrong than are named, the argument is looked at in so many parts.
SHARES = 16

#: Parts of the direction -> true slopes along each, and how far a right gradient's may be off.
Measure = Callable[[Sequence[Part]], tuple[Array, Array]]


@dataclass(frozen=True)
class Entry:
    """A wrong entry, at a place in row-major order."""

    place: int
    got: float
    expected: float
    within: float


@dataclass(frozen=True)
class Found:
    """What is wrong in one argument: entries, and beside them parts in which more is wrong, of `shares` that were looked at."""

    entries: list[Entry] = field(default_factory=list)
    more: list[Part] = field(default_factory=list)
    shares: int = 0


@dataclass
class Search:
    """A search in one gradient along one direction u. `directions` counts the slopes that were measured."""

    gradients: Mapping[str, Array]
    u: Mapping[str, torch.Tensor]
    measure: Measure
    directions: int = 0

    def arguments(self) -> dict[str, tuple[float, float]]:
        """How far the gradient of each argument is off by itself, and how far it may be."""
        parts = [Part(name, 0, g.size) for name, g in self.gradients.items()]
        off, allowed = self._off(parts, [])
        return {part.name: (float(o), float(a)) for part, o, a in zip(parts, off, allowed, strict=True)}

    def entries(self, name: str) -> Found:
        """The wrong entries of an argument that is off."""
        argument, found = Part(name, 0, self.gradients[name].size), list[Entry]()
        while len(found) < NAMED:
            part = self._narrowed(argument, found)
            if part is None:
                return Found(found)
            if part.size > 1:
                return Found(found, [part], 1)
            found.append(self._entry(part))
        shares = split(argument, SHARES)
        off, allowed = self._off(shares, found)
        return Found(found, [share for share, o, a in zip(shares, off, allowed, strict=True) if o > a], len(shares))

    def _narrowed(self, part: Part, found: Sequence[Entry]) -> Part | None:
        """The smallest part of `part` that is still off beside what was found; None where all of it is not."""
        off, allowed = self._off([part], found)
        if not off[0] > allowed[0]:
            return None
        while part.size > 1:
            parts = split(part, SPLIT)
            off, allowed = self._off(parts, found)
            worst = int(np.argmax(off / allowed))
            if not off[worst] > allowed[worst]:
                return part
            part = parts[worst]
        return part

    def _off(self, parts: Sequence[Part], found: Sequence[Entry]) -> tuple[Array, Array]:
        """How far ⟨u, g⟩ is from the slope along each part, less what the entries that were found add; and how far it may be."""
        slope, allowed = self.measure(parts)
        self.directions += len(parts)
        along = np.array([self._along(part) for part in parts])
        for k, part in enumerate(parts):
            for entry in found:
                if part.start <= entry.place < part.stop:
                    along[k] -= (entry.got - entry.expected) * self._u(part.name, entry.place)
        off: Array = np.abs(along - slope)
        return np.where(np.isfinite(allowed), off, 0.0), np.maximum(allowed, np.finfo(float).tiny)

    def _along(self, part: Part) -> float:
        entries = slice(part.start, part.stop)
        return inner(self.u[part.name].reshape(-1)[entries].numpy(), self.gradients[part.name].reshape(-1)[entries])

    def _u(self, name: str, place: int) -> float:
        return float(self.u[name].reshape(-1)[place])

    def _entry(self, part: Part) -> Entry:
        slope, allowed = self.measure([part])
        self.directions += 1
        u = self._u(part.name, part.start)
        return Entry(part.start, float(self.gradients[part.name].reshape(-1)[part.start]), float(slope[0]) / u, float(allowed[0]) / abs(u))


def inner(a: Array, b: Array) -> float:
    """⟨a, b⟩, summed in pairs: of millions of terms BLAS would lose more than a slope by forward mode does."""
    return float(np.sum(a * b))


def split(part: Part, count: int) -> list[Part]:
    """A part in `count` parts, or in single entries where it has fewer."""
    edges = np.unique(np.linspace(part.start, part.stop, min(count, part.size) + 1).astype(int))
    return [Part(part.name, int(a), int(b)) for a, b in itertools.pairwise(edges)]
