"""Files of exercises that commands are tried on, and how a command ended.

Comes in: parts of a file.  Goes out: the file, a bare record.  Why: the tests of every command share them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from checker import Record, Verdict
from checker.record import Text

HEAD = """
import torch
from jaxtyping import Float
from torch import Tensor
from checker import Example, exercise
"""

GOOD = '''
@exercise(sizes={"n": 3})
def good(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Differentiate."""
    return (x * x).sum()
'''

PLANTED = """
class Planted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        gradient = 2 * x * upstream
        gradient[503] *= 1.001
        return gradient

@exercise(sizes={"n": 1000}, dtypes=["float64"])
def planted(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    return Planted.apply(x)
"""

ENDLESS = """
@exercise(sizes={"n": 3})
def endless(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    open("started", "w").close()
    while True:
        pass
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


def written(folder: Path, name: str, *parts: str) -> Path:
    path = folder / name
    path.write_text("\n".join((HEAD, *parts)), encoding="utf-8")
    return path


def record(verdict: Verdict = Verdict.AGREES, expected: Verdict = Verdict.AGREES) -> Record:
    return Record(
        exercise="a.py::a",
        title=Text(en=""),
        statement=Text(en=""),
        verdict=verdict,
        expected=expected,
        as_expected=verdict == expected,
        explanation="",
    )
