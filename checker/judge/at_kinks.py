"""Gradients and Jacobians judged at a point where the function may not be smooth.

Comes in: derivations, compared with what exact arithmetic gave.  Goes out: the comparisons by what kind of point it is.  Why: at a tie the
enclosed truth followed PyTorch's convention, which is itself under test.

A row of a Jacobian is the gradient of one output: each is judged against the set of its own subgradients. Rows that are each a subgradient
need not together be an element of Clarke's generalised Jacobian, which is smaller; a row that is none is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from msgspec.structs import replace as with_fields

from checker.judge.classification import Classification
from checker.judge.entries import output
from checker.judge.kinks import classify
from checker.methods.jacobian import outputs_of, units_of
from checker.tape.tape import Tape
from checker.values import SEVERITY, Array, Case, Comparison, Derivation, Mode, Reference, Verdict

#: Methods that follow the recorded operations exactly, conventions included.
EXACT = ("certified", "symbolic")
#: A Jacobian of more rows, or more entries, is not judged row by row: each is a search of its own.
ROWS, ENTRIES = 16, 4096


def gradients_at_kink(
    case: Case, tape: Tape | None, reference: Reference, compared: Sequence[tuple[Derivation, Sequence[Comparison]]]
) -> list[Comparison]:
    """Every gradient against what may be returned here."""
    point = replace(classify(case, tape), rounding=reference.allowed if reference.kind == "certified" else {})
    return [judged for d, comparisons in compared for judged in _judged(point, d.method, d.gradients, d.error, comparisons)]


def jacobians_at_kink(
    case: Case,
    tape: Tape | None,
    reference: Reference,
    compared: Sequence[tuple[Derivation, Sequence[Comparison]]],
    complexes: Sequence[int],
) -> list[Comparison]:
    """Every row of every Jacobian against what may be returned as the gradient of its output; as they are where there are too many."""
    count = outputs_of(case)
    if count > ROWS or count * sum(case.arguments[name].numel() for name in case.differentiated) > ENTRIES:
        return [c for _, comparisons in compared for c in comparisons]
    found: list[list[Comparison]] = [[] for _ in compared]
    for row, unit in enumerate(units_of(case)):
        point = classify(replace(case, mode=Mode.VJP, upstream=unit), tape)
        point = replace(point, rounding=_row(reference.allowed, row, case) if reference.kind == "certified" else {})
        for at, (derivation, comparisons) in enumerate(compared):
            gradient, error = _row(derivation.gradients, row, case), _row(derivation.error, row, case)
            if gradient.keys() >= {c.argument for c in comparisons}:
                said = _judged(point, derivation.method, gradient, error, comparisons)
                found[at] += [with_fields(c, message=f"{output(case, row, complexes)}: {c.message}") for c in said]
    return [_worst(c, rows) for (_, comparisons), rows in zip(compared, found, strict=True) for c in comparisons]


def _judged(
    point: Classification, method: str, gradient: Mapping[str, Array], error: Mapping[str, Array], comparisons: Sequence[Comparison]
) -> list[Comparison]:
    """The comparisons of one gradient, or of one row. What follows the tape exactly is no answer where its convention is no derivative."""
    finding = point.verdict_for(gradient, error)
    if method in EXACT and finding.verdict is Verdict.WRONG:
        said = f"at the tie here exact arithmetic follows PyTorch's own convention, which is not the derivative: {finding.message}"
        return [with_fields(c, verdict=Verdict.INCONCLUSIVE, message=said) for c in comparisons]
    return [with_fields(c, verdict=finding.arguments[c.argument], message=finding.message) for c in comparisons]


def _worst(compared: Comparison, rows: Sequence[Comparison]) -> Comparison:
    """The comparison with the verdict and the sentence of its worst row."""
    own = [row for row in rows if row.argument == compared.argument]
    worst = max(own, key=lambda row: SEVERITY.index(row.verdict), default=compared)
    return with_fields(compared, verdict=worst.verdict, message=worst.message)


def _row(arrays: Mapping[str, Array], row: int, case: Case) -> dict[str, Array]:
    """One row of each Jacobian that is held whole."""
    shapes = {name: tuple(case.arguments[name].shape) for name in arrays}
    return {name: array[row] for name, array in arrays.items() if np.shape(array)[1:] == shapes[name]}
