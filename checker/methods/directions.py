"""Directions that move many entries at once: random ones, and lines along them.

Comes in: a case, and a seed.  Goes out: directions u, how far each can be followed, and samples of φ(t) = ⟨v, f(x + t·u)⟩.  Why: what holds
along a few random directions holds, with near certainty, for all entries, at the price of a few evaluations.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from checker.methods.lines import Function, Tensors, rooms, sampler
from checker.methods.samples import Floats, Sample, Whole
from checker.values import Case


def signs(case: Case, names: tuple[str, ...], count: int, seed: int) -> dict[str, torch.Tensor]:
    """`count` random directions of ±max(1, |x|) for each of `names`, from `seed`; drawn in order of `names`."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for name in names:
        x = case.arguments[name].to(torch.float64)
        draw = torch.randint(0, 2, (count, *x.shape), generator=generator, dtype=torch.int8)
        found[name] = draw.to(torch.float64).mul_(2.0).sub_(1.0).mul_(x.abs().clamp(min=1.0))
    return found


def direction(case: Case, seed: int) -> dict[str, torch.Tensor]:
    """A random direction of all differentiated arguments: ±r·max(1, |x|), with r between ½ and 1, drawn from `seed` in their order.

    Signs of both kinds, so that what rounding may do grows with the norm of the gradient and not with its sum; sizes that differ, so that
    no two wrong entries cancel, however alike they are.
    """
    generator = np.random.Generator(np.random.SFC64(seed))
    found = {}
    for name in case.differentiated:
        x = case.arguments[name]
        drawn = torch.frombuffer(bytearray(generator.bytes(2 * x.numel())), dtype=torch.int16) if x.numel() else torch.zeros(0)
        u = drawn.to(torch.float64).add_(0.5).mul_(2.0**-16)  # between -½ and ½, and never 0
        room = u.sign()  # used twice: new memory costs more than what is written to it
        u.add_(room, alpha=0.5)
        found[name] = u.mul_(torch.abs(x.reshape(-1).to(torch.float64), out=room).clamp_(min=1.0)).reshape(x.shape)
    return found


def along_directions(function: Function, case: Case, directions: Tensors, dtype: torch.dtype = torch.float64) -> Sample:
    """Line k moves every argument named in `directions` along `directions[name][k]`."""
    base = {name: case.arguments[name].to(dtype) for name in directions}
    room: dict[str, torch.Tensor] = {}  # used again by every batch: new memory costs more than what is written to it

    def points(lines: Whole, t: Floats) -> tuple[Tensors, Floats]:
        moved = {}
        for name, u in directions.items():
            if name not in room or len(room[name]) <= len(lines):
                room[name] = torch.empty(len(lines) + 1, *base[name].shape, dtype=dtype)
            moved[name] = room[name][: len(lines) + 1]
            moved[name][0] = base[name]
            for row, (line, step) in enumerate(zip(lines, t, strict=True), start=1):
                torch.add(base[name], u[line], alpha=float(step), out=moved[name][row])
        return moved, t

    return sampler(function, points, case.memory, sum(x.numel() for x in base.values()))


def direction_scale(case: Case, directions: Tensors) -> Floats:
    """The scale of steps along `directions`: 1/√n for n entries moved together, since sums of n random signs grow like √n."""
    entries = sum(case.arguments[name].numel() for name in directions)
    return np.full(len(next(iter(directions.values()))), 1.0 / math.sqrt(max(1, entries)))


def direction_rooms(case: Case, directions: Tensors) -> tuple[Floats, Floats]:
    """How far each direction can be followed backward and forward inside the domains of all arguments it moves."""
    count = len(next(iter(directions.values())))
    backward, forward = np.full(count, math.inf), np.full(count, math.inf)
    for name, u in directions.items():
        domain = case.exercise.input(name).domain
        if (domain.low, domain.high, domain.margin) == (-math.inf, math.inf, 0.0):
            continue
        down, up = rooms(domain, case.arguments[name].to(torch.float64).numpy())
        flat = u.reshape(count, -1).to(torch.float64).numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            ahead = np.where(flat > 0, up / np.abs(flat), np.where(flat < 0, down / np.abs(flat), math.inf))
            behind = np.where(flat > 0, down / np.abs(flat), np.where(flat < 0, up / np.abs(flat), math.inf))
        backward = np.minimum(backward, behind.min(axis=1, initial=math.inf))
        forward = np.minimum(forward, ahead.min(axis=1, initial=math.inf))
    return backward, forward
