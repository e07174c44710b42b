"""The truth about second derivatives.

Comes in: a case, its tape, the truth about its gradient, directions.  Goes out: a `Reference` for H u along each of them.  Why: dual
numbers over balls enclose it where every decision on the path is settled. At a tie they would follow torch's convention, which is under
test; there, and where an operation has no rule, it is estimated by differences of gradients.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from checker.errors import Unsupported
from checker.judge.measured import MEASURED, SINGLE
from checker.judge.reference import UNPROVED_UNITS, Truth, fixed
from checker.methods.second import reverse_over_reverse
from checker.methods.second_differences import NAME, differences_of_gradients
from checker.tape.formats import FORMATS
from checker.tape.graph import Check
from checker.tape.hessian import Directions, allowed, any_order, enclose
from checker.tape.replay import replay
from checker.tape.size import ENCLOSED, scalar_operations
from checker.tape.tape import Tape
from checker.values import Case, Derivation, Problem, Reference, Verdict

#: Scalar operations, times directions, for which dual numbers are used.
CARRIED = 2 * ENCLOSED


@dataclass(frozen=True, kw_only=True)
class SecondTruth:
    """A reference (None where there is none), the differences where they were needed for it, and why it is not proved, if so."""

    reference: Reference | None
    differences: Derivation | None = None
    reason: str = ""


def work(tape: Tape | None, directions: int) -> int:
    """Scalar operations over dual numbers with a part for each direction."""
    return 0 if tape is None else scalar_operations(tape) * (directions + 1)


def refer_second(case: Case, tape: Tape | None, truth: Truth, directions: Directions) -> SecondTruth:
    """The truth about the products of the Hessian of ⟨v, f⟩ with `directions`; `tape` is None where it cannot be believed."""
    proved, reason = _proved(case, tape, truth, directions)
    if proved is not None:
        return SecondTruth(reference=_scaled(proved, case, truth))
    differences = difference(case, tape, truth, directions)
    if differences.problem is not None:
        return SecondTruth(reference=None, differences=differences, reason=f"{reason}; and {differences.problem.message}")
    estimated = _estimated(case, tape, directions, differences, reason)
    return SecondTruth(reference=_scaled(estimated, case, truth), differences=differences, reason=reason)


def _scaled(reference: Reference, case: Case, truth: Truth) -> Reference:
    """The reference with the size that a second derivative has by its dimensions, for judging a width where the true one is zero: Σ|g| over
    max(1, |x|), the length of a difference's steps; and with the tolerance that the author fixed, if any."""
    gradient = sum(float(np.nansum(np.abs(g))) for g in truth.reference.high.values()) if truth.reference is not None else 0.0
    natural = {}
    for name, h in reference.high.items():
        size = gradient / max(1.0, float(torch.linalg.vector_norm(case.arguments[name].double(), torch.inf)) if h.size else 0.0)
        natural[name] = np.maximum(reference.uncancelled.get(name, 0.0), np.full(np.shape(h), size if np.isfinite(size) else 0.0))
    return fixed(replace(reference, uncancelled=natural), case)


def difference(case: Case, tape: Tape | None, truth: Truth, directions: Directions) -> Derivation:
    """Differences of gradients, or why they cannot be had."""
    try:
        return differences_of_gradients(case, tape, directions, truth.reference)
    except Unsupported as error:
        return Derivation(method=NAME, problem=Problem(verdict=Verdict.UNSUPPORTED, message=str(error), line=error.line))


def _proved(case: Case, tape: Tape | None, truth: Truth, directions: Directions) -> tuple[Reference | None, str]:
    """What balls enclose, or why they do not."""
    if tape is None or truth.enclosure is None:
        return None, truth.reason or "there is no tape to enclose"
    if (amount := work(tape, len(directions.rows))) > CARRIED:
        return None, f"{amount:,} scalar operations along all directions are more than the {CARRIED:,} that dual numbers are used for"
    start = time.perf_counter()
    honoured = tape.honoured(case.exercise.cuts)
    try:
        found = None if _meeting(truth.enclosure.path) else enclose(tape, case.arguments, case.upstream, directions, honoured=honoured)
        if found is None or _meeting(found.path):
            return None, f"at this point {_meeting(truth.enclosure.path if found is None else found.path)}"
        if not np.all(np.isfinite(found.products.high)):
            return None, "exact arithmetic gives no finite second derivative at this point"
        width = allowed(tape, case.arguments, case.upstream, directions, found, honoured=honoured)
        other = any_order(tape, case.arguments, case.upstream, directions, FORMATS[case.dtype].unit, honoured=honoured)
    except Unsupported as error:
        return None, f"balls: {error}"
    reference = Reference(
        kind="certified",
        high=directions.split(found.products.high),
        low=directions.split(found.products.low),
        radius=directions.split(found.products.radius),
        allowed=directions.split(width),
        other_order=other.error,
        uncancelled=other.size,
        origin=f"dual numbers over balls at {found.bits} bits, widened by each operation's rounding in {case.shown_dtype}",
        seconds=time.perf_counter() - start,
    )
    return reference, ""


def _meeting(path: Sequence[Check[Any]]) -> str:
    """Which pieces of the function or of its gradient meet at the point; empty where every decision is settled."""
    check = next((c for c in path if not c.settled), None)
    return "" if check is None else f"the two sides of {check.decides} meet ({check.line})"


def _estimated(case: Case, tape: Tape | None, directions: Directions, found: Derivation, reason: str) -> Reference:
    """Differences of gradients; rounding is some units, and some times what is measured on the tape where there is one."""
    unit = FORMATS[case.dtype].unit
    largest = max((float(np.max(np.abs(h), initial=0.0)) for h in found.gradients.values()), default=0.0)
    rounding = {name: UNPROVED_UNITS * unit * (np.abs(h) + largest) for name, h in found.gradients.items()}
    if tape is not None:
        for name, change in _measured(case, tape, directions).items():
            rounding[name] = rounding[name] + change
    zeros = {name: np.zeros_like(h) for name, h in found.gradients.items()}
    return Reference(
        kind="differences",
        high=found.gradients,
        low=zeros,
        radius=zeros,
        allowed={name: found.error[name] + rounding[name] for name in found.gradients},
        unproved=reason,
        origin=f"differences of gradients and their error estimate, and rounding in {case.shown_dtype} ({reason})",
        seconds=found.seconds,
    )


def _measured(case: Case, tape: Tape, directions: Directions) -> Mapping[str, float]:
    """How reverse over reverse through the tape rounds."""
    held = tape.honoured(case.exercise.cuts)

    def call(values: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        dtype = next(t.dtype for t in values.values() if t.is_floating_point())
        return replay(tape, values, held=held, dtype=dtype, signature=False).outputs

    upstream = tuple(v for v in case.upstream if v is not None)
    through = replace(case, exercise=replace(case.exercise, call=call), upstream=upstream)
    return measured(reverse_over_reverse, through, directions)


def measured(derive: Callable[[Case, Directions], Derivation], case: Case, directions: Directions) -> dict[str, float]:
    """What rounding to the case's dtype may do to second derivatives, at most, as it is measured: some times the distance between those in
    float32 and those in float64, at one point, scaled to the dtype. A wrong rule is wrong in both, so this excuses none."""
    found = []
    for dtype in (torch.float32, torch.float64):
        point = {n: t.float().to(dtype) if t.is_floating_point() else t for n, t in case.arguments.items()}
        upstream = tuple(None if v is None else v.float().to(dtype) for v in case.upstream)
        name = str(dtype).removeprefix("torch.")
        found.append(derive(replace(case, arguments=point, upstream=upstream, dtype=name), directions))
    if any(f.problem is not None for f in found):
        return {}
    single, double = (f.gradients for f in found)
    scale = MEASURED * FORMATS[case.dtype].unit / SINGLE
    with np.errstate(invalid="ignore"):  # infinities that are the same are no rounding
        apart = {name: np.abs(single[name] - double[name]) for name in single}
    return {name: scale * float(np.max(d, initial=0.0, where=np.isfinite(d))) for name, d in apart.items()}
