"""The truth itself, as a method: what ball arithmetic proved.

Comes in: a case and its reference.  Goes out: the enclosed gradient with its radius.  Why: the table of methods shows the truth beside what
others said, and the matrix can require that it was proved rather than estimated.
"""

from __future__ import annotations

from checker.tape.tape import Tape
from checker.values import Case, Derivation, Problem, Reference, Verdict


class Certified:
    """The midpoint of the rigorous enclosure of Jᵀv, rounded to float64, with the enclosure's radius as its error."""

    name = "certified"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        return None

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        if reference is None or reference.kind != "certified":
            reason = reference.unproved if reference is not None else "there is no tape to enclose"
            return Derivation(method=self.name, problem=Problem(verdict=Verdict.UNSUPPORTED, message=reason))
        return Derivation(
            method=self.name,
            dtype="float64",
            seconds=reference.seconds,
            value=reference.value,
            gradients=reference.high,
            error=reference.radius,
        )
