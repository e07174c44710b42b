"""The truth as balls: textbook gradients, path checks, cuts, and what no precision settles."""

from __future__ import annotations

import gc
from fractions import Fraction

import flint
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.tape.arithmetic import Balls, Rounding, precision
from checker.tape.balls import START_BITS, allowed, enclose
from checker.tape.formats import FORMATS
from checker.tape.record import record


def tape_of(function, **arguments):
    return record(lambda named: (function(*named.values()),), arguments)


def truth(function, *, upstream=None, honoured=None, **arguments):
    arguments = {k: torch.tensor(v, dtype=torch.float64) if not isinstance(v, torch.Tensor) else v for k, v in arguments.items()}
    tape = tape_of(function, **arguments)
    vector = torch.ones_like(tape.values[0]) if upstream is None else torch.tensor(upstream, dtype=torch.float64)
    return enclose(tape, arguments, (vector,), honoured=tape.honoured() if honoured is None else honoured)


def found(enclosure):
    return [(c.decides, c.found) for c in enclosure.path]


def test_twice_the_dot_product_is_exact():
    e = truth(lambda x: 2 * torch.dot(x, x), x=[0.0, 1.0, 2.0, 3.0])
    assert e.value[0].high == 28
    assert e.gradient["x"].high.tolist() == [0, 4, 8, 12]
    assert e.gradient["x"].radius.tolist() == [0, 0, 0, 0]
    assert e.bits == START_BITS


def test_high_and_low_hold_106_bits():
    third = truth(lambda x: x / 3, x=1.0).gradient["x"]
    exact = Fraction(1, 3)
    assert abs(Fraction(float(third.high)) + Fraction(float(third.low)) - exact) <= Fraction(float(third.radius)) < Fraction(1, 2**100)


def test_upstream_enters():
    e = truth(lambda x: x * x, x=[1.0, 2.0], upstream=[10.0, -1.0])
    assert e.gradient["x"].high.tolist() == [20, -4]


def test_a_true_zero_is_found_to_be_negligible():
    e = truth(lambda x: torch.softmax(x, 0).sum(), x=[0.3, -1.0, 2.0])
    assert np.all(np.abs(e.gradient["x"].high) <= e.gradient["x"].radius)
    assert np.all(e.gradient["x"].radius < 1e-90)


def test_cancellation_is_met_with_more_bits():
    def nearly_constant(x):
        return torch.exp(x) * torch.exp(-x) + 2.0**-60 * x

    tiny = truth(nearly_constant, x=3.3).gradient["x"]
    assert float(tiny.high) == pytest.approx(2.0**-60, rel=1e-15)


def test_a_branch_that_was_not_selected_poisons_nothing():
    e = truth(lambda x: torch.where(x > 0, torch.sqrt(x), x).sum(), x=[-1.0, 4.0])
    assert e.gradient["x"].high.tolist() == [1, 0.25]


def test_an_infinite_slope_has_no_finite_gradient():
    e = truth(lambda x: torch.sqrt(x).sum(), x=[0.0, 4.0])
    assert e.gradient["x"].radius[0] == np.inf
    assert e.gradient["x"].high[1] == 0.25
    assert found(e) == [("sqrt", "tied"), ("sqrt", "ok")]


@pytest.mark.parametrize(
    ("function", "x", "gradient", "tie"),
    [
        (torch.relu, 0.0, 0.0, "relu"),
        (torch.abs, 0.0, 0.0, "abs"),
        (lambda x: x.clamp(0, 6), 6.0, 1.0, "clamp"),
        (torch.nn.functional.relu6, 6.0, 0.0, "hardtanh"),
        (lambda x: torch.maximum(x, 3 * x), 0.0, 2.0, "max"),
        (torch.floor, 2.0, 0.0, "floor"),
        (lambda x: torch.nn.functional.leaky_relu(x, 0.5), 0.0, 0.5, "leaky_relu"),
        (lambda x: torch.where(x > 1, x * x, x), 1.0, 1.0, "gt"),
    ],
)
def test_ties_are_told_and_follow_torch(function, x, gradient, tie):
    e = truth(function, x=x)
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    function(leaf).backward()
    assert leaf.grad.item() == gradient, "the table itself"
    assert e.gradient["x"].high == gradient
    assert (tie, "tied") in found(e)


def test_ties_along_a_dimension_share_evenly():
    e = truth(lambda x: x.amax(), x=[1.0, 3.0, 3.0])
    assert e.gradient["x"].high.tolist() == [0, 0.5, 0.5]
    assert sorted(found(e)) == [("max", "ok"), ("max", "tied")]


def test_the_norm_at_the_origin_is_a_tie():
    e = truth(lambda x: x.norm(), x=[0.0, 0.0])
    assert e.gradient["x"].high.tolist() == [0, 0]
    assert found(e) == [("norm", "tied")]


def test_a_float_that_took_the_wrong_branch_is_told():
    """10¹⁶ + 1 is 10¹⁶ in float64, so the float run sees 0 where exact arithmetic sees 1."""
    e = truth(lambda x: torch.where((x + 1e16) - 1e16 > 0.5, x, 7 * x), x=1.0)
    assert found(e) == [("gt", "mismatch")]
    assert e.gradient["x"].high == 7


def test_a_tie_that_no_precision_settles_is_undecided():
    e = truth(lambda x: torch.where(torch.sqrt(x) ** 2 > 2, x, 3 * x), x=2.0)
    assert ("gt", "undecided") in found(e)
    assert e.gradient["x"].high == 1  # sqrt(2)**2 > 2 in float64, and the recorded branch is followed


def test_an_undecided_relu_stands_for_both_branches():
    e = truth(lambda x: torch.relu(torch.sqrt(x) ** 2 - 2), x=2.0)
    g = e.gradient["x"]
    assert g.high - g.radius <= 0
    assert g.high + g.radius >= 1


def test_det_of_a_singular_matrix_has_the_adjugate_for_gradient():
    e = truth(torch.linalg.det, x=[[1.0, 2.0], [2.0, 4.0]])
    assert e.gradient["x"].high.tolist() == [[4, -2], [-2, 1]]
    assert e.gradient["x"].radius.max() == 0


def test_det_of_a_matrix_of_rank_one_is_flat():
    e = truth(torch.linalg.det, x=[[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0]])
    assert np.all(np.abs(e.gradient["x"].high) <= e.gradient["x"].radius + 1e-80)


# cuts


def stopped(x):
    u = (x * x).detach()
    return (u * x).sum()


def test_a_cut_is_honoured_or_opened():
    assert truth(stopped, x=[2.0, 3.0]).gradient["x"].high.tolist() == [4, 9]
    assert truth(stopped, x=[2.0, 3.0], honoured=frozenset()).gradient["x"].high.tolist() == [12, 27]


def test_a_view_of_something_cut_is_cut():
    def function(x):
        return (x * x).detach().view(2, 1)[0] * x[1]

    assert truth(function, x=[2.0, 3.0]).gradient["x"].high.tolist() == [0, 4]


def test_an_output_that_was_detached_has_no_gradient():
    assert truth(lambda x: (x * x).detach(), x=[2.0, 3.0]).gradient["x"].high.tolist() == [0, 0]


def test_no_grad_stops_and_can_be_opened():
    def function(x):
        with torch.no_grad():
            scale = x.sum()
        return scale * x

    assert truth(function, x=[1.0, 2.0]).gradient["x"].high.tolist() == [3, 3]
    assert truth(function, x=[1.0, 2.0], honoured=frozenset()).gradient["x"].high.tolist() == [6, 6]


# memory


def test_writes_through_views_are_seen_by_all():
    def function(x):
        y = torch.zeros(2, 2, dtype=x.dtype)
        row = y[1]
        row[0] = x[0] * x[1]
        y += 1
        return (y * y).sum()

    e = truth(function, x=[2.0, 5.0])
    assert e.value[0].high == 1 + 1 + 121 + 1
    assert e.gradient["x"].high.tolist() == [2 * 11 * 5, 2 * 11 * 2]


def test_an_argument_that_is_written_to_keeps_its_gradient():
    def function(x):
        y = x * 1
        y.mul_(y)
        return y.sum()

    assert truth(function, x=[3.0]).gradient["x"].high.tolist() == [6]


# rounding


def test_precision_is_restored():
    before = flint.ctx.prec
    with pytest.raises(ZeroDivisionError), precision(before + 777):
        1 // (flint.ctx.prec - before - 777)
    assert flint.ctx.prec == before
    assert gc.isenabled()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["float64", "float32", "float16"]),
    st.floats(-100, 100, width=16),
    st.floats(-100, 100, width=16),
    st.sampled_from(["add", "multiply", "divide"]),
)
def test_one_rounded_operation_is_inside_its_ball(dtype, x, y, name):
    kind = getattr(np, dtype)
    if name == "divide" and y == 0:
        return
    with np.errstate(all="ignore"):
        got = {"add": np.add, "multiply": np.multiply, "divide": np.divide}[name](kind(x), kind(y))
    if not np.isfinite(got):
        return
    system = Rounding()
    system.working(dtype)
    with precision(128):
        a, b = system.exact(float(kind(x))), system.exact(float(kind(y)))
        ball = system.add([a, b]) if name == "add" else getattr(system, name)(a, b)
        assert ball.contains(flint.arb(float(got)))


def test_a_sum_of_many_is_inside_in_any_order():
    rng = np.random.default_rng(0)
    terms = rng.standard_normal(500).astype(np.float32)
    system = Rounding()
    system.working("float32")
    with precision(128):
        ball = system.add([system.exact(float(t)) for t in terms])
        for order in (terms, terms[::-1], np.sort(terms)):
            total = np.float32(0)
            for t in order:
                total = np.float32(total + t)
            assert ball.contains(flint.arb(float(total)))
        assert float(ball.rad()) < 500 * 2.0**-24 * np.abs(terms).sum()


@pytest.mark.parametrize("dtype", FORMATS)
def test_formats_are_those_of_torch(dtype):
    info, format_ = torch.finfo(getattr(torch, dtype)), FORMATS[dtype]
    assert format_.unit == info.eps / 2
    assert 2.0**format_.normal == info.tiny
    assert format_.tiny == info.smallest_normal * info.eps


def test_a_python_number_is_rounded_where_the_dtype_cannot_hold_it():
    system = Rounding()
    system.working("float32")
    assert system.constant(0.5).is_exact()
    assert system.constant(0.1).contains(flint.arb(float(np.float32(0.1))))
    system.working("float64")
    assert system.constant(0.1).is_exact()


def test_the_allowed_error_carries_conditioning():
    """sin(10⁶ x): the rounding of 10⁶ x alone moves the cosine by 10⁶ · u."""
    x = torch.tensor([1.1], dtype=torch.float64)
    tape = tape_of(lambda x: torch.sin(1e6 * x).sum(), x=x)
    e = enclose(tape, {"x": x}, (torch.ones(()).double(),))
    width = allowed(tape, {"x": x}, (torch.ones(()).double(),), e)[0]["x"]
    assert 1e-11 * 1e6 < width[0] < 1e-8 * 1e6


def test_a_dtype_that_overflows_promises_nothing():
    """exp 12 is more than float16 holds: torch gives an infinity, which the allowed error covers; exp 1 is not affected."""
    x = {"x": torch.tensor([12.0, 1.0], dtype=torch.float16)}
    tape = tape_of(torch.exp, **x)
    upstream = (torch.ones(2, dtype=torch.float16),)
    e = enclose(tape, x, upstream)
    widths, values = allowed(tape, x, upstream, e)
    assert widths["x"][0] == values[0][0] == np.inf
    assert widths["x"][1] < 0.02


def test_the_norm_of_a_float16_tensor_may_exceed_its_range_inside():
    """The sum of squares, 90000, overflows float16; torch sums in float32, so the gradient of 1/3 is known."""
    x = {"x": torch.full((3, 3), 100.0, dtype=torch.float16)}
    tape = tape_of(torch.linalg.vector_norm, **x)
    upstream = (torch.ones((), dtype=torch.float16),)
    e = enclose(tape, x, upstream)
    assert e.gradient["x"].high == pytest.approx(np.full((3, 3), 1 / 3))
    assert np.all(allowed(tape, x, upstream, e)[0]["x"] < 0.002)


def test_exact_balls_are_not_widened():
    assert Balls().constant(0.1).is_exact()
