"""The enclosed Hessian: laws of calculus, what rounding may do, and directions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.methods.second import forward_over_reverse, reverse_over_reverse
from checker.tape.formats import FORMATS
from checker.tape.hessian import Directions, allowed, any_order, enclose
from checker.tape.record import record
from checker.values import Verdict
from tests.cases import case_of
from tests.tape.functions_of_interest import SMOOTH

NUMBERS = st.floats(-4, 4, allow_nan=False).map(lambda x: round(x, 3))
#: Formulas of torch's own for the second derivative, which lose more than ours or add a constant: the judge measures them.
OTHER_FORMULAS = frozenset({"log_sigmoid", "bce", "det", "det of a stack", "group norm", "lgamma"})


def vector(n):
    return st.lists(NUMBERS, min_size=n, max_size=n).map(lambda v: torch.tensor(v, dtype=torch.float64))


def hessian(function, *points, upstream=None):
    """The enclosed Hessian at `points`, and its radius: every argument's entries in order."""
    case = case_of(function, **{f"x{k}": p for k, p in enumerate(points)})
    tape = record(case.exercise.call, case.arguments)
    directions = Directions.unit(case.arguments, case.differentiated)
    found = enclose(tape, case.arguments, upstream or case.upstream, directions, honoured=tape.honoured())
    return found.products.high, found.products.radius


@settings(deadline=None, max_examples=30)
@given(vector(9), vector(3))
def test_of_a_quadratic_form_it_is_the_matrix_and_its_transpose(entries, x):
    a = entries.reshape(3, 3)
    found, radius = hessian(lambda x: x @ a @ x, x)
    assert np.array_equal(found, (a + a.T).numpy())
    assert np.all(radius <= 1e-25)


@settings(deadline=None, max_examples=30)
@given(vector(4), st.integers(0, 3))
def test_of_softmax_cross_entropy_it_is_diag_p_minus_ppt(logits, target):
    found, _ = hessian(lambda z: torch.nn.functional.cross_entropy(z[None], torch.tensor([target])), logits)
    p = torch.softmax(logits, 0).numpy()
    assert np.allclose(found, np.diag(p) - np.outer(p, p), rtol=1e-12, atol=1e-15)


@settings(deadline=None, max_examples=30)
@given(vector(3), st.integers(2, 5))
def test_of_a_sum_of_powers_it_is_diagonal(x, n):
    found, radius = hessian(lambda x: (x**n).sum(), x)
    assert np.allclose(found, np.diag(n * (n - 1) * x.numpy() ** (n - 2)), rtol=1e-14, atol=0)
    assert np.all(radius[~np.eye(3, dtype=bool)] == 0)


@settings(deadline=None, max_examples=30)
@given(vector(2), vector(2))
def test_the_mixed_block_of_a_product_is_the_product_of_slopes(x, y):
    found, _ = hessian(lambda x, y: torch.sin(x).sum() * torch.exp(y).sum(), x, y)
    assert np.allclose(found[:2, 2:], np.outer(np.cos(x.numpy()), np.exp(y.numpy())), rtol=1e-13)
    assert np.allclose(found, found.T, rtol=1e-15, atol=0)


def test_the_upstream_weighs_the_outputs():
    v = torch.tensor([2.0, -3.0], dtype=torch.float64)
    found, _ = hessian(lambda x: x**2, torch.ones(2), upstream=(v,))
    assert np.array_equal(found, np.diag([4.0, -6.0]))


@pytest.mark.parametrize("function", [torch.relu, torch.abs, lambda x: torch.clamp(x, -2, 2)], ids=["relu", "abs", "clamp"])
def test_it_is_exactly_zero_where_a_function_is_piecewise_linear(function):
    found, radius = hessian(lambda x: function(x).sum(), torch.tensor([-1.0, 0.5, 3.0]))
    assert not found.any()
    assert not radius.any()


def test_nothing_depends_on_what_is_detached():
    found, _ = hessian(lambda x: ((x * x).detach() * x * x).sum(), torch.tensor([3.0]))
    assert found.tolist() == [[18.0]]


def test_a_joint_of_the_gradient_is_noted_and_only_in_second_order():
    x = torch.tensor([1.0, 0.25], dtype=torch.float64)
    case = case_of(lambda x: torch.nn.functional.huber_loss(x, torch.zeros(2, dtype=torch.float64)), x=x)
    tape = record(case.exercise.call, case.arguments)
    found = enclose(tape, case.arguments, case.upstream, Directions.unit(case.arguments, ("x",)), honoured=frozenset())
    assert [c.found for c in found.path if c.decides == "huber_loss"] == ["undecided", "ok"]
    from checker.tape import balls

    assert not [c for c in balls.enclose(tape, case.arguments, case.upstream).path if c.decides == "huber_loss"]


def test_a_direction_gives_the_hessian_times_it():
    case = case_of(lambda a, b: (a @ b).prod() + a.sum() ** 3, a=torch.eye(2) + 0.5, b=[[1.0, 2.0], [3.0, 5.0]])
    tape = record(case.exercise.call, case.arguments)
    unit = Directions.unit(case.arguments, case.differentiated)
    rows = np.random.default_rng(0).standard_normal((3, 8))
    along = Directions(unit.names, unit.shapes, rows)
    whole, products = (
        enclose(tape, case.arguments, case.upstream, d, honoured=frozenset()).products.high for d in (unit, along)
    )  # fmt: skip
    assert np.allclose(products, rows @ whole, rtol=1e-13)
    assert {name: block.shape for name, block in along.split(products).items()} == {"a": (3, 2, 2), "b": (3, 2, 2)}


# what rounding may do


def judged(case):
    """The directions of every entry, the truth along them, and what a program in the case's dtype may be off."""
    tape = record(case.exercise.call, case.arguments)
    directions = Directions.unit(case.arguments, case.differentiated)
    honoured = tape.honoured()
    truth = enclose(tape, case.arguments, case.upstream, directions, honoured=honoured)
    width = allowed(tape, case.arguments, case.upstream, directions, truth, honoured=honoured)
    order = any_order(tape, case.arguments, case.upstream, directions, FORMATS[case.dtype].unit, honoured=honoured)
    return directions, truth.products, width + side_by_side(order.error, directions)


def side_by_side(blocks, directions):
    return np.concatenate([blocks[n].reshape(len(directions.rows), -1) for n in directions.names], axis=1)


def excess(name, dtype, seed):
    """How many times its allowed error each way of torch is off; none where torch has no such derivative."""
    function, draw = SMOOTH[name]
    arguments = draw(torch.Generator().manual_seed(seed))
    floating = {k: t for k, t in arguments.items() if t.is_floating_point()}
    held = {k: t for k, t in arguments.items() if k not in floating}
    if sum(t.numel() for t in floating.values()) > 16:
        return {}

    def call(*given):
        named = dict(zip(floating, given, strict=True)) | held
        return function(*(named[k] for k in arguments))

    case = case_of(call, dtype, **floating)
    directions, truth, width = judged(case)
    found = {}
    for derive in (reverse_over_reverse, forward_over_reverse):
        derivation = derive(case, directions)
        if derivation.problem is not None:
            assert derivation.problem.verdict is Verdict.UNSUPPORTED, (name, derivation.problem.message)
            continue
        error = np.abs((side_by_side(derivation.gradients, directions) - truth.high) - truth.low)
        with np.errstate(all="ignore"):
            found[derivation.method] = float(np.max(np.where(error == 0, 0.0, error / width), initial=0.0))
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in OTHER_FORMULAS])
def test_correct_second_derivatives_are_inside(name, dtype):
    for method, times in excess(name, dtype, 0).items():
        assert times <= 1, f"{name}, {method}: {times:.3g} times what is allowed"


def test_the_bound_is_not_idle():
    """An entry that is off by a millionth of a millionth of the largest would be seen in float64, and by a thousandth in float32."""
    for dtype, share in (("float64", 1e-12), ("float32", 1e-3)):
        case = case_of(lambda x, w: torch.tanh(w @ x).pow(2).sum(), dtype, x=[0.3, -1.2, 0.8], w=[[1.0, 2.0, -1.0], [0.5, -0.25, 1.5]])
        _, truth, width = judged(case)
        assert np.max(width) < share * np.max(np.abs(truth.high))


def test_a_sum_that_cancels_is_allowed_what_its_terms_lose():
    """3xy − 2xy − xy adds up to nothing, in whatever order: the bound of another order knows the terms."""
    case = case_of(lambda x, y: (x * y * 3 - x * y * 2 - x * y).sum(), x=[0.1], y=[0.7])
    tape = record(case.exercise.call, case.arguments)
    order = any_order(
        tape, case.arguments, case.upstream, Directions.unit(case.arguments, ("x", "y")), 2.0**-53, honoured=frozenset()
    )  # fmt: skip
    assert order.size["y"].ravel().tolist() == [6.0, 0.0]
    assert 6 * 2.0**-53 <= order.error["y"][0, 0] <= 60 * 6 * 2.0**-53
