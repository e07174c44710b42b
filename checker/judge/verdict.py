"""What comparisons mean together.

Comes in: comparisons and derivations of a case, cases of an exercise.  Goes out: one verdict and one sentence.  Why: a skipped method must
never hide, and one wrong entry must never be outvoted: the worst counts, and a required method that did not arrive counts as its problem.
"""

from __future__ import annotations

from collections.abc import Sequence

from checker.record import CaseRecord, OperationRecord
from checker.values import SEVERITY, Comparison, Derivation, Verdict

#: Problems that count only where the method is required.
TOLERATED = (Verdict.UNSUPPORTED, Verdict.NOT_AVAILABLE)
#: Methods that look for the truth; all others are under test. Where one of those is wrong, the sentence is about it.
TRUTHS = ("certified", "symbolic", "differences")
#: Verdicts that a custom operation's own mistake brings about.
FAULTS = (Verdict.WRONG, Verdict.CRASHED, Verdict.WRONG_SHAPE, Verdict.MUTATED_INPUT)


def case_verdict(
    derivations: Sequence[Derivation], comparisons: Sequence[Comparison], required: Sequence[str], reason: str = ""
) -> tuple[Verdict, str]:
    """The worst of a case's comparisons and problems, with the sentence that explains it. `reason` says why there is no truth, if so.

    That one method could not find the truth is no question about the gradients of the methods under test.
    """
    tested = [c for c in comparisons if c.method not in TRUTHS]
    wrong = [c for c in tested if c.verdict is Verdict.WRONG]
    silent = [c for c in comparisons if tested and c not in tested and c.verdict is Verdict.INCONCLUSIVE]
    counted = wrong or [c for c in comparisons if c not in silent]
    found: list[tuple[Verdict, str]] = [(c.verdict, f"{c.method}: {c.message}" if c.message else c.method) for c in counted]
    for derivation in derivations:
        problem = derivation.problem
        if problem is not None and (problem.verdict not in TOLERATED or derivation.method in required):
            where = f" ({problem.line})" if problem.line else ""
            found.append((problem.verdict, f"{derivation.method}: {problem.message}{where}"))
    if not found:
        problems = [(d.problem.verdict, f"{d.method}: {d.problem.message}") for d in derivations if d.problem is not None]
        if len(problems) == len(derivations) > 0:
            return max(problems, key=lambda pair: SEVERITY.index(pair[0]))
        return Verdict.INCONCLUSIVE, reason or "nothing could be compared: there is no reference here"
    verdict, message = max(found, key=lambda pair: SEVERITY.index(pair[0]))
    if verdict is Verdict.AGREES:
        methods = list(dict.fromkeys(c.method for c in counted))
        return verdict, f"{_listed(methods)} agree with the truth" if len(methods) > 1 else f"{methods[0]} agrees with the truth"
    return verdict, message


def record_verdict(cases: Sequence[CaseRecord], operations: Sequence[OperationRecord] = ()) -> tuple[Verdict, str]:
    """The worst of the cases and of the faults of custom operations, with the sentences that explain it."""
    verdict, explanation = _of_cases(cases)
    faults = [
        (check.verdict, f"{operation.name} ({operation.line}), {check.name}", check.message)
        for operation in operations
        for check in operation.checks
        if check.verdict in FAULTS and not check.beside
    ]
    if not faults:
        return verdict, explanation
    worst, place, message = max(faults, key=lambda fault: SEVERITY.index(fault[0]))
    if verdict not in FAULTS:
        return worst, f"{place}: {message}"
    blamed = place if message in explanation else f"{place}: {message}"
    return max(verdict, worst, key=SEVERITY.index), f"{explanation}; the mistake is in {blamed}"


def _of_cases(cases: Sequence[CaseRecord]) -> tuple[Verdict, str]:
    """The worst case's verdict and sentence; where all agree, how many points and dtypes that was."""
    if not cases:
        return Verdict.INCONCLUSIVE, "no case could be made"
    worst = max(cases, key=lambda case: SEVERITY.index(case.verdict))
    if worst.verdict is Verdict.AGREES:
        points, dtypes = len({case.number for case in cases}), list(dict.fromkeys(case.dtype for case in cases))
        return worst.verdict, f"the gradient is right at {points} point{'s' * (points != 1)} in {_listed(dtypes)}"
    return worst.verdict, f"at point {worst.number} ({worst.origin}, {worst.dtype}), {worst.explanation}"


def missing(cases: Sequence[CaseRecord], required: Sequence[str]) -> list[str]:
    """Required methods that did not arrive in some case."""
    return [name for name in required if any(not _arrived(case, name) for case in cases)]


def _arrived(case: CaseRecord, name: str) -> bool:
    return any(d.method == name and d.problem is None for d in case.derivations)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
