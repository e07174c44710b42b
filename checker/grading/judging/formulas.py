"""Formulas that students hand in.

Comes in: texts by argument, and questions.  Goes out: a `FormulaAnswer` for each, its value and whether it was proved equal to the true
gradient; or findings.  Why: a formula needs no sandbox, since it is read by a whitelist and never run as Python; and it can be proved.

A formula says what is meant, so it is judged by its exact value: `(a − b) + b` is `a`. A number in it is the float64 that Python means by
it, so `0.5` is a half, and `0.1` is equal to a program's `x / 10` as far as constants in float64 can be. `0.333` is not a third.
"""

from __future__ import annotations

import enum
import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from checker.errors import FormulaError
from checker.grading.grades import Finding, Kind
from checker.grading.judging.questions import Answered, Question
from checker.grading.judging.tolerances import allowance, largest
from checker.judge.reference import Truth
from checker.methods.equality import NEARLY, apart, enclosed, evaluated
from checker.tape.balls import Midpoints
from checker.tape.formats import FORMATS
from checker.values import Array, Case, Comparison, Reference

#: Judges what an answer gave at each question: findings, and comparisons for instructors.
Diagnosis = Callable[[Sequence[Answered]], tuple[list[Finding], list[Comparison]]]

#: A constant of a program is rounded to float64, which moves the gradient by some units, times what the point amplifies.
ROUNDINGS = 8.0
#: A formula that holds to so many digits in every entry is taken to be right but for a rounded constant, and told so.
SEEMING = 3


class Equality(enum.StrEnum):
    """How a formula stands to the truth at one point. The first three are right."""

    PROVED = "proved"  #: equal to thirty digits, by balls
    ROUNDED = "rounded"  #: equal as far as the program's own constants, which are float64, can be
    COMPARED = "compared"  #: within what rounding explains, by floats: balls do not know an operation here, or the truth is estimated
    NEARLY = "nearly"  #: equal to a few digits only: a rounded constant
    DIFFERENT = "different"
    UNREADABLE = "unreadable"  #: it cannot be read, or not evaluated here


@dataclass(frozen=True, kw_only=True)
class FormulaAnswer:
    """What one formula gave at one point, for one argument.

    `value` is float64 and of whatever shape the formula has; a single number stands for every entry. It is None where there is an `error`.
    `digits` says to how many significant digits the value holds in every entry, where that is few.
    """

    argument: str
    text: str
    equality: Equality
    value: Array | None = None
    digits: int | None = None
    error: FormulaError | None = None

    @property
    def right(self) -> bool:
        return self.equality in (Equality.PROVED, Equality.ROUNDED, Equality.COMPARED)


def answer_at(texts: Mapping[str, str], case: Case, truth: Truth) -> dict[str, FormulaAnswer]:
    """Each differentiated argument's formula at the case's point, in the order of the arguments; those without a formula are left out.

    The key "" is the only argument's. `truth` has a reference. At a kink the truth is one member of a set: there a value that differs is
    for the caller to judge.
    """
    only = texts.get("") if len(case.differentiated) == 1 else None
    given = {name: texts.get(name, only) for name in case.differentiated}
    assert truth.reference is not None
    return {name: _answer(text, name, case, truth.reference) for name, text in given.items() if text is not None}


def formula_findings(
    texts: Mapping[str, str], questions: Sequence[Question], diagnose: Diagnosis
) -> tuple[list[Finding], list[Comparison]]:
    """What was found about the formulas of one answer, one finding an argument.

    `diagnose` judges values. It is given the truth itself where a formula was proved right, which rounding in float64 might hide; what
    it calls right at 10⁻⁹ is wrong all the same where exact arithmetic tells the two apart.
    """
    given = [_known(tuple(texts.items()), question) for question in questions]
    answered = [Answered(question=q, gradients={n: _shown(a, q) for n, a in one.items()}) for q, one in zip(questions, given, strict=True)]
    found, compared = diagnose(answered)
    smooth = [one for q, one in zip(questions, given, strict=True) if q.classification is None]
    return [
        _stricter(f, [one[f.part] for one in given if f.part in one], [one[f.part] for one in smooth if f.part in one]) for f in found
    ], compared


@functools.lru_cache(maxsize=4096)
def _known(texts: tuple[tuple[str, str], ...], question: Question) -> dict[str, FormulaAnswer]:
    """The answers at a question. A class writes the same few formulas, and a pool has the same few questions: each pair is judged once."""
    return answer_at(dict(texts), question.case, question.truth)


def unreadable(error: FormulaError, part: str = "") -> Finding:
    """What to tell of a formula that cannot be read: where, why, and what to write instead."""
    text = str(error)
    return Finding(part=part, kind=Kind.UNREADABLE, detail=text[0].upper() + text[1:])


def _shown(answer: FormulaAnswer, question: Question) -> Array:
    """The value to diagnose: NaN everywhere where there is none."""
    if answer.right:
        return question.gradient[answer.argument]
    return answer.value if answer.value is not None else np.full_like(question.gradient[answer.argument], np.nan)


def _stricter(finding: Finding, answers: Sequence[FormulaAnswer], smooth: Sequence[FormulaAnswer]) -> Finding:
    """The finding about values, unless the formulas say more: `answers` at every question, `smooth` at those that are no kinks."""
    error = next((a.error for a in answers if a.error is not None), None)
    if error is not None:
        return unreadable(error, finding.part)
    wrong = [a for a in smooth if not a.right]
    if wrong and all(a.equality is Equality.NEARLY for a in wrong):
        digits = min(a.digits or 0 for a in wrong)
        detail = f"Equal to {digits} digits only: is a constant rounded? Write it exactly, such as 1/3, pi or sqrt(2)."
        return msgspec.structs.replace(finding, kind=Kind.WRONG, detail=detail)
    if wrong and finding.kind is Kind.RIGHT:
        return msgspec.structs.replace(finding, kind=Kind.WRONG)
    return finding


def _answer(text: str, name: str, case: Case, reference: Reference) -> FormulaAnswer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's advice is not for whoever grades
        try:
            value = evaluated(text, case, name)
            if value.shape != tuple(case.arguments[name].shape):
                return FormulaAnswer(argument=name, text=text, equality=Equality.DIFFERENT, value=value)
            equality, digits = _equality(text, name, case, reference, value)
            return FormulaAnswer(argument=name, text=text, equality=equality, value=value, digits=digits)
        except FormulaError as error:
            return FormulaAnswer(argument=name, text=text, equality=Equality.UNREADABLE, error=error)


def _exact(text: str, name: str, case: Case) -> Midpoints | None:
    """The formula's enclosure, or None where there is none. A rule may fail at what no program does, and then floats judge."""
    try:
        return enclosed(text, case, name)
    except FormulaError:
        raise
    except Exception:
        return None


def _equality(text: str, name: str, case: Case, reference: Reference, value: Array) -> tuple[Equality, int | None]:
    truth, rounding = reference.high[name], reference.allowed[name]
    exact = _exact(text, name, case) if reference.kind == "certified" else None
    gap = apart(exact, reference, name) if exact is not None else None
    if gap is None or not gap.settled:
        with np.errstate(invalid="ignore"):
            distance = np.abs(value - truth)
        if (distance <= allowance(truth, rounding, reference.radius[name])).all():
            return Equality.COMPARED, None
        return _nearly(distance, truth)
    if gap.proved:
        return Equality.PROVED, None
    size = np.abs(truth)
    units = ROUNDINGS * (rounding * FORMATS["float64"].unit / FORMATS[case.dtype].unit + FORMATS["float64"].unit * size)
    if (gap.distance <= np.minimum(units, NEARLY * (size + largest(size)))).all():
        return Equality.ROUNDED, None
    return _nearly(gap.distance, truth)


def _nearly(distance: Array, truth: Array) -> tuple[Equality, int | None]:
    """Nearly equal, with the number of digits, or different. An entry that should be zero must be."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(distance == 0, 0.0, distance / np.abs(truth))
    worst = float(np.max(relative, initial=0.0))
    digits = math.floor(0.5 - math.log10(worst)) if 0 < worst < 1 else 0
    return (Equality.NEARLY, digits) if digits >= SEEMING else (Equality.DIFFERENT, None)
