"""Coming near to a point from a direction, and what the function's values and gradients tend to.

Comes in: a case.  Goes out: a `Limit` per direction.  Why: the branches that meet in a point are told apart by their gradients next to it,
where each is smooth, and never by what is computed in the point itself, where every program has its own convention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any

import numpy as np
import torch

from checker.judge.belief import path_of, tape_of
from checker.methods.lines import rooms
from checker.tape.replay import replay
from checker.values import Array, Case

#: Distances from the point, relative to max(1, |x|). A kink farther away than the last is seen by none of the nearer ones.
DISTANCES = 2.0 ** -np.array([12.0, 20.0, 28.0, 36.0])
#: Entries up to which every pattern of signs is tried, and up to which every entry is moved by itself.
PATTERNS, AXES = 6, 16
#: Pairs of opposite random directions.
PAIRS = 8


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What is found on the way to the point from one direction.

    `gradient` is the limit of the gradient, flat, None where there is none. `jump` is how far the value at the point is from the limit of
    the values, 0 where they meet. `consistent` says that the slope of the values is that of the gradient. `error` is how well the limit
    is known, where rounding near the point blurs it.
    """

    direction: Array
    gradient: Array | None
    error: float = 0.0
    jump: float = 0.0
    unbounded: bool = False
    consistent: bool = True

    @property
    def trouble(self) -> str:
        """Why there is no derivative here, as far as this direction tells; empty where it does not."""
        if self.jump:
            return f"not continuous here: the value moves by {self.jump:.6g} however near the point is approached"
        return "the slope grows without bound toward this point" if self.unbounded else ""


@dataclass(frozen=True)
class _Place:
    value: Array
    gradient: Array
    branch: tuple[Any, ...]


class Approach:
    """Looks at a case's original function around its point, in float64."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.point = {n: case.arguments[n].to(torch.float64).numpy() for n in case.differentiated}
        self.x = self.flatten(self.point)
        self.scale = np.maximum(1.0, np.abs(self.x))
        self.upstream = [v.to(torch.float64) for v in case.upstream if v is not None]
        bounds = [rooms(case.exercise.input(n).domain, x) for n, x in self.point.items()]
        self.down, self.up = (np.concatenate([b[side] for b in bounds]) if bounds else np.zeros(0) for side in (0, 1))
        here = self._tape(np.zeros_like(self.x))
        self.holds = bool(here.honoured(case.exercise.cuts))
        self.base = self._values(here)
        self.finite = bool(np.all(np.isfinite(self.base)))

    @property
    def size(self) -> float:
        """|v·f| / |x|: how large a gradient of this function is by its dimensions. What is far below it in float64 is rounding."""
        weights = np.concatenate([v[v != 0].abs().numpy().ravel() for v in self.upstream] or [np.zeros(0)])
        largest = float(np.max(np.abs(self.x), initial=0.0, where=np.isfinite(self.x)))
        return float(weights @ np.abs(self.base)) / largest if largest and self.finite else 0.0

    def parts(self) -> dict[str, slice]:
        """Where each differentiated argument lies in a flat gradient."""
        found, start = {}, 0
        for name, x in self.point.items():
            found[name] = slice(start, start + x.size)
            start += x.size
        return found

    def flatten(self, gradient: Mapping[str, Array]) -> Array:
        flat = [np.asarray(gradient[n], dtype=float).ravel() for n in self.point]
        return np.concatenate(flat) if flat else np.zeros(0)

    def unflatten(self, flat: Array) -> dict[str, Array]:
        return {name: flat[part].reshape(self.point[name].shape) for name, part in self.parts().items()}

    def directions(self) -> Iterator[Array]:
        """Directions that leave no tie in place: axes and sign patterns slightly turned, and opposite random pairs."""
        size = len(self.x)
        generator = np.random.default_rng(self.case.seed)
        if size <= PATTERNS:
            for pattern in product((1.0, -1.0), repeat=size):
                yield np.array(pattern) * generator.uniform(0.5, 1.5, size)
        if 1 < size <= AXES:
            for sign, entry in product((1.0, -1.0), range(size)):
                axis = np.zeros(size)
                axis[entry] = sign
                yield axis + 1e-3 * generator.standard_normal(size)
        for _ in range(PAIRS if size > 1 else 0):
            u = generator.standard_normal(size)
            yield u
            yield -u

    def look(self, direction: Array) -> Limit | None:
        """Approach the point from x + t·direction; None where that leaves the domain, or the function is not defined there."""
        u = self.scale * direction / max(float(np.max(np.abs(direction), initial=0.0)), np.finfo(float).tiny)
        if np.any(DISTANCES[-1] * u > self.up) or np.any(-DISTANCES[-1] * u > self.down):
            return None
        try:
            places = [self._look_at(t * u) for t in DISTANCES]
        except Exception:  # the function under test may raise anywhere but in its point
            return None
        if not np.all(np.isfinite(places[-1].value)):
            return None
        moves = [float(np.max(np.abs(p.value - self.base), initial=0.0)) for p in places]
        rounding = 1e4 * 2.0**-52 * max(1.0, float(np.max(np.abs(self.base), initial=0.0)))
        if moves[-1] > rounding and moves[-1] > 0.9 * moves[-2]:
            return Limit(direction=u, gradient=None, jump=moves[-1])
        same = [p.gradient for p in places if p.branch == places[-1].branch]
        if not np.all(np.isfinite(places[-1].gradient)):
            return Limit(direction=u, gradient=None, unbounded=bool(np.any(np.isinf(places[-1].gradient))), consistent=False)
        every = [p.gradient for p in places if np.all(np.isfinite(p.gradient))]
        straight = _shrinks(every)  # a decision that only rounding flips splits no branch
        limit, error = _limit(every if straight else [g for g in same if np.all(np.isfinite(g))])
        if not np.isfinite(error):
            return Limit(direction=u, gradient=None, unbounded=True)
        return Limit(direction=u, gradient=limit, error=error, consistent=self._consistent(places, limit, error, u))

    def slope(self, direction: Array) -> float:
        """(φ(x + t·u) − φ(x))/t for t → 0, t > 0, from values alone, with its error added; −∞ where they tell nothing.

        Clarke's generalised slope φ°(x; u) is nowhere smaller than this one.
        """
        if self.holds or np.any(DISTANCES[0] * direction > self.up) or np.any(-DISTANCES[0] * direction > self.down):
            return -np.inf
        weights = np.concatenate([v[v != 0].numpy().ravel() for v in self.upstream])
        try:
            near, far = (float(weights @ (self._values(self._tape(t * direction)) - self.base)) / float(t) for t in DISTANCES[1::-1])
        except Exception:  # the function under test may raise anywhere but in its point
            return -np.inf
        rounding = 4.0 * 2.0**-52 * float(np.abs(weights) @ np.abs(self.base)) / float(DISTANCES[1])
        return near + abs(near - far) * float(DISTANCES[1] / DISTANCES[0]) + rounding

    def look_straight(self, direction: Array) -> Limit | None:
        """As `look`, for a direction that may leave two entries tied, where the answer would be torch's convention at the tie.

        It is believed only where a direction turned a little gives nearly the same; else the answer is that of the turned one.
        """
        if not np.any(direction):
            return None
        turn = np.random.default_rng(len(direction)).standard_normal(len(direction))
        turned = self.look(direction + 1e-3 * float(np.max(np.abs(direction))) * turn)
        straight = self.look(direction)
        if turned is None or turned.gradient is None or straight is None or straight.gradient is None:
            return turned
        near = np.abs(straight.gradient - turned.gradient).max() <= 0.02 * np.abs(turned.gradient).max()
        return straight if near else turned

    def _look_at(self, offset: Array) -> _Place:
        """The function recorded afresh beside the point, and its gradient there on that very tape."""
        tape = self._tape(offset)
        leaves = {name: x.requires_grad_() for name, x in self._moved(offset).items()}
        with torch.enable_grad():
            arguments = {**tape.arguments, **{n: leaf.clone() for n, leaf in leaves.items()}}
            found = replay(tape, arguments, stopped=tape.honoured(self.case.exercise.cuts), dtype=torch.float64)
            total = sum(((o * v).sum() for o, v in zip(found.outputs, self.upstream, strict=True)), torch.zeros(()).double())
            gradients = (
                torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
                if total.requires_grad
                else [None] * len(leaves)
            )  # fmt: skip
        flat = [np.zeros(leaf.numel()) if g is None else g.numpy().ravel() for leaf, g in zip(leaves.values(), gradients, strict=True)]
        branch = (path_of(tape), *(s.detach().numpy().tobytes() for s in found.signature))
        return _Place(self._values(tape), np.concatenate(flat), branch)

    def _tape(self, offset: Array) -> Any:
        arguments = {n: t.to(torch.float64) if t.is_floating_point() else t for n, t in self.case.arguments.items()}
        return tape_of(self.case, {**arguments, **self._moved(offset)})

    def _moved(self, offset: Array) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(np.asarray(self.point[name] + step)) for name, step in self.unflatten(offset).items()}

    def _values(self, tape: Any) -> Array:
        """Every output that counts: one with a zero upstream gradient may be anything."""
        floating = [v for v in tape.values if v.is_floating_point()]
        return np.concatenate([o.double()[v != 0].numpy().ravel() for o, v in zip(floating, self.upstream, strict=True)] or [np.zeros(0)])

    def _consistent(self, places: list[_Place], limit: Array, error: float, u: Array) -> bool:
        """Whether (φ(t) − φ(0))/t tends to ⟨limit, u⟩. Not asked where a cut is honoured: values follow it and the gradient does not."""
        if self.holds:
            return True
        weights = np.concatenate([v[v != 0].numpy().ravel() for v in self.upstream])
        slope = float(limit @ u)
        off = [abs(float(weights @ (p.value - self.base)) / t - slope) for p, t in zip(places[:2], DISTANCES[:2], strict=True)]
        size = float(np.abs(limit) @ np.abs(u)) + float(np.abs(weights) @ np.abs(self.base))
        return bool(off[1] <= max(0.5 * off[0], 1e-5 * size + 10.0 * error * float(np.sum(np.abs(u)))))


def _shrinks(gradients: list[Array]) -> bool:
    """Whether gradients at distances that shrink by one factor move ever less by that factor, as on one smooth piece."""
    moves = [float(np.linalg.norm(b - a)) for a, b in pairwise(gradients)]
    factor = DISTANCES[0] / DISTANCES[1]
    return len(moves) > 1 and all(factor / 2 <= a / b <= 2 * factor if b else a == 0 for a, b in pairwise(moves))


def _limit(gradients: list[Array]) -> tuple[Array, float]:
    """Limit of gradients seen at distances that shrink by one factor (Aitken's Δ²), and its error: infinite where they grow instead."""
    last = gradients[-1]
    if len(gradients) == 1:
        return last, 0.0
    if len(gradients) == 2:
        return last + (last - gradients[0]) / (DISTANCES[0] / DISTANCES[1] - 1.0), 0.0
    older, newer = gradients[-2] - gradients[-3], last - gradients[-2]
    steady = np.abs(newer) >= 0.9 * np.abs(older)
    if np.any(steady & (np.abs(newer) > 1e-2 * float(np.max(np.abs(last), initial=0.0)))):
        return last, np.inf
    with np.errstate(all="ignore"):
        step = np.where(steady, 0.0, newer * newer / (older - newer))
    blurred = np.where(steady, np.abs(newer), 1e-3 * np.abs(step))
    return last + step, float(np.max(blurred, initial=0.0))
