"""The rest of the table of operations: against differences of exact values, against torch in four dtypes, against mpmath, and by hand."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from checker.errors import Unsupported
from checker.tape.balls import enclose
from checker.tape.derivatives import DERIVATIVES
from checker.tape.operations import resampling
from checker.tape.record import record
from tests.tape.agreement import errors, exact, slopes
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


# by another way


def double(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(
    ("function", "value", "slope", "point"),
    [
        (lambda x: torch.polygamma(3, x), lambda x: mpmath.psi(3, x), lambda x: mpmath.psi(4, x), 0.75),
        (lambda x: torch.polygamma(2, x), lambda x: mpmath.psi(2, x), lambda x: mpmath.psi(3, x), -3.25),
        (torch.digamma, lambda x: mpmath.psi(0, x), lambda x: mpmath.psi(1, x), -1.75),
        (torch.lgamma, lambda x: mpmath.log(abs(mpmath.gamma(x))), lambda x: mpmath.psi(0, x), -2.5),
        (lambda x: torch.special.zeta(2.5, x), lambda x: mpmath.zeta(2.5, x), lambda x: -2.5 * mpmath.zeta(3.5, x), 1.5),
        (
            lambda x: torch.special.gammainc(double(1.5), x),
            lambda x: mpmath.gammainc(1.5, 0, x, regularized=True),
            lambda x: mpmath.sqrt(x) * mpmath.exp(-x) / mpmath.gamma(1.5),
            2.25,
        ),
        (torch.special.i0, lambda x: mpmath.besseli(0, x), lambda x: mpmath.besseli(1, x), -2.5),
        (torch.special.i1, lambda x: mpmath.besseli(1, x), lambda x: (mpmath.besseli(0, x) + mpmath.besseli(2, x)) / 2, 2.5),
        (
            torch.special.i1e,
            lambda x: mpmath.exp(x) * mpmath.besseli(1, x),
            lambda x: mpmath.diff(lambda y: mpmath.exp(y) * mpmath.besseli(1, y), x),
            -1.25,
        ),
        (
            torch.special.erfcx,
            lambda x: mpmath.exp(x * x) * mpmath.erfc(x),
            lambda x: 2 * x * mpmath.exp(x * x) * mpmath.erfc(x) - 2 / mpmath.sqrt(mpmath.pi),
            -1.5,
        ),
        (
            torch.special.ndtri,
            lambda p: mpmath.sqrt(2) * mpmath.erfinv(2 * p - 1),
            lambda p: mpmath.sqrt(2 * mpmath.pi) * mpmath.exp(mpmath.erfinv(2 * p - 1) ** 2),
            0.125,
        ),
        (torch.special.log_ndtr, lambda x: mpmath.log(mpmath.ncdf(x)), lambda x: mpmath.npdf(x) / mpmath.ncdf(x), -4.5),
        (torch.sinc, mpmath.sincpi, lambda x: mpmath.diff(mpmath.sincpi, x), 0.375),
        (torch.special.entr, lambda x: -x * mpmath.log(x), lambda x: -1 - mpmath.log(x), 0.375),
    ],
)
def test_a_special_function_is_the_one_of_mpmath(function, value, slope, point):
    with mpmath.workdps(50):
        expected = mpmath.mpf(value(mpmath.mpf(point))), mpmath.mpf(slope(mpmath.mpf(point)))
        found, _ = exact(function, {"x": double(point)}, double(1.0))
        for ball, number in zip((found.value[0], found.gradient["x"]), expected, strict=True):
            got = mpmath.mpf(float(ball.high[0])) + mpmath.mpf(float(ball.low[0]))
            assert abs(got - number) <= float(ball.radius[0]) + 1e-28 * abs(number)


def path(function, **arguments):
    """What exact arithmetic found of the decisions at a point, and the gradients there with an upstream of ones."""
    arguments = {k: double(*v) for k, v in arguments.items()}
    found, _ = exact(function, arguments, torch.ones_like(function(*arguments.values())))
    return sorted({c.found for c in found.path}), {k: m.high.tolist() for k, m in found.gradient.items()}


@pytest.mark.parametrize(
    ("function", "point"),
    [
        (lambda x: torch.xlogy(x, x), [0.0]),
        (lambda x: torch.special.xlog1py(x, x - 1), [0.0]),
        (torch.special.entr, [0.0]),
        (torch.special.i0e, [0.0]),
        (lambda x: torch.copysign(x, torch.tensor(-1.0)), [0.0]),
        (lambda x: torch.copysign(torch.tensor(1.0), x), [0.0]),
        (lambda x: torch.frexp(x).mantissa, [2.0]),
        (lambda x: torch.round(x, decimals=1), [0.25]),
        (lambda x: torch.logit(x, eps=0.25), [0.25]),
        (lambda x: torch.linalg.vector_norm(x, 0.5), [0.0, 1.0]),
        (lambda x: torch.linalg.vector_norm(x, -1), [0.0, 1.0]),
        (lambda x: torch.linalg.vector_norm(x, 0), [0.0, 1.0]),
        (lambda x: x.nanmedian(), [1.0, 1.0, float("nan")]),
        (lambda x: x.new_zeros(1).scatter_reduce(0, torch.tensor([0, 0]), x, "amax"), [1.0, 1.0]),
        (lambda x: torch.segment_reduce(x, "max", lengths=torch.tensor([2])), [1.0, 1.0]),
        (lambda x: F.max_pool1d(x[None], 2), [1.0, 1.0]),
        (lambda x: F.adaptive_max_pool1d(x[None], 1), [1.0, 1.0]),
        (lambda x: F.grid_sample(torch.ones(1, 1, 3, 3).double(), x.reshape(1, 1, 1, 2), align_corners=True), [0.0, 0.5]),
    ],
)
def test_an_edge_is_seen(function, point):
    assert "tied" in path(function, x=point)[0]


@pytest.mark.parametrize(
    ("function", "point", "expected"),
    [
        (lambda x: torch.xlogy(torch.zeros(1).double(), x), [0.0], [0]),
        (lambda x: torch.xlogy(x, torch.tensor(2.0)), [0.0], [float(np.log(2.0))]),
        (lambda x: torch.sinc(x), [0.0], [0]),
        (torch.special.i1, [0.0], [0.5]),
        (lambda x: torch.linalg.vector_norm(x, 3), [0.0, 2.0], [0, 1]),
        (lambda x: torch.softmax(x, 0).sum() + torch.ops.aten._safe_softmax(x - float("inf"), 0).sum(), [1.0, 2.0], [0, 0]),
        (lambda x: x.nanmedian(), [3.0, float("nan"), 1.0], [0, 0, 1]),
        (lambda x: x.new_ones(2).scatter_reduce(0, torch.tensor([0, 0]), x, "prod", include_self=False), [3.0, 5.0], [5, 3]),
        (lambda x: x.new_ones(2).scatter_reduce(0, torch.tensor([0, 0]), x, "prod"), [0.0, 5.0], [5, 0]),
        (lambda x: x.new_ones(2).scatter_reduce(0, torch.tensor([0, 0]), x, "mean"), [3.0, 5.0], [1 / 3, 1 / 3]),
        (lambda x: torch.segment_reduce(x, "mean", offsets=torch.tensor([0, 1, 3])), [3.0, 5.0, 7.0], [1, 0.5, 0.5]),
        (lambda x: F.max_unpool1d(x[None], torch.tensor([[1, 1]]), 2), [3.0, 5.0], [0, 1]),
        (lambda x: torch.as_strided_scatter(x, 2 * x[:1], (1,), (1,), 1), [3.0, 5.0], [3, 0]),
        (lambda x: torch.as_strided(x, (2, 2), (1, 1)), [1.0, 2.0, 3.0], [1, 2, 1]),
        (lambda x: F.interpolate(x[None, None], 3, mode="linear", align_corners=True), [1.0, 2.0], [1.5, 1.5]),
        (lambda x: F.grid_sample(x.reshape(1, 1, 1, 2), torch.zeros(1, 1, 1, 2).double(), align_corners=True), [1.0, 2.0], [0.5, 0.5]),
        (lambda x: F.rrelu(x), [-1.0, 1.0], [(1 / 8 + 1 / 3) / 2, 1]),
        (lambda x: F.ctc_loss(x.reshape(1, 1, 2), torch.tensor([[1]]), (1,), (1,)), [-1.0, -2.0], [0, -1]),
        (lambda x: F.embedding_bag(torch.tensor([0, 1]), x[:, None], torch.tensor([0, 0]), mode="mean"), [1.0, 2.0], [0.5, 0.5]),
    ],
)
def test_by_hand(function, point, expected):
    found, gradients = path(function, x=point)
    assert found in ([], ["ok"])
    assert gradients["x"] == pytest.approx(expected, rel=1e-15, abs=1e-100)


def test_a_randomized_relu_keeps_the_slopes_that_it_drew():
    torch.manual_seed(5)
    x = {"x": double(-1.0, -2.0, 3.0)}
    tape = record(lambda named: (F.rrelu(named["x"], training=True),), x)
    found = enclose(tape, x, (torch.ones(3).double(),))
    drawn = tape.values[0].numpy() / x["x"].numpy()
    assert tape.stochastic
    assert drawn[0] != drawn[1]
    assert found.gradient["x"].high == pytest.approx(drawn, rel=1e-15)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: torch.special.zeta(x, 2.0), "aten.special_zeta: its derivative by the order has no rule here"),
        (lambda x: torch.special.gammainc(x, torch.ones(2).double()), "gammainc: its derivative by its parameter has no rule here"),
        (lambda x: x.view(torch.int64).view(torch.float64), "aten.view: the bits of a number read as another dtype have no rule here"),
        (lambda x: torch.as_strided((x[:, None] * double(1.0, 2.0)).t().clone(), (2,), (1,)), "aten.as_strided: it reads memory that is"),
        (lambda x: F.rrelu(x * 1, training=True, inplace=True), "aten.rrelu_with_noise_: slopes drawn in place have no rule here"),
    ],
)
def test_what_has_no_rule_is_refused_by_name(function, message):
    with pytest.raises(Unsupported) as problem:
        exact(function, {"x": double(1.5, 2.5)})
    assert str(problem.value).startswith(message)


# planted mistakes


def test_a_planted_mistake_is_found(monkeypatch):
    right = DERIVATIVES["i0"]
    monkeypatch.setitem(DERIVATIVES, "i0", lambda g, x, y: right(g, x, y) * g.scalar(1.001))
    slope, along = slopes(*FURTHER["i0 i1"])
    assert slope != pytest.approx(along, rel=1e-6, abs=1e-6)


def test_a_weight_that_is_off_is_found(monkeypatch):
    monkeypatch.setattr(resampling, "PLAIN", -0.7501)
    error, width, _ = errors(*FURTHER["bicubic"], torch.float64, 0)["value"]
    assert np.any(error > width)
