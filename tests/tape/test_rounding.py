"""The allowed error: what correct autograd is off by lies inside it, and a planted mistake does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.tape.functions_of_interest import CHOICES, SMOOTH

from checker.tape.balls import allowed, enclose
from checker.tape.record import record

FUNCTIONS = SMOOTH | CHOICES
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
#: torch has no CPU kernels in half precision for these.
NOT_IN_HALF = {"inverse", "solve", "solve vector", "det", "det of a stack", "logdet", "cholesky", "triangular solve", "power iteration"}


def errors(name, dtype, seed):
    """Per argument: |autograd − truth| and what was allowed, with the truth."""
    function, draw = FUNCTIONS[name]
    generator = torch.Generator().manual_seed(seed)
    arguments = {k: t.to(dtype) if t.is_floating_point() else t for k, t in draw(generator).items()}
    tape = record(lambda named: (function(*named.values()),), arguments)
    upstream = (torch.randn(tape.values[0].shape, dtype=torch.float64, generator=generator).to(tape.values[0].dtype),)
    truth = enclose(tape, arguments, upstream, honoured=tape.honoured())
    widths, value_widths = allowed(tape, arguments, upstream, truth, honoured=tape.honoured())
    leaves = {k: t.clone().requires_grad_() for k, t in arguments.items()}
    value = function(*leaves.values())
    grads = torch.autograd.grad(value, list(leaves.values()), upstream[0], allow_unused=True)
    found = {"value": (_distance(value, truth.value[0]), value_widths[0], truth.value[0].high)}
    for (argument, leaf), gradient in zip(leaves.items(), grads, strict=True):
        gradient = torch.zeros_like(leaf) if gradient is None else gradient
        found[argument] = (_distance(gradient, truth.gradient[argument]), widths[argument], truth.gradient[argument].high)
    return found


def _distance(tensor, truth):
    return np.abs((tensor.detach().double().numpy() - truth.high) - truth.low)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_correct_autograd_is_inside(name, dtype):
    if name in NOT_IN_HALF and dtype in (torch.float16, torch.bfloat16):
        return
    for seed in range(3):
        for argument, (error, width, _) in errors(name, dtype, seed).items():
            assert np.all(error <= width), f"{name}, {argument}, seed {seed}: error {error.max():.2e}, allowed {width.max():.2e}"
