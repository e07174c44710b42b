"""Second derivatives: right ones agree, wrong ones are named, and where there is none that is said."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch.autograd import Function

from checker.errors import Unsupported
from checker.judge import second, second_reference
from checker.judge.belief import believe, tape_of
from checker.judge.reference import refer
from checker.judge.second import SecondOrder, second_order
from checker.values import Case, Mode, Verdict
from tests.cases import case_of

METHODS = ["reverse over reverse", "forward over reverse", "differences of gradients"]


def judged(case: Case, chosen: tuple[str, ...] = ("reverse", "forward", "differences")) -> SecondOrder:
    tape = tape_of(case)
    belief = believe(case, tape)
    return second_order(case, tape, belief, refer(case, tape, belief), chosen)


def told(found: SecondOrder) -> dict[str, list[str]]:
    """What each method's comparisons say."""
    return {m: [c.message for c in found.comparisons if c.method == m] for m in dict.fromkeys(c.method for c in found.comparisons)}


def penalty(x, w):
    return torch.tanh(w @ x).pow(2).sum()


POINT = {"x": [0.3, -1.2, 0.8], "w": [[1.0, 2.0, -1.0], [0.5, -0.25, 1.5]]}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_right_second_derivatives_agree_in_all_ways(dtype):
    found = judged(case_of(penalty, dtype, **POINT))
    assert found.verdict is Verdict.AGREES
    assert found.explanation == "reverse over reverse, forward over reverse and differences of gradients agree with the truth"
    assert found.reference is not None
    assert found.reference.kind == "certified"
    assert list(told(found)) == METHODS
    assert found.rows[:4] == ("x[0]", "x[1]", "x[2]", "w[0, 0]")
    assert found.reference.high["w"].shape == (9, 2, 3)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_judged_by_its_own_rounding(dtype):
    assert judged(case_of(lambda x: (x**3).sum() + x.prod(), dtype, x=[0.3, -1.2, 0.8])).verdict is Verdict.AGREES


def test_what_was_not_chosen_is_not_run():
    assert [d.method for d in judged(case_of(penalty, **POINT), ("reverse",)).derivations] == METHODS[:1]


def test_no_false_alarm_over_many_points():
    """Ill-conditioned and ordinary functions, in two dtypes, at points from seeds that a failure names."""
    functions = {
        "cross-entropy × 20": lambda x: torch.nn.functional.cross_entropy(20 * x[None], torch.tensor([1])),
        "log(1 + x) − x": lambda x: (torch.log(1 + 1e-3 * x) - 1e-3 * x).sum(),
        "log sigmoid": lambda x: torch.nn.functional.logsigmoid(3 * x).sum(),
        "norm": lambda x: x.norm(),
        "sin(10⁴ x)": lambda x: torch.sin(1e4 * x).sum(),
        "layer norm": lambda x: torch.nn.functional.layer_norm(x, x.shape).pow(3).sum(),
        "product": lambda x: x.prod(),
    }
    for name, function in functions.items():
        for seed in range(4):
            x = torch.randn(4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            for dtype in ("float64", "float32"):
                found = judged(case_of(function, dtype, x=x), ("reverse", "forward"))
                assert found.verdict in (Verdict.AGREES, Verdict.INCONCLUSIVE), (name, seed, dtype, found.explanation)


# planted mistakes: the gradient is right, its derivative is not


def cube(backward):
    """x³ whose backward is `backward(ctx, grad)`, with x in ctx.saved_tensors."""

    class Cube(Function):
        @staticmethod
        def forward(x):
            return x**3

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

    Cube.backward = staticmethod(backward)
    return lambda x: Cube.apply(x).sum()


class Doubled(Function):
    """The identity, whose derivative is twice too large: planted into a backward it falsifies the second derivative only."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, grad):
        return 2 * grad


def _detached(ctx, grad):
    (x,) = ctx.saved_tensors
    return grad * 3 * x.detach() ** 2


def _numpy(ctx, grad):
    (x,) = ctx.saved_tensors
    return grad * torch.from_numpy(3 * x.detach().numpy() ** 2)


@torch.autograd.function.once_differentiable
def _once(ctx, grad):
    (x,) = ctx.saved_tensors
    return grad * 3 * x**2


def _doubled(ctx, grad):
    (x,) = ctx.saved_tensors
    return grad * 3 * Doubled.apply(x) ** 2


def _right(ctx, grad):
    (x,) = ctx.saved_tensors
    return grad * 3 * x**2


@pytest.mark.parametrize(("backward", "got"), [(_detached, "0"), (_numpy, "0"), (_once, "0"), (_doubled, "12")])
def test_a_right_backward_with_a_wrong_derivative_is_wrong_and_named(backward, got):
    found = judged(case_of(cube(backward), x=[1.0, -2.0]), ("reverse", "differences"))
    assert found.verdict is Verdict.WRONG
    assert found.explanation.startswith(f"reverse over reverse: ∂²/∂x[0]∂x[0]: got {got}, expected 6 within ")
    assert told(found)["differences of gradients"] == ["the derivative of the gradient of x agrees"]


def test_a_right_backward_with_a_right_derivative_agrees():
    assert judged(case_of(cube(_right), x=[1.0, -2.0])).verdict is Verdict.AGREES


def test_a_missing_mixed_term_is_named_and_that_h_is_not_symmetric():
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_backward(x, y)
            return x * y

        @staticmethod
        def backward(ctx, grad):
            x, y = ctx.saved_tensors
            return grad * y, grad * x.detach()

    found = judged(case_of(lambda x, y: Product.apply(x, y).sum(), x=[2.0], y=[5.0]), ("reverse",))
    assert found.verdict is Verdict.WRONG
    assert "∂²/∂y[0]∂x[0]: got 0, expected 1 within" in found.explanation
    assert found.explanation.endswith("H is not symmetric: across the diagonal it has 1")


def test_one_entry_off_by_a_millionth_is_found(monkeypatch):
    """Of a right derivation with one entry altered: in float64 by 1e-6, in float32 by 1e-2 of itself."""
    right = second.TESTED["reverse"]
    for dtype, change in (("float64", 1e-6), ("float32", 1e-2)):

        def altered(case, directions, change=change):
            derivation = right(case, directions)
            derivation.gradients["w"][1, 0, 2] *= 1 + change
            return derivation

        monkeypatch.setitem(second.TESTED, "reverse", altered)
        found = judged(case_of(penalty, dtype, **POINT), ("reverse",))
        assert found.verdict is Verdict.WRONG
        assert "∂²/∂x[1]∂w[0, 2]: got" in found.explanation


# where there is none, or torch has none


def test_at_a_kink_of_the_gradient_there_is_no_second_derivative():
    found = judged(case_of(lambda x: (x * x.abs()).sum(), x=[0.0, 1.0]))
    assert found.verdict is Verdict.UNDEFINED
    expected = "∂²/∂x[0]∂x[0] does not exist: the gradient has a kink here, with the slopes -2 and 2 on its two sides; 0 is between them"
    assert found.explanation == f"reverse over reverse: {expected}"


def test_at_the_corner_of_huber_there_is_none_and_beside_it_there_is():
    def loss(x):
        return torch.nn.functional.huber_loss(x, torch.zeros_like(x), reduction="sum")

    corner = judged(case_of(loss, x=[1.0]), ("reverse",))
    assert corner.verdict is Verdict.UNDEFINED
    assert "with the slopes 0 and 1 on its two sides" in corner.explanation
    assert judged(case_of(loss, x=[0.999]), ("reverse",)).verdict is Verdict.AGREES
    assert judged(case_of(loss, x=[1.001]), ("reverse",)).verdict is Verdict.AGREES


def test_what_is_not_between_the_two_slopes_is_wrong(monkeypatch):
    right = second.TESTED["reverse"]

    def altered(case, directions):
        derivation = right(case, directions)
        derivation.gradients["x"][0, 0] = 3.0
        return derivation

    monkeypatch.setitem(second.TESTED, "reverse", altered)
    found = judged(case_of(lambda x: (x * x.abs()).sum(), x=[0.0]), ("reverse", "differences"))
    assert found.verdict is Verdict.WRONG
    assert "3 is not between them" in found.explanation


@pytest.mark.parametrize("function", [lambda x: x.abs() ** 1.5, lambda x: x**1.5], ids=["on both sides", "on one side"])
def test_where_the_slope_of_the_gradient_has_no_bound_there_is_none(function):
    found = judged(case_of(lambda x: function(x).sum(), x=[0.0, 1.0]), ("reverse",))
    assert found.verdict is Verdict.UNDEFINED
    expected = "∂²/∂x[0]∂x[0] does not exist: the slope of the gradient grows without bound here, or has one side only"
    assert found.explanation == f"reverse over reverse: {expected}"


def test_nan_beside_a_slope_without_bound_is_not_called_wrong():
    """Torch gives NaN for every entry of the row; of the mixed ones rounding promises nothing, for beside them H is infinite."""
    for dtype in ("float32", "float64"):
        found = judged(case_of(lambda x: (x.erf().abs() ** 1.5 + 0.1).log().sum(), dtype, x=[1.0, 0.0, 0.0]), ("reverse",))
        assert found.verdict is Verdict.UNDEFINED, found.explanation
        assert "grows without bound here" in found.explanation


def test_where_two_pieces_meet_smoothly_the_second_derivative_exists():
    """relu(x)³ at 0: its decision ties, its second derivative is 0 on both sides."""
    found = judged(case_of(lambda x: (torch.relu(x) ** 3).sum(), x=[0.0, 1.0]))
    assert found.verdict is Verdict.AGREES
    assert found.reference is not None
    assert "the two sides of relu meet" in found.reference.unproved
    assert np.allclose(found.reference.high["x"], [[0, 0], [0, 6]], atol=1e-5)


@pytest.mark.parametrize("function", [torch.relu, torch.abs])
def test_off_the_kink_a_piecewise_linear_function_has_zero(function):
    found = judged(case_of(lambda x: function(x).sum(), x=[-1.0, 2.0]))
    assert found.verdict is Verdict.AGREES
    assert found.reference is not None
    assert not found.reference.high["x"].any()


def test_nan_from_a_smooth_function_is_wrong():
    """‖x‖² at 0 is smooth; torch differentiates through the norm."""
    found = judged(case_of(lambda x: x.norm() ** 2, x=[0.0, 0.0]), ("reverse",))
    assert found.verdict is Verdict.WRONG
    assert "got nan, expected 2 within" in found.explanation


def test_an_operation_that_torch_differentiates_once_only_is_unsupported_by_its_name():
    found = judged(case_of(lambda x: torch.cdist(x, x + 1).sum(), x=[[0.0, 1.0], [2.0, 4.0]]))
    assert found.verdict is Verdict.UNSUPPORTED
    assert "reverse over reverse: torch cannot differentiate this gradient" in found.explanation
    assert "_cdist_backward" in found.explanation


def test_a_forward_mode_that_is_missing_does_not_count():
    found = judged(case_of(lambda x: torch.nn.functional.huber_loss(x, torch.zeros_like(x)), x=[0.3]))
    assert found.verdict is Verdict.AGREES
    problems = {d.method: d.problem.verdict for d in found.derivations if d.problem is not None}
    assert problems == {"forward over reverse": Verdict.UNSUPPORTED}


# without a proof, and at size


@pytest.fixture
def no_rule(monkeypatch):
    """Balls have no rule of second order for anything."""

    def refuse(*args, **kwargs):
        raise Unsupported("aten.tanh", "its second derivative has no rule here")

    monkeypatch.setattr(second_reference, "enclose", refuse)


@pytest.mark.usefixtures("no_rule")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_without_a_rule_differences_of_gradients_are_the_reference(dtype):
    found = judged(case_of(penalty, dtype, **POINT))
    assert found.verdict is Verdict.AGREES
    assert found.reference is not None
    assert found.reference.kind == "differences"
    assert found.reference.unproved == "balls: aten.tanh: its second derivative has no rule here"


@pytest.mark.usefixtures("no_rule")
def test_a_wrong_derivative_is_found_without_a_proof_too():
    found = judged(case_of(cube(_detached), x=[1.0, -2.0]), ("reverse",))
    assert found.verdict is Verdict.WRONG
    assert "∂²/∂x[1]∂x[1]: got 0, expected -12 within" in found.explanation


def test_many_entries_are_judged_along_random_directions_from_a_logged_seed():
    def wide(x):
        return torch.tanh(x).pow(2).sum() + x.mean() ** 3

    x = torch.linspace(-1, 1, 400, dtype=torch.float64)
    found = judged(case_of(wide, seed=7, x=x))
    assert found.verdict is Verdict.AGREES
    assert found.rows == ("u1 (seed 7)", "u2 (seed 7)", "u3 (seed 7)", "u4 (seed 7)")
    assert found.reference is not None
    assert found.reference.kind == "certified"


def test_a_single_wrong_entry_of_many_shows_along_a_direction():
    def wide(x):
        return torch.cat([cube(_detached)(x[:1])[None], x[1:] ** 3]).sum()

    found = judged(case_of(wide, x=torch.linspace(0.5, 1, 400, dtype=torch.float64)), ("reverse",))
    assert found.verdict is Verdict.WRONG
    assert "(H u)[x[0]] along u" in found.explanation


def test_of_a_jacobian_the_weighted_output_is_taken():
    assert judged(case_of(lambda x: x**3, mode=Mode.JACOBIAN, x=[1.0, 2.0])).verdict is Verdict.AGREES


def test_too_many_entries_are_unsupported_and_say_how_many_are_not():
    found = judged(case_of(lambda x: (x**2).sum(), mode=Mode.PROJECTION, x=torch.ones(20_000)))
    assert found.verdict is Verdict.UNSUPPORTED
    assert found.explanation == "second derivatives of 20,000 entries are not looked at: 1 to 16,384 are"


def test_what_is_detached_is_constant():
    found = judged(case_of(lambda x: ((x * x).detach() * x * x).sum(), x=[3.0]))
    assert found.verdict is Verdict.AGREES
    assert found.reference is not None
    assert found.reference.high["x"].tolist() == [[18.0]]


def test_a_sum_that_may_be_zero_has_whole_powers():
    """The mean of ±x is zero but for rounding; balls around zero once had no powers."""
    assert judged(case_of(lambda x: x.mean() ** 3, x=[-1.0, 1.0]), ("reverse", "forward")).verdict is Verdict.AGREES


def test_draws_are_the_same_in_every_way():
    found = judged(case_of(lambda x: torch.nn.functional.dropout(x**3, 0.5).sum(), x=[1.0, 2.0, 3.0, 4.0]))
    assert found.verdict is Verdict.AGREES


def test_what_forward_mode_does_not_stop_at_is_not_held_against_it():
    """`.data` stops reverse mode; forward mode goes on through it."""
    found = judged(case_of(lambda x: (x.data * x * x).sum(), x=[3.0], cuts=("data",)))
    assert found.verdict is Verdict.AGREES
    (problem,) = [d.problem for d in found.derivations if d.problem is not None]
    assert problem.message == "data does not stop forward mode"


def test_where_forward_mode_cannot_follow_a_gradient_it_is_unsupported():
    target = torch.tensor([0.0, 1.0], dtype=torch.float64)
    found = judged(case_of(lambda x: torch.nn.functional.mse_loss(x, target), x=[1.0, 2.0]))
    assert found.verdict is Verdict.AGREES
    problems = [d.problem for d in found.derivations if d.problem is not None]
    assert [p.verdict for p in problems] == [Verdict.UNSUPPORTED]
    assert "ZeroTensors" in problems[0].message


def test_differences_know_what_cancels_a_step_away_though_it_is_exact_at_the_point():
    """The gradient of a is x·y − y·x: exactly zero where the products are exact, and rounding beside."""
    found = judged(case_of(lambda a, x, y: (a * (x * y - y * x)).sum(), a=[1.0], x=[0.5], y=[0.75]))
    assert found.verdict is Verdict.AGREES


def test_two_numbers_that_differ_late_are_written_out_until_they_do():
    """torch adds 10⁻¹² to a denominator of binary cross-entropy's second derivative."""
    target = torch.tensor([1.0], dtype=torch.float64)
    found = judged(case_of(lambda x: torch.nn.functional.binary_cross_entropy(x, target), x=[0.1]), ("reverse",))
    assert found.verdict is Verdict.WRONG
    got, expected = re.findall(r"(?:got|expected) (\S+?),? ", found.explanation)
    assert got != expected
    assert float(got) == pytest.approx(float(expected), rel=1e-9)
