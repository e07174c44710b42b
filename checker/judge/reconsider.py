"""Comparisons at points where there may be nothing to compare with.

Comes in: a case's comparisons and what is known about its point.  Goes out: the comparisons as they stand, or judged again.  Why: balls
follow one path and differences one pair of sides; in a tie, a jump or an infinite slope neither says which gradients are right, and the
branches around the point do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec.structs import replace

from checker.judge.kinks import Classification, Finding, classify, suspicious
from checker.values import Case, Comparison, Derivation, Mode, Reference, Verdict

if TYPE_CHECKING:
    from checker.tape.tape import Tape


def reconsider(
    comparisons: Sequence[Comparison],
    derivations: Sequence[Derivation],
    case: Case,
    tape: Tape | None,
    reference: Reference | None,
    path: Sequence[Any] = (),
) -> list[Comparison]:
    """`comparisons`, or others in their place where the point is suspicious and the branches around it tell more."""
    chosen = [d for d in derivations if d.problem is None and all(name in d.gradients for name in case.differentiated)]
    known = (reference.high, reference.radius, reference.allowed) if reference is not None else ()
    confirmed = reference is not None and not suspicious(case, tape, path, known)
    if case.mode is Mode.PROJECTION or not chosen or confirmed:
        return list(comparisons)
    found = classify(case, tape)
    if found.kind == "unsettled" and comparisons:
        return list(comparisons)
    compared = {(c.method, c.argument): c for c in comparisons}
    judged = [c for c in comparisons if c.method not in {d.method for d in chosen}]
    for derivation in chosen:
        finding = _finding(found, derivation)
        for name in case.differentiated:
            before = compared.get((derivation.method, name)) or Comparison(
                method=derivation.method, argument=name, verdict=Verdict.INCONCLUSIVE, against="branches"
            )  # fmt: skip
            verdict = finding.arguments.get(name, finding.verdict)
            judged.append(replace(before, verdict=verdict, against="branches", worst=None, message=finding.message))
    return judged


def _finding(found: Classification, derivation: Derivation) -> Finding:
    """Judge a gradient by the branches; one that comes with an error bound of its own claims no more than that."""
    if not derivation.error:
        return found.verdict_for(derivation.gradients)
    names = list(derivation.gradients)
    if found.kind == "smooth":
        truth, arguments = found.branches[0], {}
        for name in names:
            own = np.asarray(derivation.error.get(name, 0.0))
            wrong = ~(np.abs(derivation.gradients[name] - truth[name]) <= own + found.error.get(name, 0.0)) & np.isfinite(own)
            arguments[name] = Verdict.WRONG if np.any(wrong) else Verdict.AGREES
        verdict = Verdict.WRONG if Verdict.WRONG in arguments.values() else Verdict.AGREES
        relation = "outside" if verdict is Verdict.WRONG else "within"
        return Finding(verdict, f"{found.message}; this is {relation} the method's own error of it", arguments)
    verdict = {"kink": Verdict.SUBGRADIENT, "jump": Verdict.JUMP, "singular": Verdict.UNDEFINED}.get(found.kind, Verdict.INCONCLUSIVE)
    return Finding(verdict, found.message, dict.fromkeys(names, verdict))
