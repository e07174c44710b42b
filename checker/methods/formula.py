"""The author's own answer, as a method, and the proof that it is one.

Comes in: a case whose exercise has `answer` formulas.  Goes out: their values; an error where one is not the gradient.  Why: students are
judged by the truth that these formulas must equal, so a wrong one must never get that far.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch

from checker.errors import ExerciseError, FormulaError, Unsupported
from checker.methods.equality import NEARLY, apart, enclosed, evaluated
from checker.tape.balls import Midpoints, enclose
from checker.tape.tape import Tape
from checker.values import Array, Case, Derivation, Mode, Problem, Reference, Verdict

Answer = TypeVar("Answer")

#: With a truth that is only estimated, a formula is refused where it is this many allowed errors away.
FAR = 8.0


class Formula:
    """The exercise's `answer`, evaluated in float64; its error is how far rounding took it from the formula's exact value.

    `details["proved"]` has the formulas that balls have proved equal to the truth here, by argument.
    """

    name = "formula"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        if case.mode is Mode.JACOBIAN:
            return Problem(verdict=Verdict.UNSUPPORTED, message="an answer is a vector–Jacobian product, not the whole Jacobian")
        without = [name for name in case.differentiated if name not in case.exercise.answer]
        if without:
            return Problem(verdict=Verdict.UNSUPPORTED, message=f"the exercise has no answer for {', '.join(without)}")
        return None

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        """The value of each formula at the case's point.

        Raises:
            ExerciseError: a formula cannot be read, has another shape than its argument, or is not the gradient.
        """
        start = time.perf_counter()
        gradients = {name: _value(case, name) for name in case.differentiated}
        exact = {name: balls for name in gradients if (balls := _judged(enclosed, case, name)) is not None}
        proved = refute(case, tape, reference, gradients, exact) if reference is not None else {}
        infinite = [name for name, g in gradients.items() if not np.isfinite(g).all()]
        problem = None
        if infinite:
            message = f"the answer for {', '.join(infinite)} has no finite value at this point"
            problem = Problem(verdict=Verdict.UNSUPPORTED, message=message)
        return Derivation(
            method=self.name,
            seconds=time.perf_counter() - start,
            gradients=gradients,
            error={name: np.abs(gradients[name] - balls.high) + balls.radius for name, balls in exact.items()},
            problem=problem,
            details={"proved": proved},
        )


def _judged(evaluate: Callable[[str, Case, str], Answer], case: Case, name: str) -> Answer:
    """`evaluate` the answer for `name`.

    Raises:
        ExerciseError: it cannot be read or evaluated.
    """
    exercise = case.exercise
    try:
        return evaluate(exercise.answer[name], case, name)
    except FormulaError as error:
        raise ExerciseError(f"answer for {name}: {error.message}", file=exercise.file, line=exercise.line, advice=error.advice) from None


def _value(case: Case, name: str) -> Array:
    found = _judged(evaluated, case, name)
    shape = tuple(case.arguments[name].shape)
    if found.shape != shape:
        message = f"the answer for {name} has shape {found.shape}, and {name} has shape {shape}."
        raise ExerciseError(message, file=case.exercise.file, line=case.exercise.line, advice="A gradient has the shape of its argument.")
    return found


def refute(
    case: Case, tape: Tape | None, reference: Reference, gradients: Mapping[str, Array], exact: Mapping[str, Midpoints]
) -> dict[str, str]:
    """Try to tell each answer from the truth. Returns the formulas that were proved equal here, by argument.

    `gradients` are the answers' values in float64, `exact` the enclosures of those whose operations balls know.

    Raises:
        ExerciseError: an answer differs from the gradient, at a point where the function is smooth.
    """
    proved: dict[str, str] = {}
    for name, found in gradients.items():
        truth = reference.high[name]
        if reference.kind == "certified" and name in exact:
            gap = apart(exact[name], reference, name)
            wrong = (gap.least > 0) & (gap.distance > NEARLY * (np.abs(truth) + _largest(truth)))
            if gap.proved:
                proved[name] = case.exercise.answer[name]
        else:
            wrong = np.abs(found - truth) > FAR * reference.allowed[name]
        if wrong.any() and (reference.kind != "certified" or _smooth(case, tape)):
            raise _refusal(case, name, found, truth, wrong)
    return proved


def _smooth(case: Case, tape: Tape | None) -> bool:
    """Whether no decision on the path is tied here: at a kink the truth is a set, and the answer may be another member of it."""
    if tape is None:
        return True
    try:
        path = enclose(tape, case.arguments, case.upstream, honoured=tape.honoured(case.exercise.cuts)).path
    except Unsupported:
        return True
    return all(check.settled for check in path)


def _refusal(case: Case, name: str, found: Array, truth: Array, wrong: Array) -> ExerciseError:
    """What the answer gives, what the truth is, and what the difference looks like."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f" at [{', '.join(map(str, index))}]" if index else ""
    got, expected = float(found[index]), float(truth[index])
    share = f" ({int(wrong.sum())} of {wrong.size} entries differ)" if wrong.size > 1 else ""
    message = f"the answer for {name}, {case.exercise.answer[name]!r}, is not the gradient{place}: it gives {got:.10g}, the truth is "
    message += f"{expected:.10g}{share}. Point {case.number}: " + ", ".join(f"{k} = {_shown(t)}" for k, t in case.arguments.items()) + "."
    return ExerciseError(message, file=case.exercise.file, line=case.exercise.line, advice=_advice(found, truth))


def _advice(found: Array, truth: Array) -> str:
    """A hint where the whole answer is off by one factor."""
    known = np.isfinite(found) & np.isfinite(truth) & (truth != 0)
    ratios = found[known] / truth[known]
    if ratios.size and ratios[0] != 0 and np.allclose(ratios, ratios[0], rtol=1e-9, atol=0):
        return "The sign is wrong." if math.isclose(ratios[0], -1.0, rel_tol=1e-9) else f"Every entry is {ratios[0]:.6g} times the truth."
    return "Correct the answer, or the function."


def _shown(tensor: torch.Tensor) -> str:
    flat = [f"{float(x):.6g}" for x in tensor.reshape(-1)[:6]]
    return flat[0] if tensor.ndim == 0 else f"[{', '.join(flat)}{', …' if tensor.numel() > 6 else ''}]"


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array), initial=0.0))
