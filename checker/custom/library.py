"""What torch itself can tell about an operator.

Comes in: an `Operation` of `torch.library`.  Goes out: one `CheckRecord` a test of `torch.library.opcheck`.  Why: that it is registered as
the compiler, export and autograd need it is torch's own question, and torch has the tests for it; none is of the gradient's values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from checker.custom.operation import Operation
from checker.methods.failures import first_line
from checker.record import CheckRecord
from checker.values import Verdict

#: What torch says of an operator without a fake kernel, in each test that needs one.
FAKE = "no fake impl"


def opcheck(operation: Operation) -> Iterator[CheckRecord]:
    """Each test of `torch.library.opcheck` at the operation's inputs; its failures stand beside the verdict."""
    given = [v.clone().requires_grad_() if k in operation.wanted else v for k, v in enumerate(operation.custom.inputs)]
    results: Mapping[str, object]
    try:
        results = torch.library.opcheck(operation.custom.target, *operation.custom.given(given), raise_exception=False)
    except Exception as failure:  # torch checks the arguments first, and an operator may raise anything
        results = {"opcheck": failure}
    said: set[str] = set()
    for test, result in results.items():
        name = f"opcheck {test.removeprefix('test_')}"
        if not isinstance(result, Exception):
            yield CheckRecord(name=name, verdict=Verdict.AGREES, message="it passes", beside=True)
            continue
        message = first_line(result)
        lacks = FAKE in message
        if message not in said:
            yield CheckRecord(name=name, verdict=Verdict.UNSUPPORTED if lacks else Verdict.WRONG, message=message, beside=True)
        said.add(message)
