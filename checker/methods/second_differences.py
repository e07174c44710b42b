"""Second derivatives as differences of gradients.

Comes in: a case, its tape, directions.  Goes out: a `Derivation` of H u for each direction u, with an error estimate and what is found at a
kink.  Why: no rule for a second derivative is used, so that none can be wrong.

The gradient is PyTorch's reverse mode through the tape, in float64: where the tape stands for the function, no rule of the function's own
(an `autograd.Function`'s `backward`) is used either. Cuts that are honoured keep their recorded values, since nothing depends on them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from checker.errors import Unsupported
from checker.methods.autograd import to_array, vjp
from checker.methods.differences import function_of
from checker.methods.directions import direction_rooms
from checker.methods.lines import LONGEST, Replayed
from checker.methods.samples import Floats, Samples, Whole
from checker.methods.steps import slopes
from checker.tape.formats import FORMATS
from checker.tape.hessian import Directions
from checker.tape.replay import ALONE, loops_quietly, replay
from checker.values import Array, Case, Derivation, Mode, Reference

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: What this way is called.
NAME = "differences of gradients"
#: Steps from a kink to either side, relative to max(1, |x|), each by a `RATIO` smaller than the one before.
RATIO = 8.0
BESIDE = 2.0**-6 * RATIO ** -np.arange(3.0)
#: A slope that grows by more than this from each of them to the next has no limit: x log x's grows by a third, |x|^1.5's by 2.8.
GROWS = 1.3

Tensors = Mapping[str, torch.Tensor]
#: The gradient at many points, a row each, and the decisions there; the first point is the case's own.
Gradients = Callable[[Tensors], tuple[Array, list[Array]]]


def differences_of_gradients(case: Case, tape: Tape | None, directions: Directions, reference: Reference | None) -> Derivation:
    """Central differences of the gradient along every direction, with Richardson extrapolation, as `steps.slopes` takes them of values.

    `details["kinks"]` lists the entries whose two sides do not meet: direction, entry, and the slopes behind and ahead.

    Raises:
        Unsupported: the gradient cannot be had beside the point.
    """
    start = time.perf_counter()
    with loops_quietly():
        return _differences(case, directions, _gradients(case, tape, directions), _rounding(case, directions, reference), start)


def _differences(case: Case, directions: Directions, gradients: Gradients, rounding: Array, start: float) -> Derivation:
    count, size = directions.rows.shape
    sample = _Sampled(case, gradients, directions, rounding)
    moved = {name: torch.from_numpy(directions.rows[:, place].reshape(count, *shape)) for (name, place), shape in _parts(directions)}
    backward, forward = (np.repeat(room, size) for room in direction_rooms(case, moved))
    scale = np.repeat(sample.scale, size)
    found = slopes(sample, scale, backward, forward, eps=2.0**-52)
    products, error = found.slope.reshape(count, size), found.error.reshape(count, size)
    kinks = []
    for line in np.flatnonzero(found.kink | ~np.isfinite(found.slope)):
        behind, ahead, blur = sample.sides(int(line), float(scale[line]))
        k, j = divmod(int(line), size)
        products[k, j] = (behind + ahead) / 2
        if abs(ahead - behind) <= blur:
            error[k, j] = blur
        else:
            kinks.append([k, j, behind, ahead])
    return Derivation(
        method=NAME,
        seconds=time.perf_counter() - start,
        gradients=directions.split(products),
        error=directions.split(error),
        details={"kinks": kinks} if kinks else {},
    )


def _parts(directions: Directions) -> list[tuple[tuple[str, slice], tuple[int, ...]]]:
    return list(zip(directions.places().items(), directions.shapes, strict=True))


def _rounding(case: Case, directions: Directions, reference: Reference | None) -> Array:
    """How far float64 may move each entry of the gradient beside the point; NaN where nobody knows.

    At the point itself it may move it less: what is exact there, and cancels, need not be so a step away.
    """
    if reference is None or case.mode is Mode.PROJECTION:
        return np.full(directions.rows.shape[1], np.nan)
    epsilon, size = FORMATS["float64"].epsilon, reference.uncancelled
    ratio = epsilon / FORMATS[case.dtype].epsilon
    known = [ratio * np.ravel(reference.allowed[n]) + epsilon * np.ravel(size.get(n, np.abs(reference.high[n]))) for n in directions.names]
    return np.concatenate(known)


@dataclass
class _Sampled:
    """How entry j of the gradient changes along direction k, which is line k·n + j; each point is looked at once for all entries."""

    case: Case
    gradients: Gradients
    directions: Directions
    rounding: Array

    def __post_init__(self) -> None:
        self.x = {n: self.case.arguments[n].to(torch.float64) for n in self.directions.names}
        flat = np.concatenate([x.reshape(-1).numpy() for x in self.x.values()])
        rows = self.directions.rows
        with np.errstate(divide="ignore"):
            reach = np.where(rows != 0, np.maximum(1.0, np.abs(flat)) / np.abs(rows), np.inf)
        self.scale: Floats = reach.min(axis=1) / np.sqrt((rows != 0).sum(axis=1))

    def __call__(self, lines: Whole, t: Floats) -> Samples:
        if not len(lines):
            return Samples(t, t, t, np.zeros(0, dtype=bool))
        size = self.directions.rows.shape[1]
        k, j = np.divmod(lines, size)
        points, place = np.unique(np.stack([k.astype(float), t]), axis=1, return_inverse=True)
        place = place.reshape(-1)
        change, gradient, base, same = self._changes(points[0].astype(int), points[1])
        noise = np.where(np.isfinite(self.rounding[j]), self.rounding[j], FORMATS["float64"].epsilon * np.abs(base[j]))
        noise = noise + FORMATS["float64"].epsilon * np.maximum(np.abs(gradient[place, j]), np.abs(base[j]))
        delta = change[place, j]
        return Samples(t, delta, 2.0 * noise, same[place] & np.isfinite(delta) & (t != 0))

    def _changes(self, k: Whole, t: Floats) -> tuple[Array, Array, Array, Array]:
        changes, gradients, same = [], [], []
        base: Array = np.zeros(0)
        for start in range(0, len(k), LONGEST):
            u = self.directions.rows[k[start : start + LONGEST]] * t[start : start + LONGEST, None]
            u = np.concatenate([np.zeros_like(u[:1]), u])
            moved = {
                n: x + torch.from_numpy(u[:, p].reshape(len(u), *x.shape)) for (n, x), p in zip(self.x.items(), self._places, strict=True)
            }
            found, signature = self.gradients(moved)
            base = found[0]
            gradients.append(found[1:])
            changes.append(found[1:] - base)
            kept = np.ones(len(u) - 1, dtype=bool)
            for decision in signature:
                kept &= (decision[1:] == decision[:1]).reshape(len(u) - 1, -1).all(axis=1)
            same.append(kept)
        return np.concatenate(changes), np.concatenate(gradients), base, np.concatenate(same)

    @property
    def _places(self) -> list[slice]:
        return list(self.directions.places().values())

    def sides(self, line: int, scale: float) -> tuple[float, float, float]:
        """The slopes behind and ahead of a kink, each extrapolated to the kink itself, and how well they are known together.

        One that grows with every step is infinite; one is not a number where there is no gradient on its side.
        """
        found, blur = [], 0.0
        for side in (-1.0, 1.0):
            t = side * scale * BESIDE
            samples = self(np.full(len(t), line), t)
            slope = samples.delta / t
            first = slope[1:] + np.diff(slope) / (RATIO - 1.0)
            last = first[1] + (first[1] - first[0]) / (RATIO**2 - 1.0)
            blur += abs(last - first[1]) + 2.0 * float(samples.noise[-1] / abs(t[-1]))
            size = np.abs(slope)
            unbounded = bool(np.all(size[1:] > GROWS * size[:-1]))
            found.append(float(np.copysign(np.inf, slope[-1]) if unbounded else last))
        return found[0], found[1], float(blur)


def _gradients(case: Case, tape: Tape | None, directions: Directions) -> Gradients:
    """The gradient through the tape in float64, all points in one batch; else of the original function, point by point."""
    function, _ = function_of(case, tape)
    if isinstance(function, Replayed):
        through = _Through(function, directions)
        try:
            through({n: case.arguments[n].double()[None] for n in directions.names})
        except RuntimeError:  # autograd cannot follow the tape: an operation writes into its `out=`
            return _called(case, directions)
        return through
    return _called(case, directions)


def _called(case: Case, directions: Directions) -> Gradients:
    upstream = tuple(None if v is None else v.double() for v in case.upstream)
    held = {n: t.double() if t.is_floating_point() else t for n, t in case.arguments.items()}

    def gradients(moved: Tensors) -> tuple[Array, list[Array]]:
        rows = []
        for point in range(len(next(iter(moved.values())))):
            arguments = held | {n: t[point] for n, t in moved.items()}
            try:
                found = vjp(replace(case, arguments=arguments, upstream=upstream, dtype="float64"))[1]
            except Exception as error:  # the function under test may fail anywhere but in its point
                raise Unsupported("function", f"its gradient fails beside the point: {type(error).__name__}: {error}") from error
            rows.append(np.concatenate([_row(found[n], arguments[n]) for n in directions.names]))
        return np.array(rows), []

    return gradients


def _row(gradient: torch.Tensor | None, argument: torch.Tensor) -> Array:
    return np.zeros(argument.numel()) if gradient is None else to_array(gradient).ravel()


class _Through:
    """The gradient through the tape: points in one batch where `vmap` gives what each of them gives alone, else one by one."""

    def __init__(self, function: Replayed, directions: Directions) -> None:
        self.function, self.names = function, directions.names
        self.fixed = {n: t for n, t in function.case.arguments.items() if n not in self.names}
        self.mapped = True

    def __call__(self, moved: Tensors) -> tuple[Array, list[Array]]:
        points = [moved[n] for n in self.names]
        alone, decisions = self._alone([p[0] for p in points])
        if self.mapped:
            try:
                rows, signature = self._batched(points)
            except (RuntimeError, ValueError, IndexError, NotImplementedError):
                self.mapped = False
            else:
                self.mapped = np.allclose(
                    rows[0], alone, rtol=ALONE, atol=ALONE * float(np.max(np.abs(alone), initial=0.0)), equal_nan=True
                )
                if self.mapped:
                    return rows, signature
        found = [(alone, decisions), *(self._alone([p[k] for p in points]) for k in range(1, len(points[0])))]
        return np.array([row for row, _ in found]), [np.stack(column) for column in zip(*(d for _, d in found), strict=True)]

    def _total(self, zero: torch.Tensor | None, *values: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        """⟨v, f⟩ and the decisions."""
        arguments = {**self.fixed, **dict(zip(self.names, values, strict=True))}
        done = replay(self.function.tape, arguments, held=self.function.held, dtype=torch.float64, zero=zero)
        weighted = [(o * v).sum() for o, v in zip(done.outputs, self.function.upstream, strict=True)]
        return torch.stack(weighted).sum(), tuple(decision.detach() for decision in done.signature)

    def _batched(self, points: list[torch.Tensor]) -> tuple[Array, list[Array]]:
        gradient = torch.func.grad(self._total, argnums=tuple(range(1, len(points) + 1)), has_aux=True)
        found, signature = torch.func.vmap(gradient)(torch.zeros(len(points[0]), dtype=torch.float64), *points)
        rows = np.concatenate([to_array(g).reshape(len(points[0]), -1) for g in found], axis=1)
        return rows, [decision.numpy() for decision in signature]

    def _alone(self, values: list[torch.Tensor]) -> tuple[Array, list[Array]]:
        leaves = [v.clone().requires_grad_() for v in values]
        with torch.enable_grad():
            value, signature = self._total(None, *[leaf.clone() for leaf in leaves])
            found = torch.autograd.grad(value, leaves, allow_unused=True) if value.requires_grad else [None] * len(leaves)
        return np.concatenate([_row(g, leaf) for g, leaf in zip(found, leaves, strict=True)]), [decision.numpy() for decision in signature]
