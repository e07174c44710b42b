"""Judging second derivatives: the Hessian H of ⟨v, f⟩, entry by entry.

Comes in: a case whose gradient is right, its tape, the truth about the gradient.  Goes out: a `SecondOrder`.  Why: that a gradient is right
says nothing about its derivative, which other rules compute, and which a custom backward may cut off without a word.

A function of few entries is judged by every entry of H, mixed blocks between arguments included; one of many by H u along random directions
u, from a seed that is logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from msgspec.structs import replace as with_fields

from checker.judge.belief import Belief
from checker.judge.compare import compare, digits, told
from checker.judge.reference import UNPROVED_UNITS, Truth, refer
from checker.judge.second_reference import CARRIED, difference, measured, refer_second, work
from checker.judge.verdict import case_verdict
from checker.methods.directions import signs
from checker.methods.second import FORWARD, LEAKING, REVERSE, forward_over_reverse, reverse_over_reverse
from checker.tape.formats import FORMATS
from checker.tape.hessian import Directions
from checker.tape.tape import Tape
from checker.values import Array, Case, Comparison, Derivation, Mode, Problem, Reference, Verdict

#: Entries up to which all of H is judged; beyond, its products with so many random directions.
ENTRIES, DIRECTIONS = 256, 4
#: Entries beyond which nothing is done: every step along a direction takes a gradient of them all.
MOST = 1 << 14
#: What is under test, by the first-order method that it builds on.
TESTED = {"reverse": reverse_over_reverse, "forward": forward_over_reverse}


@dataclass(frozen=True, kw_only=True)
class SecondOrder:
    """What was found about H. `rows` names the directions: the entry that moves, or a random direction with its seed.

    The gradients of `derivations` and the arrays of `reference` have a row for each direction: how the gradient moves along it.
    """

    verdict: Verdict
    explanation: str
    rows: tuple[str, ...] = ()
    reference: Reference | None = None
    derivations: tuple[Derivation, ...] = ()
    comparisons: tuple[Comparison, ...] = ()


def second_order(
    case: Case, tape: Tape | None, belief: Belief, truth: Truth, chosen: Sequence[str] = ("reverse", "forward", "differences")
) -> SecondOrder:
    """Judge the second derivatives of `case`, whose tape is worth `belief`; `truth` is that about the gradient.

    `chosen` are the methods to run: "reverse" over reverse, "forward" over reverse, "differences" of gradients. The tape is replayed only
    where it can be believed.
    """
    entries = sum(case.arguments[name].numel() for name in case.differentiated)
    if not 0 < entries <= MOST:
        message = f"second derivatives of {entries:,} entries are not looked at: 1 to {MOST:,} are"
        return SecondOrder(verdict=Verdict.UNSUPPORTED, explanation=message)
    if case.mode is Mode.JACOBIAN:
        case = replace(case, mode=Mode.VJP)
        truth = refer(case, tape, belief)
    tape = tape if belief.trusts(case.exercise.cuts) else None
    directions, rows = _directions(case, tape, entries)
    known = refer_second(case, tape, truth, directions)
    derivations = [_in_its_order(name, case, directions, tape, known.reference) for name in TESTED if name in chosen]
    if "differences" in chosen:
        derivations.append(known.differences or difference(case, tape, truth, directions))
    comparisons: list[Comparison] = []
    if known.reference is not None:
        words = _Words(case, directions, rows, tuple(known.differences.details.get("kinks", ())) if known.differences else ())
        for derivation in derivations:
            if derivation.problem is None:
                comparisons += [words.of(c, derivation) for c in compare(derivation, known.reference, case)]
    verdict, explanation = case_verdict(derivations, comparisons, [REVERSE] if "reverse" in chosen else [], known.reason)
    return SecondOrder(
        verdict=verdict,
        explanation=explanation,
        rows=rows,
        reference=known.reference,
        derivations=tuple(derivations),
        comparisons=tuple(comparisons),
    )


def _in_its_order(name: str, case: Case, directions: Directions, tape: Tape | None, reference: Reference | None) -> Derivation:
    """A derivation with what its own way may round differently as its error: the order of its sums, and where that is not enough, since
    torch has other formulas for some second derivatives, what is measured."""
    derive = TESTED[name]
    leak = next((cut for cut in tape.cuts if cut.how in LEAKING), None) if tape is not None and name == "forward" else None
    if leak is not None:
        problem = Problem(verdict=Verdict.UNSUPPORTED, message=f"{leak.how} does not stop forward mode", line=leak.line)
        return Derivation(method=FORWARD, dtype=case.dtype, problem=problem)
    found = derive(case, directions)
    if reference is None or found.problem is not None:
        return found
    found = replace(found, error=dict(reference.other_order))
    if all(c.verdict is not Verdict.WRONG for c in compare(found, reference, case)):
        return found
    rounding = measured(derive, case, directions)
    return replace(
        found, error={name: found.error.get(name, 0.0) + np.full_like(h, rounding.get(name, 0.0)) for name, h in found.gradients.items()}
    )


def _directions(case: Case, tape: Tape | None, entries: int) -> tuple[Directions, tuple[str, ...]]:
    """Every entry where that is not too much; else random directions of ±max(1, |x|) from the case's seed. With their names."""
    if entries <= ENTRIES and work(tape, entries) <= CARRIED:
        return Directions.unit(case.arguments, case.differentiated), entry_names(case)
    drawn = signs(case, case.differentiated, DIRECTIONS, case.seed)
    rows = torch.cat([drawn[name].reshape(DIRECTIONS, -1) for name in case.differentiated], dim=1).numpy()
    shapes = tuple(tuple(case.arguments[name].shape) for name in case.differentiated)
    names = tuple(f"u{k + 1} (seed {case.seed})" for k in range(DIRECTIONS))
    return Directions(case.differentiated, shapes, rows), names


def entry_names(case: Case) -> tuple[str, ...]:
    """`x[0, 1]` for every differentiated entry, in order; `x` of a single number."""
    shapes = {name: tuple(case.arguments[name].shape) for name in case.differentiated}
    return tuple(case.exercise.input(name).entry(index) for name, shape in shapes.items() for index in np.ndindex(shape))


@dataclass(frozen=True)
class _Words:
    """Says comparisons in words of second derivatives. `kinks` are those of the gradient: direction, entry, slopes behind and ahead."""

    case: Case
    directions: Directions
    rows: tuple[str, ...]
    kinks: tuple[tuple[int, int, float, float], ...]

    def of(self, found: Comparison, derivation: Derivation) -> Comparison:
        """The comparison with its worst entry named; at a kink of the gradient, of what kind the point is."""
        place, got = self.directions.places()[found.argument], self._whole(derivation)
        if found.verdict is Verdict.WRONG and found.worst is not None:
            shape = np.shape(derivation.gradients[found.argument])
            row, entry = divmod(int(np.ravel_multi_index(found.worst.index, shape)), place.stop - place.start)
            promised = np.isfinite(float(found.worst.allowed)) or not self.kinks
            if promised and not any((row, place.start + entry) == (k, j) for k, j, _, _ in self.kinks):
                return with_fields(found, message=self._wrong(found, got, row, place.start + entry))
        for row, entry, behind, ahead in self.kinks:
            if place.start <= entry < place.stop:
                return self._kink(found, derivation, row, entry, float(got[row, entry]), sorted((behind, ahead)))
        if found.verdict is Verdict.AGREES:
            return with_fields(found, message=f"the derivative of the gradient of {found.argument} agrees")
        return with_fields(found, message=found.message.replace("gradient of", "derivative of the gradient of", 1))

    def _whole(self, derivation: Derivation) -> Array:
        """The gradient of every argument, side by side: a row for each direction."""
        return np.concatenate([derivation.gradients[name].reshape(len(self.rows), -1) for name in self.directions.names], axis=1)

    def _wrong(self, found: Comparison, got: Array, row: int, entry: int) -> str:
        assert found.worst is not None
        got_there, expected = found.worst.got, found.worst.expected
        message = f"{self._entry(row, entry)}: {told(got_there, expected, found.worst.allowed)}"
        if self._square and row != entry and abs(got[entry, row] - got[row, entry]) > 2.0 * float(found.worst.allowed):
            message += f"; H is not symmetric: across the diagonal it has {digits(float(got[entry, row]))}"
        return message

    def _kink(self, found: Comparison, derivation: Derivation, row: int, entry: int, value: float, slopes: Sequence[float]) -> Comparison:
        low, high = slopes
        if not np.all(np.isfinite(slopes)):
            message = f"{self._entry(row, entry)} does not exist: the slope of the gradient grows without bound here, or has one side only"
            return with_fields(found, verdict=Verdict.UNDEFINED, message=message)
        slack = UNPROVED_UNITS * FORMATS[self.case.dtype].unit * max(abs(low), abs(high))
        between = low - slack <= value <= high + slack
        message = (
            f"{self._entry(row, entry)} does not exist: the gradient has a kink here, with the slopes {digits(low, 6)} and "
            f"{digits(high, 6)} on its two sides; {digits(value, 6)} is {'' if between else 'not '}between them"
        )
        return with_fields(found, verdict=Verdict.UNDEFINED if between else Verdict.WRONG, message=message)

    def _entry(self, row: int, entry: int) -> str:
        name = entry_names(self.case)[entry]
        return f"∂²/∂{self.rows[row]}∂{name}" if self._square else f"(H u)[{name}] along {self.rows[row]}"

    @property
    def _square(self) -> bool:
        """Whether the directions are the entries, so that the rows are those of H."""
        return self.rows == entry_names(self.case)
