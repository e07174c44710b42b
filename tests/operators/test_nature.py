"""The second opinion on points without a gradient sees kinks, jumps and infinite slopes, and takes nothing smooth for one."""

from __future__ import annotations

import pytest
import torch
from opdb.nature import nature

from tests.cases import case_of


@pytest.mark.parametrize(
    ("function", "x", "kind"),
    [
        (torch.sin, [0.3, -2.0], "smooth"),
        (lambda x: x.abs() ** 1.5, [0.5], "smooth"),
        (torch.abs, [0.0, 1.0], "subgradient"),
        (lambda x: x.norm(), [0.0, 0.0], "subgradient"),
        (lambda x: x.max(), [1.0, 1.0, 0.0], "subgradient"),
        (torch.floor, [2.0], "jump"),
        (torch.sign, [0.0, 1.0], "jump"),
        (torch.sqrt, [0.0], "undefined"),
        (lambda x: x.abs().sqrt(), [0.0], "undefined"),
        (torch.log, [-1.0], "undefined"),
        (lambda x: 1e9 + x.exp(), [1.0], "smooth"),
        (lambda x: 1e-9 * x.abs(), [0.0], "subgradient"),
        (lambda x: 1e6 * x.square() + x, [0.0], "smooth"),
        (lambda x: x.relu() - (-x).relu(), [0.0], "smooth"),
    ],
)
def test_a_point_is_of_its_kind(function, x: list[float], kind: str) -> None:
    assert nature(case_of(function, x=x)) == kind
