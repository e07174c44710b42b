"""The author's own answer, as a method, and the proof that it is one.

Comes in: a case whose exercise has `answer` formulas.  Goes out: their values; an error where one is not the gradient.  Why: students are
judged by these formulas, so a wrong one must never get that far.

The proof: the formula's own evaluation is recorded as a tape and enclosed by balls, as the gradient was; at the case's exact binary point
the two must meet, which takes about thirty digits. What is equal there, at random points, is equal: a coincidence would need all of them.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import torch

from checker.draws import seeded
from checker.errors import ExerciseError, FormulaError, Unsupported
from checker.formula import Formula as Text
from checker.formula import parse
from checker.grammar import ONE
from checker.tape.balls import Midpoints, enclose
from checker.tape.record import record
from checker.tape.size import ENCLOSED, scalar_operations
from checker.tape.tape import Tape
from checker.values import Array, Case, Derivation, Mode, Problem, Reference, Verdict

#: A formula that is this close, of the largest entry, differs by a rounded constant (0.1, 1/3): accepted, but not called proved.
NEARLY = 2.0**-40
#: With a truth that is only estimated, a formula is refused where it is this many allowed errors away.
FAR = 8.0


class Formula:
    """The exercise's `answer`, evaluated in float64; its error is how far rounding took it from the formula's exact value.

    `details["proved"]` has the formulas that balls have proved equal to the truth here, by argument.
    """

    name = "formula"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
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
        gradients = {name: evaluated(case, name) for name in case.differentiated}
        exact = {name: balls for name in gradients if (balls := enclosed(case, name)) is not None}
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


def evaluated(case: Case, name: str) -> Array:
    """The answer for `name` at the case's point, in float64, of the argument's shape.

    Raises:
        ExerciseError: it cannot be read or evaluated, or has another shape.
    """
    with seeded(case.seed), torch.no_grad():
        result = _value(case, name, {**case.arguments, ONE: torch.ones((), dtype=torch.float64)})
    return np.array(result.detach().to(torch.float64).numpy())


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
        truth = Midpoints(reference.high[name], reference.low[name], reference.radius[name])
        if reference.kind == "certified" and name in exact:
            distance, least = _apart(exact[name], truth)
            wrong = (least > 0) & (distance > NEARLY * (np.abs(truth.high) + _largest(truth.high)))
            if not (least > 0).any() and np.isfinite(exact[name].radius).all() and np.isfinite(truth.radius).all():
                proved[name] = case.exercise.answer[name]
        else:
            wrong = np.abs(found - truth.high) > FAR * reference.allowed[name]
        if wrong.any() and (reference.kind != "certified" or _smooth(case, tape)):
            raise _refusal(case, name, found, truth.high, wrong)
    return proved


@functools.lru_cache(maxsize=512)
def _parsed(text: str, names: tuple[str, ...]) -> Text:
    return parse(text, names)


def _value(case: Case, name: str, arguments: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The answer for `name` by torch; `value` is computed by the function itself, so that on a tape it is as exact as everything else."""
    exercise = case.exercise
    try:
        formula = _parsed(exercise.answer[name], tuple(i.name for i in exercise.inputs))
        inputs = {k: t for k, t in arguments.items() if k != ONE}
        given = {k: _double(t) for k, t in arguments.items()}
        if case.upstream[0] is not None:
            given["upstream"] = _double(case.upstream[0])
        if "value" in formula.names:
            given["value"] = _double(exercise.call(inputs)[0])
        result = formula(given)
    except FormulaError as error:
        raise ExerciseError(f"answer for {name}: {error.message}", file=exercise.file, line=exercise.line, advice=error.advice) from None
    shape = tuple(case.arguments[name].shape)
    if result.ndim and tuple(result.shape) != shape:
        message = f"the answer for {name} has shape {tuple(result.shape)}, and {name} has shape {shape}."
        raise ExerciseError(message, file=exercise.file, line=exercise.line, advice="A gradient has the shape of its argument.")
    return result.expand(shape)


def _double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.is_floating_point() else tensor


def enclosed(case: Case, name: str) -> Midpoints | None:
    """The formula's exact value by balls, or None where they do not know an operation, or there are too many."""
    if case.mode is Mode.PROJECTION:
        return None
    arguments = {**case.arguments, ONE: torch.ones((), dtype=torch.float64)}
    try:
        with seeded(case.seed):
            tape = record(lambda given: (_value(case, name, given),), arguments)
        if scalar_operations(tape) > ENCLOSED:
            return None
        return enclose(tape, arguments, (None,)).value[0]
    except Unsupported:
        return None


def _apart(one: Midpoints, other: Midpoints) -> tuple[Array, Array]:
    """How far the midpoints of two enclosures are apart, and how far their elements are at least: zero where they meet."""
    distance, least = np.zeros(one.high.shape), np.zeros(one.high.shape)
    for index in np.ndindex(one.high.shape):
        if not (math.isfinite(one.radius[index]) and math.isfinite(other.radius[index])):
            continue
        parts = [(1, one.high), (1, one.low), (-1, other.high), (-1, other.low)]
        between = abs(sum((sign * Fraction(float(part[index])) for sign, part in parts), Fraction(0)))
        reach = Fraction(float(one.radius[index])) + Fraction(float(other.radius[index]))
        distance[index], least[index] = float(between), float(max(Fraction(0), between - reach))
    return distance, least


def _smooth(case: Case, tape: Tape | None) -> bool:
    """Whether no decision on the path is tied here: at a kink the truth is a set, and the answer may be another member of it."""
    if tape is None:
        return True
    try:
        path = enclose(tape, case.arguments, case.upstream, honoured=tape.honoured(case.exercise.cuts)).path
    except Unsupported:
        return True
    return all(check.found == "ok" for check in path)


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
