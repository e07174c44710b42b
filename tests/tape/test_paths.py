"""What another order of the chain rule may round: correct forward mode lies inside it, and the bound is what a hand finds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from checker.catalogue import find
from checker.methods.autograd import Forward
from checker.sampling import cases
from checker.tape.balls import allowed, enclose
from checker.tape.paths import any_order
from checker.tape.record import record
from checker.values import Settings
from tests.cases import case_of
from tests.tape.functions_of_interest import CHOICES, SMOOTH
from tests.tape.test_rounding import NOT_IN_HALF

FUNCTIONS = SMOOTH | CHOICES
UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "bfloat16": 2.0**-8}


def test_the_bound_by_hand() -> None:
    """f = (x·y) + (x·(−y)) is zero, and so is its gradient in y; its paths there are x and x, so that Σ|path| is 2|x|."""
    arguments = {"x": torch.tensor(3.0, dtype=torch.float64), "y": torch.tensor(5.0, dtype=torch.float64)}
    tape = record(lambda a: (a["x"] * a["y"] + a["x"] * (-a["y"]),), arguments)
    bound = any_order(tape, arguments, (torch.tensor(1.0),), 2.0**-53, honoured=frozenset())
    roundings = {name: float(b) * 2.0**53 / size for name, b, size in (("x", bound.error["x"], 10.0), ("y", bound.error["y"], 6.0))}
    assert roundings == {"x": 7.0, "y": 9.0}  # the adding of two terms, two products each; for y a sign on the way


@pytest.mark.parametrize("dtype", UNITS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_correct_forward_mode_is_inside(name: str, dtype: str) -> None:
    if name in NOT_IN_HALF and dtype == "bfloat16":
        return
    function, draw = FUNCTIONS[name]
    drawn = draw(torch.Generator().manual_seed(0))
    case = case_of(function, dtype=dtype, **drawn)
    tape = record(case.exercise.call, case.arguments)
    truth = enclose(tape, case.arguments, case.upstream, honoured=tape.honoured())
    widths, _ = allowed(tape, case.arguments, case.upstream, truth, honoured=tape.honoured())
    other = any_order(tape, case.arguments, case.upstream, UNITS[dtype], honoured=tape.honoured())
    if Forward().unsupported(case, tape) is not None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, where vmap falls back
        found = Forward().derive(case, tape, None)
    if found.problem is not None:  # torch has no forward rule: said by name, and tested elsewhere
        return
    for argument, gradient in found.gradients.items():
        error = np.abs((gradient - truth.gradient[argument].high) - truth.gradient[argument].low)
        assert np.all(error <= widths[argument] + other.error[argument]), (
            f"{argument}: {np.max(error - widths[argument] - other.error[argument]):.2e} outside"
        )


def test_the_widths_of_the_reverse_sweep_would_call_correct_forward_mode_wrong() -> None:
    """Two linear layers at the points of the catalogue: where paths cancel, the other order rounds more than reverse mode may."""
    (exercise,) = find(["layers.py::Sequential"]).exercises
    beyond = 0
    for case in (case for seed in range(3) for case in cases(exercise, Settings(seed=seed)) if case.dtype == "float64"):
        tape = record(exercise.call, case.arguments)
        truth = enclose(tape, case.arguments, case.upstream)
        widths, _ = allowed(tape, case.arguments, case.upstream, truth)
        other = any_order(tape, case.arguments, case.upstream, UNITS["float64"], honoured=frozenset())
        for argument, gradient in Forward().derive(case, tape, None).gradients.items():
            error = np.abs((gradient - truth.gradient[argument].high) - truth.gradient[argument].low)
            beyond += int(np.sum(error > widths[argument]))
            assert np.all(error <= widths[argument] + other.error[argument])
    assert beyond > 0
