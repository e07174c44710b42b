"""Whether a formula equals the truth at a point.

Comes in: a formula's text, a case, its reference.  Goes out: the formula's value in float64, its enclosure by balls, how far it is from
the truth.  Why: an author's answer and a student's are judged by the same evaluation and the same proof.

The proof: the formula's own evaluation is recorded as a tape and enclosed by balls, as the gradient was; at the case's exact binary point
the two must meet, which takes about thirty digits. What is equal there, at random points, is equal: a coincidence would need all of them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from checker.draws import seeded
from checker.errors import Unsupported
from checker.formula import Formula, parse
from checker.grammar import ONE
from checker.tape.balls import START_BITS, Midpoints, enclose
from checker.tape.record import record
from checker.tape.size import ENCLOSED, scalar_operations
from checker.values import Array, Case, Mode, Reference

#: A formula that is this close, of an entry and of the largest, differs by a rounded constant (0.1, 1/3), not by what it means.
NEARLY = 2.0**-40
#: Where a formula cancels, more bits tell whether to zero.
MOST_BITS = 8 * START_BITS
#: Entries of all tensors on the way: what depends on no input costs no operation, but must be held as balls.
HELD = 4 * ENCLOSED
#: A ball proves nothing unless it is this small: of its midpoint, or in all.
TIGHT, NOTHING = 2.0**-100, 2.0**-300


def evaluated(text: str, case: Case, name: str) -> Array:
    """The formula's value at the case's point, in float64: of the shape of the argument `name` where it is a single number.

    Raises:
        FormulaError: it cannot be read or evaluated.
    """
    with seeded(case.seed), torch.no_grad():
        result = _value(text, case, name, {**case.arguments, ONE: torch.ones((), dtype=torch.float64)})
    return np.array(result.detach().to(torch.float64).numpy())


def enclosed(text: str, case: Case, name: str) -> Midpoints | None:
    """The formula's exact value by balls, or None where they do not know an operation, or there are too many.

    Raises:
        FormulaError: it cannot be read or evaluated.
    """
    if case.mode is Mode.PROJECTION:
        return None
    arguments = {**case.arguments, ONE: torch.ones((), dtype=torch.float64)}
    try:
        with seeded(case.seed):
            tape = record(lambda given: (_value(text, case, name, given),), arguments)
        operations = scalar_operations(tape)
        if operations > ENCLOSED or sum(math.prod(meta.shape) for meta in tape.meta.values()) > HELD:
            return None
        affordable = START_BITS * ENCLOSED // max(operations, 1)
        return enclose(tape, arguments, None, most_bits=min(MOST_BITS, affordable)).value[0]
    except Unsupported:
        return None


@dataclass(frozen=True, kw_only=True)
class Apart:
    """How far a formula's enclosure is from the truth's, entry by entry.

    `distance` is that of the midpoints, `least` that of the nearest members: zero where they meet, or where one is not finite. `settled`
    says that both are everywhere so tight that meeting is equality to thirty digits; a wide ball meets anything.
    """

    distance: Array
    least: Array
    settled: bool

    @property
    def proved(self) -> bool:
        """Whether the two are equal to thirty digits, in every entry."""
        return self.settled and not (self.least > 0).any()


def apart(exact: Midpoints, reference: Reference, name: str) -> Apart:
    """Compare the enclosure of a formula with that of the true gradient of the argument `name`, which has the same shape."""
    truth = Midpoints(reference.high[name], reference.low[name], reference.radius[name])
    distance, least = np.zeros(exact.high.shape), np.zeros(exact.high.shape)
    known = np.isfinite(exact.radius) & np.isfinite(truth.radius)
    for index in map(tuple, np.argwhere(known)):
        parts = [(1, exact.high), (1, exact.low), (-1, truth.high), (-1, truth.low)]
        between = abs(sum((sign * Fraction(float(part[index])) for sign, part in parts), Fraction(0)))
        reach = Fraction(float(exact.radius[index])) + Fraction(float(truth.radius[index]))
        distance[index], least[index] = _float(between), _float(max(Fraction(0), between - reach))
    tight = all((ball.radius <= np.maximum(TIGHT * np.abs(ball.high), NOTHING)).all() for ball in (exact, truth))
    return Apart(distance=distance, least=least, settled=bool(known.all()) and tight)


@functools.lru_cache(maxsize=512)
def _parsed(text: str, names: tuple[str, ...]) -> Formula:
    return parse(text, names)


def _value(text: str, case: Case, name: str, arguments: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The formula by torch; `value` is computed by the function itself, so that on a tape it is as exact as everything else."""
    exercise = case.exercise
    formula = _parsed(text, tuple(i.name for i in exercise.inputs))
    given = {k: _double(t) for k, t in arguments.items()}
    if case.upstream[0] is not None:
        given["upstream"] = _double(case.upstream[0])
    if "value" in formula.names:
        given["value"] = _double(exercise.call({k: t for k, t in arguments.items() if k != ONE})[0])
    result = formula(given)
    return result if result.ndim else result.expand(tuple(case.arguments[name].shape))


def _double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(torch.float64) if tensor.is_floating_point() else tensor


def _float(value: Fraction) -> float:
    """A float near `value`, infinite beyond the largest, and positive wherever it is."""
    try:
        return max(float(value), math.ulp(0.0)) if value else 0.0
    except OverflowError:
        return math.inf
