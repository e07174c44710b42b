"""The rest of the table of operations: against differences of exact values, against torch in four dtypes, against mpmath, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.tape.agreement import errors, slopes
from tests.tape.further_functions import FURTHER, FURTHER_NOT_IN_HALF
from tests.tape.test_rounding import DTYPES

pytestmark = pytest.mark.filterwarnings("ignore:index_reduce")  # which says that it is in beta


@pytest.mark.parametrize("name", FURTHER)
def test_gradient_is_the_difference_of_exact_values(name):
    slope, along = slopes(*FURTHER[name])
    assert slope == pytest.approx(along, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FURTHER)
def test_correct_autograd_is_inside(name, dtype):
    if name in FURTHER_NOT_IN_HALF and dtype in (torch.float16, torch.bfloat16):
        return
    for argument, (error, width, _) in errors(*FURTHER[name], dtype, 0).items():
        assert np.all(error <= width), f"{name}, {argument}: error {error.max():.2e}, allowed {width.max():.2e}"


@pytest.mark.parametrize("name", FURTHER)
def test_one_part_in_a_million_would_be_seen(name):
    """In float64 the allowed error of half of the entries, or more, is below a millionth of the entry."""
    for argument, (_, width, truth) in errors(*FURTHER[name], torch.float64, 0).items():
        entries = truth != 0
        assert not entries.any() or np.mean(width[entries] < 1e-6 * np.abs(truth[entries])) >= 0.5, argument
