"""The cases that any truthful verifier gets right, one test a row of the table in the design, with the sentence that a user reads.

Truths are from textbooks or by hand; torch is 2.13. `check` runs with the default settings throughout: no tolerance is set anywhere.
"""

from __future__ import annotations

import math
import re

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name
from torch.autograd.gradcheck import GradcheckError

from checker import Settings, Verdict, check
from checker.record import Record

QUICK = Settings(methods=("certified", "differences", "reverse", "forward"))


def found(function, *inputs, dtype: torch.dtype = torch.float64, settings: Settings = QUICK) -> Record:
    return check(function, *[torch.tensor(x, dtype=dtype) if not isinstance(x, torch.Tensor) else x for x in inputs], settings=settings)


def verdict_of(record: Record, method: str = "reverse") -> set[str]:
    return {c.verdict for case in record.cases for c in case.comparisons if c.method == method}


def doubling(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "function",
    [
        lambda x: 2 * torch.dot(x, x),
        lambda x: (4 * x).norm(),
        lambda x: x.sum(),
        lambda x: (x * x).sum(),
    ],
)
def test_textbook_functions_agree_at_random_points(function, seed: int) -> None:
    x = torch.randn(5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    record = found(function, x)
    assert record.verdict is Verdict.AGREES, record.explanation


@pytest.mark.parametrize("a", [0.3, -2.7, 1.0, 512.3, -1e-3])
def test_control_flow_agrees_at_random_points(a: float) -> None:
    record = found(doubling, a)
    assert record.verdict is Verdict.AGREES, record.explanation
    (case,) = record.cases
    assert case.reference.gradients["a"].values[0] == case.value[0].values[0] / a  # f′(a) = f(a)/a


@pytest.mark.parametrize("function", [lambda x: (x**3).sum(), lambda x: 2 * torch.dot(x, x), lambda x: x.norm(), lambda x: x.exp().sum()])
def test_float32_agrees_by_default_where_gradcheck_fails(function) -> None:
    x = torch.randn(8, generator=torch.Generator().manual_seed(1))
    assert found(function, x).verdict is Verdict.AGREES
    with pytest.raises((GradcheckError, Warning)):
        torch.autograd.gradcheck(function, (x.clone().requires_grad_(),))


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: torch.sin(1e6 * x), 1.1),
        (torch.tanh, 10.0),
        (torch.sigmoid, 30.0),
        (lambda x: x**2, 1e12),
        (lambda x: torch.sin(1000 * x), 1.0),
        (torch.log, 0.1),
        (lambda x: 1e-6 * x**2, 3.0),
    ],
)
def test_ill_conditioned_points_agree_within_their_conditioning(function, x: float) -> None:
    record = found(function, x)
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation


def test_cross_entropy_with_large_logits_agrees() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(8, 10, generator=generator, dtype=torch.float64), torch.arange(8)
    record = check(lambda x, y: F.cross_entropy(20 * x, y), x, y, settings=QUICK)
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.softmax(20 * x, 1),
        lambda x: torch.logsumexp(100 * x, 0),
        lambda x: F.nll_loss(F.log_softmax(20 * x, 1), torch.arange(4)),
    ],
)
def test_differences_claim_nothing_about_what_rounding_swallows(function, dtype: torch.dtype) -> None:
    x = torch.randn(4, 5, generator=torch.Generator().manual_seed(0)).to(dtype)
    record = check(function, x, settings=QUICK)
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_rounding_near_a_singular_matrix_is_no_kink(dtype: torch.dtype) -> None:
    record = check(torch.inverse, torch.tensor([[1.0, 1.0], [1.0, 1.0001]], dtype=dtype), settings=QUICK)
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation


@pytest.mark.parametrize("seed", range(4))
def test_long_sums_in_float64_agree(seed: int) -> None:
    x = torch.randn(100_000, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for function in (torch.norm, torch.std):
        record = check(function, x, settings=QUICK)
        assert record.verdict is Verdict.AGREES, record.explanation


def test_gelu_in_float32_is_as_good_as_its_kernel() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.cat([scale * torch.randn(100, generator=generator) for scale in (1e-6, 1e-3, 1.0, 3.0)])
    record = check(F.gelu, x, settings=Settings(methods=("certified", "reverse")))
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation


def test_a_gradient_that_is_truly_zero_agrees() -> None:
    record = found(lambda x: torch.softmax(x, 0).sum(), [0.3, -1.0, 2.0])
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: torch.log_softmax(x, 1), [[1.0], [2.0]]),  # 0, whatever x
        (lambda x: F.layer_norm(x, (1,)), [[1.0], [2.0]]),
        (lambda x: x.mean() ** 3, [-1.0, 1.0]),
    ],
)
def test_a_gradient_that_cancels_to_zero_agrees_though_the_value_is_zero_too(function, x: list) -> None:
    record = found(function, x)
    assert record.verdict is Verdict.AGREES, record.explanation


@pytest.mark.parametrize(
    ("function", "x", "gradient"),
    [
        (torch.nansum, [1.0, math.nan, 2.0], [1.0, 0.0, 1.0]),
        (torch.nanmean, [1.0, math.nan, 2.0], [0.5, 0.0, 0.5]),
        (lambda x: torch.softmax(x, 0)[0], [0.0, -math.inf, 0.0], [0.25, 0.0, -0.25]),
    ],
)
def test_entries_that_are_no_finite_numbers_do_not_disturb_the_others(function, x: list[float], gradient: list[float]) -> None:
    record = found(function, x)
    assert record.verdict is Verdict.AGREES, record.explanation
    np.testing.assert_allclose(next(iter(record.cases[0].reference.gradients.values())).values, gradient)


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x.abs().sum(), [0.0]),
        (lambda x: x.relu().sum(), [0.0, 1.0]),
        (lambda x: x.norm(), [0.0, 0.0]),
        (lambda x: x.max(), [1.0, 1.0]),
        (lambda x: x.amax(), [1.0, 1.0, 0.0]),
        (lambda x: x.median(), [0.0, 0.0, 0.0]),
        (lambda x: x.sort()[0][0], [2.0, 2.0]),
        (lambda x: x.clamp(0, 6).sum(), [0.0]),
        (lambda x: x.clamp(0, 6).sum(), [6.0]),
        (lambda x: F.relu6(x).sum(), [0.0]),
        (lambda x: F.relu6(x).sum(), [6.0]),
    ],
)
def test_a_member_of_the_clarke_set_is_a_subgradient(function, x: list[float]) -> None:
    record = found(function, x)
    assert verdict_of(record) == {Verdict.SUBGRADIENT}, record.explanation


class _Claimed(torch.autograd.Function):
    """A norm whose backward returns what it is told to."""

    @staticmethod
    def forward(ctx, x, order, gradient):
        ctx.gradient = gradient
        return torch.linalg.norm(x, order)

    @staticmethod
    def backward(ctx, upstream):
        return upstream * ctx.gradient, None, None


ONE = torch.eye(2, dtype=torch.float64)
CORNER = torch.outer(ONE[0], ONE[1])


@pytest.mark.parametrize(
    ("order", "claimed", "verdict"),
    [  # at the zero matrix: the unit ball of the dual norm, by the spectral, the nuclear and Frobenius' norm
        ("nuc", ONE, Verdict.SUBGRADIENT),
        ("nuc", -0.5 * ONE, Verdict.SUBGRADIENT),
        ("nuc", 1.01 * ONE, Verdict.WRONG),
        ("nuc", ONE + 0.01 * CORNER, Verdict.WRONG),
        (2, ONE / 2, Verdict.SUBGRADIENT),
        (2, 0.51 * ONE, Verdict.WRONG),
        (2, CORNER, Verdict.SUBGRADIENT),
        (2, 1.001 * CORNER, Verdict.WRONG),
        ("fro", ONE / math.sqrt(2.0), Verdict.SUBGRADIENT),
        ("fro", ONE / 1.4, Verdict.WRONG),
    ],
)
def test_norms_of_the_zero_matrix_have_the_ball_of_the_dual_norm(order, claimed, verdict: Verdict) -> None:
    zero = torch.zeros(2, 2, dtype=torch.float64)
    record = check(lambda x: _Claimed.apply(x, order, claimed), zero, settings=Settings(methods=("reverse",)))
    assert record.verdict is verdict, record.explanation


def test_the_smallest_singular_value_of_the_zero_matrix_is_not_called_wrong() -> None:
    """Its Clarke set is a ball in nine dimensions that no sample of branches fills, and slopes do not bound it: it is not convex."""
    record = found(lambda x: torch.linalg.norm(x, -2), np.zeros((3, 3)).tolist())
    assert record.verdict is Verdict.INCONCLUSIVE, record.explanation
    assert "so many branches meet here" in record.explanation


def test_relu_of_x_minus_relu_of_minus_x_is_the_identity() -> None:
    record = found(lambda x: x.relu() - (-x).relu(), [1.0, 0.0])
    assert verdict_of(record) == {Verdict.WRONG}
    assert record.verdict is Verdict.WRONG
    assert "reverse: gradient of x at [1]: got 0, expected " in record.explanation
    assert record.explanation.endswith("every branch around this point has the same gradient, so the derivative exists")


class IdentityByHalves(torch.autograd.Function):
    @staticmethod
    def forward(_context, x):
        return x.relu() - (-x).relu()

    @staticmethod
    def backward(_context, upstream):
        return upstream


def test_a_right_backward_at_a_tie_is_no_false_alarm() -> None:
    """Exact arithmetic along the recorded operations follows torch's convention at the tie, 0, and is itself no answer."""
    record = found(IdentityByHalves.apply, 0.0)
    assert record.verdict is Verdict.AGREES, record.explanation
    (said,) = [c for c in record.cases[0].comparisons if c.method == "certified"]
    assert said.verdict is Verdict.INCONCLUSIVE
    assert said.message.startswith("at the tie here exact arithmetic follows PyTorch's own convention, which is not the derivative: ")


def test_an_unselected_branch_poisons_torch_and_not_the_truth() -> None:
    record = found(lambda x: torch.where(x > 0, x.sqrt(), x), -1.0)
    assert verdict_of(record) == {Verdict.WRONG}
    (case,) = record.cases
    assert case.reference.gradients["x"].values == [1.0]
    assert "got nan, expected 1" in record.explanation


def test_nan_is_no_subgradient() -> None:
    assert verdict_of(found(lambda x: (x * x).sum().sqrt(), [0.0, 0.0])) == {Verdict.WRONG}


def test_an_infinite_slope_is_undefined() -> None:
    assert found(torch.sqrt, 0.0).verdict is Verdict.UNDEFINED


def test_the_determinant_of_a_singular_matrix_is_wrong_in_torch() -> None:
    record = found(torch.det, [[1.0, 2.0], [2.0, 4.0]])
    assert record.verdict is Verdict.WRONG
    (case,) = record.cases
    assert case.reference.gradients["input 0"].values == [4.0, -2.0, -2.0, 1.0]  # the adjugate's transpose, by hand
    assert "got 0, expected" in record.explanation


class Squares(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        gradient = 2 * x * upstream
        gradient[617] *= 1.001
        return gradient


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_one_entry_of_a_thousand_off_by_a_tenth_of_a_percent_is_named(dtype: torch.dtype) -> None:
    x = torch.randn(1000, generator=torch.Generator().manual_seed(5), dtype=torch.float64).to(dtype)
    record = check(lambda x: Squares.apply(x).sum(), x, settings=Settings(methods=("reverse",)))
    assert record.verdict is Verdict.WRONG
    assert "gradient of x at [617]" in record.explanation


def test_detach_is_taken_as_meant_and_the_uncut_derivative_stands_beside_it() -> None:
    def function(x):
        u = (x * x).detach()
        return (u * x).sum()

    record = found(function, [0.0, 1.0, 2.0, 3.0])
    assert record.verdict is Verdict.AGREES, record.explanation
    (case,) = record.cases
    assert case.reference.gradients["x"].values == [0.0, 1.0, 4.0, 9.0]
    (cut,) = case.cuts
    assert (cut.how, cut.code) == ("detach", "u = (x * x).detach()")
    assert cut.uncut["x"].values == [0.0, 3.0, 12.0, 27.0]  # 3x²
    differences = next(d for d in case.derivations if d.method == "differences")
    np.testing.assert_allclose(differences.gradients["x"].values, [0.0, 1.0, 4.0, 9.0], atol=1e-9)


@pytest.mark.parametrize(
    ("function", "x", "uncut"),
    [
        (lambda x: (x * x.sum().item()).sum(), [1.0, 2.0], [6.0, 6.0]),  # (Σx)² has gradient 2Σx
        (lambda x: x ** x.item(), 2.0, [4.0 * (math.log(2.0) + 1.0)]),  # xˣ(ln x + 1)
    ],
)
def test_item_is_wrong_with_its_line(function, x, uncut: list[float]) -> None:
    record = found(function, x)
    assert verdict_of(record) == {Verdict.WRONG}
    assert "the gradient is lost by item on test_truthful.py:" in record.explanation
    np.testing.assert_allclose(record.cases[0].reference.gradients["x"].values, uncut, rtol=1e-8)


def test_a_jump_has_no_gradient_and_its_neighbours_do() -> None:
    edge = 1000 / 1024
    assert found(doubling, edge).verdict is Verdict.JUMP
    below, above = found(doubling, edge - 1e-7), found(doubling, edge + 1e-7)
    assert (below.verdict, above.verdict) == (Verdict.AGREES, Verdict.AGREES), (below.explanation, above.explanation)
    assert [r.cases[0].reference.gradients["a"].values for r in (above, below)] == [[1024.0], [2048.0]]


def doubling_by_item(a):
    b = a * 2
    while b.norm().item() < 1000:
        b = b * 2
    return b


def test_a_scalar_that_python_compares_is_a_decision_as_well() -> None:
    edge = 1000 / 1024
    assert found(doubling_by_item, edge).verdict is Verdict.JUMP
    below, above = found(doubling_by_item, edge - 1e-7), found(doubling_by_item, edge + 1e-7)
    assert (below.verdict, above.verdict) == (Verdict.AGREES, Verdict.AGREES), (below.explanation, above.explanation)
    written = found(doubling_by_item, edge + 1e-7, settings=Settings(methods=("symbolic", "reverse")))
    assert written.paths[0].conditions == ["a != 0", "512*abs(a) < 1000 <= 1024*abs(a)"]


@pytest.mark.parametrize("shape", [(3, 2), (2, 3)])
def test_a_decision_that_only_rounding_takes_is_no_kink(shape: tuple[int, int]) -> None:
    """The diagonal of a correlation matrix is clamped to [−1, 1] and is 1 up to rounding, on this side or that."""
    record = found(torch.corrcoef, torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation


def test_what_differences_cannot_tell_leaves_a_certified_verdict_alone() -> None:
    """10¹⁴ + x takes x in steps of 1/64, of which every quotient is made."""
    record = found(lambda x: (x + 1e14) - 1e14, [-0.4, 0.3])
    assert record.verdict is Verdict.AGREES, record.explanation
    (said,) = [c.message for c in record.cases[0].comparisons if c.method == "differences"]
    assert said.startswith("gradient of x agrees, as far as this method can tell: to ")


def logdet(a):
    return torch.linalg.slogdet(a)[1]


def solved(a):
    return torch.linalg.solve(a, torch.ones(len(a), dtype=a.dtype)).sum()


@pytest.mark.parametrize(
    ("function", "order"), [(lambda a: torch.linalg.inv(a).sum(), 6), (solved, 7), (solved, 8), (logdet, 9), (logdet, 10)]
)
def test_steps_beyond_the_poles_of_an_ill_conditioned_matrix_are_no_false_alarm(function, order: int) -> None:
    """Hilbert's matrix becomes singular where an entry moves by far less than any ordinary step: 2e-7 at order 6, 3e-13 at order 10."""
    hilbert = [[1 / (i + j + 1) for j in range(order)] for i in range(order)]
    record = found(function, hilbert)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert {c.verdict for c in record.cases[0].comparisons} == {Verdict.AGREES}


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (torch.sin, 1e8),  # the first steps span many waves
        (torch.lgamma, 1e-20),  # every step crosses the pole at 0
        (lambda x: F.softplus(x, 5.0), -89.0),  # of size e⁻⁴⁴⁵, known to 3e-14 of that
    ],
)
def test_differences_know_where_their_steps_say_nothing(function, x: float) -> None:
    record = found(function, [x])
    assert {c.verdict for c in record.cases[0].comparisons} == {Verdict.AGREES}, record.explanation


def test_entries_that_differences_do_not_know_are_counted() -> None:
    record = found(logdet, [[1 / (i + j + 1) for j in range(9)] for i in range(9)])
    (said,) = [c.message for c in record.cases[0].comparisons if c.method == "differences"]
    assert re.fullmatch(r"gradient of a agrees, as far as this method can tell: \d+ of its 81 entries are not known to it", said)


def test_floor_jumps() -> None:
    assert found(torch.floor, 2.0).verdict is Verdict.JUMP


def test_dropout_agrees_and_is_said_to_be_stochastic() -> None:
    record = check(lambda x: F.dropout(x, 0.5).sum(), torch.ones(20, dtype=torch.float64), settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.stochastic


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_norm_of_a_large_half_matrix_is_right_by_its_allowed_error(dtype: torch.dtype) -> None:
    record = check(lambda x: x.norm(), torch.full((3, 3), 100.0, dtype=dtype), settings=QUICK)
    assert verdict_of(record) == {Verdict.AGREES}, record.explanation
    np.testing.assert_allclose(record.cases[0].reference.gradients["x"].values, 1 / 3, rtol=1e-15)


def test_a_function_that_draws_from_elsewhere_is_inconclusive_and_stochastic() -> None:
    record = found(lambda x: (x * np.random.default_rng().normal()).sum(), [1.0, 2.0])  # a new generator each time, without a seed
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "two calls with the same seed give two values: draw random numbers from torch's own generators" in record.explanation
    assert record.stochastic


def test_a_padding_row_has_no_gradient_and_differences_say_why_they_do_not_judge_it() -> None:
    record = check(lambda w: F.embedding(torch.tensor([0, 1, 1]), w, padding_idx=0).exp().sum(), torch.randn(3, 2, dtype=torch.float64))
    assert record.verdict is Verdict.AGREES, record.explanation
    (differences,) = [d for d in record.cases[0].derivations if d.method == "differences"]
    assert differences.problem.message.startswith("padding_idx stops the gradient of one row")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_interpolation_with_a_fractional_scale_agrees(dtype: torch.dtype) -> None:
    x = torch.randn(1, 2, 7, generator=torch.Generator().manual_seed(0)).to(dtype)
    record = check(lambda x: F.interpolate(x, scale_factor=1.7, mode="linear"), x)
    assert record.verdict is Verdict.AGREES, record.explanation


def exactly_logcumsumexp(x: list[float], v: list[float]) -> list[mpmath.mpf]:
    """Jᵀv of logcumsumexp in 50 digits: ∂yₖ/∂xᵢ = e^xᵢ / Σⱼ≤ₖ e^xⱼ for i ≤ k."""
    with mpmath.workdps(50):
        powers = [mpmath.exp(mpmath.mpf(value)) for value in x]
        sums = [mpmath.fsum(powers[: k + 1]) for k in range(len(x))]
        return [mpmath.fsum(mpmath.mpf(v[k]) * powers[i] / sums[k] for k in range(i, len(x))) for i in range(len(x))]


def test_forward_mode_of_logcumsumexp_is_torchs_own_mistake() -> None:
    """torch divides by Σ eˣ + 1e-13: the written formula lies within the allowed error, torch's forward mode by so much outside."""
    x = torch.tensor([-2.0, 0.3, -1.0, 2.0], dtype=torch.float64)
    record = found(lambda x: x.logcumsumexp(0), x)
    (case,) = record.cases
    truth = [float(entry) for entry in exactly_logcumsumexp(x.tolist(), case.upstream[0].values)]
    np.testing.assert_allclose(case.reference.gradients["x"].values, truth, rtol=1e-15)
    assert verdict_of(record, "reverse") == {Verdict.AGREES}
    assert verdict_of(record, "forward") == {Verdict.WRONG}
    assert re.search(
        r"; PyTorch's own forward rule of logcumsumexp \(test_truthful\.py:\d+\) is not exact, and reverse mode does not use it$",
        record.explanation,
    )
    written = found(lambda x: (x - x.max().detach()).exp().cumsum(0).log() + x.max(), x)
    assert written.verdict is Verdict.AGREES, written.explanation


def test_of_a_wrong_reverse_mode_no_forward_rule_is_spoken() -> None:
    record = found(lambda x: x.logcumsumexp(0) * float(x.sum()), [0.3, -1.0])
    assert record.verdict is Verdict.WRONG
    assert "forward rule" not in record.explanation


def straight_through(x):
    return x + (x.round() - x).detach()


@pytest.mark.parametrize("mode", ["vjp", "jacobian", "projection"])
@pytest.mark.parametrize("x", [[0.5, 0.2], [0.5], [-1.5, 2.5]])
def test_a_jump_behind_a_stop_is_no_jump_of_the_gradient_that_is_meant(x: list[float], mode: str) -> None:
    """The value of a straight-through estimator jumps at a tie of round; what is stopped is a constant to its gradient, which is 1."""
    record = check(straight_through, torch.tensor(x, dtype=torch.float64), mode=mode)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert {c.verdict for c in record.cases[0].comparisons} == {Verdict.AGREES}


def test_the_jump_behind_a_stop_is_noted() -> None:
    (said,) = [note for note in found(straight_through, [0.5, 0.2]).notes if "jump" in note]
    assert re.fullmatch(
        r"round is tied on test_truthful\.py:\d+, where the gradient is stopped: the value may jump here, and the gradient does not", said
    )
    assert not [note for note in found(straight_through, [0.4]).notes if "jump" in note]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: straight_through(x) + x.round(),  # its value flows beside the stop, too
        lambda x: straight_through(x) if x > 0.5 else 3 * x,  # and Python decides, too
        lambda x: x.round() * straight_through(x).detach(),
    ],
)
def test_a_jump_that_is_not_behind_a_stop_alone_is_one(function) -> None:
    assert found(function, 0.5).verdict is Verdict.JUMP


def test_a_wrong_gradient_at_a_jump_behind_a_stop_is_seen() -> None:
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(_context, x):
            return x.clone()

        @staticmethod
        def backward(_context, upstream):
            return 2 * upstream

    assert found(lambda x: straight_through(Twice.apply(x)), [0.5]).verdict is Verdict.WRONG
