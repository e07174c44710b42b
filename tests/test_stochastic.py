"""Functions that draw, whose backward is never the same, whose gradient passes a hook, or whose backward is meant to be another's."""

from __future__ import annotations

import numpy as np
import planted_operations as planted
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from checker import ExerciseError, Settings, Verdict, check, exercise
from checker.examine import examine
from checker.hooks import taken_off
from checker.record import Record

QUICK = Settings(methods=("certified", "differences", "reverse", "forward"), points=2)
X = torch.tensor([0.6, -1.3, 2.2], dtype=torch.float64)


def verdict_of(record: Record, method: str = "reverse") -> set[str]:
    return {c.verdict for case in record.cases for c in case.comparisons if c.method == method}


# --- draws --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.dropout(x, 0.5).sum(),
        lambda x: (x * torch.randn_like(x)).exp().sum(),
        lambda x: (x + x.detach().abs().sqrt() * torch.rand(3, dtype=x.dtype)).square().sum(),
        lambda x: (x * torch.bernoulli(torch.full_like(x, 0.5))).cos().sum(),
        lambda x: x[torch.randperm(3)][:2].exp().sum(),
        lambda x: F.gumbel_softmax(x, tau=0.7).square().sum(),
    ],
    ids=["dropout", "randn_like", "reparametrised", "bernoulli", "randperm", "gumbel"],
)
def test_draws_are_common_to_all_and_the_gradient_is_judged_per_draw(function) -> None:
    record = check(function, X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.stochastic
    assert verdict_of(record, "differences") == {Verdict.AGREES}


@pytest.mark.parametrize("asked", [{}, {"mode": "jacobian"}, {"second_order": True}], ids=["product", "jacobian", "second order"])
def test_forward_mode_sees_the_draws_of_what_is_not_contiguous(asked) -> None:
    """`torch.func` draws a mask in another order than a plain call does, and the derivative by it is that of another draw."""
    record = check(lambda x: F.dropout(x.T, 0.5) ** 3, torch.arange(1.0, 7.0).double().view(2, 3), settings=QUICK, **asked)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert verdict_of(record, "forward") == {Verdict.AGREES}
    second = record.cases[0].second
    cut_off = check(lambda x: F.dropout(x.T.detach(), 0.5), torch.ones(2, 3), settings=QUICK, **asked)
    assert cut_off.verdict is Verdict.AGREES, cut_off.explanation
    assert second is None or {c.method for c in second.comparisons} >= {"reverse over reverse", "forward over reverse"}


def test_a_wrong_gradient_of_a_stochastic_function_is_wrong_whatever_was_drawn() -> None:
    record = check(lambda x: (planted.Cube.apply(x) * torch.rand(3, dtype=x.dtype)).sum(), X, settings=QUICK)
    assert (record.verdict, record.stochastic) == ("wrong", True)


def test_a_backward_that_draws_is_said_with_how_much() -> None:
    class Noisy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, upstream):
            return 2 * upstream + 1e-3 * torch.rand(3, dtype=upstream.dtype)

    record = check(lambda x: Noisy.apply(x), X, settings=QUICK)
    assert (record.verdict, record.stochastic) == ("wrong", True)
    assert any(note.startswith("two backward passes differ: gradient of x at [") and note.endswith(" apart") for note in record.notes)


def test_a_backward_that_is_right_most_of_the_time_is_wrong() -> None:
    passes = [0]

    def now_and_then(gradient):
        passes[0] += 1
        return gradient if passes[0] % 2 else 2 * gradient

    def function(x):
        y = x * x
        y.register_hook(now_and_then)
        return y

    record = check(function, X, settings=Settings(methods=("certified", "reverse")))
    assert record.verdict is Verdict.WRONG, record.explanation
    assert "two backward passes differ: gradient of x at [2]" in record.explanation


def test_rounding_that_differs_from_run_to_run_agrees_and_is_said() -> None:
    rounding = np.random.default_rng(0)

    def function(x):
        y = x * x
        y.register_hook(lambda g: g * (1 + 2.0**-52 * rounding.integers(0, 2, 3)))
        return y.sin()

    record = check(function, X, settings=Settings(methods=("certified", "reverse")))
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.stochastic
    assert any(note.startswith("two backward passes differ") for note in record.notes)


def test_a_draw_that_loses_the_gradient_of_its_mean_is_wrong_and_named() -> None:
    record = check(lambda x: torch.normal(x, 1.0) * x, X, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert "the gradient is lost by draw on test_stochastic.py:" in record.explanation
    right = check(lambda x: (x + torch.randn_like(x)) * x, X, settings=QUICK)
    assert right.verdict is Verdict.AGREES, right.explanation


def test_a_draw_that_is_declared_or_without_gradient_is_a_constant() -> None:
    def function(x: Float[Tensor, "3"]) -> Float[Tensor, "3"]:
        return torch.normal(x, 1.0) * x

    assert examine(exercise(function, cuts=["draw"]), QUICK).verdict is Verdict.AGREES
    record = check(lambda x: torch.distributions.Normal(x, 1.0).sample() * x, X, settings=QUICK)  # as policy gradients have it
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.cases[0].reference.kind == "certified"


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: torch.distributions.Gamma(x, 1.0).rsample(),
        lambda x: torch.distributions.Dirichlet(x).rsample(),
        lambda x: torch.distributions.StudentT(x).rsample(),
    ],
    ids=["gamma", "dirichlet", "student"],
)
def test_implicit_reparametrisation_is_beyond_values_and_that_is_said(draw) -> None:
    record = check(draw, X.abs(), settings=QUICK)
    assert (record.verdict, record.stochastic) == ("inconclusive", True)
    assert "is that of implicit reparametrisation, which no value of the function shows" in record.explanation


def test_a_write_through_a_detached_alias_cuts_nothing() -> None:
    def harmless(x):
        y = x * x
        y.detach().clamp_(max=1e9)  # as `torch.distributions` does
        return y * x

    def harmful(x):
        y = x * x
        y.detach().mul_(2)
        return y.sum()

    assert check(harmless, X, settings=QUICK).verdict is Verdict.AGREES
    record = check(harmful, X, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert "the gradient is lost by history on test_stochastic.py:" in record.explanation
    assert record.cases[0].reference.gradients["x"].values == pytest.approx((4 * X).tolist(), rel=1e-15)  # 2x², by hand


# --- hooks --------------------------------------------------------------------------------------------------------------------------


def clipped(x: Float[Tensor, "3"]) -> Float[Tensor, "3"]:
    y = x * x
    y.register_hook(lambda gradient: gradient.clamp(-0.1, 0.1))
    return y


def test_a_hook_that_changes_the_gradient_is_named_with_both_gradients() -> None:
    record = check(clipped, X, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert "a hook changes the gradient (test_stochastic.py:" in record.explanation
    assert "y.register_hook(lambda gradient: gradient.clamp(-0.1, 0.1)))" in record.explanation
    assert ", with it and without it: gradient of x at [" in record.explanation


def test_a_declared_hook_is_shown_and_the_gradient_is_judged_without_it() -> None:
    record = examine(exercise(clipped, cuts=["hook"], values={"x": X.tolist()}, differentiate=["x"]), QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    (note,) = record.notes
    assert note.startswith("a hook changes the gradient, as declared (test_stochastic.py:")
    assert ", without it and with it: gradient of x at [" in note


@pytest.mark.parametrize("before", [False, True])
def test_a_hook_of_a_module_is_named_by_where_it_is_written(before: bool) -> None:
    layer = nn.Linear(3, 2).double()

    def doubling(module, *gradients):
        return tuple(2 * g for g in gradients[0])

    (layer.register_full_backward_pre_hook if before else layer.register_full_backward_hook)(doubling)
    record = check(lambda x: layer(x), X, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert f"a hook changes the gradient (test_stochastic.py:{doubling.__code__.co_firstlineno}: doubling)" in record.explanation


def test_hooks_that_only_look_are_not_spoken_of() -> None:
    seen = []

    def function(x):
        y = x * x
        y.register_hook(seen.append)
        return y

    record = check(function, X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.notes == []
    assert seen


@pytest.mark.parametrize("mode", ["vjp", "jacobian", "projection"])
def test_a_tensor_that_is_to_keep_its_gradient_is_no_crash(mode: str) -> None:
    def keeping(x):
        y = x * x
        y.retain_grad()
        return y.sin()

    record = check(keeping, X, mode=mode)
    assert (record.verdict, record.stochastic) == (Verdict.AGREES, False), record.explanation


def test_torch_has_its_hooks_back() -> None:
    before = dict(vars(torch.Tensor)), dict(vars(nn.Module))
    check(clipped, X, settings=QUICK)
    with taken_off(), taken_off():
        torch.ones(2).retain_grad()
    assert (dict(vars(torch.Tensor)), dict(vars(nn.Module))) == before


# --- estimators ---------------------------------------------------------------------------------------------------------------------


def test_a_straight_through_estimator_by_detach_is_taken_as_meant() -> None:
    record = check(lambda x: ((x + (x.round() - x).detach()) * X).sum(), X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.cases[0].reference.gradients["x"].values == X.tolist()


def rounded(w: Float[Tensor, "3"], x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    return (planted.Round.apply(w) * x).exp().sum()


def test_an_undeclared_estimator_is_wrong_and_its_backward_is_named() -> None:
    record = examine(exercise(rounded), QUICK)
    assert record.verdict is Verdict.WRONG
    assert "the mistake is in Round (planted_operations.py:" in record.explanation


def test_a_declared_estimator_is_the_derivative_that_is_meant() -> None:
    record = examine(exercise(rounded, estimators={planted.Round: lambda x: x}, values={"x": X.tolist()}, differentiate=["w", "x"]), QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    case = record.cases[0]
    w, x = (np.array(case.arguments[name].values) for name in ("w", "x"))
    np.testing.assert_allclose(case.reference.gradients["w"].values, x * np.exp(np.round(w) * x), rtol=1e-14)  # by hand, round′ = 1
    np.testing.assert_allclose(case.reference.gradients["x"].values, np.round(w) * np.exp(np.round(w) * x), rtol=1e-14)
    assert {(cut.how, cut.explicit) for cut in case.cuts} == {("estimator", True)}
    assert case.cuts[0].uncut["w"].values == [0.0, 0.0, 0.0]  # that of round itself stands beside it
    (operation,) = record.operations
    assert operation.checks[0].message.startswith("it agrees with the declared estimator's derivative, proved by balls")


def test_an_estimator_that_is_not_what_was_declared_is_wrong() -> None:
    def function(w: Float[Tensor, "3"]) -> Float[Tensor, "3"]:
        return planted.RoundTwice.apply(w)

    record = examine(exercise(function, estimators={planted.RoundTwice: lambda x: x}), QUICK)
    assert record.verdict is Verdict.WRONG
    assert "the mistake is in RoundTwice (planted_operations.py:" in record.explanation


def test_an_estimator_of_another_shape_is_the_authors_mistake() -> None:
    declared = exercise(rounded, estimators={planted.Round: lambda x: x.sum()})
    with pytest.raises(ExerciseError, match=r"the estimator of Round gives shape \(\), Round itself \(3,\)\. It must be a function"):
        examine(declared, QUICK)


def test_estimators_are_of_function_classes() -> None:
    with pytest.raises(ExerciseError, match=r"`estimators` must map classes of autograd.Function to functions: \{Round: lambda x: x\}"):
        exercise(rounded, estimators={"Round": lambda x: x})


# --- history ------------------------------------------------------------------------------------------------------------------------


def test_history_lost_in_place_is_named() -> None:
    def function(x):
        y = x * x
        with torch.no_grad():
            y.mul_(2)
        return y

    record = check(function, X, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert "the gradient is lost by history on test_stochastic.py:" in record.explanation
    assert "y.mul_(2)" in record.explanation


def test_a_saved_tensor_written_to_crashes_with_the_line_that_wrote() -> None:
    def function(x):
        y = x.exp()
        y.mul_(2)
        return y

    record = check(function, X, settings=QUICK)
    assert record.verdict is Verdict.CRASHED
    assert "has been modified by an inplace operation" in record.explanation
    assert "written to on test_stochastic.py:" in record.explanation
    assert "y.mul_(2)" in record.explanation


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoint_agrees_reentrant_or_not(reentrant: bool) -> None:
    record = check(lambda x: checkpoint(lambda x: x.sin() * x, 2 * x, use_reentrant=reentrant).exp(), X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.notes == []


# --- gradients inside ----------------------------------------------------------------------------------------------------------------


def penalty(x):
    (inside,) = torch.autograd.grad((x**3).sum(), x, create_graph=True)
    return (inside**2).sum()  # Σ 9x⁴


@pytest.mark.parametrize("mode", [None, "projection", "jacobian"])
def test_a_function_that_differentiates_inside_itself_is_judged(mode) -> None:
    record = check(penalty, X, mode=mode)
    assert record.verdict is Verdict.AGREES, record.explanation
    reverse = next(d for d in record.cases[0].derivations if d.method == "reverse")
    assert reverse.gradients["x"].values == pytest.approx((36 * X**3).tolist())


def test_there_forward_mode_is_unsupported_and_no_crash() -> None:
    record = check(penalty, X)
    forward = next(d for d in record.cases[0].derivations if d.method == "forward")
    assert forward.problem is not None
    assert forward.problem.message == "the function differentiates inside itself by reverse mode, where forward mode cannot follow"


def test_a_gradient_inside_without_its_graph_is_a_stop_that_is_shown() -> None:
    def stopped(x):
        (inside,) = torch.autograd.grad((x**3).sum(), x)
        return (inside**2).sum() + x.sum()

    record = check(stopped, X)
    assert record.verdict is Verdict.AGREES, record.explanation
    [cut] = record.cases[0].cuts
    assert (cut.how, cut.code) == ("no_grad", "(inside,) = torch.autograd.grad((x**3).sum(), x)")
    assert cut.uncut["x"].values == pytest.approx((36 * X**3 + 1).tolist())
