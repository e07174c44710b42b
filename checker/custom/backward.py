"""The first derivative of a custom operation, under the conditions that a program may put it in.

Comes in: an `Operation`.  Goes out: one `CheckRecord` a condition.  Why: a backward is called with every upstream gradient, layout and set
of inputs that a program makes, and more than once. Against the truth it is judged once, at a random upstream; under every other condition
it must then give the same again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import torch

from checker.custom.operation import Operation, gradients
from checker.judge.verdict import FAULTS
from checker.look import look
from checker.methods.autograd import Reverse
from checker.methods.failures import first_line
from checker.record import CheckRecord
from checker.sampling import complete
from checker.values import Settings, Verdict

#: Another layout or another set of inputs may round so many times as much as one unit of the dtype.
UNITS = 64
#: With more inputs, they are left out one at a time and taken one at a time; of fewer every set is tried.
SETS = 3

Gradients = Mapping[int, torch.Tensor]


def first_order(operation: Operation) -> Iterator[CheckRecord]:
    """The backward against the truth; then the same under other conditions, as long as it is deterministic at all."""
    unmarked = operation.unmarked()
    if unmarked:
        message = f"its forward writes into its input {unmarked}: work on a copy, or call ctx.mark_dirty and return it"
        yield CheckRecord(name="backward", verdict=Verdict.MUTATED_INPUT, message=message)
        return
    upstream = operation.upstream()
    yield against_truth(operation, upstream)
    given = [None if v is None else v.clone() for v in upstream]
    try:
        usual = operation.vjp(given)
    except Exception:  # the check before has said it
        return
    if any(v is not None and g is not None and not torch.equal(v, g) for v, g in zip(upstream, given, strict=True)):
        yield _differs("upstream", "it writes into the upstream gradient (grad_output), which other operations still read: work on a copy")
        return
    repeated = again(operation, upstream, usual)
    yield repeated
    if repeated.verdict is not Verdict.AGREES:
        return
    if len(operation.wanted) > 1:
        yield sets_of_inputs(operation, upstream, usual)
    yield layouts(operation, upstream)
    if sum(v is not None for v in upstream) > 1:
        yield single_outputs(operation, upstream)


def against_truth(operation: Operation, upstream: Sequence[torch.Tensor | None]) -> CheckRecord:
    """Jᵀv at a random v against the truth of the forward as it was recorded."""
    verdict, explanation, kind = _judged(operation, upstream)
    if verdict not in FAULTS:
        proof = "proved by balls" if kind == "certified" else "found by differences of the forward"
        truth = "the declared estimator's derivative" if operation.estimated else "the truth"
        said = explanation if verdict is not Verdict.AGREES else f"it agrees with {truth}, {proof}, at a random upstream gradient"
        return CheckRecord(name="backward", verdict=verdict, message=said)
    return CheckRecord(name="backward", verdict=verdict, message="; ".join([explanation, *_reasons(operation, upstream)]))


def _judged(operation: Operation, upstream: Sequence[torch.Tensor | None]) -> tuple[Verdict, str, str]:
    """The verdict on reverse mode, its sentence, and the kind of the truth."""
    dtype, arguments = operation.exercise.dtypes[0], operation.arguments
    # of the point with number 0 plots would be made
    case = complete(operation.exercise, arguments, Settings(), number=1, dtype=dtype, seed=operation.seed, origin="given")
    # outputs without an upstream are marked as not differentiable: that is for the exercise to judge
    vectors = tuple(torch.zeros_like(one) if v is None and one is not None else v for v, one in zip(upstream, case.upstream, strict=True))
    record = look(replace(case, upstream=vectors), {"reverse": Reverse()}).record
    return record.verdict, record.explanation.removeprefix("reverse: "), record.reference.kind if record.reference else ""


def _reasons(operation: Operation, upstream: Sequence[torch.Tensor | None]) -> Iterator[str]:
    """What was seen that explains a wrong gradient."""
    try:
        with operation.observed() as seen:
            operation.vjp(upstream)
    except Exception:  # the verdict has its words
        return
    if seen.changed:
        yield f"the tensor that it saved as number {seen.changed[0]} was written to since"
    for place in operation.wanted:
        if place >= len(seen.returned):
            continue
        given, wanted = seen.returned[place], operation.custom.inputs[place]
        if given is None:
            yield f"it returns None for {operation.name(place)}"
        elif given.dtype is not wanted.dtype:
            yield f"it returns {_plain(given.dtype)} for {operation.name(place)}, which is {_plain(wanted.dtype)}"
    ones = [None if v is None else torch.ones_like(v) for v in upstream]
    if _judged(operation, ones)[0] is Verdict.AGREES:
        yield "with an upstream gradient of ones it is right: is it multiplied by the upstream gradient (grad_output)?"


def again(operation: Operation, upstream: Sequence[torch.Tensor | None], usual: Gradients) -> CheckRecord:
    """Backward twice through one graph, and through a graph made anew: the same gradient each time, bit by bit or nearly."""
    name, leaves, outputs = "repeated", *operation.run()
    try:
        gradients(leaves, outputs, upstream, retain_graph=True)
        second = dict(zip(operation.wanted, gradients(leaves, outputs, upstream), strict=True))
    except RuntimeError as error:
        reason = "it writes into a tensor that it saved" if "inplace operation" in str(error) else "it keeps what it must not on ctx"
        return _fails(name, f"a second backward pass through the same graph fails ({reason})", error)
    difference = _difference(operation, second, usual)
    if difference:
        reason = "it writes into a tensor that it saved, or counts its calls on ctx"
        return _differs(name, f"a second backward pass through the same graph gives another gradient: {difference}; {reason}")
    difference = _difference(operation, operation.vjp(upstream), usual)
    if difference:
        reason = "it keeps something between calls, or draws random numbers in its backward"
        return _differs(name, f"called again with the same inputs and draws it gives another gradient: {difference}; {reason}")
    return CheckRecord(name=name, verdict=Verdict.AGREES, message="two backward passes through one graph, and a new graph, give the same")


def sets_of_inputs(operation: Operation, upstream: Sequence[torch.Tensor | None], usual: Gradients) -> CheckRecord:
    """Each set of inputs requiring a gradient: the same gradients, and none computed in vain."""
    name, wasted = "needs_input_grad", dict[str, str]()
    sets = [chosen for size in range(1, len(operation.wanted)) for chosen in combinations(operation.wanted, size)]
    if len(operation.wanted) > SETS:
        sets = [chosen for chosen in sets if len(chosen) in (1, len(operation.wanted) - 1)]
    for chosen in sets:
        only = " and ".join(map(operation.name, chosen))
        where = f"where only {only} require{'s' * (len(chosen) == 1)} a gradient"
        try:
            with operation.observed() as seen:
                found = operation.vjp(upstream, chosen)
        except Exception as error:  # the operation under test may raise anything
            return _fails(name, f"{where} it fails", error)
        difference = _difference(operation, found, usual)
        if difference:
            return _differs(name, f"{where} it gives another gradient than where all do: {difference}")
        for place in set(operation.wanted) - set(chosen):
            if place < len(seen.returned) and seen.returned[place] is not None:
                wasted.setdefault(operation.name(place), where)
    if wasted:
        computed, where = next(iter(wasted.items()))
        message = f"{where} it computes that of {computed} all the same: ask ctx.needs_input_grad first"
        return CheckRecord(name=name, verdict=Verdict.WRONG, message=message, beside=True)
    return CheckRecord(name=name, verdict=Verdict.AGREES, message=f"each of {len(sets)} sets of inputs gets the same gradients")


def layouts(operation: Operation, upstream: Sequence[torch.Tensor | None]) -> CheckRecord:
    """The upstream gradient strided, or expanded as `sum()` gives it: the same gradient as from a contiguous one."""
    name = "upstream"
    kinds = {
        "strided, as a slice or a transpose gives it": (upstream, [_strided(v) for v in upstream]),
        "expanded, as sum() gives it": ([_flat(v) for v in upstream], [_expanded(v) for v in upstream]),
    }
    for kind, (plain, other) in kinds.items():
        try:
            usual, found = operation.vjp(plain), operation.vjp(other)
        except Exception as error:  # the operation under test may raise anything
            return _fails(name, f"it fails where the upstream gradient is {kind}", error)
        difference = _difference(operation, found, usual)
        if difference:
            return _differs(
                name, f"where the upstream gradient is {kind} it gives another gradient than for a contiguous one: {difference}"
            )
    return CheckRecord(
        name=name, verdict=Verdict.AGREES, message="strided and expanded upstream gradients give the same, and are left as they are"
    )


def single_outputs(operation: Operation, upstream: Sequence[torch.Tensor | None]) -> CheckRecord:
    """Each output used alone: the same as where the others get an upstream of zeros, which is what `None` stands for."""
    name = "outputs"
    for k, used in enumerate(upstream):
        if used is None:
            continue
        alone = [v if place == k else None for place, v in enumerate(upstream)]
        zeros = [v if place == k or v is None else torch.zeros_like(v) for place, v in enumerate(upstream)]
        try:
            found, usual = operation.vjp(alone), operation.vjp(zeros)
        except Exception as error:  # the operation under test may raise anything
            advice = "with set_materialize_grads(False) the upstream gradients of the others are None"
            return _fails(name, f"where only output {k} is used it fails; {advice}", error)
        difference = _difference(operation, found, usual)
        if difference:
            return _differs(name, f"where only output {k} is used it gives another gradient than with zeros for the others: {difference}")
    return CheckRecord(name=name, verdict=Verdict.AGREES, message="each output can be used alone")


def _difference(operation: Operation, found: Gradients, usual: Gradients) -> str:
    """Where two gradients that should be the same differ most, as a sentence; the empty string where they do not."""
    for place, got in found.items():
        a, b = (t.detach().double().numpy() for t in (got, usual[place]))
        scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
        allowed = UNITS * max(1.0, np.sqrt(b.size)) * float(torch.finfo(usual[place].dtype).eps) * scale
        with np.errstate(invalid="ignore"):
            error = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
        if error.size and not np.all(error <= allowed):
            at = np.unravel_index(int(np.argmax(np.nan_to_num(error, nan=np.inf))), error.shape)
            index = f" at {[int(i) for i in at]}" if at else ""
            return f"that of {operation.name(place)}{index} is {a[at]:.10g} and was {b[at]:.10g}"
    return ""


def _strided(v: torch.Tensor | None) -> torch.Tensor | None:
    """The same numbers as every second one of a longer tensor; of a matrix, also with its columns one after the other."""
    if v is None:
        return None
    apart = torch.stack([v, torch.zeros_like(v)], dim=-1)[..., 0]
    return apart.mT.clone(memory_format=torch.contiguous_format).mT if v.ndim > 1 else apart


def _flat(v: torch.Tensor | None) -> torch.Tensor | None:
    """One number of v everywhere."""
    return None if v is None else torch.full_like(v, float(v.ravel()[0]) if v.numel() else 1.0)


def _expanded(v: torch.Tensor | None) -> torch.Tensor | None:
    return None if v is None else v.new_tensor(float(v.ravel()[0]) if v.numel() else 1.0).expand(v.shape)


def _fails(name: str, where: str, error: Exception) -> CheckRecord:
    return CheckRecord(name=name, verdict=Verdict.CRASHED, message=f"{where}: {type(error).__name__}: {first_line(error)}")


def _differs(name: str, message: str) -> CheckRecord:
    return CheckRecord(name=name, verdict=Verdict.WRONG, message=message)


def _plain(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
