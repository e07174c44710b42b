"""The allowed error: what correct autograd is off by lies inside it, and what is wrong does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from checker.tape.balls import allowed, enclose
from checker.tape.record import record
from tests.tape.agreement import errors
from tests.tape.functions_of_interest import CHOICES, INACCURATE_IN_TORCH, SMOOTH

FUNCTIONS = SMOOTH | CHOICES
TABLE = FUNCTIONS | INACCURATE_IN_TORCH
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
#: torch has no CPU kernels in half precision for these.
NOT_IN_HALF = frozenset(
    {"inverse", "solve", "solve vector", "triangular solve", "det", "det of a stack", "logdet", "cholesky", "power iteration"}
    | {"cholesky solve", "lu", "lu of a wide and a tall matrix", "lu solve", "qr", "qr of a wide matrix", "reflectors", "eigenvectors"}
    | {"singular vectors", "pseudoinverse", "pseudoinverse of a symmetric matrix", "least squares solution", "matrix exponential"}
    | {"singular values", "nuclear norm", "eigenvalues", "avg_pool3d", "distances"}
)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_correct_autograd_is_inside(name, dtype):
    if name in NOT_IN_HALF and dtype in (torch.float16, torch.bfloat16):
        return
    for seed in range(2):
        for argument, (error, width, _) in errors(*TABLE[name], dtype, seed).items():
            assert np.all(error <= width), f"{name}, {argument}, seed {seed}: error {error.max():.2e}, allowed {width.max():.2e}"


@pytest.mark.parametrize("name", INACCURATE_IN_TORCH)
def test_gradients_that_torch_computes_in_less_are_outside(name):
    error, width, truth = errors(*TABLE[name], torch.float64, 0)["x"]
    assert np.any(error > 100 * width)
    assert np.all(error < 1e-7 * np.abs(truth))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_one_part_in_a_million_would_be_seen(name):
    """In float64 the allowed error of half of the entries, or more, is below a millionth of the entry."""
    for argument, (_, width, truth) in errors(*TABLE[name], torch.float64, 0).items():
        entries = truth != 0
        assert np.mean(width[entries] < 1e-6 * np.abs(truth[entries])) >= 0.5 or not entries.any(), argument


def test_the_bound_is_not_idle():
    """Over all functions in float32 the allowed error is, in the median, less than a hundred times the actual one."""
    ratios = []
    for name in FUNCTIONS:
        for error, width, _ in errors(*TABLE[name], torch.float32, 0).values():
            ratios += list((width[error > 0] / error[error > 0]).reshape(-1))
    assert 2 < np.median(ratios) < 100


def test_the_formula_of_tanh_matters():
    """At 10, 1 − y² from the rounded y is off by a fraction of itself; that belongs to what is allowed."""
    x = {"x": torch.tensor([10.0], dtype=torch.float64)}
    tape = record(lambda named: (torch.tanh(named["x"]),), x)
    truth = enclose(tape, x, (torch.ones(1).double(),))
    width = allowed(tape, x, (torch.ones(1).double(),), truth)[0]["x"]
    assert 1e-9 < width[0] / truth.gradient["x"].high[0] < 1e-6
