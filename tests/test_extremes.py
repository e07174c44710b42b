"""Numbers at the edges of a format: what overflows, underflows or saturates is neither called wrong nor passed by in silence."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name

from checker import Settings, Verdict, check
from checker.tape.record import record as record_tape

QUICK = Settings(methods=("certified", "reverse", "forward"))
OVERFLOWS = "the function has a finite value here, but float32 does not hold it, or what it is computed from: a wider dtype would"


@pytest.mark.parametrize(
    ("function", "x"),
    [
        (lambda x: x.exp().log(), [100.0]),  # log ∞, where the truth is 100
        (lambda x: (1 + x.exp()).log(), [100.0]),
        (lambda x: x.norm(), [1e30, 1e30]),  # √∞, where the truth is √2·10³⁰
        (lambda x: (1e30 * x).square().sum() * 1e-30, [1.0, 2.0]),
    ],
    ids=["log exp", "softplus", "norm", "scaled square"],
)
def test_a_value_that_the_dtype_does_not_hold_is_undefined_and_a_wider_one_settles_it(function, x) -> None:
    record = check(function, torch.tensor(x), settings=QUICK)
    assert record.verdict is Verdict.UNDEFINED, record.explanation
    assert record.explanation == f"at point 0 (given, float32), certified: {OVERFLOWS}"
    assert check(function, torch.tensor(x, dtype=torch.float64), settings=QUICK).verdict is Verdict.AGREES


def test_nan_from_a_function_with_a_finite_value_is_wrong() -> None:
    record = check(lambda x: 1 / (1 + x.exp()), torch.tensor([100.0]), settings=QUICK)
    assert record.verdict is Verdict.WRONG  # 1/∞ is 0; its gradient is 0·∞
    assert "reverse: gradient of x at [0]: got nan, expected -5.7" in record.explanation
    assert "within" not in record.explanation


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("function", [torch.sigmoid, torch.tanh, F.logsigmoid, F.silu, F.mish, F.softplus, F.elu], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [-745.0, -710.0, -300.0, -100.0, -89.0, 89.0, 100.0, 300.0, 710.0, 745.0])
def test_a_saturated_activation_agrees(function, x: float, dtype: torch.dtype) -> None:
    record = check(function, torch.tensor([x, 0.3], dtype=dtype), settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation


def test_the_truth_about_a_saturated_sigmoid_is_not_zero() -> None:
    """σ′(−100) = e⁻¹⁰⁰/(1 + e⁻¹⁰⁰)², a subnormal number in float32, in whose place torch gives 0."""
    record = check(lambda x: torch.sigmoid(x).sum(), torch.tensor([-100.0, 0.3]), settings=QUICK)
    assert record.cases[0].reference.gradients["x"].values[0] == pytest.approx(math.exp(-100), rel=1e-14)


def test_forward_mode_is_asked_by_dual_tensors_where_torch_func_mixes_dtypes() -> None:
    """In float32 `torch.func.jvp` of this power of a number without dimensions is float64, which the next operation refuses."""
    x = torch.tensor(-0.25)
    with pytest.raises(RuntimeError, match="dtype Double but expected Float"):
        torch.func.jvp(lambda x: F.huber_loss((x.abs() + 0.5) ** x.tanh(), x), (x,), (torch.ones(()),))
    record = check(lambda x: F.huber_loss((x.abs() + 0.5) ** x.tanh(), x), x, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert "forward" in {c.method for c in record.cases[0].comparisons}


@pytest.mark.parametrize(("factor", "verdict"), [(1e4, "agrees"), (1e7, "inconclusive")])
def test_at_a_tie_that_is_no_kink_rounding_is_allowed_for(factor: float, verdict: str) -> None:
    """|x|² is smooth, though |x| ties at 0; in float32 the cosine of 10⁴ is known to three digits, that of 10⁷ to none."""
    x = torch.tensor([0.0, 1.1])
    for number in (1, 2, 4, 5):
        record = check(lambda x, n=number: (factor * (x.abs() ** 2).sum() + n).cos(), x, settings=QUICK)
        assert record.verdict == verdict or (factor > 1e6 and record.verdict == "agrees"), record.explanation
        assert "wrong" not in {c.verdict for c in record.cases[0].comparisons}


def test_a_hull_of_which_every_direction_shows_another_corner_refuses_nothing() -> None:
    """Of a maximum over windows of (p, 2p), all zero, torch takes the first: right where p falls from −1 to −1.5. Few corners are seen."""
    torch.manual_seed(0)
    weights = torch.randn(9, dtype=torch.float64)

    def function(x, rest):
        both = torch.cat([x, 2 * x])
        highest = F.max_pool1d(both[None, None], 2, 1)[0, 0]
        return (weights * highest[:9]).sum() + rest.sin().sum()

    record = check(function, torch.zeros(5, dtype=torch.float64), torch.ones(30, dtype=torch.float64), settings=QUICK)
    assert record.verdict in ("subgradient", "inconclusive"), record.explanation


def test_a_method_whose_own_error_is_not_known_is_judged_without_it() -> None:
    """The variance of equal numbers is a tie for balls, which then do not know what another order of the sums may do."""
    x = torch.tensor([1.5, 0.3, 0.2, 0.1, -0.4], dtype=torch.float64)

    def function(x):
        equal = F.normalize(x + 0.3, dim=0)[torch.zeros(5, dtype=torch.long)]
        return F.elu(torch.sinc(equal.var()))

    record = check(function, x)
    assert record.verdict is Verdict.AGREES, record.explanation


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("mode", ["vjp", "jacobian", "projection"])
def test_a_constant_that_the_function_makes_is_that_of_its_dtype(dtype: torch.dtype, mode: str) -> None:
    """0.3 in float32 is 0.300000012: differences in float64 must not take it for 0.3 and call the right gradient wrong."""
    record = check(lambda x: (x * x * (torch.ones_like(x) * 0.3)).sum(), torch.tensor([1.0, 2.0], dtype=dtype), mode=mode)
    assert record.verdict is Verdict.AGREES, record.explanation


def half_inside(x, w):
    with torch.autocast("cpu", torch.bfloat16):
        product = x @ w
    return product.float().sin().sum()


class Flipped(torch.autograd.Function):
    """x itself, with the sign of one entry's gradient flipped."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, upstream):
        gradient = upstream.clone()
        gradient.view(-1)[7] *= -1
        return gradient


@pytest.mark.parametrize("shape", [(2, 3, 2), (8, 64, 128)], ids=["small", "large"])
@pytest.mark.parametrize(
    ("function", "dtype"),
    [
        (half_inside, torch.float32),
        (lambda x, w: (x.half() @ w.half()).float().sin().sum(), torch.float32),
        (lambda x, w: (x.float() @ w.float()).double().sin().sum(), torch.float64),
    ],
    ids=["autocast", "half", "float32 in float64"],
)
def test_what_is_computed_in_a_narrower_dtype_inside_may_round_as_that_does(function, dtype: torch.dtype, shape) -> None:
    generator = torch.Generator().manual_seed(1)
    m, n, k = shape
    x, w = (torch.randn(*size, generator=generator, dtype=torch.float64).to(dtype) for size in ((m, n), (n, k)))
    for mode in (None, "projection"):
        right = check(function, x, w, mode=mode, settings=QUICK)
        assert right.verdict in ("agrees", "inconclusive"), right.explanation
        assert dtype is torch.float32 or right.verdict == "agrees"


def test_a_flipped_sign_shows_above_the_rounding_of_a_narrower_dtype_inside() -> None:
    generator = torch.Generator().manual_seed(1)
    x, w = (torch.randn(*size, generator=generator, dtype=torch.float64) for size in ((8, 64), (64, 128)))
    record = check(lambda x, w: (Flipped.apply(x).float() @ w.float()).double().sin().sum(), x, w, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert "gradient of x at [0, 7]" in record.explanation


def test_the_coarsest_dtype_of_a_tape_is_that_of_what_inputs_reach() -> None:
    x = torch.ones(3, dtype=torch.float64)
    assert record_tape(lambda d: (d["x"] * torch.ones(3).half().double(),), {"x": x}).coarsest("float64") == "float64"
    assert record_tape(lambda d: ((d["x"] > 0) * d["x"].float(),), {"x": x}).coarsest("float64") == "float32"
    assert record_tape(lambda d: (d["x"].bfloat16().double(),), {"x": x}).coarsest("float64") == "bfloat16"
    assert record_tape(lambda d: (torch.complex(d["x"].float(), d["x"].float()).abs(),), {"x": x}).coarsest("float64") == "float32"
