"""From live values to the record.

Comes in: cases, derivations, references, tapes.  Goes out: their parts of the record.  Why: the record is plain data with a life of
its own; this is the one place where tensors and functions turn into it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from checker.authoring import Exercise
from checker.judge.second import SecondOrder
from checker.methods.autograd import to_array
from checker.record import (
    CutRecord,
    DerivationRecord,
    InputRecord,
    Numbers,
    ProblemRecord,
    ReferenceRecord,
    SecondOrderRecord,
    SourceRecord,
    StepRecord,
    Text,
)
from checker.tape.tape import Tape
from checker.values import Array, Case, Derivation, Reference

#: Details that go to places of their own in the record.
GATHERED = ("mathematics", "path", "proved")

#: The computation graph is drawn for tapes up to this many operations.
DRAWN = 80


def arguments_of(case: Case) -> tuple[dict[str, Numbers], list[Numbers | None]]:
    """The case's arguments and upstream."""
    upstream = [None if v is None else Numbers.of(to_array(v)) for v in case.upstream]
    return {name: Numbers.of(to_array(t)) for name, t in case.arguments.items()}, upstream


def derivation_of(derivation: Derivation) -> DerivationRecord:
    problem = derivation.problem
    return DerivationRecord(
        method=derivation.method,
        device=derivation.device,
        dtype=derivation.dtype,
        seconds=derivation.seconds,
        value=[Numbers.of(v) for v in derivation.value],
        gradients=_all(derivation.gradients),
        error=_all(derivation.error),
        problem=ProblemRecord(verdict=problem.verdict, message=problem.message, line=problem.line) if problem is not None else None,
        details={key: value for key, value in derivation.details.items() if key not in GATHERED},
    )


def second_order_of(found: SecondOrder) -> SecondOrderRecord:
    return SecondOrderRecord(
        verdict=found.verdict,
        explanation=found.explanation,
        rows=list(found.rows),
        reference=reference_of(found.reference) if found.reference is not None else None,
        derivations=[derivation_of(d) for d in found.derivations],
        comparisons=list(found.comparisons),
    )


def reference_of(reference: Reference) -> ReferenceRecord:
    return ReferenceRecord(
        kind=reference.kind,
        origin=reference.origin,
        gradients=_all(reference.high),
        radius=_all(reference.radius),
        allowed=_all(reference.allowed),
    )


def cuts_of(tape: Tape, declared: frozenset[str], opened: Mapping[str, Array]) -> list[CutRecord]:
    """The tape's cuts, a line and mechanism once, with the gradient as it would be with all of them open."""
    seen = {(cut.how, cut.line): cut for cut in tape.cuts}
    return [
        CutRecord(
            how=cut.how,
            line=cut.line,
            code=cut.code,
            explicit=cut.explicit,
            declared=cut.how in declared,
            baked=cut.baked,
            uncut=_all(opened),
        )
        for cut in seen.values()
    ]


def complex_outputs_of(tape: Tape) -> list[int]:
    """The places of the outputs that `realform` split into real and imaginary parts, which the function itself did on no line."""
    split = {slot for node in tape.nodes if node.base == "view_as_real" and not node.line for slot in node.outputs}
    return [at for at, slot in enumerate(tape.outputs) if slot in split]


def steps_of(tape: Tape) -> list[StepRecord]:
    """The operations in order; none where there are too many to draw."""
    if len(tape.nodes) > DRAWN:
        return []
    return [
        StepRecord(
            operation=node.name,
            line=node.line,
            code=node.code,
            operands=[ref.slot for ref in node.refs],
            results=[slot for slot in node.outputs if slot is not None],
            shape=next((tape.meta[slot].shape for slot in node.outputs if slot is not None), ()),
        )
        for node in tape.nodes
    ]


def inputs_of(exercise: Exercise) -> list[InputRecord]:
    return [
        InputRecord(name=i.name, shape=i.letters, kind=i.kind, domain=str(i.domain), differentiated=i.differentiated)
        for i in exercise.inputs
    ]


def source_of(exercise: Exercise) -> SourceRecord | None:
    if not exercise.text:
        return None
    digest = hashlib.sha256(exercise.text.encode()).hexdigest()
    return SourceRecord(file=exercise.file, line=exercise.line, text=exercise.text, sha256=digest)


def text_of(words: Mapping[str, str]) -> Text:
    return Text(en=words.get("en", next(iter(words.values()), "")), zh=words.get("zh"))


def _all(arrays: Mapping[str, Array]) -> dict[str, Numbers]:
    return {name: Numbers.of(np.asarray(array)) for name, array in arrays.items()}
