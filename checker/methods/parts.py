"""Parts of a random direction: which entries of the arguments a line moves together.

Comes in: a case, and a direction of its arguments.  Goes out: samples of φ(t) = ⟨v, f(x + t·u)⟩ along parts of it.  Why: a gradient of
millions of entries is judged along a direction that moves all of them, and the wrong entry is found along ever smaller parts of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from checker.methods.lines import Function, Tensors, rooms, sampler
from checker.methods.samples import Floats, Sample, Whole
from checker.values import Case


@dataclass(frozen=True)
class Part:
    """The entries from `start` up to `stop`, in row-major order, of the argument `name`."""

    name: str
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start


def whole(case: Case, name: str) -> Part:
    """All entries of an argument."""
    return Part(name, 0, case.arguments[name].numel())


def along_parts(
    function: Function, case: Case, u: Tensors, lines_of: Sequence[Sequence[Part]], dtype: torch.dtype = torch.float64
) -> Sample:
    """Line k moves the entries of the parts `lines_of[k]` along u, and nothing else."""
    names = [name for name in u if any(part.name == name for parts in lines_of for part in parts)]
    base = {name: case.arguments[name].to(dtype) for name in names}

    def points(lines: Whole, t: Floats) -> tuple[Tensors, Floats]:
        moved = {name: base[name].repeat(len(lines) + 1, *[1] * base[name].dim()) for name in names}
        for row, (line, step) in enumerate(zip(lines, t, strict=True), start=1):
            for part in lines_of[line]:
                entries = slice(part.start, part.stop)
                moved[part.name][row].view(-1)[entries].add_(u[part.name].reshape(-1)[entries], alpha=float(step))
        return moved, t

    return sampler(function, points, case.memory, sum(x.numel() for x in base.values()))


def part_scale(lines_of: Sequence[Sequence[Part]]) -> Floats:
    """The scale of steps along parts of a direction: 1/√n for n entries moved together, since sums of n random signs grow like √n."""
    return np.array([1.0 / math.sqrt(max(1, sum(part.size for part in parts))) for parts in lines_of])


def part_rooms(case: Case, u: Tensors, lines_of: Sequence[Sequence[Part]]) -> tuple[Floats, Floats]:
    """How far the parts can be followed backward and forward along u inside the domains of all arguments that they move."""
    backward, forward = np.full(len(lines_of), math.inf), np.full(len(lines_of), math.inf)
    for name in u:
        domain = case.exercise.input(name).domain
        if (domain.low, domain.high, domain.margin) == (-math.inf, math.inf, 0.0):
            continue
        down, up = rooms(domain, case.arguments[name].to(torch.float64).numpy())
        flat = u[name].reshape(-1).numpy()
        ahead, behind = np.where(flat > 0, up, down) / np.abs(flat), np.where(flat > 0, down, up) / np.abs(flat)
        for k, parts in enumerate(lines_of):
            for part in parts:
                if part.name == name:
                    backward[k] = min(backward[k], behind[part.start : part.stop].min(initial=math.inf))
                    forward[k] = min(forward[k], ahead[part.start : part.stop].min(initial=math.inf))
    return backward, forward
