"""Rigorous gradients: the truth as tight balls, and how far from it a correct program in floating point may be.

Comes in: a tape, its arguments and the upstream gradient.  Goes out: `Enclosure`; `allowed` gives the allowed error.  Why: a gradient can
only be judged against a reference that is known to be right, within an error that the point's own conditioning explains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from flint import arb

from checker.tape.arithmetic import Balls, Rounding, precision
from checker.tape.arrays import each
from checker.tape.graph import Check
from checker.tape.interpreter import Replayed, interpret, pull
from checker.tape.tape import Tape
from checker.values import Array

T = TypeVar("T")

START_BITS, MOST_BITS = 192, 6144
#: A radius below 2⁻¹¹⁰ of the midpoint is far below any dtype's unit; one below 2⁻³⁰⁰ is far below anything that is compared.
RELATIVE, NEGLIGIBLE = arb(2) ** -110, arb(2) ** -300
#: Exact arithmetic that has not told a sign at this precision meets a tie that no precision settles.
DECIDED_BITS = 1024
#: Midpoints of widened balls need no more than a few guard bits beyond float64.
ROUNDING_BITS = 128


@dataclass(frozen=True)
class Midpoints:
    """An array of balls: `high + low` is the midpoint to about 106 bits, `radius` (rounded up) reaches the whole ball from there."""

    high: Array
    low: Array
    radius: Array


@dataclass(frozen=True, kw_only=True)
class Enclosure:
    """The truth about one case. `value` has an entry per output (None where it is not floating), `gradient` one per floating argument.

    `path` lists the decisions that the recorded path rests on and what exact arithmetic found; `bits` is the precision that was needed.
    """

    value: tuple[Midpoints | None, ...]
    gradient: Mapping[str, Midpoints]
    path: tuple[Check[arb], ...]
    bits: int


def enclose(
    tape: Tape,
    arguments: Mapping[str, torch.Tensor],
    upstream: Sequence[torch.Tensor | None] | None,
    *,
    honoured: frozenset[int] = frozenset(),
    most_bits: int = MOST_BITS,
) -> Enclosure:
    """The exact value and vector–Jacobian product at the exact binary point `arguments`, for the given `upstream`; None: the value alone.

    Precision is doubled until every gradient entry (without an upstream, every entry of the value) is known far below any unit in the last
    place, or `most_bits` are reached. An entry that no precision makes finite (√x at 0) comes out with an infinite radius; an exact zero
    has radius 0.

    Raises:
        Unsupported: an operation on the way has no rule, or an option that its rule does not know.
    """

    def look() -> tuple[tuple[Replayed[arb], Mapping[str, Array]], Mapping[str, Array], Sequence[Check[arb]]]:
        replayed = interpret(tape, arguments, Balls(), honoured=honoured)
        gradient = {} if upstream is None else pull(replayed, upstream)
        values = {f"value {i}": v for i, v in enumerate(replayed.values()) if v is not None}
        return (replayed, gradient), values if upstream is None else gradient, replayed.graph.checks

    (replayed, gradient), bits = settled(look, most_bits)
    with precision(bits):
        return Enclosure(
            value=tuple(None if a is None else midpoints(a) for a in replayed.values()),
            gradient={name: midpoints(a) for name, a in gradient.items()},
            path=tuple(replayed.graph.checks),
            bits=bits,
        )


def settled(look: Callable[[], tuple[T, Mapping[str, Array], Sequence[Check[Any]]]], most_bits: int = MOST_BITS) -> tuple[T, int]:
    """What `look` finds, and the bits of precision that took: doubled until the balls that it wants are known far below any unit in the
    last place and the signs that its path rests on are told, or until more bits do not help."""
    bits, open_ = START_BITS, None
    while True:
        with precision(bits):
            found, wanted, path = look()
            before, open_ = open_, _unsettled(wanted, path, bits)
        stuck = open_ == before and bits > 4 * START_BITS and all(why == "not finite" for why in open_.values())
        if not open_ or stuck or bits >= most_bits:
            return found, bits
        bits *= 2


def allowed(
    tape: Tape,
    arguments: Mapping[str, torch.Tensor],
    upstream: Sequence[torch.Tensor | None],
    truth: Enclosure,
    *,
    honoured: frozenset[int] = frozenset(),
) -> tuple[dict[str, Array], tuple[Array | None, ...]]:
    """How far a correct program may be from `truth`, entry by entry: for each gradient, and for each value. Absolute, float64.

    Every operation rounds in the dtype that the tape recorded for it; where an argument is in half precision in that, since a kernel may
    stay in it where the tape shows a detour through float32. Infinite where nothing can be promised.
    """
    half = next((_name(t) for t in arguments.values() if t.dtype in (torch.float16, torch.bfloat16)), None)
    with precision(ROUNDING_BITS):
        numbers = Rounding(half)
        replayed = interpret(tape, arguments, numbers, honoured=honoured)
        gradient = pull(replayed, upstream)
        return (
            {name: reach(stored(numbers, array, arguments[name]), truth.gradient[name]) for name, array in gradient.items()},
            tuple(None if a is None or t is None else reach(a, t) for a, t in zip(replayed.values(), truth.value, strict=True)),
        )


def _name(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def stored(numbers: Rounding, gradient: Array, argument: torch.Tensor) -> Array:
    """A gradient in its argument's dtype, where it is rounded and may overflow."""
    numbers.working(_name(argument))
    return each(gradient, lambda x: numbers.stored(numbers.rounded(x)))


def _unsettled(wanted: Mapping[str, Array], path: Sequence[Check[Any]], bits: int) -> dict[Any, str]:
    """What more bits may still improve, and why."""
    open_: dict[Any, str] = {}
    for name, array in wanted.items():
        for place, x in enumerate(array.reshape(-1)):
            if not x.is_finite():
                open_[name, place] = "not finite"
            elif not (x.rad() <= RELATIVE * abs(x.mid()) or x.rad() < NEGLIGIBLE):
                open_[name, place] = "wide"
    if bits < DECIDED_BITS:
        open_.update({("path", i): c.found for i, c in enumerate(path) if c.found == "undecided"})
    return open_


def midpoints(array: Array) -> Midpoints:
    high, low, radius = (np.zeros(array.shape) for _ in range(3))
    for index in np.ndindex(array.shape):
        x: Any = array[index]
        if not x.is_finite():
            high[index], radius[index] = math.nan, math.inf
            continue
        high[index] = float(x.mid())
        rest = x - arb(float(high[index]))
        low[index] = float(rest.mid())
        radius[index] = _up(rest - arb(float(low[index])))
    return Midpoints(high, low, radius)


def reach(array: Array, truth: Midpoints) -> Array:
    """The distance from the midpoints of the truth to the far side of each ball."""
    result = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        x: Any = array[index]
        x = x - arb(float(truth.high[index])) - arb(float(truth.low[index]))
        result[index] = _up(x) if x.is_finite() else math.inf
    return result


def _up(x: arb) -> float:
    """A float no less than any absolute value in `x`; zero of an exact zero."""
    if x == 0:
        return 0.0
    return math.nextafter(float(x.abs_upper()), math.inf)
