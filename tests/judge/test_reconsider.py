"""Which points are looked at again, and what each method's comparison then says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from checker.judge.compare import compare
from checker.judge.kinks import suspicious
from checker.judge.reconsider import reconsider
from checker.methods.autograd import Reverse
from checker.methods.differences import Differences
from checker.tape.record import record
from checker.values import Comparison, Reference, Verdict
from tests.cases import case_of

TIED = [SimpleNamespace(found="tied")]


def by_hand(**gradients: Any) -> Reference:
    high = {name: np.asarray(g, dtype=float) for name, g in gradients.items()}
    zero = {name: np.zeros_like(g) for name, g in high.items()}
    return Reference(kind="certified", high=high, low=zero, radius=zero, allowed={n: z + 1e-12 for n, z in zero.items()}, origin="by hand")


def judged(function: Callable[..., Any], x: Any, truth: Any, path: list[Any]) -> dict[str, Comparison]:
    case, reference = case_of(function, x=x), by_hand(x=truth) if truth is not None else None
    tape = record(case.exercise.call, case.arguments)
    derivations = [Reverse().derive(case, tape, None), Differences().derive(case, tape, None)]
    comparisons = [c for d in derivations for c in (compare(d, reference, case) if reference else [])]
    return {c.method: c for c in reconsider(comparisons, derivations, case, tape, reference, path)}


def test_a_confirmed_point_stays_as_it_was_compared() -> None:
    found = judged(lambda x: (x**2).sum(), [1.0, 2.0], [2.0, 4.0], [SimpleNamespace(found="ok")])
    assert found["reverse"].verdict is Verdict.AGREES
    assert found["reverse"].against == "certified"


@pytest.mark.parametrize(
    ("function", "x", "truth", "expected"),
    [
        (lambda x: x.abs().sum(), [0.0], [1.0], {"reverse": Verdict.SUBGRADIENT, "differences": Verdict.SUBGRADIENT}),
        (lambda x: torch.relu(x) - torch.relu(-x), [0.0], [0.0], {"reverse": Verdict.WRONG, "differences": Verdict.AGREES}),
        (lambda x: (x * x.abs()).sum(), [0.0], [9.0], {"reverse": Verdict.AGREES, "differences": Verdict.AGREES}),
        (torch.floor, [2.0], [0.0], {"reverse": Verdict.JUMP, "differences": Verdict.JUMP}),
        (torch.sqrt, [0.0], None, {"reverse": Verdict.UNDEFINED, "differences": Verdict.UNDEFINED}),
        (lambda x: (x * x).sum().sqrt(), [0.0, 0.0], [np.nan, np.nan], {"reverse": Verdict.WRONG, "differences": Verdict.SUBGRADIENT}),
    ],
)
def test_a_suspicious_point_is_judged_by_its_branches(
    function: Callable[..., Any], x: Any, truth: Any, expected: dict[str, Verdict]
) -> None:
    found = judged(function, x, truth, TIED)
    assert {method: c.verdict for method, c in found.items()} == expected
    assert {c.against for c in found.values()} == {"branches"}


def test_a_planted_wrong_error_bound_is_seen() -> None:
    case = case_of(lambda x: (x * x.abs() + x).sum(), x=[0.0])
    tape = record(case.exercise.call, case.arguments)
    derivation = replace(Differences().derive(case, tape, None), gradients={"x": np.array([1.1])}, error={"x": np.array([1e-9])})
    (found,) = reconsider([], [derivation], case, tape, None, TIED)
    assert found.verdict is Verdict.WRONG


def test_what_is_suspicious() -> None:
    case = case_of(lambda x: x.sqrt().sum(), x=[4.0])
    tape, truth = record(case.exercise.call, case.arguments), by_hand(x=[0.25])
    assert not suspicious(case, tape)
    assert not suspicious(case, tape, [SimpleNamespace(found="ok")], [truth.high])
    assert suspicious(case, tape, [SimpleNamespace(found="ok"), SimpleNamespace(found="undecided")], [truth.high])
    assert suspicious(case, tape, [], [by_hand(x=[np.inf]).high])
    endless = case_of(lambda x: x.log().sum(), x=[0.0])
    assert suspicious(endless, record(endless.exercise.call, endless.arguments))
