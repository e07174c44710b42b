"""The whole Jacobian from values alone: differences of every output along every entry.

Comes in: a function that can be sampled, and an argument.  Goes out: `Columns`, with an error estimate for every entry.  Why: to name the
wrong entry ∂fᵢ/∂xⱼ each must be known by itself, and a column costs three values of the function, whatever the number of outputs.

With step h a power of two near max(1, |x|)·ε^(1/3), so that x ± h and x + 2h are exact, the quotient (f(x+h) − f(x−h)) / 2h is off by
h²f‴/6 and by rounding. The first is told by the third difference f(x+2h) − 3f(x+h) + 3f(x) − f(x−h) = h³f‴ + O(h⁴), the second by the size
of f and by how it shakes between points far closer than h (Hamming). Entries for which that is not good enough, or whose column leaves the
path or the domain, climb the ladders of `steps.py`. Of a function that is elementwise all entries are moved at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from checker.methods.lines import Called, Replayed, Tensors, rooms, scales, signs
from checker.methods.steps import Floats, Sample, Samples, Truth, Whole, best_step, slopes
from checker.tape.replay import batched
from checker.tape.size import point_bytes
from checker.tape.structure import elementwise
from checker.values import Array, Case

#: Bytes that one batch keeps alive, where memory allows: more is slower, for it leaves the processor's cache.
BATCH = 16 << 20
#: Fewest points in one batch.
LEAST = 3
#: An estimate of the error as good as this, relative to the entry, is not improved.
ENOUGH = 1e-9
#: Random directions along which shaking is measured, and points on each: together some twenty independent figures an output.
SHAKEN, APART = 8, 7
#: So many times the measured shaking is allowed: of 10⁵ entries the worst is off by 5 standard deviations, and the measure by a third.
SURE = 6.0


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
    if isinstance(function, Replayed) and elementwise(function.tape, name):
        return _diagonal(function, case, name)
    x = case.arguments[name].to(torch.float64).numpy()
    backward, forward = rooms(case.exercise.input(name).domain, x)
    base, _ = values(function, {name: torch.from_numpy(x)[None]})
    outputs, entries = base.shape[1], x.size
    slope, error = np.full((outputs, entries), np.nan), np.full((outputs, entries), np.inf)
    if isinstance(function, Replayed):
        with np.errstate(all="ignore"):
            open_ = _quick(function, case, name, base[0], backward, forward, slope, error)
    else:
        open_ = np.ones((outputs, entries), dtype=bool)
    rows, places = np.nonzero(open_)
    if len(rows):
        sample = _along_entries(function, case, name, rows, places)
        found = slopes(sample, scales(x)[places], backward[places], forward[places], eps=function.eps, measured=True)
        better = ~(error[rows, places] <= found.error)
        slope[rows[better], places[better]] = found.slope[better]
        error[rows[better], places[better]] = found.error[better]
    return Columns(slope.reshape(outputs, *x.shape), error.reshape(outputs, *x.shape))


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


def _kept(decisions: list[torch.Tensor], count: int) -> Truth:
    """Which points of a batch lie on the path of its first."""
    same = torch.ones(count, dtype=torch.bool)
    for decision in decisions:
        same &= (decision == decision[:1]).reshape(count, -1).all(dim=1)
    return same.numpy()


def _quick(function: Replayed, case: Case, name: str, base: Floats, backward: Floats, forward: Floats, slope: Array, error: Array) -> Truth:
    """Fill `slope` and `error` from three points a column; which entries that is not good enough for."""
    x = case.arguments[name].to(torch.float64).reshape(-1)
    step = best_step(function.eps, accuracy=2)
    h = np.exp2(np.ceil(np.log2(scales(x.numpy()) * step)))
    rounding = function.eps * np.abs(base) + SURE * _shaking(function, case, name)
    fit = np.flatnonzero((backward > h) & (forward > 2.0 * h))
    open_ = np.ones(slope.shape, dtype=bool)
    size = _points(function) // 3
    for start in range(0, len(fit), size):
        chosen = fit[start : start + size]
        count = len(chosen)
        points = x.repeat(3 * count + 1, 1)
        rows, places = torch.arange(1, 3 * count + 1), torch.from_numpy(np.tile(chosen, 3))
        points[rows, places] += torch.from_numpy(np.concatenate([h[chosen], -h[chosen], 2.0 * h[chosen]]))
        found, decisions = values(function, {name: points.reshape(-1, *case.arguments[name].shape)})
        ahead, behind, beyond = found[1:].reshape(3, count, -1)
        third = np.abs(beyond - behind - 3.0 * (ahead - found[0]))
        noise = rounding / h[chosen, None]
        slope[:, chosen] = ((ahead - behind) / (2.0 * h[chosen, None])).T
        error[:, chosen] = (third / (3.0 * h[chosen, None]) + noise).T
        bad = (error[:, chosen] > 4.0 * noise.T) & (error[:, chosen] > ENOUGH * np.abs(slope[:, chosen]))
        same = _kept(decisions, 3 * count + 1)[1:].reshape(3, count).all(axis=0)
        open_[:, chosen] = bad | ~same | ~np.isfinite(error[:, chosen])
        error[:, chosen[~same]] = np.inf
    return open_


def _shaking(function: Replayed, case: Case, name: str) -> Floats:
    """How much rounding shakes each output: third differences of points along random directions, far closer together than any step."""
    x = case.arguments[name].to(torch.float64)
    directions = signs(case, (name,), SHAKEN, case.seed)[name]
    places = torch.arange(APART, dtype=torch.float64).reshape(-1, *[1] * x.dim()) * 2.0**-44
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
            same[wanted] = _kept(decisions, len(part) + 1)[row]
        return Samples(realised, delta, noise, same.astype(bool) & np.isfinite(delta) & (realised != 0))

    return sample


def _diagonal(function: Replayed, case: Case, name: str) -> Columns:
    """The diagonal alone: line k of the sample is entry k of the outputs along the same entry of the argument."""
    shape = case.arguments[name].shape
    x = case.arguments[name].to(torch.float64).reshape(-1)
    entries = x.numel()

    def sample(lines: Whole, t: Floats) -> Samples:
        places, rows = lines % entries, _turns(lines % entries) + 1
        points = x.repeat(int(rows.max(initial=0)) + 1, 1).numpy()
        points[rows, places] += t
        found, decisions = values(function, {name: torch.from_numpy(points).reshape(-1, *shape)})
        there, here = found[rows, lines], found[0, lines]
        same = np.asarray(np.isfinite(there - here))
        for decision in decisions:
            kept = (decision == decision[:1]).reshape(len(points), -1).numpy()
            same &= kept[rows, places] if kept.shape[1] == entries else np.all(kept, axis=1, keepdims=True)[rows, 0]
        realised = points[rows, places] - points[0, places]
        noise = function.eps * np.maximum(np.abs(there), np.abs(here))
        return Samples(realised, there - here, noise, same & (realised != 0))

    outputs = sum(v is not None for v in case.upstream)
    backward, forward = (np.tile(room, outputs) for room in rooms(case.exercise.input(name).domain, x.numpy()))
    found = slopes(sample, np.tile(scales(x.numpy()), outputs), backward, forward, eps=function.eps)
    return Columns(found.slope.reshape(outputs, *shape), found.error.reshape(outputs, *shape), diagonal=True)


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
