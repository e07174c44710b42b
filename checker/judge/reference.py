"""What every method is judged against.

Comes in: a case, its tape, whether the tape is believed.  Goes out: a `Reference`.  Why: methods are compared with the truth, never
with one another by majority. The truth is enclosed by balls where that is possible; else it is estimated by differences, and the
record says so.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from checker.errors import Unsupported, UsageError
from checker.judge.belief import Belief
from checker.judge.directions import refer_along, unproved
from checker.judge.measured import MEASURED, in_two_widths
from checker.memory import written
from checker.methods.differences import Differences, differences_of_original, function_of
from checker.tape.balls import Enclosure, Midpoints, allowed, enclose
from checker.tape.formats import FORMATS
from checker.tape.paths import any_order
from checker.tape.size import BALL_BYTES, ENCLOSED, scalar_operations
from checker.tape.tape import Tape
from checker.values import Array, Case, Mode, Reference

#: Units of roundoff that a correct program may lose where no ball rule tells how many: a kernel's usual handful, times its depth.
UNPROVED_UNITS = 256
#: Calls of the function that differences take for an entry, and scalar operations in all beyond which it is not begun: some ten minutes.
EVALUATIONS, LONGEST = 6, 10**12
#: Units of roundoff by which a value may leave what balls allow it before they are taken to be those of another function.
VALUE_UNITS = 64


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A reference (None where there is none, and then `reason` says why) and, where balls found it, their enclosure with its path."""

    reference: Reference | None
    enclosure: Enclosure | None = None
    reason: str = ""


def refer(case: Case, tape: Tape | None, belief: Belief) -> Truth:
    """The truth about `case`.

    Explicit cuts, and those that the exercise declares, are respected; every other cut is open: where torch stops there, torch is
    wrong.
    """
    if not belief.repeats:
        return Truth(reference=None, reason=belief.reason)
    if case.mode is Mode.PROJECTION:
        trusted = tape if belief.trusts(case.exercise.cuts) else None
        try:
            return Truth(reference=refer_along(case, trusted, belief.slope), reason=unproved(case))
        except (Unsupported, RuntimeError) as error:  # the function may fail beside its point
            return Truth(reference=None, reason=f"{unproved(case)}; and that failed: {error}")
    declared = case.exercise.cuts
    if tape is None or not belief.trusts(declared):
        return _estimated(case, None, belief.reason or "the function could not be recorded")
    start = time.perf_counter()
    honoured = tape.honoured(declared)
    work = scalar_operations(tape)
    _affordable(case, work)
    if work > ENCLOSED:
        return _estimated(case, tape, f"{work:,} scalar operations are more than the {ENCLOSED:,} that balls are used for")
    try:
        enclosure = enclose(tape, case.arguments, case.upstream, honoured=honoured)
        width, value_width = allowed(tape, case.arguments, case.upstream, enclosure, honoured=honoured)
        unit = FORMATS[tape.coarsest(case.dtype)].unit
        other = any_order(tape, case.arguments, case.upstream, unit, honoured=honoured)
    except Unsupported as error:
        return _estimated(case, tape, f"balls: {error}")
    value = tuple(v for v in enclosure.value if v is not None)
    reach = tuple(v for v in value_width if v is not None)
    if not _same_value(tape, value, reach, case.dtype):
        return _estimated(case, tape, "balls: they give another value than the function")
    gradient = {name: enclosure.gradient[name] for name in case.differentiated}
    origin = f"ball arithmetic at {enclosure.bits} bits, widened by each operation's rounding in {case.shown_dtype}"
    reference = Reference(
        kind="certified",
        high={name: g.high for name, g in gradient.items()},
        low={name: g.low for name, g in gradient.items()},
        radius={name: g.radius for name, g in gradient.items()},
        allowed={name: width[name] for name in gradient},
        origin=origin,
        value=tuple(v.high for v in value),
        value_allowed=reach,
        other_order={name: other.error[name] for name in gradient},
        uncancelled={name: other.size[name] for name in gradient},
        seconds=time.perf_counter() - start,
    )
    return Truth(reference=fixed(reference, case), enclosure=enclosure)


def _affordable(case: Case, work: int) -> None:
    """Raise before every one of a million entries is looked at by itself.

    Raises:
        UsageError: differences would take too long.
    """
    entries = sum(case.arguments[name].numel() for name in case.differentiated)
    if work > ENCLOSED and EVALUATIONS * entries * work > LONGEST:
        raise UsageError(
            f"the gradient has {entries:,} entries: balls for each would take {written(BALL_BYTES * work)}, and differences "
            f"{EVALUATIONS * entries * work:.0e} scalar operations. Ask for the mode projection, which judges it along random directions."
        )


def _same_value(tape: Tape, value: Sequence[Midpoints], reach: Sequence[Array], dtype: str) -> bool:
    """Whether the function's finite values lie where the balls say: a rule, or torch's decomposition, may be of another function."""
    floating = [v.detach().double().numpy() for v in tape.values if v.is_floating_point()]
    for found, ball, width in zip(floating, value, reach, strict=True):
        finite = np.isfinite(found) & np.isfinite(ball.high)
        slack = VALUE_UNITS * FORMATS[dtype].epsilon * np.max(np.abs(ball.high), initial=0.0, where=finite)
        if np.any(np.abs(found - ball.high)[finite] > (width + ball.radius)[finite] + slack):
            return False
    return True


def uncut(case: Case, tape: Tape) -> Mapping[str, Array]:
    """The gradient with every cut open, to stand beside the one that respects them: enclosed, or by differences of the original.

    Empty where neither can be had, or there are too many entries.
    """
    if case.mode is Mode.PROJECTION:
        return {}
    try:
        if any(cut.baked for cut in tape.cuts):
            raise Unsupported("item", "the value left the tape")
        opened = enclose(tape, case.arguments, case.upstream)
        return {name: opened.gradient[name].high for name in case.differentiated}
    except Unsupported:
        try:
            return differences_of_original(case)[0]
        except Unsupported:
            return {}


def _estimated(case: Case, tape: Tape | None, reason: str) -> Truth:
    """Differences as the reference: of the tape, which can hold cuts, or of the original function where there is no tape to believe."""
    start = time.perf_counter()
    try:
        if tape is None:
            gradients, error = differences_of_original(case)
        else:
            derivation = Differences().derive(case, tape, None)
            gradients, error = dict(derivation.gradients), dict(derivation.error)
    except Exception as failure:  # the function may raise at any perturbed point
        return Truth(reference=None, reason=f"{reason}; and differences failed: {type(failure).__name__}: {failure}")
    if any(name not in gradients for name in case.differentiated):
        return Truth(reference=None, reason=reason)
    rounding = _rounding(case, tape, gradients)
    allowed_error = {name: error[name] + rounding[name] for name in gradients}
    reference = Reference(
        kind="differences",
        high=gradients,
        low={name: np.zeros_like(g) for name, g in gradients.items()},
        radius={name: np.zeros_like(g) for name, g in gradients.items()},
        allowed=allowed_error,
        unproved=reason,
        origin=f"differences and their error estimate, and rounding in {case.shown_dtype} ({reason})",
        seconds=time.perf_counter() - start,
    )
    return Truth(reference=fixed(reference, case), reason=reason)


def _rounding(case: Case, tape: Tape | None, gradients: Mapping[str, Array]) -> dict[str, Array]:
    """What rounding may do where it is not proved: some units, and some times what is measured on the tape where there is one."""
    dtype = tape.coarsest(case.dtype) if tape is not None else case.dtype
    unit = FORMATS[dtype].unit
    allowance: dict[str, Array] = {name: UNPROVED_UNITS * unit * (np.abs(g) + _largest(g)) for name, g in gradients.items()}
    if tape is not None:
        function, _ = function_of(case, tape)
        for name, widths in in_two_widths(function, dtype).items():
            allowance[name] = allowance[name] + MEASURED * _largest(widths.moved)
    return allowance


def fixed(reference: Reference, case: Case) -> Reference:
    """The reference with the tolerance that the author fixed in place of the computed allowed error, where there is one."""
    tolerance = case.exercise.tolerance
    if tolerance is None:
        return reference
    widths = {name: np.full(np.shape(g), tolerance * _largest(g)) for name, g in reference.high.items()}
    origin = f"the tolerance that was asked for, {tolerance:g} of the largest entry; truth from {reference.origin}"
    return replace(reference, allowed=widths, origin=origin)


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))
