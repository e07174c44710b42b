"""How a verdict looks and reads on a page: one table, used by every template.

Comes in: a verdict.  Goes out: its sign, word, tone and meaning.  Why: nothing on a page is said by colour alone, and a sign means the
same wherever it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from checker.values import Verdict


@dataclass(frozen=True)
class Look:
    """`sign` is one character, `word` is read aloud, `tone` names the colour in the style sheet, `meaning` is a sentence."""

    sign: str
    word: str
    tone: str
    meaning: str


LOOKS: dict[Verdict, Look] = {
    Verdict.AGREES: Look("✓", "agrees", "good", "Within the allowed error of the reference."),
    Verdict.SUBGRADIENT: Look("∂", "subgradient", "kink", "Not differentiable here; the gradient is one of the valid choices."),
    Verdict.INCONCLUSIVE: Look("?", "inconclusive", "unsure", "Rounding at this point may exceed the gradient itself."),
    Verdict.UNDEFINED: Look("∞", "undefined", "unsure", "No finite value here, or an infinite one-sided slope."),
    Verdict.JUMP: Look("↕", "jump", "unsure", "Discontinuous here: no gradient exists."),
    Verdict.WRONG: Look("✗", "wrong", "bad", "Outside the allowed error."),
    Verdict.UNSUPPORTED: Look("–", "unsupported", "none", "An operation has no rule in this method."),
    Verdict.NOT_AVAILABLE: Look("○", "not available", "none", "What the method needs is not on this machine."),
    Verdict.WRONG_SHAPE: Look("□", "wrong shape", "bad", "The gradient has another shape than its argument."),
    Verdict.MUTATED_INPUT: Look("✎", "mutated input", "bad", "The function wrote to an argument."),
    Verdict.TIMED_OUT: Look("…", "timed out", "bad", "Stopped at the time limit."),
    Verdict.CRASHED: Look("!", "crashed", "bad", "An exception, or the process ended."),
}


def look(verdict: Verdict) -> Look:
    return LOOKS[verdict]
