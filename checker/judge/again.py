"""Reverse mode once more: as it was, and without the hooks on its way.

Comes in: a case and what reverse mode said of it.  Goes out: what it says the next time.  Why: a backward pass may give another gradient
each time it is run, and a hook may change what passes through it; neither can be told from one gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from checker.methods.autograd import Reverse
from checker.tape.tape import Tape
from checker.values import SEVERITY, Case, Comparison, Derivation, Mode

#: What an exercise names among its `cuts` where hooks are meant to change the gradient: reverse mode then runs without them.
HOOK = "hook"


def once_more(case: Case, first: Derivation) -> tuple[Derivation, str] | None:
    """The same pass again and how it differs, where it gives another gradient; None where every bit is the same."""
    product = replace(case, mode=Mode.VJP)
    if case.mode is Mode.JACOBIAN and not apart(*(Reverse().derive(product, None, None) for _ in range(2))):
        return None  # one product tells it, at a fraction of what all rows take
    second = Reverse().derive(case, None, None)
    said = apart(first, second)
    return (second, f"two backward passes differ: {said}") if said else None


def hooked(case: Case, tape: Tape, reverse: Derivation) -> str:
    """What hooks did to the gradient, as a sentence; the empty string where they did nothing, or there are none."""
    if not tape.hooks:
        return ""
    declared = HOOK in case.exercise.cuts
    other = case.exercise.cuts - {HOOK} if declared else case.exercise.cuts | {HOOK}
    said = apart(reverse, Reverse().derive(replace(case, exercise=replace(case.exercise, cuts=other)), None, None))
    if not said:
        return ""
    ways = "without it and with it" if declared else "with it and without it"
    return f"a hook changes the gradient{', as declared' * declared} ({'; '.join(tape.hooks)}), {ways}: {said}"


def apart(first: Derivation, second: Derivation) -> str:
    """Where two gradients differ most, as a sentence; the empty string where they do not."""
    if second.problem is not None:
        return f"the second fails: {second.problem.message}"
    for name, a in first.gradients.items():
        b = second.gradients[name]
        with np.errstate(invalid="ignore"):
            error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        if np.any(error != 0.0):
            at = np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), error.shape)
            place = f" at {[int(i) for i in at]}" if at else ""
            return f"gradient of {name}{place}: {a[at]:.10g} and {b[at]:.10g}, {error[at]:.2g} apart"
    return ""


def worse(first: Sequence[Comparison], second: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons of two runs, of reverse mode the worse of its two."""
    again = {comparison.argument: comparison for comparison in second}

    def chosen(one: Comparison) -> Comparison:
        other = again.get(one.argument) if one.method == "reverse" else None
        return one if other is None else max(one, other, key=lambda c: SEVERITY.index(c.verdict))

    return [chosen(one) for one in first]
