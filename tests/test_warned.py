"""Notes of a record: what the function under test warns about, and nothing that the harness's own arithmetic meets."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import Tensor

from checker import check
from checker.judge import compare
from checker.warned import noted


class DividesByZero(torch.autograd.Function):
    @staticmethod
    def forward(_context, x: Tensor) -> Tensor:
        np.linalg.norm(np.array([np.inf]) - np.array([np.inf]))
        return 2 * x

    @staticmethod
    def backward(_context, upstream: Tensor) -> Tensor:
        np.divide(1.0, np.zeros(1))
        return 2 * upstream


def test_what_numpy_says_of_the_function_is_noted_forward_and_backward() -> None:
    record = check(DividesByZero.apply, torch.ones(2))
    assert "RuntimeWarning: invalid value encountered in subtract" in record.notes
    assert "RuntimeWarning: divide by zero encountered in divide" in record.notes


def test_what_the_function_warns_of_is_noted_once() -> None:
    def warning(x: Tensor) -> Tensor:
        warnings.warn("rows are few", UserWarning, stacklevel=1)
        return 2 * x

    assert [note for note in check(warning, torch.ones(2)).notes if "rows" in note] == ["UserWarning: rows are few"]


def test_a_warning_without_words_is_noted_by_its_category() -> None:
    def warning(x: Tensor) -> Tensor:
        warnings.warn("", UserWarning, stacklevel=1)
        return 2 * x

    record = check(warning, torch.ones(2))
    assert (record.verdict, record.notes) == ("agrees", ["UserWarning"])


@pytest.mark.parametrize("mode", ["vjp", "jacobian", "projection"])
@pytest.mark.parametrize(("function", "x"), [(lambda x: torch.exp(-x), float("inf")), (torch.exp, 800.0), (lambda x: x**3, 1e200)])
def test_what_the_harness_meets_at_infinities_is_not_the_functions(function, x: float, mode: str) -> None:
    for dtype in (torch.float64, torch.float32):
        notes = check(lambda x: function(x).sum(), torch.tensor([x, 1.0], dtype=dtype), mode=mode).notes
        assert not [note for note in notes if "Warning" in note]


def test_the_harness_is_told_by_who_computes() -> None:
    infinite = np.array([np.inf])
    with noted() as said:
        compare.ulp(infinite - infinite, "float64")  # this test's own subtraction
        exec(compile("a - a", f"{compare.__file__}", "eval"), {"a": infinite})
    assert list(said) == ["RuntimeWarning: invalid value encountered in subtract"]
    with noted() as said:
        exec(compile("a - a", f"{compare.__file__}", "eval"), {"a": infinite})
    assert list(said) == []


def test_nothing_is_printed() -> None:
    program = "import torch; from checker import check; check(lambda x: torch.exp(-x).sum(), torch.tensor([float('inf'), 1.0]))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("", "")
