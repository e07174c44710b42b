"""Reverse and forward mode, and CUDA: what they give, what they say when they cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from checker import Settings, Verdict, check
from checker.authoring import Exercise, flatten_output
from checker.inputs import Input
from checker.judge.belief import tape_of
from checker.methods import methods, names
from checker.methods.autograd import Cuda, Forward, Reverse, no_cuda
from checker.sampling import complete
from checker.values import Case, Mode

X = torch.tensor([0.5, -1.5, 2.0], dtype=torch.float64)


def case_of(function, mode: Mode = Mode.VJP, **arguments: torch.Tensor) -> Case:
    inputs = tuple(Input(n, tuple(t.shape)) for n, t in arguments.items())
    exercise = Exercise(name="f", function=function, call=lambda d: flatten_output(function(**d)), inputs=inputs)
    limit = 0 if mode is Mode.PROJECTION else 4096
    return complete(exercise, arguments, Settings(projection_above=limit), number=0, dtype="float64", seed=3, origin="given")


def test_every_method_enters_by_its_entry_point() -> None:
    assert tuple(methods()) == names() == ("certified", "symbolic", "formula", "differences", "reverse", "forward", "cuda")
    assert all(method.name == name for name, method in methods().items())


@pytest.mark.parametrize("method", [Reverse(), Forward()], ids=["reverse", "forward"])
def test_jacobian_products_by_hand(method) -> None:
    """y = (x², Σx) with upstream (1, 1, 1) and 1: Jᵀv = 2x + 1."""
    derivation = method.derive(case_of(lambda x: (x * x, x.sum()), x=X), None, None)
    np.testing.assert_allclose(derivation.gradients["x"], 2 * X.numpy() + 1, rtol=1e-15)
    np.testing.assert_array_equal(derivation.value[0], X.numpy() ** 2)


def test_an_argument_that_autograd_does_not_reach_is_zero_and_named() -> None:
    derivation = Reverse().derive(case_of(lambda x, y: x.sum(), x=X, y=X), None, None)
    assert derivation.details == {"unreached": ["y"]}
    assert derivation.gradients["y"].tolist() == [0.0, 0.0, 0.0]


def test_lost_history_is_a_zero_gradient_and_not_a_crash() -> None:
    derivation = Reverse().derive(case_of(lambda x: x.detach().sum(), x=X), None, None)
    assert derivation.problem is None
    assert derivation.details == {"unreached": ["x"]}


def test_what_the_function_raises_is_told_in_its_words() -> None:
    def function(x):
        if x.requires_grad:
            raise KeyError("weights")
        return x.sum()

    problem = Reverse().derive(case_of(function, x=X), None, None).problem
    assert (problem.verdict, problem.message) == (Verdict.CRASHED, "KeyError: 'weights'")


def test_draws_are_those_of_the_tape() -> None:
    case = case_of(lambda x: torch.nn.functional.dropout(x, 0.5), x=torch.ones(50, dtype=torch.float64))
    kept = tape_of(case).values[0].detach().numpy() != 0
    for method in (Reverse(), Forward()):
        np.testing.assert_array_equal(method.derive(case, None, None).gradients["x"] != 0, kept)


def test_forward_mode_says_that_no_grad_does_not_stop_it() -> None:
    def function(x):
        with torch.no_grad():
            y = x * x
        return (y * x).sum()

    case = case_of(function, x=X)
    problem = Forward().unsupported(case, tape_of(case))
    assert problem.verdict is Verdict.UNSUPPORTED
    assert problem.message == "torch.no_grad does not stop forward mode: its derivative is the uncut one"
    assert problem.line.startswith("test_autograd.py:")
    np.testing.assert_allclose(Forward().derive(case, None, None).gradients["x"], 3 * X.numpy() ** 2)  # and so it is


class NoForward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, upstream):
        return upstream * 2


def test_a_function_without_a_forward_rule_is_unsupported() -> None:
    problem = Forward().derive(case_of(lambda x: NoForward.apply(x).sum(), x=X), None, None).problem
    assert problem.verdict is Verdict.UNSUPPORTED
    assert problem.message.startswith("torch has no forward-mode rule here")


def test_forward_mode_leaves_large_cases_to_directions() -> None:
    problem = Forward().unsupported(case_of(lambda x: x.sum(), mode=Mode.PROJECTION, x=X), None)
    assert problem.verdict is Verdict.UNSUPPORTED


def test_control_flow_is_followed_by_forward_mode() -> None:
    def function(x):
        while x.norm() < 100:
            x = x * 2
        return x.sum()

    derivation = Forward().derive(case_of(function, x=X), None, None)
    np.testing.assert_array_equal(derivation.gradients["x"], [64.0, 64.0, 64.0])  # ‖x‖ = 2.55 is doubled six times


@pytest.mark.skipif(no_cuda() == "", reason="a CUDA device is here")
def test_without_cuda_the_reason_is_in_the_record() -> None:
    record = check(lambda x: x.sum(), X, settings=Settings(methods=("reverse", "cuda")))
    (cuda,) = [d for d in record.cases[0].derivations if d.method == "cuda"]
    assert cuda.problem.verdict is Verdict.NOT_AVAILABLE
    assert cuda.problem.message in (f"torch {torch.__version__} was built without CUDA", "no CUDA device was found")


@pytest.mark.cuda
@pytest.mark.skipif(no_cuda() != "", reason=no_cuda())
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_cuda_agrees_with_the_truth(dtype: str) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(8, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    settings = Settings(methods=("reverse", "cuda"), dtypes=(dtype,))
    record = check(lambda a, b: torch.tanh(a @ b).norm(), a, b, settings=settings)
    assert {c.verdict for case in record.cases for c in case.comparisons if c.method == "cuda"} == {Verdict.AGREES}, record.explanation


@pytest.mark.cuda
@pytest.mark.skipif(no_cuda() != "", reason=no_cuda())
def test_cuda_leaves_draws_to_the_cpu() -> None:
    case = case_of(lambda x: torch.nn.functional.dropout(x, 0.5), x=X)
    problem = Cuda().unsupported(case, tape_of(case))
    assert problem.message == "CUDA draws other random numbers than the CPU, on which the tape was recorded"
