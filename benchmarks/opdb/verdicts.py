"""What the checker says of PyTorch's operators, one answer a sample.

Comes in: an operator of the database.  Goes out: an `Answer` for each of its samples.  Why: the table in `docs/operators.md`, and the test
that holds it, ask the same question by the same pipeline as an exercise is asked; what they list is what a user would read.

A gradient of PyTorch that is called wrong is believed to be so only where an oracle that shares nothing with the checker says so as well,
and a point without a gradient only where slopes from values alone show the same.
Anything else that is not right is a `fault`: the checker's own, which the table must not have.
"""

from __future__ import annotations

import re
import time
import traceback
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from checker.look import look
from checker.methods import methods
from checker.record import CaseRecord
from checker.values import Case, Comparison, Mode, Verdict
from opdb.database import Operator, asked
from opdb.nature import nature
from opdb.oracle import second_opinion

METHODS = ("certified", "differences", "reverse", "forward")
#: What is under test; the others of `METHODS` are the checker's own.
TORCH = ("reverse", "forward")
#: Points at which no gradient exists, or not a single one.
NOT_SMOOTH = (Verdict.SUBGRADIENT, Verdict.JUMP, Verdict.UNDEFINED)


@dataclass(frozen=True)
class Answer:
    """What was said about one sample: a `status`, and the reason for it where there is one.

    `certified` and `differences` name the reference with which torch's gradients agree; `projection` is differences along directions.
    `subgradient`, `jump`, `undefined` and `inconclusive` are verdicts; `torch wrong` names the modes that are, and the reference;
    `unsupported` names the operation; `unusable` says why the sample asks nothing. `fault` is a mistake of the checker.
    """

    status: str
    reason: str = ""
    stochastic: bool = False
    evidence: str = ""
    seconds: float = field(default=0.0, compare=False)  #: of the processor

    @property
    def text(self) -> str:
        """Status and reason in one line, as the table and the test compare them."""
        return self.status + (f": {self.reason}" if self.reason else "")


def answers(operator: Operator, numbers: Iterable[int] | None = None) -> Mapping[int, Answer]:
    """The answer for every sample of `operator`, or for those with the given numbers."""
    found = asked(operator, numbers=numbers)
    said = {number: answer(case) for number, case in found.cases.items()}
    said |= {number: Answer("unsupported", reason) for number, reason in found.unsupported.items()}
    said |= {number: Answer("unusable", reason) for number, reason in found.unusable.items()}
    return dict(sorted(said.items()))


def answer(case: Case) -> Answer:
    """What the checker says about one sample."""
    chosen = {name: methods()[name] for name in METHODS}
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            record = look(case, chosen).record
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return Answer("fault", f"crashed in {where.name}: {type(error).__name__}: {error}")
    return replace(judged(case, record), stochastic=record.stochastic, seconds=time.process_time() - start)


def judged(case: Case, record: CaseRecord) -> Answer:
    """The record of one case as an answer."""
    wrong = [c for c in record.comparisons if c.verdict is Verdict.WRONG]
    own = [c for c in wrong if c.method not in TORCH]
    if own:
        return Answer("fault", f"{own[0].method} is called wrong: {own[0].message}")
    if wrong:
        return _torch_wrong(case, wrong)
    if record.verdict in NOT_SMOOTH:
        seen = nature(case)
        told = f"{record.verdict.value} is said, but slopes from values alone look {seen}"
        return Answer(record.verdict.value) if seen == record.verdict.value else Answer("fault", told)
    if record.verdict is Verdict.AGREES:
        return _agreed(case, record)
    reason = _without_line(record.explanation)
    if record.verdict in (Verdict.INCONCLUSIVE, Verdict.UNSUPPORTED):
        return Answer(record.verdict.value, _without_figures(reason))
    return Answer("fault", f"{record.verdict.value}: {reason}")


def _agreed(case: Case, record: CaseRecord) -> Answer:
    compared = {c.method for c in record.comparisons}
    if "reverse" not in compared:
        return Answer("fault", "reverse mode was not compared with anything")
    if case.mode is Mode.PROJECTION:
        return Answer("projection", "too many entries to enclose each")
    unproved = next((d.problem.message for d in record.derivations if d.method == "certified" and d.problem is not None), "")
    return Answer("differences", _short(unproved)) if unproved else Answer("certified")


def _torch_wrong(case: Case, wrong: list[Comparison]) -> Answer:
    """The modes of torch that are wrong, if the oracle says so of the entry that each is called wrong by; it says nothing at a kink."""
    if nature(case) != "smooth":
        return Answer("fault", f"{wrong[0].method} is called wrong where the function is not smooth")
    evidence = []
    by = "balls" if wrong[0].against == "certified" else "differences"
    for comparison in wrong:
        worst = comparison.worst
        if worst is None:
            return Answer("fault", f"{comparison.method} is called wrong without an entry: {comparison.message}")
        expected, got = float(worst.expected), float(worst.got)
        second = second_opinion(case, comparison.argument, worst.index)
        if not (abs(second.value - expected) <= second.error + float(worst.allowed) and not abs(second.value - got) <= 3 * second.error):
            said = f"{second.value:.12g} ± {second.error:.1g}"
            return Answer("fault", f"{comparison.method} is called wrong, but an independent slope is {said}: {comparison.message}")
        evidence.append(
            f"{comparison.method}: got {got:.12g}, expected {expected:.12g}, independent slope {second.value:.12g} ± {second.error:.1g}"
        )
    modes = sorted({c.method for c in wrong}, key=TORCH.index)
    return Answer("torch wrong", f"{' and '.join(modes)}, by {by}", evidence=evidence[0])


def _short(reason: str) -> str:
    """`aten.linalg_qr has no rule here` from `balls: aten.linalg_qr has no rule here (file.py:12)`."""
    return _without_figures(_without_line(reason).removeprefix("balls: "))


def _without_line(text: str) -> str:
    return re.sub(r" \([^()]*\.py:\d+\)", "", text)


def _without_figures(text: str) -> str:
    """Without what differs from sample to sample, so that equal reasons can be counted."""
    text = re.sub(r"^\d[\d,]* scalar operations are more than the", "more scalar operations than the", text)
    return re.sub(r"rounding alone may move it by \S+, its norm is \S+;", "rounding alone may move it by more than it is;", text)
