"""The whole Jacobian from values alone: differences of every output along every entry.

Comes in: a function that can be sampled, and an argument.  Goes out: `Columns`, with an error estimate for every entry.  Why: to name the
wrong entry ∂fᵢ/∂xⱼ each must be known by itself, and a column costs three values of the function, whatever the number of outputs.

With step h a power of two near max(1, |x|)·ε^(1/3), so that x ± h and x + 2h are exact, the quotient (f(x+h) − f(x−h)) / 2h is off by
h²f‴/6 and by rounding. The first is told by the third difference f(x+2h) − 3f(x+h) + 3f(x) − f(x−h) = h³f‴ + O(h⁴), the second by the size
of f and by how it shakes between points far closer than h (Hamming). Where the first is larger a step 32 times shorter is tried too.
Entries for which that is not good enough, or whose column leaves the path or the domain, climb the ladders of `steps.py`. Of a function
that is elementwise all entries are moved at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from checker.methods.lines import Called, Replayed, Tensors, rooms, scales
from checker.methods.samples import Floats, Sample, Samples, Truth, Whole
from checker.methods.steps import best_step, slopes
from checker.tape.replay import batched
from checker.tape.size import point_bytes
from checker.tape.structure import elementwise
from checker.values import Array, Case

#: Bytes that one batch keeps alive, where memory allows: more is slower, for it leaves the processor's cache.
BATCH = 16 << 20
#: Fewest points in one batch.
LEAST = 3
#: Estimates of the error, relative to the entry, beyond which a shorter step is tried, and beyond which the ladders are.
ENOUGH, LOOSE = 1e-9, 1e-6
#: Random directions along which shaking is measured, and points on each: together some twenty independent figures an output.
SHAKEN, APART = 8, 7
#: So many times the measured shaking is allowed: of 10⁵ entries the worst is off by 5 standard deviations, and the measure by a third.
SURE = 6.0

#: Entries and steps -> outputs of each, and whether the path is that of the point.
Probe = Callable[[Whole, Floats], tuple[Floats, Truth]]


@dataclass(frozen=True)
class Columns:
    """∂fᵢ/∂xⱼ with its error, infinite at a kink in the point itself.

    Of shape (outputs, *argument); or, where `diagonal`, (number of outputs, *argument): the function is elementwise, and every entry that
    is not on the diagonal is exactly 0.
    """

    slope: Array
    error: Array
    diagonal: bool = False

    def whole(self) -> tuple[Array, Array]:
        """Slope and error of every entry, of shape (outputs, *argument)."""
        return (_whole(self.slope), _whole(self.error)) if self.diagonal else (self.slope, self.error)


def columns(function: Replayed | Called, case: Case, name: str) -> Columns:
    """Every column of the Jacobian of the argument `name`."""
    x = case.arguments[name].to(torch.float64)
    diagonal = isinstance(function, Replayed) and elementwise(function.tape, name)
    base = np.concatenate([np.ravel(value) for value in function.values_at_point()])
    slope, error = np.full((2, x.numel(), len(base) // x.numel() if diagonal else len(base)), np.inf)
    open_, rounding = np.ones(slope.shape, dtype=bool), np.zeros(slope.shape)
    backward, forward = rooms(case.exercise.input(name).domain, x.numpy())
    if isinstance(function, Replayed):
        probe = (_all_at_once if diagonal else _one_by_one)(function, name, x)
        each = function.eps * np.abs(base) + SURE * _shaking(function, case, name)
        here, rounding = (a.reshape(-1, x.numel()).T if diagonal else np.broadcast_to(a, slope.shape) for a in (base, each))
        with np.errstate(all="ignore"):
            open_ = _three_points(probe, scales(x.numpy()), backward, forward, here, rounding, slope, error)
    places, outputs = np.nonzero(open_)
    if len(places):
        along = _along_diagonal if diagonal and isinstance(function, Replayed) else _along_entries
        sample = along(function, case, name, outputs, places)  # type: ignore[arg-type]
        found = slopes(sample, scales(x.numpy())[places], backward[places], forward[places], eps=function.eps, measured=True)
        before, climbed = error[places, outputs], np.maximum(found.error, rounding[places, outputs] / found.step)
        kink = found.kink & ~(before <= 1e-3 * np.abs(slope[places, outputs]))  # steep functions look like kinks from afar
        slope[places, outputs] = np.where(climbed < before, found.slope, slope[places, outputs])
        error[places, outputs] = np.where(kink, np.inf, np.minimum(before, climbed))
    shape = (slope.shape[1], *x.shape)
    return Columns(np.ascontiguousarray(slope.T).reshape(shape), np.ascontiguousarray(error.T).reshape(shape), diagonal)


def values(function: Replayed | Called, moved: Tensors) -> tuple[Array, list[torch.Tensor]]:
    """The floating outputs at every point of a batch, of shape (points, outputs), and the decisions taken there."""
    if isinstance(function, Called):
        names, count = list(moved), len(next(iter(moved.values())))
        rows = [torch.cat([o.reshape(-1) for o in function.values({n: moved[n][k] for n in names})]) for k in range(count)]
        return torch.stack(rows).numpy(), []
    found = batched(function.tape, moved, held=function.held, dtype=torch.float64, chunk=len(next(iter(moved.values()))))
    function.looped = function.looped or found.looped
    count = len(next(iter(moved.values())))
    return torch.cat([o.reshape(count, -1) for o in found.outputs], dim=1).numpy(), list(found.signature)


def _points(function: Replayed | Called) -> int:
    """How many points one batch has."""
    held = point_bytes(function.tape) if isinstance(function, Replayed) else 8 * sum(o.numel() for o in function.base)
    return int(max(LEAST, min(BATCH, function.case.memory) // held))


def on_path(decisions: list[torch.Tensor], count: int) -> Truth:
    """Which points of a batch lie on the path of its first."""
    same = torch.ones(count, dtype=torch.bool)
    for decision in decisions:
        same &= (decision == decision[:1]).reshape(count, -1).all(dim=1)
    return same.numpy()


def _three_points(
    probe: Probe, scale: Floats, backward: Floats, forward: Floats, here: Floats, rounding: Floats, slope: Floats, error: Floats
) -> Truth:
    """Fill `slope` and `error`, of shape (entries, outputs), from three points an entry; which of them that is not good enough for."""
    longest = np.exp2(np.ceil(np.log2(scale * best_step(2.0**-52, accuracy=2))))
    open_ = np.ones(slope.shape, dtype=bool)
    for shorter in (1.0, 2.0**-5):
        h = shorter * longest
        chosen = np.flatnonzero((backward > h) & (forward > 2.0 * h) & open_.any(axis=1))
        if not len(chosen):
            break
        step = h[chosen]
        found, same = probe(np.tile(chosen, 3), np.concatenate([step, -step, 2.0 * step]))
        ahead, behind, beyond = found.reshape(3, len(chosen), -1)
        start, step = here[chosen], step[:, None]
        noise = rounding[chosen] / step
        estimate = np.abs(beyond - behind - 3.0 * (ahead - start)) / (3.0 * step) + noise
        estimate[~same.reshape(3, -1).all(axis=0) | ~np.isfinite(estimate).all(axis=1)] = np.inf
        better = estimate < error[chosen]
        slope[chosen] = np.where(better, (ahead - behind) / (2.0 * step), slope[chosen])
        error[chosen] = np.where(better, estimate, error[chosen])
        open_[chosen] &= (estimate > 4.0 * noise) & (error[chosen] > ENOUGH * np.abs(slope[chosen]))
    return open_ & ~(error <= LOOSE * np.abs(slope))


def _one_by_one(function: Replayed, name: str, x: torch.Tensor) -> Probe:
    """Every point moves one entry."""
    flat, size = x.reshape(-1), _points(function)

    def probe(places: Whole, t: Floats) -> tuple[Floats, Truth]:
        parts, kept = [], []
        for start in range(0, len(places), size):
            chosen = torch.from_numpy(places[start : start + size])
            points = flat.repeat(len(chosen) + 1, 1)
            points[torch.arange(1, len(chosen) + 1), chosen] += torch.from_numpy(t[start : start + size])
            found, decisions = values(function, {name: points.reshape(-1, *x.shape)})
            parts.append(found[1:])
            kept.append(on_path(decisions, len(points))[1:])
        return np.concatenate(parts), np.concatenate(kept)

    return probe


def _all_at_once(function: Replayed, name: str, x: torch.Tensor) -> Probe:
    """Every point moves all the entries that have had their turn equally often: entry k tells of the same entry of the outputs alone."""
    flat = x.reshape(-1).numpy()

    def probe(places: Whole, t: Floats) -> tuple[Floats, Truth]:
        rows = _turns(places) + 1
        points = np.tile(flat, (int(rows.max(initial=0)) + 1, 1))
        points[rows, places] += t
        found, decisions = values(function, {name: torch.from_numpy(points).reshape(-1, *x.shape)})
        same = np.ones(len(places), dtype=bool)
        for decision in decisions:
            kept = (decision == decision[:1]).reshape(len(points), -1).numpy()
            same &= kept[rows, places] if kept.shape[1] == len(flat) else np.all(kept, axis=1, keepdims=True)[rows, 0]
        return found.reshape(len(points), -1, len(flat))[rows, :, places], same

    return probe


def _shaking(function: Replayed, case: Case, name: str) -> Floats:
    """How much rounding shakes each output: third differences of points along random directions, far closer together than any step."""
    x = case.arguments[name].to(torch.float64)
    # of uneven lengths: steps of one length may all round alike
    generator = torch.Generator().manual_seed(case.seed)
    drawn = torch.rand(SHAKEN, *x.shape, generator=generator, dtype=torch.float64) - 0.5
    directions = torch.copysign(0.5 + drawn.abs(), drawn) * x.abs().clamp(min=1.0)
    places = torch.arange(APART, dtype=torch.float64).reshape(-1, *[1] * x.dim()) * 2.0**-26
    points = torch.cat([x + places * u for u in directions])
    third = np.diff(values(function, {name: points})[0].reshape(SHAKEN, APART, -1), n=3, axis=1)
    found: Floats = np.sqrt(np.mean(third**2, axis=(0, 1)) / 20.0)  # the third difference of noise of size s has size s·√20
    return np.where(np.isfinite(found), found, 0.0)


def _along_entries(function: Replayed | Called, case: Case, name: str, outputs: Whole, places: Whole) -> Sample:
    """Line k is output `outputs[k]` along entry `places[k]`: lines that ask for the same point share it."""
    x = case.arguments[name].to(function.dtype).reshape(-1)
    size = _points(function)

    def sample(lines: Whole, t: Floats) -> Samples:
        points, which = np.unique(places[lines] + 1j * t, return_inverse=True)
        order = np.argsort(which, kind="stable")
        starts = np.searchsorted(which[order], np.arange(0, len(points) + size, size))
        realised, delta, noise, same = np.zeros((4, len(lines)))
        for k, start in enumerate(range(0, len(points), size)):
            part = points[start : start + size]
            batch, moved = x.repeat(len(part) + 1, 1), torch.from_numpy(part.real.astype(np.int64))
            rows = torch.arange(1, len(part) + 1)
            batch[rows, moved] += torch.from_numpy(part.imag.copy()).to(x.dtype)
            found, decisions = values(function, {name: batch.reshape(-1, *case.arguments[name].shape)})
            wanted = order[starts[k] : starts[k + 1]]
            row, column = which[wanted] - start + 1, outputs[lines[wanted]]
            there = found[row, column]
            realised[wanted] = (batch[rows, moved].double() - x[moved].double()).numpy()[row - 1]
            delta[wanted] = there - found[0, column]
            noise[wanted] = function.eps * np.maximum(np.abs(there), np.abs(found[0, column]))
            same[wanted] = on_path(decisions, len(part) + 1)[row]
        return Samples(realised, delta, noise, same.astype(bool) & np.isfinite(delta) & (realised != 0))

    return sample


def _along_diagonal(function: Replayed, case: Case, name: str, outputs: Whole, places: Whole) -> Sample:
    """Line k is output number `outputs[k]`, at entry `places[k]`, along the same entry of the argument."""
    x = case.arguments[name].to(torch.float64)
    probe = _all_at_once(function, name, x)
    here, _ = probe(np.arange(x.numel()), np.zeros(x.numel()))

    def sample(lines: Whole, t: Floats) -> Samples:
        found, same = probe(places[lines], t)
        there, before = found[np.arange(len(lines)), outputs[lines]], here[places[lines], outputs[lines]]
        realised = (x.reshape(-1).numpy()[places[lines]] + t) - x.reshape(-1).numpy()[places[lines]]
        noise = function.eps * np.maximum(np.abs(there), np.abs(before))
        return Samples(realised, there - before, noise, same & np.isfinite(there - before) & (realised != 0))

    return sample


def _whole(diagonals: Array) -> Array:
    outputs, entries = len(diagonals), int(np.prod(diagonals.shape[1:]))
    blocks = np.zeros((outputs, entries, entries))
    blocks[:, np.arange(entries), np.arange(entries)] = diagonals.reshape(outputs, entries)
    return blocks.reshape(outputs * entries, *diagonals.shape[1:])


def _turns(places: Whole) -> Whole:
    """How often each entry of `places` has occurred before.

    >>> _turns(np.array([3, 1, 3, 3, 1]))
    array([0, 0, 1, 2, 1])
    """
    order = np.argsort(places, kind="stable")
    first = np.searchsorted(places[order], places[order])
    turns = np.empty(len(places), dtype=np.int64)
    turns[order] = np.arange(len(places)) - first
    return turns
