"""The symbolic method: numbers that agree with the truth, and mathematics for the record."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from checker.api import check
from checker.authoring import Exercise, exercise
from checker.judge.belief import believe, tape_of
from checker.judge.compare import compare
from checker.judge.reference import refer
from checker.methods.symbolic import Symbolic
from checker.record import MathematicsRecord
from checker.sampling import sample
from checker.values import Mode, Settings, Verdict

METHOD = Symbolic()


@exercise(sizes={"n": 3})
def row(x: Float[Tensor, " n"], w: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    return torch.sigmoid(x @ w)


@exercise(sizes={"n": 3})
def stopped(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return (x * x).detach() * x


@exercise(sizes={"n": 3}, constant=["w"])
def weighted(x: Float[Tensor, " n"], w: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return torch.relu(x) * w


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("found", [row, stopped, weighted], ids=lambda e: e.name)
def test_it_agrees_with_the_truth(found: Exercise, dtype: str) -> None:
    case = sample(found, Settings(), 0, dtype)
    tape = tape_of(case)
    reference = refer(case, tape, believe(case, tape)).reference
    assert reference is not None
    derivation = METHOD.derive(case, tape, reference)
    assert tuple(derivation.gradients) == case.differentiated
    assert {c.verdict for c in compare(derivation, reference, case)} == {Verdict.AGREES}


def test_its_details_make_a_record() -> None:
    case = sample(weighted, Settings(), 0, "float64")
    details = METHOD.derive(case, tape_of(case), None).details
    page = MathematicsRecord(path="p", **details["mathematics"])
    assert page.function.count("x_{") == int((case.arguments["x"] > 0).sum())
    assert list(page.gradients) == ["x"]
    assert len(page.condition) == 3
    assert details["path"]["conditions"] == [f"x[{i}] {'>' if x > 0 else '<='} 0" for i, x in enumerate(case.arguments["x"])]


def test_a_tape_that_is_not_believed_is_not_read() -> None:
    problem = METHOD.derive(sample(row, Settings(), 0, "float64"), None, None).problem
    assert problem is not None
    assert problem.message == "there is no tape that replays as the function does, so nothing can be read from one"


def test_projection_is_not_for_symbols() -> None:
    case = replace(sample(row, Settings(), 0, "float64"), mode=Mode.PROJECTION)
    problem = METHOD.unsupported(case, None)
    assert problem is not None
    assert problem.message == "symbols are written of single entries, not of random directions"


def test_a_formula_with_a_gap_at_the_point_says_so_and_is_not_wrong() -> None:
    record = check(torch.sinc, torch.tensor([0.0, 0.5]).double())
    assert record.verdict is Verdict.AGREES
    problem = next(d.problem for d in record.cases[0].derivations if d.method == "symbolic")
    assert problem is not None
    assert problem.message == "the formula divides zero by zero at this point, where the function has a gradient all the same"
