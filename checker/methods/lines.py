"""Lines through a case's point, along which its function is sampled: what a function gives in a batch, and one line per entry.

Comes in: a case, and its tape or its original function.  Goes out: samples of φ(t) = ⟨v, f(x + t·u)⟩ for `steps.slopes`.  Why: differences,
projections and the study of kinks ask the same question of the same function along different lines.

The difference ⟨v, f(x + t·u) − f(x)⟩ is taken output by output before it is summed: an output that t does not move then adds no rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from checker.draws import seeded
from checker.errors import Unsupported
from checker.hooks import values
from checker.methods.samples import Floats, Sample, Samples, Whole
from checker.tape.customs import as_written
from checker.tape.replay import Replay, batched, replay
from checker.tape.size import point_bytes
from checker.values import Array, Case

if TYPE_CHECKING:
    from checker.inputs import Domain
    from checker.tape.tape import Tape

Tensors = Mapping[str, torch.Tensor]

LONGEST = 256  #: points in one batch
FEW = 8  #: so many points are replayed one by one, which is no slower and takes no more memory than one of them
CACHED = 32 << 20  #: bytes of perturbed arguments in one batch, where memory allows: more is slower, for it leaves the processor's cache


@dataclass(frozen=True)
class Moved:
    """What a batch gave for every point but the first: ⟨v, f − f(x)⟩, its rounding, whether the path of execution is that of x."""

    delta: Floats
    noise: Floats
    same: np.ndarray[Any, np.dtype[np.bool_]]


#: Some arguments with a leading batch dimension (the others stay), the first point being x itself -> what was found at the others.
Function = Callable[[Tensors], Moved]


class Replayed:
    """The tape of `case`, replayed in float64 a batch at a time, with the cuts in `held` at their recorded values."""

    eps = 2.0**-52
    dtype = torch.float64

    def __init__(self, case: Case, tape: Tape, held: frozenset[int]) -> None:
        self.case, self.tape, self.held = case, tape, held
        self.upstream = [v.to(torch.float64) for v in case.upstream if v is not None]
        self.looped: str | None = None

    def values_at_point(self) -> tuple[Array, ...]:
        """The floating outputs at the case's point, in float64."""
        with torch.no_grad():
            found = replay(self.tape, self.case.arguments, dtype=torch.float64, signature=False)
        return tuple(o.numpy() for o in found.outputs)

    def __call__(self, moved: Tensors) -> Moved:
        count = len(next(iter(moved.values()))) - 1
        size = count if count <= FEW else max(FEW, min(LONGEST, self.case.memory // point_bytes(self.tape)))
        parts = []
        for start in range(1, max(count, 1) + 1, max(size, 1)):
            rows = torch.cat([torch.zeros(1, dtype=torch.int64), torch.arange(start, min(start + size, count + 1))])
            parts.append(self._few(moved, rows) if len(rows) <= FEW + 1 else self._many({n: t[rows] for n, t in moved.items()}))
        return parts[0] if len(parts) == 1 else Moved(*(np.concatenate([getattr(p, f) for p in parts]) for f in ("delta", "noise", "same")))

    def _many(self, moved: Tensors) -> Moved:
        """All points in one batch."""
        found = batched(self.tape, moved, held=self.held, dtype=torch.float64, chunk=LONGEST + 1, memory=self.case.memory)
        self.looped = self.looped or found.looped
        rows = len(next(iter(moved.values())))
        delta, noise = torch.zeros(2, rows, dtype=torch.float64)
        same = torch.ones(rows, dtype=torch.bool)
        for output, v in zip(found.outputs, self.upstream, strict=True):
            change, shake = _change(output, output[:1], v, self.eps)
            delta, noise = delta + change, noise + shake
        for decision in found.signature:
            same &= (decision == decision[:1]).reshape(rows, -1).all(dim=1)
        same &= torch.isfinite(delta)
        return Moved(delta[1:].numpy(), noise[1:].numpy(), same[1:].numpy())

    def _few(self, moved: Tensors, rows: torch.Tensor) -> Moved:
        """One point after the other: no more is alive than one of them needs."""
        here, found = self._at(moved, 0), np.zeros((3, len(rows) - 1))
        for k, row in enumerate(rows[1:].tolist()):
            there = self._at(moved, row)
            changes = [_change(o[None], b[None], v, self.eps) for o, b, v in zip(there.outputs, here.outputs, self.upstream, strict=True)]
            delta, noise = sum(float(c) for c, _ in changes), sum(float(s) for _, s in changes)
            same = math.isfinite(delta) and all(torch.equal(a, b) for a, b in zip(there.signature, here.signature, strict=True))
            found[:, k] = delta, noise, same
        return Moved(found[0], found[1], found[2] == 1.0)

    def _at(self, moved: Tensors, row: int) -> Replay:
        with torch.no_grad():
            arguments = {**self.case.arguments, **{name: t[row] for name, t in moved.items()}}
            return replay(self.tape, arguments, held=self.held, dtype=torch.float64)


class Called:
    """The original function of `case`, called eagerly, point by point, in `dtype`. Nothing is held and no decision is seen."""

    def __init__(self, case: Case, dtype: torch.dtype = torch.float64) -> None:
        self.case, self.dtype, self.eps = case, dtype, torch.finfo(dtype).eps
        self.base = self.values({})

    def values_at_point(self) -> tuple[Array, ...]:
        """The floating outputs at the case's point, as float64."""
        return tuple(o.numpy() for o in self.base)

    def values(self, moved: Tensors) -> tuple[torch.Tensor, ...]:
        """The outputs that have an upstream gradient, with `moved` in place of the case's arguments. Draws are the same at every call.

        Raises:
            Unsupported: the function fails there.
        """
        arguments = {}
        for name, tensor in self.case.arguments.items():
            given = moved.get(name, tensor)
            arguments[name] = given.to(self.dtype) if tensor.is_floating_point() else given
        try:
            with seeded(self.case.seed), as_written():
                outputs = values(self.case.exercise.call, arguments)
        except Exception as error:  # the function under test may raise anywhere but in its point
            raise Unsupported("function", f"it fails beside the point: {type(error).__name__}: {error}") from error
        return tuple(o.detach().to(torch.float64) for o, v in zip(outputs, self.case.upstream, strict=True) if v is not None)

    def __call__(self, moved: Tensors) -> Moved:
        upstream = [v.to(torch.float64) for v in self.case.upstream if v is not None]
        count = len(next(iter(moved.values()))) - 1
        delta, noise = np.zeros(count), np.zeros(count)
        for row in range(count):
            for output, base, v in zip(self.values({n: t[row + 1] for n, t in moved.items()}), self.base, upstream, strict=True):
                change, shake = _change(output[None], base[None], v, self.eps)
                delta[row] += float(change)
                noise[row] += float(shake)
        return Moved(delta, noise, np.isfinite(delta))


def _change(output: torch.Tensor, base: torch.Tensor, v: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor]:
    """⟨v, output − base⟩ of every row, and its rounding where the outputs know it to `eps`. A zero of v hides a NaN of its output.

    Entries that do not change have no part in either; where none does, the largest may have changed by less than it can show.
    """
    rows = len(output)
    difference = torch.where((v == 0) | (output == base), 0.0, output - base)
    shown = torch.where(v == 0, 0.0, v.abs() * torch.maximum(output.abs(), base.abs().expand_as(output))).reshape(rows, -1)
    changed = (difference != 0).reshape(rows, -1)
    least = torch.where(shown.isfinite(), shown, 0.0).amax(1) if shown.shape[1] else shown.sum(1)
    size = torch.where(changed.any(1), torch.where(changed, shown, 0.0).sum(1), least)
    return (difference * v).reshape(rows, -1).sum(1), eps * size


def along_entries(function: Function, case: Case, name: str, dtype: torch.dtype = torch.float64) -> Sample:
    """Line k moves entry k of the argument `name`, in row-major order."""
    base = case.arguments[name].to(dtype)

    def points(lines: Whole, t: Floats) -> tuple[Tensors, Floats]:
        flat = base.reshape(1, -1).repeat(len(lines) + 1, 1)
        rows, columns = torch.arange(1, len(lines) + 1), torch.from_numpy(lines)
        before = flat[rows, columns]
        flat[rows, columns] = before + torch.from_numpy(t).to(dtype)
        realised = (flat[rows, columns].double() - before.double()).numpy()
        return {name: flat.reshape(-1, *base.shape)}, realised

    return sampler(function, points, case.memory, base.numel())


def sampler(function: Function, points: Callable[[Whole, Floats], tuple[Tensors, Floats]], memory: int, numbers: int) -> Sample:
    """Samples in batches of points of `numbers` entries each, which take a quarter of `memory`: the replay makes more of them."""
    size = max(1, min(LONGEST, min(CACHED, memory // 4) // max(1, 8 * numbers)))

    def sample(lines: Whole, t: Floats) -> Samples:
        parts: list[Samples] = []
        for start in range(0, max(1, len(lines)), size):
            moved, realised = points(lines[start : start + size], t[start : start + size])
            found = function(moved)
            parts.append(Samples(realised, found.delta, found.noise, found.same & (realised != 0)))
        return Samples(*(np.concatenate([getattr(p, field) for p in parts]) for field in ("t", "delta", "noise", "same")))

    return sample


def rooms(domain: Domain, x: Array) -> tuple[Floats, Floats]:
    """How far each entry of x can go down and up without leaving `domain`; an entry that is given outside is not held to it."""
    x = np.asarray(x, dtype=np.float64).ravel()
    outside = (x < domain.low) | (x > domain.high) | (np.abs(x) < domain.margin)
    down, up = x - domain.low, domain.high - x
    if domain.margin:
        down, up = np.where(x > 0, np.minimum(down, x - domain.margin), down), np.where(x < 0, np.minimum(up, -domain.margin - x), up)
    return np.where(outside, np.inf, down), np.where(outside, np.inf, up)


def scales(x: Array) -> Floats:
    """max(1, |x|), entry by entry: the length on which a function is taken to change until something better is known."""
    return np.maximum(1.0, np.abs(np.asarray(x, dtype=np.float64).ravel()))
