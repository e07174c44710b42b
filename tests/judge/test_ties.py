"""A kink at single entries of a large argument: they are judged by their one-sided slopes, all others along directions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from checker.methods.autograd import Reverse
from checker.values import Mode, Verdict
from tests.cases import case_of
from tests.judge.test_projection import compared


def points(*zeros: int) -> torch.Tensor:
    x = torch.randn(2000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x[list(zeros)] = 0.0
    return x


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_subgradient_at_a_tie_is_told_with_its_entry(dtype: str) -> None:
    (found,) = compared(case_of(lambda x: (3 * x.abs()).sum(), dtype, Mode.PROJECTION, x=points(7)))
    assert found.verdict is Verdict.SUBGRADIENT
    assert found.message == (
        "gradient of x at [7]: the function has a kink here; got 0, which is between -3 and 3; all other entries agree"
    )  # fmt: skip


@pytest.mark.parametrize(("x", "place"), [(0.0, ""), ([0.0], " at [0]")])
def test_the_only_entry_has_no_others_beside_it(x: object, place: str) -> None:
    (found,) = compared(case_of(lambda x: x.relu().sum(), mode=Mode.PROJECTION, x=x))
    assert found.message == f"gradient of x{place}: the function has a kink here; got 0, which is between 0 and 1"


def test_what_is_no_subgradient_is_wrong() -> None:
    case = case_of(lambda x: torch.relu(x).sum(), mode=Mode.PROJECTION, x=points(7, 1500))
    gradient = Reverse().derive(case, None, None).gradients["x"].copy()
    assert compared(case)[0].verdict is Verdict.SUBGRADIENT
    assert "(and 1 other entry at a kink)" in compared(case)[0].message
    gradient[1500] = 1.5
    (found,) = compared(case, {"x": gradient})
    assert found.verdict is Verdict.WRONG
    assert found.message == (
        "gradient of x at [1500]: the function has a kink here; got 1.5, expected between 0 and 1 (and 1 other entry at a kink)"
    )


def test_a_wrong_entry_beside_a_tie_is_named() -> None:
    case = case_of(lambda x: (x.abs() * x.cos()).sum(), mode=Mode.PROJECTION, x=points(7))
    gradient = Reverse().derive(case, None, None).gradients["x"].copy()
    gradient[1234] *= -1
    (found,) = compared(case, {"x": gradient})
    assert found.verdict is Verdict.WRONG
    assert found.worst is not None
    assert found.worst.index == (1234,)


def test_a_kink_that_many_entries_meet_is_inconclusive() -> None:
    case = case_of(lambda x: torch.relu((x - x.detach()).sum()), mode=Mode.PROJECTION, x=np.linspace(1, 2, 100))
    (found,) = compared(case)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.message == "gradient of x: every direction meets a kink or a jump in the point itself"


def test_where_the_slope_has_no_bound_there_is_no_gradient() -> None:
    (found,) = compared(case_of(lambda x: x.sqrt().sum(), mode=Mode.PROJECTION, x=points(7, 9).abs()))
    assert found.verdict is Verdict.UNDEFINED
    assert found.message == "gradient of x: 2 of 2000 entries are not finite, the first at [7], and the slope has no bound there"


def test_an_entry_that_is_not_finite_where_the_function_is_smooth_is_wrong() -> None:
    case = case_of(lambda x: torch.where(x > 0, x.sqrt(), x).sum(), mode=Mode.PROJECTION, x=-1.0 - points().abs()[:20])
    (found,) = compared(case)
    assert found.verdict is Verdict.WRONG
    assert found.message == "gradient of x: 20 of 20 entries are not finite, the first at [0]"
