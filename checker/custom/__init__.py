"""Operations that torch did not write, each examined alone where it was called.

Comes in: a custom operation with the inputs of its first call.  Goes out: its `OperationRecord`.  Why: a function can have the right
gradient by luck of its point: an upstream of ones, every input requiring a gradient, one backward pass. What a custom backward may meet
elsewhere is tried here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from checker.custom.backward import first_order
from checker.custom.compiled import compiled_values
from checker.custom.library import opcheck
from checker.custom.operation import Operation
from checker.custom.second import twice
from checker.custom.transforms import forward_mode, mapped
from checker.look import Look
from checker.methods.failures import first_line
from checker.record import CheckRecord, OperationRecord
from checker.tape.customs import Custom
from checker.tape.replay import loops_quietly
from checker.values import Case, Verdict


def examined(found: Sequence[Look]) -> list[OperationRecord]:
    """Every custom operation that was met in the exercise's first dtype, once, at the inputs that it was first given."""
    met: dict[Any, tuple[Custom, Case]] = {}
    for one in found:
        if one.case.dtype == one.case.exercise.dtypes[0]:
            for custom in one.customs:
                met.setdefault(custom.target, (custom, one.case))
    with warnings.catch_warnings(), loops_quietly():
        warnings.simplefilter("ignore")  # they were noted when the exercise itself was looked at
        return [_examined(custom, case) for custom, case in met.values()]


def _examined(custom: Custom, case: Case) -> OperationRecord:
    operation, checks = Operation.of(custom, case), list[CheckRecord]()
    try:
        checks.extend(_checks(operation, custom, case))
    except Exception as error:  # it may need what only its function gives it
        message = f"alone it fails: {type(error).__name__}: {first_line(error)}"
        checks.append(CheckRecord(name="backward", verdict=Verdict.INCONCLUSIVE, message=message, beside=True))
    return OperationRecord(name=custom.name, kind=custom.kind, line=operation.line, called=custom.line, checks=checks)


def _checks(operation: Operation, custom: Custom, case: Case) -> Iterator[CheckRecord]:
    if custom.kind == "torch.compile":
        yield compiled_values(case)
    elif custom.wanted:
        yield from first_order(operation)
        yield twice(operation)
        yield forward_mode(operation)
        yield mapped(operation)
        if custom.kind == "torch.library":
            yield from opcheck(operation)
