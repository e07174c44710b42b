"""Judging a gradient of thousands to millions of entries along random directions.

Comes in: derivations of a case, and its tape.  Goes out: one `Comparison` an argument.  Why: going through every entry would take as many
evaluations as there are entries. Along a direction u of random signs, ⟨u, Jᵀv⟩ is one number that every entry moves: a wrong entry shows
in all of them.

Directions are ±max(1, |x|), fresh from a seed that is logged. Directions of one sign, as `gradcheck(fast_mode=True)` draws them, would let
the tolerance grow with the sum of all entries and hide a flipped sign.

What rounding may do is measured, see `measured.py`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from checker.judge.measured import MEASURED, SINGLE, in_two_widths
from checker.methods.differences import function_of
from checker.methods.lines import Called, Replayed, along_directions, direction_rooms, direction_scale, signs
from checker.methods.steps import slopes
from checker.tape.formats import FORMATS
from checker.tape.replay import replay
from checker.values import Array, Case, Comparison, Derivation, Verdict, number

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: Directions per argument. Several wrong entries may cancel along one of them, with probability ½ at worst; along all with 2⁻⁸.
DIRECTIONS = 8

#: Of these, how many are also taken by forward mode in float64 cases.
FORWARD = 2
#: Beside what was measured, so many units of the dtype an entry. Errors of single entries meet random signs, so that their norm counts
#: and not their sum.
UNITS = 32.0


@dataclass(frozen=True)
class Projections:
    """The true slopes of one argument along `directions` (k, …), to within `error`; infinite where a direction meets a kink.

    `rounding` is what a correct program in the case's dtype may be off along each direction. `forward` says that forward mode met the
    differences within their error, and took their place along the first directions.
    """

    directions: torch.Tensor
    slope: Array
    error: Array
    rounding: Array
    seed: int
    forward: bool


def compare_projections(derivations: Sequence[Derivation], case: Case, tape: Tape | None) -> list[Comparison]:
    """Compare ⟨u, g⟩ with the slope of ⟨v, f(x + t·u)⟩ for every gradient g of `derivations`, argument by argument."""
    chosen = [d for d in derivations if d.problem is None and d.gradients]
    if not chosen:
        return []
    function, _ = function_of(case, tape)
    gradients = in_two_widths(function)
    found: list[Comparison] = []
    for name in case.differentiated:
        truth = project(function, case, name, gradients.get(name, []))
        found += [_compare(d, name, np.asarray(d.gradients[name]), truth, case) for d in chosen if name in d.gradients]
    return found


def project(function: Replayed | Called, case: Case, name: str, gradients: Sequence[Array]) -> Projections:
    """Slopes along fresh directions of the argument `name`, by differences; in float64 cases sharpened by forward mode.

    Differences are the judge: forward mode shares rules with what is tested, so it is used only where it lies within their error.
    `gradients` are those of the tape in float32 and float64, where it has them.
    """
    seed = int.from_bytes(hashlib.sha256(f"projection/{case.seed}/{name}".encode()).digest()[:4], "big")
    directions = signs(case, (name,), DIRECTIONS, seed)
    backward, forward = direction_rooms(case, directions)
    sample = along_directions(function, case, directions, function.dtype)
    along = slopes(sample, direction_scale(case, directions), backward, forward, eps=function.eps, measured=True)
    slope, error, sharpened = along.slope, np.where(along.kink, np.inf, along.error), False
    if case.dtype == "float64" and isinstance(function, Replayed):
        tangent = _forward(function, name, directions[name][:FORWARD])
        if tangent is not None and np.all(np.abs(tangent - slope[:FORWARD]) <= error[:FORWARD]):
            slope[:FORWARD], error[:FORWARD], sharpened = tangent, 16.0 * function.eps * np.abs(tangent), True
    unit, squared = FORMATS[case.dtype].unit, directions[name].reshape(DIRECTIONS, -1).numpy() ** 2
    rounding = np.zeros(DIRECTIONS)
    if gradients:
        single, double = (np.nan_to_num(g.ravel()) for g in gradients)
        rounding = MEASURED * unit / SINGLE * np.sqrt(squared @ (single - double) ** 2) + 4.0 * UNITS * unit * np.sqrt(squared @ double**2)
    return Projections(directions[name], slope, error, rounding, seed, sharpened)


def _forward(function: Replayed, name: str, directions: torch.Tensor) -> Array | None:
    """⟨v, J u⟩ of the float64 replay by forward mode; None where torch has no forward rule for an operation."""
    case = function.case
    rest: Mapping[str, torch.Tensor] = {n: t for n, t in case.arguments.items() if n != name}

    def outputs(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        held = function.held
        return replay(function.tape, {**rest, name: x}, held=held, dtype=torch.float64, signature=False).outputs

    point, found = case.arguments[name].to(torch.float64), []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, when it loads its forward rules
            for u in directions:
                moved = torch.func.jvp(outputs, (point,), (u,))[1]
                found.append(sum(float((v * m).sum()) for v, m in zip(function.upstream, moved, strict=True)))
    except (RuntimeError, NotImplementedError):
        return None
    return np.array(found)


def _compare(derivation: Derivation, name: str, got: Array, truth: Projections, case: Case) -> Comparison:
    bad = np.argwhere(~np.isfinite(got))
    where = f"{DIRECTIONS} random directions (seed {truth.seed})"
    if len(bad):
        message = f"gradient of {name}: {len(bad)} of {got.size} entries are not finite, the first at {bad[0].tolist()}"
        return Comparison(method=derivation.method, argument=name, verdict=Verdict.WRONG, against="differences", message=message)
    flat = truth.directions.reshape(DIRECTIONS, -1).numpy()
    along = flat @ got.ravel()
    allowed = truth.error + truth.rounding
    if not np.any(truth.rounding):  # the original function alone cannot tell how it rounds
        allowed = allowed + 4.0 * UNITS * FORMATS[case.dtype].unit * np.sqrt(flat**2 @ got.ravel() ** 2)
    off = np.abs(along - truth.slope)
    with np.errstate(all="ignore"):
        relative = np.where(off == 0, 0.0, off / np.abs(truth.slope))
        normwise = float(np.linalg.norm(off) / np.linalg.norm(truth.slope)) if np.any(truth.slope) else float(np.linalg.norm(off))
    k = int(np.argmax(np.where(np.isfinite(allowed), off / np.maximum(allowed, np.finfo(float).tiny), -1.0)))
    settled = np.isfinite(allowed)
    if np.any(settled & ~(off <= allowed)):
        verdict = Verdict.WRONG
        message = (
            f"gradient of {name}: along {where}, {int(np.sum(settled & ~(off <= allowed)))} slopes are wrong; of the worst, "
            f"{along[k]:.10g} instead of {truth.slope[k]:.10g} within {allowed[k]:.2g}"
        )
    elif not settled.any():
        verdict, message = Verdict.INCONCLUSIVE, f"gradient of {name}: every direction meets a kink or a jump in the point itself"
    else:
        verdict = Verdict.AGREES
        message = f"gradient of {name} agrees along {where}; an entry wrong by less than {np.min(allowed[settled]):.2g} would not show"
    source = "forward mode, which lies within the error of the differences" if truth.forward else "the estimate of the differences"
    return Comparison(
        method=derivation.method,
        argument=name,
        verdict=verdict,
        against="differences",
        absolute=number(float(np.max(off[settled], initial=0.0))),
        relative=number(float(np.max(relative[settled], initial=0.0))),
        normwise=number(normwise),
        allowed_from=f"{source}, and the rounding measured between float32 and float64, scaled to {case.dtype}, along {where}",
        message=message,
    )
