"""The sign of each verdict: how it looks and reads on a page, in one table.

Comes in: a verdict.  Goes out: its mark, word, tone and meaning.  Why: nothing on a page is said by colour alone, and a mark means the
same wherever it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from checker.values import Verdict


@dataclass(frozen=True)
class Sign:
    """`mark` is one character, `word` is read aloud, `tone` names the colour in the style sheet, `meaning` is a sentence."""

    mark: str
    word: str
    tone: str
    meaning: str


SIGNS: dict[Verdict, Sign] = {
    Verdict.AGREES: Sign("✓", "agrees", "good", "Within the allowed error of the reference."),
    Verdict.SUBGRADIENT: Sign("∂", "subgradient", "kink", "Not differentiable here; the gradient is one of the valid choices."),
    Verdict.INCONCLUSIVE: Sign("?", "inconclusive", "unsure", "Rounding at this point may exceed the gradient itself."),
    Verdict.UNDEFINED: Sign("∞", "undefined", "unsure", "No finite value here, or an infinite one-sided slope."),
    Verdict.JUMP: Sign("↕", "jump", "unsure", "Discontinuous here: no gradient exists."),
    Verdict.WRONG: Sign("✗", "wrong", "bad", "Outside the allowed error."),
    Verdict.UNSUPPORTED: Sign("–", "unsupported", "none", "An operation has no rule in this method."),
    Verdict.NOT_AVAILABLE: Sign("○", "not available", "none", "What the method needs is not on this machine."),
    Verdict.WRONG_SHAPE: Sign("□", "wrong shape", "bad", "The gradient has another shape than its argument."),
    Verdict.MUTATED_INPUT: Sign("✎", "mutated input", "bad", "The function wrote to an argument."),
    Verdict.TIMED_OUT: Sign("…", "timed out", "bad", "Stopped at the time limit."),
    Verdict.CRASHED: Sign("!", "crashed", "bad", "An exception, or the process ended."),
}


def sign(verdict: Verdict) -> Sign:
    return SIGNS[verdict]
