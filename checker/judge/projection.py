"""Judging a gradient of thousands to millions of entries.

Comes in: derivations of a case, its tape, and slopes along random directions.  Goes out: one `Comparison` an argument, which names the
wrong entry.  Why: no reference knows every entry, but a slope along a random direction is known, and every wrong entry shows in it.

A float64 gradient g is judged by ⟨u, g⟩ against the slope along u. Where it is off along several directions, `bisection.py` finds the
entries. In a narrower dtype the rounding of all entries together would hide a wrong one, so such a gradient is judged entry by entry
against that of the tape in float64, which is itself judged along the directions.

Directions of one sign, as `gradcheck(fast_mode=True)` draws them, would let the tolerance grow with the sum of all entries and hide a
flipped sign. What rounding may do is measured, see `measured.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from checker.errors import Unsupported
from checker.judge.bisection import Search, inner
from checker.judge.compare import TOO_WIDE, compare
from checker.judge.directions import ROUNDINGS, along, by_forward, measured, uncancelled
from checker.judge.kinks import NO_VALUE, OVERFLOWS, has_value
from checker.judge.measured import MEASURED, Widths, in_two_widths
from checker.judge.outcome import Outcome, at_ties, entrywise, not_finite, told, undefined, unsettled
from checker.judge.reference import fixed
from checker.judge.ties import MOST, Tie, set_aside, unbounded
from checker.methods.differences import function_of
from checker.methods.lines import Called, Replayed
from checker.methods.parts import Part, whole
from checker.tape.formats import FORMATS
from checker.values import Array, Case, Comparison, Derivation, Reference, Slope

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: A gradient is wrong where it is off along so many fresh directions: one may be unlucky in its estimate of the error.
DIRECTIONS = 3

#: Beside what was measured, so many units of the dtype an entry. Errors of single entries meet random signs, so that along a direction
#: their norm counts and not their sum.
UNITS = 128.0

#: Of the terms that forward mode adds up it is right to so much.
CANCELLED = MEASURED * FORMATS["float64"].unit

#: Entry by entry, where the dtype under test was itself measured: another order of operations may round so many times as much as the
#: largest rounding that was met, and another kernel by so many units more.
ORDERS, ULPS = 4.0, 8.0


def compare_projections(derivations: Sequence[Derivation], case: Case, tape: Tape | None, reference: Reference) -> list[Comparison]:
    """Compare every gradient of `derivations` with what is known along directions, argument by argument."""
    bench = _Bench(case, tape, list(reference.slopes))
    found: list[Comparison] = []
    for derivation in derivations:
        if derivation.problem is None and derivation.gradients:
            try:
                found += _compared(derivation, bench) if tape is None or has_value(case, tape) else _without_value(derivation, bench)
            except (Unsupported, RuntimeError) as error:  # the function may fail beside its point
                found += [unsettled(derivation, name, f"no slope could be measured: {error}") for name in derivation.gradients]
    return found


@dataclass
class _Bench:
    """What gradients of one case are judged by; whatever is not needed is not measured."""

    case: Case
    tape: Tape | None
    slopes: list[Slope]

    @cached_property
    def function(self) -> Replayed | Called:
        return function_of(self.case, self.tape)[0]

    @cached_property
    def dtype(self) -> str:
        """The dtype in which the function rounds most: the case's own, or a narrower one inside."""
        return self.tape.coarsest(self.case.dtype) if self.tape is not None else self.case.dtype

    @cached_property
    def widths(self) -> Mapping[str, Widths]:
        """The tape's own gradients in its narrowest dtype and in float64; empty where there is no tape."""
        return in_two_widths(self.function, self.dtype)

    @cached_property
    def value(self) -> float:
        """Σ|v·f|: where a gradient is rounding and nothing else, slopes are measured by it."""
        values = self.function.values_at_point()
        upstream = [v.double().numpy() for v in self.case.upstream if v is not None]
        return sum(float(np.sum(np.abs(v * f))) for v, f in zip(upstream, values, strict=True))

    @cached_property
    def double(self) -> Outcome:
        """What directions say about the tape's gradient in float64."""
        return _judged({name: w.double for name, w in self.widths.items()}, self, UNITS * FORMATS["float64"].unit)

    def known(self) -> Iterator[Slope]:
        """Slopes along fresh directions, as they are asked for; those that meet a kink are left out."""
        for number in range(DIRECTIONS):
            if number == len(self.slopes):
                self.slopes.append(along(self.function, self.case, number))
            if np.isfinite(self.slopes[number].error):
                yield self.slopes[number]

    @cached_property
    def spared(self) -> tuple[Slope, list[Tie]] | None:
        """What is left of the first direction, where all meet a kink, without the entries that do."""
        return set_aside(self.function, self.case, self.slopes[0])


def _compared(derivation: Derivation, bench: _Bench) -> list[Comparison]:
    case = bench.case
    finite = {name: g for name, g in derivation.gradients.items() if np.isfinite(g).all()}
    found = [_not_finite(derivation, name, bench) for name in derivation.gradients if name not in finite]
    narrow = bench.dtype != "float64" and bench.widths and not bench.double.wrong
    if narrow and bench.double.slope is not None:
        return [*found, *_entry_by_entry(derivation, finite, bench)]
    fixed_ = case.exercise.tolerance
    outcome = _judged(finite, bench, UNITS * FORMATS[bench.dtype].unit if fixed_ is None else fixed_) if finite else Outcome()
    return [*found, *(at_ties(told(derivation, name, outcome, case), g, outcome) for name, g in finite.items())]


def _without_value(derivation: Derivation, bench: _Bench) -> list[Comparison]:
    """Where the function has no finite value, in any dtype or in this one, it has no gradient either."""
    wide = all(np.isfinite(value).all() for value in bench.function.values_at_point())
    why = OVERFLOWS.format(dtype=bench.case.shown_dtype) if wide else NO_VALUE
    return [undefined(derivation, name, why) for name in derivation.gradients]


def _not_finite(derivation: Derivation, name: str, bench: _Bench) -> Comparison:
    """A gradient with entries that are none: right only where the function has no slope there either."""
    places = np.flatnonzero(~np.isfinite(derivation.gradients[name]))
    none = len(places) <= MOST and unbounded(bench.function, bench.case, bench.slopes[0], [Part(name, int(k), int(k) + 1) for k in places])
    return not_finite(derivation, name, undefined=none)


def _judged(gradients: Mapping[str, Array], bench: _Bench, share: float) -> Outcome:
    """⟨u, g⟩ against the slope along one direction after the other, until they agree; where none does, what is wrong.

    Rounding in every entry may move it by `share` of ‖u∘g‖.
    """
    parts = [whole(bench.case, name) for name in gradients]
    outcome = Outcome()
    ties: Sequence[Tie] = ()
    slopes: Iterable[Slope] = bench.known()
    if not any(np.isfinite(slope.error) for slope in bench.slopes) and bench.spared is not None:
        slopes, ties = [bench.spared[0]], bench.spared[1]
    for tried, slope in enumerate(slopes, start=1):
        true, error = slope.value, slope.error
        if len(parts) < len(slope.u):  # the gradients of other arguments are none
            true, error = (float(a[0]) for a in measured(bench.function, bench.case, slope.u, [parts]))
        products = [slope.u[name].numpy() * g for name, g in gradients.items()]
        size = _norm(products)
        off, allowed = abs(sum(float(np.sum(p)) for p in products) - true), error + share * size
        vague = False
        if off > allowed or allowed > TOO_WIDE * size:  # only now is it worth finding out how the function rounds
            terms = uncancelled(bench.function, slope.u, parts)
            allowed += _shaken(bench, slope, parts) * (off > allowed) + CANCELLED * terms
            vague = allowed > TOO_WIDE * max(size, bench.value, terms)
        outcome = Outcome(slope=slope, tried=tried, off=off, allowed=allowed, vague=vague, ties=ties)
        if off <= allowed:
            return outcome
    last = outcome.slope
    if last is None:
        return outcome
    search = Search(gradients, last.u, lambda some: _measured(some, gradients, last, bench, share))
    arguments = search.arguments()
    wrong = {name: search.entries(name) for name, (off, allowed) in arguments.items() if off > allowed}
    return replace(outcome, arguments=arguments, wrong=wrong, searched=search.directions)


def _measured(parts: Sequence[Part], gradients: Mapping[str, Array], slope: Slope, bench: _Bench, share: float) -> tuple[Array, Array]:
    """Slopes along parts of a direction, and how far ⟨u, g⟩ may be off each: by forward mode where that told the slope of the whole.

    A single entry is what is told to a person: it is confirmed by differences.
    """
    sizes = np.array([share * _size(gradients, slope, [part]) + _shaken(bench, slope, [part]) for part in parts])
    rounding = sizes + CANCELLED * np.array([uncancelled(bench.function, slope.u, [part]) for part in parts])
    tangents = [by_forward(bench.function, slope.u, [part]) for part in parts] if slope.forward else []
    true = np.array([t for t in tangents if t is not None])
    known = slope.forward and len(true) == len(parts)
    if known and max(part.size for part in parts) > 1:
        return true, ROUNDINGS * bench.function.eps * np.abs(true) + rounding
    quotient, error = measured(bench.function, bench.case, slope.u, [[part] for part in parts])
    if known and np.all(np.abs(true - quotient) <= error):
        quotient, error = true, ROUNDINGS * bench.function.eps * np.abs(true)
    return quotient, error + rounding


def _size(gradients: Mapping[str, Array], slope: Slope, parts: Sequence[Part]) -> float:
    """‖u∘g‖₂ over some parts."""
    return _norm([_part(gradients[p.name], p) * _part(slope.u[p.name].numpy(), p) for p in parts])


def _shaken(bench: _Bench, slope: Slope, parts: Sequence[Part]) -> float:
    """What rounding inside the function may add to ⟨u, g⟩, where it can be measured and no tolerance was asked for."""
    if bench.case.exercise.tolerance is not None or not bench.widths:
        return 0.0
    return MEASURED * _norm([_part(bench.widths[p.name].moved, p) * _part(slope.u[p.name].numpy(), p) for p in parts])


def _part(array: Array, part: Part) -> Array:
    return array.reshape(-1)[part.start : part.stop]


def _norm(arrays: Sequence[Array]) -> float:
    return math.sqrt(sum(inner(a, a) for a in arrays))


def _entry_by_entry(derivation: Derivation, gradients: Mapping[str, Array], bench: _Bench) -> list[Comparison]:
    """Gradients in a narrow dtype against those of the tape in float64, which directions have found to be right."""
    case, outcome, unit = bench.case, bench.double, FORMATS[bench.dtype].unit
    true = {name: w.double for name, w in bench.widths.items()}
    reference = Reference(
        kind="differences",
        high=true,
        low={name: np.zeros(()) for name in true},
        radius={name: np.asarray(outcome.shown(name)) for name in true},
        allowed={n: ORDERS * float(np.max(np.abs(w.moved), initial=0.0)) + ULPS * unit * np.abs(w.double) for n, w in bench.widths.items()},
        origin=f"rounding measured between {bench.dtype} and float64; the gradient in float64 was judged along random directions",
    )
    compared = compare(replace(derivation, gradients=gradients), fixed(reference, case), case)
    return [at_ties(entrywise(c, gradients[c.argument], reference, outcome), gradients[c.argument], outcome) for c in compared]
