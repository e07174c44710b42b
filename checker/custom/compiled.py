"""A compiled function beside the function as it was written.

Comes in: a case whose function calls a compiled one.  Goes out: one `CheckRecord`.  Why: the tape is of the function as written, and
reverse mode runs what `torch.compile` made of it. Its gradient is compared with the truth like any other; here its values are.
"""

from __future__ import annotations

import torch

from checker.draws import seeded
from checker.methods.failures import crashed
from checker.record import CheckRecord
from checker.tape.customs import as_written, of_the_same_draws
from checker.tape.formats import FORMATS
from checker.values import Case, Verdict

#: A compiler may fuse and reorder operations: so many units of the largest entry.
UNITS = 256


def compiled_values(case: Case) -> CheckRecord:
    """Whether the compiled function has the values of the one that was written."""

    def values() -> tuple[torch.Tensor, ...]:
        leaves = {name: t.clone().requires_grad_(name in case.differentiated) for name, t in case.arguments.items()}
        with torch.enable_grad(), seeded(case.seed), of_the_same_draws():  # as reverse mode calls it, for which it is compiled already
            return tuple(output.detach() for output in case.exercise.call(leaves))

    try:
        compiled = values()
    except Exception as failure:  # the compiler may raise anything
        problem = crashed(failure)
        return CheckRecord(name="values", verdict=problem.verdict, message=problem.message)
    with as_written():
        written = values()
    for number, (got, expected) in enumerate(zip(compiled, written, strict=True)):
        scale = float(expected.abs().max()) if expected.numel() else 0.0
        allowed = UNITS * FORMATS[case.dtype].epsilon * scale
        if not torch.allclose(got, expected, rtol=0.0, atol=allowed, equal_nan=True):
            apart = float((got - expected).abs().max())
            message = f"output {number} of the compiled function differs by {apart:.3g} from that of the function as written"
            return CheckRecord(name="values", verdict=Verdict.WRONG, message=message)
    message = "the compiled function has the values of the one that was written; the tape is of that one, reverse mode ran the compiled one"
    return CheckRecord(name="values", verdict=Verdict.AGREES, message=message)
