"""Whether one wrong entry of a gradient is seen.

Comes in: a case and a seeded generator.  Goes out: a `Trial`: whether PyTorch's own gradient agrees, and whether the same gradient with one
entry altered is called wrong, with that entry named.  Why: a verifier that accepts what is right is worth nothing until it is known to
refuse what is wrong. Both gradients go through the pipeline of an exercise, as gradients that something else went by.

The altered entry is drawn from those that are larger than ten times the allowed error over the change: a change below that is nothing that
rounding could not have done. How many entries this rule leaves out is counted.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from checker.judge.beginning import begin
from checker.judge.reference import refer
from checker.look import look
from checker.methods.autograd import Reverse
from checker.record import CaseRecord
from checker.values import Case, Derivation, Mode, Reference, Verdict
from opdb.verdicts import judged

Place = tuple[str, tuple[int, ...]]

#: By how much an entry is altered, relative to itself. In half precision rounding alone does as much.
CHANGE = {"float64": 1e-6, "float32": 1e-2}
#: A change must be so many times as large as the allowed error to be asked for.
MARGIN = 10.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What became of one case.

    Of the `entries`, `excluded` are left out by the rule, and `zeros` of these are exactly zero, which no relative change alters.
    `refused` says why nothing was tried: no reference, no single gradient here, or one that PyTorch gets wrong. `alarm` is the sentence by
    which the unaltered gradient was called wrong though it is right. `altered` tells whether an entry could be altered; `missed` is what
    was said instead of naming it.
    """

    entries: int = 0
    excluded: int = 0
    zeros: int = 0
    altered: bool = False
    refused: str = ""
    alarm: str = ""
    missed: str = ""


def trial(case: Case, generator: random.Random) -> Trial:
    """Ask about the gradient as PyTorch gives it, then with one entry altered."""
    if case.mode is not Mode.VJP:
        return Trial(refused="too many entries")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = begin(case)
        reference = None if start.failure is not None else refer(start.case, start.tape, start.belief).reference
        given = Reverse().derive(start.case, start.tape, reference)
        if reference is None or given.problem is not None:
            return Trial(refused="no reference" if reference is None else "no gradient arrives")
        unaltered = _asked(case, given)
        if unaltered.verdict is Verdict.WRONG:
            said = judged(case, unaltered)
            return Trial(refused="wrong in PyTorch") if said.status == "torch wrong" else Trial(alarm=said.text)
        if unaltered.verdict is not Verdict.AGREES:
            return Trial(refused=unaltered.verdict.value)
        if case.dtype not in CHANGE:
            return Trial()
        entries, seen = visible(given, reference, CHANGE[case.dtype])
        zeros = sum(int(np.count_nonzero(g == 0)) for g in given.gradients.values())
        if not seen:
            return Trial(entries=entries, excluded=entries, zeros=zeros)
        name, index = generator.choice(seen)
        missed = _missed(_asked(case, altered(given, name, index, CHANGE[case.dtype])), name, index)
        return Trial(entries=entries, excluded=entries - len(seen), zeros=zeros, altered=True, missed=missed)


def visible(given: Derivation, reference: Reference, change: float) -> tuple[int, list[Place]]:
    """How many entries there are, and those of which a change would be larger than ten times what is allowed."""
    entries, seen = 0, []
    for name, gradient in given.gradients.items():
        entries += gradient.size
        with np.errstate(invalid="ignore"):
            large = np.abs(gradient) * change > MARGIN * (reference.allowed[name] + reference.radius[name])
        seen += [(name, tuple(int(i) for i in index)) for index in np.argwhere(large & np.isfinite(gradient))]
    return entries, seen


def altered(given: Derivation, name: str, index: tuple[int, ...], change: float) -> Derivation:
    """The same with one entry multiplied by 1 + `change`."""
    gradient = np.array(given.gradients[name])
    gradient[index] *= 1.0 + change
    gradients: Mapping[str, np.ndarray] = {**given.gradients, name: gradient}
    return replace(given, method="altered", gradients=gradients)


def _asked(case: Case, given: Derivation) -> CaseRecord:
    """What the pipeline of an exercise says about a gradient that something else went by."""
    return look(case, {}, used=given).record


def _missed(record: CaseRecord, name: str, index: tuple[int, ...]) -> str:
    """What was said instead of calling the entry wrong; empty where it was."""
    for comparison in record.comparisons:
        if comparison.argument == name and comparison.verdict is Verdict.WRONG:
            named = comparison.worst.index if comparison.worst is not None else None
            return "" if named == index else f"{list(index)} of {name} was altered, {named} is named"
    return f"{list(index)} of {name} was altered: {record.verdict}: {record.explanation}"
