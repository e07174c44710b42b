"""Judging a Jacobian of very many entries: row by row, along a random direction.

Comes in: derivations of J = ∂fᵢ/∂xⱼ, and J·u along a direction u.  Goes out: one `Comparison` an argument where all of them agree, or
nothing.  Why: a second J to hold against the first takes as long as the first, and reading both longer still. J·u is one number a row that
every entry of it moves, for the price of one evaluation; only where a row is off is every entry worth knowing.

Forward mode knows J·u to rounding, and values of f have told it. Rounding in every entry may move a row by a share of ‖J∘u‖, as it may a
gradient that is judged by projection: an entry that is smaller than the others in its row by more than that can hide there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checker.judge.directions import ROUNDINGS
from checker.judge.entries import by
from checker.judge.projection import UNITS
from checker.tape.formats import FORMATS
from checker.values import Array, Case, Comparison, Derivation, Rows, Verdict, number

#: The least of the sizes of a direction's entries.
LEAST = 0.5


def compare_rows(derivations: Sequence[Derivation], rows: Rows, case: Case) -> list[Comparison] | None:
    """That every row of every derivation agrees with `rows`; None where one does not."""
    found: list[Comparison] = []
    for derivation in derivations:
        off, allowed = _off(derivation, rows, case)
        if not np.all(off <= allowed):  # so written, not-a-number is off too
            return None
        found += [_agrees(derivation, name, rows, off, allowed) for name in derivation.gradients]
    return found


def _off(derivation: Derivation, rows: Rows, case: Case) -> tuple[Array, Array]:
    """|J u − (J u)*| by row, and how large it may be."""
    products, squares, own = np.zeros((3, len(rows.slopes)))
    for name, u in rows.u.items():
        entries = derivation.gradients[name].reshape(len(rows.slopes), -1)
        with np.errstate(all="ignore"):
            products += entries @ u
            squares += entries**2 @ u**2
            if name in derivation.error:
                own += derivation.error[name].reshape(entries.shape) @ np.abs(u)
    share = UNITS * FORMATS[case.dtype].unit
    return np.abs(products - rows.slopes), ROUNDINGS * 2.0**-52 * np.abs(rows.slopes) + share * np.sqrt(squares) + own


def _agrees(derivation: Derivation, name: str, rows: Rows, off: Array, allowed: Array) -> Comparison:
    size = float(np.linalg.norm(rows.slopes))
    relative = float(np.linalg.norm(off)) / size if size else 0.0
    along, hidden = f"along a random direction (seed {rows.seed})", float(np.max(allowed, initial=0.0)) / LEAST
    return Comparison(
        method=derivation.method,
        argument=name,
        verdict=Verdict.AGREES,
        against="differences",
        absolute=number(float(np.max(off, initial=0.0))),
        relative=number(relative),
        normwise=number(relative),
        allowed_from=f"forward mode, which values of the function have told, and rounding, {along}",
        message=f"every row of ∂f/{by(name)} agrees {along}; an entry wrong by less than {hidden:.2g} would not show",
    )
