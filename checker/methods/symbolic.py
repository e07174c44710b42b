"""Differentiation by rules for symbols, over the tape.

Comes in: a case and its tape.  Goes out: the gradient's numbers, and the mathematics as LaTeX.  Why: it is the one method whose result
can be read, and it shares no arithmetic with the others.
"""

from __future__ import annotations

import time

import numpy as np

from checker.tape.tape import Tape
from checker.values import Array, Case, Derivation, Mode, Problem, Reference, Verdict


class Symbolic:
    """The tape's straight-line program over sympy, evaluated with 60 digits; small functions are also written out.

    `details["mathematics"]` has the fields of `record.MathematicsRecord`, `details["path"]` those conditions of `record.PathRecord`.
    """

    name = "symbolic"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        if case.exercise.complex:
            return Problem(verdict=Verdict.UNSUPPORTED, message="functions of complex numbers are not written in symbols")
        if case.mode is Mode.JACOBIAN:
            return Problem(verdict=Verdict.UNSUPPORTED, message="symbols are written of a vector–Jacobian product, not of every row of J")
        if case.mode is Mode.PROJECTION:
            return Problem(verdict=Verdict.UNSUPPORTED, message="symbols are written of single entries, not of random directions")
        return None

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        """Jᵀv in symbols.

        Raises:
            Unsupported: an operation has no rule, two branches meet at the point, or the program is too long.
        """
        if tape is None:
            message = "there is no tape that replays as the function does, so nothing can be read from one"
            return Derivation(method=self.name, dtype=case.dtype, problem=Problem(verdict=Verdict.UNSUPPORTED, message=message))
        from checker.tape.mathematics import typeset
        from checker.tape.symbolic import express

        start = time.perf_counter()
        expression = express(tape, case.upstream, honoured=tape.honoured(case.exercise.cuts))
        if reference is not None and any(_gap(expression.numbers[name], reference.high.get(name)) for name in case.differentiated):
            message = "the formula divides zero by zero at this point, where the function has a gradient all the same"
            return Derivation(method=self.name, dtype=case.dtype, problem=Problem(verdict=Verdict.UNSUPPORTED, message=message))
        written = typeset(expression, case.differentiated)
        return Derivation(
            method=self.name,
            dtype=case.dtype,
            seconds=time.perf_counter() - start,
            value=expression.values,
            gradients={name: expression.numbers[name] for name in case.differentiated},
            details={
                "mathematics": {
                    "function": written.function,
                    "gradients": dict(written.gradients),
                    "condition": list(written.latex),
                    "note": written.note,
                },
                "path": {"conditions": list(written.conditions), "latex": list(written.latex)},
            },
        )


def _gap(found: Array, truth: Array | None) -> bool:
    """Whether the formula has no number where the truth has one, as sin(πx)/(πx) has none at 0."""
    return truth is not None and bool(np.any(np.isnan(found) & np.isfinite(truth)))
