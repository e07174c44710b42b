"""One case, looked at from every side.

Comes in: a case and the methods to run.  Goes out: a `Look`: the case's record and what the exercise's record gathers from all of
them.  Why: this is the order in which trust is built: record, believe the tape, find the truth, derive, compare, judge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from checker.asked import Impossible, unknown
from checker.authoring import Exercise
from checker.curves import curves
from checker.errors import Unsupported
from checker.garbage import seldom
from checker.judge.again import hooked, once_more, worse
from checker.judge.at_kinks import gradients_at_kink, jacobians_at_kink
from checker.judge.beginning import begin
from checker.judge.belief import Belief, path_of
from checker.judge.blame import blamed, stepping
from checker.judge.compare import compare
from checker.judge.entries import compare_jacobian
from checker.judge.jacobian import refer_jacobian
from checker.judge.kinks import suspicious
from checker.judge.projection import compare_projections
from checker.judge.reference import Truth, refer, uncut
from checker.judge.rowwise import compare_rows
from checker.judge.second import second_order
from checker.judge.verdict import case_verdict
from checker.methods import methods
from checker.methods.autograd import to_array
from checker.record import CaseRecord, MathematicsRecord, Numbers, PathRecord
from checker.tape.customs import Custom
from checker.tape.leaks import LEAVING
from checker.tape.replay import loops_quietly
from checker.tape.tape import Tape
from checker.transcribe import arguments_of, complex_outputs_of, cuts_of, derivation_of, reference_of, second_order_of, steps_of
from checker.values import Case, Comparison, Derivation, Method, Mode, Problem, Settings, Verdict
from checker.warned import noted

#: Methods that know one vector–Jacobian product of few entries, and no other mode.
VECTOR_ONLY = ("symbolic", "formula")


@dataclass(frozen=True, kw_only=True)
class Look:
    """A looked-at case. `path` names its execution path, `mathematics` reads it, `notes` are what else a reader should know, `customs` are
    operations that torch did not write, `unfollowed` says where a value left for Python that changes no value and was seen in no
    comparison."""

    record: CaseRecord
    path: str
    mathematics: MathematicsRecord | None
    notes: Sequence[str]
    case: Case
    customs: Sequence[Custom]
    unfollowed: Sequence[str] = ()


def chosen_methods(settings: Settings) -> dict[str, Method]:
    """The methods that a run uses: those asked for by name, and by device; certified truth is always found, for it judges the others.

    Raises:
        Impossible: a method that there is not.
    """
    found = methods()
    wanted = settings.methods or tuple(found)
    for name in wanted:
        if name not in found:
            raise Impossible("methods", name, unknown(name, "method", tuple(found)))
    devices = {"cuda": "cuda" in settings.devices, "reverse": "cpu" in settings.devices, "forward": "cpu" in settings.devices}
    return {name: method for name, method in found.items() if name in wanted and devices.get(name, True)}


def required_methods(exercise: Exercise, chosen: Mapping[str, Method], mode: Mode | None) -> tuple[str, ...]:
    """What the matrix requires of this exercise, among the methods that were asked for and know the mode that was."""
    unknown = VECTOR_ONLY if mode in (Mode.JACOBIAN, Mode.PROJECTION) else ()
    return tuple(name for name in exercise.required if name in chosen and name not in unknown)


def look(case: Case, chosen: Mapping[str, Method], *, used: Derivation | None = None) -> Look:
    """Record, believe, refer, derive, compare and judge one case. `used` is a gradient that something else went by, such as a descent.

    The function is called many times; what it warns about is noted once.

    Raises:
        ExerciseError: the exercise's `answer` is not its gradient here.
    """
    with noted() as said, loops_quietly(), seldom():
        found = _look(case, chosen, used)
    return replace(found, notes=[*found.notes, *said])


def _look(case: Case, chosen: Mapping[str, Method], used: Derivation | None) -> Look:
    beginning = begin(case)
    case, tape, failure, belief = beginning.case, beginning.tape, beginning.failure, beginning.belief
    stopped = failure is not None and failure.verdict is not Verdict.UNSUPPORTED
    truth = Truth(reference=None, reason=belief.reason) if stopped else _refer(case, tape, belief)
    trusted = tape if belief.trusts(case.exercise.cuts) else None
    if stopped:
        derivations = [Derivation(method=name, dtype=case.dtype, problem=failure) for name in chosen]
    else:
        derivations = [_derive(method, case, trusted, tape, truth) for method in chosen.values()]
    if used is not None:
        derivations.append(used)
    truth, comparisons = _judged(case, tape, belief, truth, derivations) if belief.repeats else (truth, [])
    rerun, said_of_reverse = None, []
    reverse = next((d for d in derivations if d.method == "reverse" and d.problem is None), None)
    repeatable = tape is not None and case.mode is not Mode.VJP and not (tape.customs or tape.hooks)  # torch's own kernels on the CPU
    if reverse is not None and tape is not None and belief.repeats and case.pictured and not repeatable:
        rerun = once_more(case, reverse)
        said_of_reverse = [said for said in (rerun[1] if rerun else "", hooked(case, tape, reverse)) if said]
    if rerun is not None:
        truth, again = _judged(case, tape, belief, truth, [rerun[0]])
        comparisons = worse(comparisons, again)
    verdict, explanation = case_verdict(derivations, comparisons, required_methods(case.exercise, chosen, case.mode), truth.reason)
    second = None
    if case.exercise.second_order and verdict is Verdict.AGREES:
        second = second_order(case, tape, belief, truth, tuple(chosen))
        if second.verdict is not Verdict.AGREES:
            verdict, explanation = second.verdict, f"second order: {second.explanation}"
    arguments, upstream = arguments_of(case)
    first = case.dtype == case.exercise.dtypes[0]
    drawn = case.pictured and case.mode is not Mode.JACOBIAN
    path = _path(tape, derivations)
    record = CaseRecord(
        number=case.number,
        origin=case.origin,
        dtype=case.shown_dtype,
        mode=case.mode.value,
        seed=case.seed,
        verdict=verdict,
        explanation="; ".join([explanation, *blamed(verdict, explanation, tape, belief, case.exercise.cuts), *said_of_reverse]),
        arguments=arguments,
        upstream=upstream,
        value=[Numbers.of(to_array(v)) for v in tape.values] if tape is not None else [],
        complex_outputs=complex_outputs_of(tape) if tape is not None and case.exercise.complex else [],
        path=path,
        reference=reference_of(truth.reference) if truth.reference is not None else None,
        derivations=[derivation_of(d) for d in derivations],
        comparisons=comparisons,
        second=second_order_of(second) if second is not None else None,
        cuts=cuts_of(tape, case.exercise.cuts, uncut(case, tape)) if tape is not None and tape.cuts and first else [],
        curves=curves(case, trusted, truth.reference.high) if truth.reference is not None and drawn else [],
        steps=steps_of(tape) if tape is not None and case.pictured else [],
        stochastic=(tape is not None and tape.stochastic) or beginning.draws or not belief.repeats or rerun is not None,
    )
    notes = [note for note in (beginning.note, belief.reason, truth.reason, *said_of_reverse, *stepping(truth)) if note]
    return Look(
        record=record,
        path=path.signature,
        mathematics=_mathematics(derivations, path.signature),
        notes=notes,
        case=case,
        customs=tape.customs if tape is not None else (),
        unfollowed=_unfollowed(tape, case.exercise.cuts) if tape is not None and belief.follows else (),
    )


def _unfollowed(tape: Tape, declared: frozenset[str]) -> list[str]:
    """Where values left a tape that follows its function: unless Python compared them, nobody knows what they decide."""
    compared = {decision.line for decision in tape.decisions}
    left = [cut for cut in tape.cuts if cut.how in LEAVING.values() and not cut.inside and cut.how not in declared]
    return list(dict.fromkeys(f"{cut.how} on {cut.line}" for cut in left if cut.line not in compared))


def _refer(case: Case, tape: Tape | None, belief: Belief) -> Truth:
    """The truth about the case's vector–Jacobian product, or about its whole Jacobian."""
    return refer_jacobian(case, tape, belief) if case.mode is Mode.JACOBIAN else refer(case, tape, belief)


def _derive(method: Method, case: Case, trusted: Tape | None, tape: Tape | None, truth: Truth) -> Derivation:
    """One method's derivation. What the harness's own methods raise is theirs; what a plugin raises is reported as its crash."""
    problem = method.unsupported(case, tape)
    if problem is not None:
        return Derivation(method=method.name, dtype=case.dtype, problem=problem)
    try:
        return method.derive(case, trusted, truth.reference)
    except Unsupported as error:
        problem = Problem(verdict=Verdict.UNSUPPORTED, message=str(error), line=error.line)
        return Derivation(method=method.name, dtype=case.dtype, problem=problem)


def _judged(
    case: Case, tape: Tape | None, belief: Belief, truth: Truth, derivations: Sequence[Derivation]
) -> tuple[Truth, list[Comparison]]:
    """Every gradient against the truth, and that truth: of a large Jacobian each entry is asked for only where a row is off."""
    rows = truth.reference.rows if truth.reference is not None else None
    if rows is not None:
        agreed = compare_rows([d for d in derivations if d.problem is None], rows, case)
        if agreed is not None:
            return truth, agreed
        truth = refer_jacobian(case, tape, belief, closely=True)
    return truth, _compared(case, tape if belief.trusts(case.exercise.cuts) else None, truth, derivations)


def _compared(case: Case, tape: Tape | None, truth: Truth, derivations: Sequence[Derivation]) -> list[Comparison]:
    """Every gradient against the truth: entry by entry, along directions where there are too many, or against a set at a kink."""
    arrived = [d for d in derivations if d.problem is None and d.gradients]
    if case.mode is Mode.PROJECTION:
        return compare_projections(arrived, case, tape, truth.reference) if truth.reference is not None else []
    reference = truth.reference
    if reference is None:
        return []
    path = truth.enclosure.path if truth.enclosure is not None else ()
    if case.mode is Mode.JACOBIAN:
        smooth = not suspicious(case, tape, path, (reference.high, reference.allowed))
        complexes = complex_outputs_of(tape) if tape is not None and case.exercise.complex else []
        entries = [(d, compare_jacobian(d, reference, case, smooth=smooth, complexes=complexes)) for d in arrived]
        return [c for _, found in entries for c in found] if smooth else jacobians_at_kink(case, tape, reference, entries, complexes)
    compared = [(d, compare(d, reference, case)) for d in arrived]
    estimate = reference.allowed if reference.kind == "differences" else {}
    # Differences of an ill-conditioned tape cannot put in doubt what balls have proved along that tape; those of the function itself can.
    doubts = [d.error for d in arrived if reference.kind == "differences" or "looped" in d.details]
    if not suspicious(case, tape, path, (reference.high, estimate, *doubts)):
        return [c for _, comparisons in compared for c in comparisons]
    return gradients_at_kink(case, tape, reference, compared)


def _path(tape: Tape | None, derivations: Sequence[Derivation]) -> PathRecord:
    """The execution path, with its conditions where the symbolic method has read them."""
    if tape is None:
        return PathRecord(signature="")
    read: dict[str, list[str]] = next((d.details["path"] for d in derivations if "path" in d.details), {})
    return PathRecord(
        signature=path_of(tape),
        lines=list(dict.fromkeys(decision.line for decision in tape.decisions)),
        **read,
    )


def _mathematics(derivations: Sequence[Derivation], path: str) -> MathematicsRecord | None:
    """What the symbolic method wrote, with the answers that the formula method proved."""
    details = {key: value for derivation in derivations for key, value in derivation.details.items()}
    if "mathematics" not in details:
        return None
    return MathematicsRecord(**details["mathematics"], path=path, formula=details.get("proved", {}))
