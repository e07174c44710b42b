"""The truth about every entry of the Jacobian J = ∂fᵢ/∂xⱼ.

Comes in: a case, its tape.  Goes out: the truth about J, and how far each entry may be from it.  Why: `entries` can name the entry that is
wrong only where each is known by itself.

Row i of J is Jᵀeᵢ. Where the tape is small enough each row is enclosed as any gradient is; else the reference is the differences of the
columns, and what rounding may do to a column is measured between float32 and float64.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from checker.errors import UsageError
from checker.judge.belief import Belief
from checker.judge.measured import MEASURED
from checker.judge.reference import UNPROVED_UNITS, Truth, fixed, refer
from checker.judge.rows import told_rows
from checker.memory import written
from checker.methods.columns import Columns, columns
from checker.methods.differences import function_of
from checker.methods.jacobian import outputs_of, units_of
from checker.methods.lines import Called, Replayed
from checker.tape.formats import FORMATS
from checker.tape.replay import replay
from checker.tape.size import scalar_operations
from checker.tape.structure import elementwise
from checker.tape.tape import Tape
from checker.values import Array, Case, Mode, Reference, Rows

#: Arrays of the size of J that are alive together: J, the truth, its error, what is allowed, and what comparing makes.
ARRAYS = 8
#: Scalar operations, over all columns, that take about a minute.
LONGEST = 3e10
#: Scalar operations, over all rows, up to which the rows are enclosed: a tenth of a second.
SMALL = 5_000
#: Random combinations of the rows of J from which the rounding of a column is measured.
COMBINED = 8


def refer_jacobian(case: Case, tape: Tape | None, belief: Belief, *, closely: bool = False) -> Truth:
    """The truth about J: `high`, `low`, `radius` and `allowed` have the shape (outputs, *argument), or where the function is elementwise
    that of the diagonal, (number of outputs, *argument). Where a first look was enough only `rows` are known, unless `closely`."""
    if not belief.repeats:
        return Truth(reference=None, reason=belief.reason)
    _affordable(case, tape)
    if belief.rows is not None and not closely and not (tape is not None and _elementwise(case, tape)):  # a diagonal is soon known
        return _by_rows(belief.rows, case)
    trusted = tape if tape is not None and belief.trusts(case.exercise.cuts) else None
    reason = belief.reason or "the function could not be recorded"
    if trusted is not None:
        work = scalar_operations(trusted) * outputs_of(case)
        if work <= SMALL:
            found = _enclosed(case, trusted, belief)
            if found.reference is not None and found.reference.kind == "certified":
                return found
            reason = found.reason
        else:
            reason = f"{work:,} scalar operations for all rows are more than the {SMALL:,} that balls are used for"
    start = time.perf_counter()
    function, _ = function_of(case, trusted)
    told = told_rows(function) if isinstance(function, Replayed) and not _elementwise(case, function.tape) else None
    if told is not None:
        exact = {name: Columns(entries, np.zeros(entries.shape)) for name, entries in told.items()}
        where = "the recorded operations' own derivative in float64, every row of which values along random directions tell"
        return Truth(reference=_estimated(case, function, exact, where, reason, start), reason=reason)
    try:
        found_columns = {name: columns(function, case, name) for name in case.differentiated}
    except Exception as error:  # the function may raise at any perturbed point
        return Truth(reference=None, reason=f"{reason}; and differences failed: {type(error).__name__}: {error}")
    where = "differences of every column and their error estimate"
    return Truth(reference=_estimated(case, function, found_columns, where, reason, start), reason=reason)


def _affordable(case: Case, tape: Tape | None) -> None:
    """Raise before anything large is taken.

    Raises:
        UsageError: J does not fit into the case's memory, or its columns would take too long.
    """
    rows, entries = outputs_of(case), _entries(case)
    what, instead = (
        f"the Jacobian has {rows:,} × {entries:,} entries",
        "Ask for the mode projection, which judges it along random directions",
    )
    size = ARRAYS * 8 * rows * entries
    if size > case.memory:
        raise UsageError(f"{what} and would take {written(size)}, where {written(case.memory)} are allowed. {instead}, or for more memory.")
    columns_ = sum(case.arguments[n].numel() for n in case.differentiated if tape is None or not elementwise(tape, n))
    work = columns_ * scalar_operations(tape) if tape is not None else 0
    if work > LONGEST:
        raise UsageError(f"{what}, and its columns would take {work:.0e} scalar operations. {instead}.")


def _enclosed(case: Case, tape: Tape, belief: Belief) -> Truth:
    """Every row enclosed by itself; the first row that cannot be says why."""
    rows: list[Reference] = []
    for upstream in units_of(case):
        truth = refer(replace(case, upstream=upstream, mode=Mode.VJP), tape, belief)
        if truth.reference is None or truth.reference.kind != "certified":
            return truth
        rows.append(truth.reference)
    if not rows:
        return Truth(reference=None, reason="the outputs have no entries")

    def stacked(field: str) -> dict[str, Array]:
        return {name: np.stack([getattr(row, field)[name] for row in rows]) for name in case.differentiated}

    reference = replace(
        rows[0],
        high=stacked("high"),
        low=stacked("low"),
        radius=stacked("radius"),
        allowed=stacked("allowed"),
        other_order=stacked("other_order"),
        seconds=sum(row.seconds for row in rows),
    )
    return Truth(reference=reference, enclosure=truth.enclosure)


def _entries(case: Case) -> int:
    return sum(case.arguments[name].numel() for name in case.differentiated)


def _elementwise(case: Case, tape: Tape) -> bool:
    return all(elementwise(tape, name) for name in case.differentiated)


def _by_rows(rows: Rows, case: Case) -> Truth:
    """What a first look found out about the rows."""
    reason = f"the {outputs_of(case):,} × {_entries(case):,} entries of J are too many to know each unless a row is off"
    origin = f"J u along a random direction by forward mode, every row of which values tell ({reason})"
    reference = Reference(kind="differences", rows=rows, high={}, low={}, radius={}, allowed={}, unproved=reason, origin=origin)
    return Truth(reference=reference, reason=reason)


def _estimated(
    case: Case, function: Replayed | Called, found: Mapping[str, Columns], where: str, reason: str, start: float
) -> Reference:  # fmt: skip
    rounding = _rounding(case, function, found)
    zeros = {name: np.zeros(np.shape(one.slope)) for name, one in found.items()}
    diagonal = [name for name, one in found.items() if one.diagonal]
    shown = f"; elementwise in {', '.join(diagonal)}: only the diagonal is not 0" if diagonal else ""
    reference = Reference(
        kind="differences",
        high={name: np.nan_to_num(one.slope) for name, one in found.items()},
        low=zeros,
        radius=zeros,
        allowed={name: one.error + rounding[name] for name, one in found.items()},
        unproved=reason,
        origin=f"{where}, and rounding in {case.dtype} ({reason}){shown}",
        value=function.values_at_point(),
        seconds=time.perf_counter() - start,
    )
    return fixed(reference, case)


def _rounding(case: Case, function: Replayed | Called, found: Mapping[str, Columns]) -> dict[str, Array]:
    """What rounding may do to each entry: some units of it, and some times what is measured in its column where there is a tape."""
    dtype = function.tape.coarsest(case.dtype) if isinstance(function, Replayed) else case.dtype
    units = UNPROVED_UNITS * FORMATS[dtype].unit
    allowance: dict[str, Array] = {name: units * np.abs(one.slope) for name, one in found.items()}
    measured = _measured(function, dtype) if isinstance(function, Replayed) else {}
    for name, one in found.items():
        more = MEASURED * measured[name] if name in measured else units * np.max(np.abs(one.slope), initial=0.0)
        allowance[name] = allowance[name] + more
    return allowance


def _measured(function: Replayed, dtype: str) -> dict[str, Array]:
    """√(Σᵢ δᵢⱼ²) of every column j, where δ is what rounding to `dtype` does to the tape's J: the root mean square of (sᵀδ)ⱼ over random
    signs s. Float64 is measured in float32 and scaled. Empty where autograd cannot follow the tape."""
    double = _combined(function, "float64")
    for narrow in dict.fromkeys((dtype if dtype != "float64" else "float32", "float32")):
        single = _combined(function, narrow)
        if double and single:
            scale = FORMATS[dtype].unit / FORMATS[narrow].unit
            return {name: scale * np.sqrt(np.mean(np.nan_to_num(single[name] - g) ** 2, axis=0)) for name, g in double.items()}
    return {}


def _combined(function: Replayed, dtype: str) -> dict[str, Array]:
    """sᵀJ of the tape for some random signs s, in one dtype; empty where torch has no kernel or no derivative for an operation in it."""
    case, generator, wanted = function.case, torch.Generator().manual_seed(function.case.seed), getattr(torch, dtype)
    signs = [torch.randint(0, 2, (COMBINED, *v.shape), generator=generator).double() * 2.0 - 1.0 for v in function.upstream]
    leaves = {name: case.arguments[name].to(wanted).clone().requires_grad_() for name in case.differentiated}
    try:
        with torch.enable_grad():
            arguments = {**case.arguments, **{name: leaf.clone() for name, leaf in leaves.items()}}
            outputs = replay(function.tape, arguments, stopped=function.held, dtype=wanted, signature=False).outputs
            pairs = [(o, s.to(o.dtype)) for o, s in zip(outputs, signs, strict=True) if o.requires_grad]
            found = torch.autograd.grad(
                [o for o, _ in pairs], list(leaves.values()), [s for _, s in pairs], allow_unused=True, is_grads_batched=True
            )
    except RuntimeError:
        return {}
    return {
        name: (torch.zeros(COMBINED, *leaf.shape) if g is None else g).double().numpy()
        for (name, leaf), g in zip(leaves.items(), found, strict=True)
    }
