"""Finite differences: the gradient from values alone.

Comes in: a case and its tape.  Goes out: a `Derivation` with an error estimate for every entry.  Why: it is the one way of differentiating
that shares no derivative rule with what is being checked; anyone can read it, and it works on functions that nothing else can take.

The tape is replayed in float64, whatever the case's dtype, all perturbations of an argument in one batch, with the honoured cuts held at
their recorded values. Where there is no tape that can be believed, the original function is called point by point, and `details` says so.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from checker.draws import seeded
from checker.errors import Unsupported
from checker.methods.columns import columns
from checker.methods.directions import along_directions, direction_rooms, direction_scale, signs
from checker.methods.lines import Called, Replayed, along_entries, rooms, scales
from checker.methods.samples import RoundingBounds, Samples
from checker.methods.steps import best_step, slopes
from checker.tape.record import record
from checker.tape.replay import replay
from checker.tape.symmetry import PRESUMED_SYMMETRIC, presumed_symmetric
from checker.values import Array, Case, Derivation, Mode, Problem, Reference, Verdict, number

if TYPE_CHECKING:
    from checker.tape.tape import Tape

PLOTTED = 10.0 ** -np.linspace(0.0, 14.0, 18)  #: relative steps of the plot of error against step


class Differences:
    """Central differences with Richardson extrapolation, adaptive in every entry; one-sided near the edge of a domain.

    `details` holds "steps" for the plot of error against step; "kinks", the entries at which the path of execution changes in the point
    itself (their error is infinite); "looped", the reason where points were run one by one; of a case that is judged by projection
    "projection": seed, slope and error of every random direction that the reference knows.
    """

    name = "differences"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        if all(v is None for v in case.upstream):
            return Problem(verdict=Verdict.UNSUPPORTED, message="No output is floating: there is nothing to differentiate.")
        padded = tape.padding() if tape is not None else None
        if padded is not None:
            message = "padding_idx stops the gradient of one row, which moves the value all the same"
            return Problem(verdict=Verdict.UNSUPPORTED, message=message, line=padded.line or None)
        presumed = presumed_symmetric(tape, case.arguments, case.seed) if tape is not None else None
        if presumed is not None:
            return Problem(verdict=Verdict.UNSUPPORTED, message=f"{presumed.name} {PRESUMED_SYMMETRIC}", line=presumed.line or None)
        return None

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        problem = self.unsupported(case, tape)
        if problem is not None:
            return Derivation(method=self.name, problem=problem)
        if case.mode is Mode.PROJECTION:
            return _projected(case, tape, reference)
        started = time.perf_counter()
        function, reason = function_of(case, tape)
        details: dict[str, Any] = {}
        gradients: dict[str, Array] = {}
        error: dict[str, Array] = {}
        if case.mode is Mode.JACOBIAN:
            for name in case.differentiated:
                gradients[name], error[name] = columns(function, case, name).whole()
        else:
            gradients, error, details["kinks"] = entries(function, case, _rounding(case, reference, function.eps))
        if case.pictured and case.mode is not Mode.JACOBIAN:
            details["steps"] = _plot(function, case, reference)
        reason = reason or (function.looped if isinstance(function, Replayed) else None)
        if reason:
            details["looped"] = reason
        return Derivation(
            method=self.name,
            dtype=str(function.dtype).removeprefix("torch."),
            seconds=time.perf_counter() - started,
            value=function.values_at_point(),
            gradients=gradients,
            error=error,
            details=details,
        )


def differences_of_original(case: Case) -> tuple[dict[str, Array], dict[str, Array]]:
    """Gradient and absolute error estimate of every differentiated argument, from calls of the original function alone.

    Everything varies: no cut is held, and no path is assumed. The error is infinite where the two sides do not meet smoothly.
    """
    gradients, error, _ = entries(_called(case), case)
    return gradients, error


def function_of(case: Case, tape: Tape | None) -> tuple[Replayed | Called, str | None]:
    """The function whose differences are the gradient of `case`, and why it is the original one where it is."""
    if tape is None:
        return _called(case), "there is no tape: the original function is called point by point"
    held = tape.honoured(case.exercise.cuts)
    try:
        function = Replayed(case, tape, held)
        function.values_at_point()
    except (RuntimeError, ValueError, IndexError, NotImplementedError) as error:
        first = str(error).split("\n")[0][:200]
        return _called(case), f"the tape cannot be replayed in float64 ({first}): the original function is called point by point"
    undeclared = [c for c in tape.cuts if c.baked and c.number not in held]
    if undeclared and not _follows(case, tape):
        cut = undeclared[0]
        return _called(case), f"{cut.how} at {cut.line} takes a value off the tape: the original function is called point by point"
    return function, None


def _called(case: Case) -> Called:
    """The original function in float64, or in the case's dtype where it takes no other."""
    try:
        return Called(case)
    except Exception:  # a student's function may fail in any way on a dtype it was not written for
        return Called(case, getattr(torch, case.dtype))


def _follows(case: Case, tape: Tape) -> bool:
    """Whether the replay gives what the original function gives beside the point too, on the same path: then nothing of consequence left
    the tape. Both are of float64 numbers, in which the constants that the function makes are others than in the case's dtype."""
    called = _called(case)
    if case.dtype != "float64":
        wide = {name: t.to(torch.float64) if t.is_floating_point() else t for name, t in case.arguments.items()}
        try:
            with seeded(case.seed):
                tape = record(case.exercise.call, wide, case.exercise.estimators)
        except Exception:  # a student's function may fail in any way on a dtype it was not written for
            return False
    directions = signs(case, case.differentiated, 2, case.seed)
    path, kept = replay(tape, case.arguments, dtype=torch.float64).signature, False
    for step in (1e-4, 1e-6, 3e-8):
        for row in range(2):
            moved = {n: case.arguments[n].to(torch.float64) + step * u[row] for n, u in directions.items()}
            found = replay(tape, {**case.arguments, **moved}, dtype=torch.float64)
            if not all(torch.equal(a, b) for a, b in zip(found.signature, path, strict=True)):
                continue
            wanted = called.values(moved)
            if not all(torch.allclose(a, b, rtol=1e-11, atol=1e-14, equal_nan=True) for a, b in zip(found.outputs, wanted, strict=False)):
                return False
            kept = True
    return kept


def _rounding(case: Case, reference: Reference | None, eps: float) -> RoundingBounds:
    """How far rounding may move ⟨v, f⟩, where balls tell: by that of its outputs at least.

    Samples cannot tell it: where f does not move at all, what it lost to rounding is not to be seen (the loss of a sure prediction).
    """
    if reference is None or not reference.value_allowed:
        return RoundingBounds()
    ratio, least, worst = eps / torch.finfo(getattr(torch, case.dtype)).eps, 0.0, 0.0
    for v, value, width in zip((v for v in case.upstream if v is not None), reference.value, reference.value_allowed, strict=True):
        size, own = np.abs(v.double().numpy()), eps * np.abs(value)
        least += float(np.nansum(size * own))
        worst += float(np.nansum(size * np.where(np.isfinite(width), ratio * width, own)))
    return RoundingBounds(least, worst)


def entries(
    function: Replayed | Called,
    case: Case,
    rounding: RoundingBounds = RoundingBounds(),  # noqa: B008  (a value)
) -> tuple[dict[str, Array], dict[str, Array], list[dict[str, Any]]]:
    """Gradient, error estimate, and the entries at a kink, of every differentiated argument; `rounding` is that of ⟨v, f⟩."""
    gradients: dict[str, Array] = {}
    errors: dict[str, Array] = {}
    kinks: list[dict[str, Any]] = []
    for name in case.differentiated:
        x = case.arguments[name].to(torch.float64).numpy()
        backward, forward = rooms(case.exercise.input(name).domain, x)
        sample = along_entries(function, case, name, function.dtype)
        found = slopes(sample, scales(x), backward, forward, eps=function.eps, rounding=rounding)
        moves = np.isfinite(x)  # from an infinity no step leads away
        gradients[name] = np.where(moves, found.slope.reshape(x.shape), 0.0)
        errors[name] = np.where(moves, found.error.reshape(x.shape), np.inf)
        for flat in np.flatnonzero(found.kink & moves.ravel()):
            kinks.append({"argument": name, "index": [int(i) for i in np.unravel_index(flat, x.shape)]})
    return gradients, errors, kinks


def _projected(case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
    """The slopes along random directions that stand in for entries, as the reference measured them."""
    slopes_ = reference.slopes if reference is not None else ()
    if not slopes_:
        message = "no slope could be measured along a random direction"
        return Derivation(method=Differences.name, problem=Problem(verdict=Verdict.UNSUPPORTED, message=message))
    known = [{"seed": s.seed, "slope": number(s.value), "error": number(s.error)} for s in slopes_]
    value = tuple(v.double().numpy() for v in tape.values if v.is_floating_point()) if tape is not None else ()
    return Derivation(method=Differences.name, value=value, details={"projection": known})


def _plot(function: Replayed | Called, case: Case, reference: Reference | None) -> dict[str, Any]:
    """Relative error of the five-point quotient along one random direction of ±max(1, |x|), at steps from 1 to 1e-14.

    Steps that would leave the domain, or that lead where the function fails, are left out. Where the true slope is zero the error is
    absolute.
    """
    directions = signs(case, case.differentiated, 1, case.seed)
    sample = along_directions(function, case, directions, function.dtype)
    backward, forward = direction_rooms(case, directions)
    best = slopes(sample, direction_scale(case, directions), backward, forward, eps=function.eps)
    slope = float(best.slope[0])
    if reference is not None and all(name in reference.high for name in case.differentiated):
        slope = sum(float((u[0].numpy() * (reference.high[n] + reference.low[n])).sum()) for n, u in directions.items())
    farthest = min(float(backward[0]), float(forward[0]))
    steps = PLOTTED[2.0 * PLOTTED <= farthest]  # noqa: SIM300
    while True:
        try:
            found: Samples = sample(np.zeros(4 * len(steps), dtype=np.int64), np.concatenate([steps, -steps, 2 * steps, -2 * steps]))
            break
        except (RuntimeError, Unsupported):
            steps = steps[len(steps) // 3 + 1 :]
    near, behind, far, farther = found.delta.reshape(4, -1)
    with np.errstate(all="ignore"):
        error = np.abs((8 * (near - behind) - (far - farther)) / (12 * steps) - slope) / (abs(slope) or 1.0)
    return {
        "h": [float(h) for h in steps],
        "error": [number(e) for e in error],
        "chosen": float(best.step[0]) if np.isfinite(best.error[0]) else best_step(function.eps),
    }
