"""Comparison: distances by hand, the worst entry by name, what is allowed and what is too wide."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from checker.authoring import Exercise
from checker.inputs import Input
from checker.judge.compare import compare, ulp
from checker.values import Case, Derivation, Reference, Verdict


def case_of(size: int, dtype: str = "float64") -> Case:
    exercise = Exercise(name="f", function=len, call=lambda d: (d["x"],), inputs=(Input("x", (size,)),))
    x = torch.ones(size, dtype=getattr(torch, dtype))
    return Case(exercise=exercise, number=0, arguments={"x": x}, differentiated=("x",), upstream=(x,), dtype=dtype, seed=0, origin="given")


def judged(got, truth, allowed, *, low=0.0, dtype="float64", error=None, value=1.0):
    got, truth = np.asarray(got, float), np.asarray(truth, float)
    reference = Reference(
        kind="certified",
        high={"x": truth},
        low={"x": np.full(truth.shape, low)},
        radius={"x": np.zeros(truth.shape)},
        allowed={"x": np.broadcast_to(np.asarray(allowed, float), truth.shape)},
        origin="by hand",
        value=(np.array(value),),
    )
    derivation = Derivation(method="reverse", gradients={"x": got}, error={} if error is None else {"x": np.full(truth.shape, error)})
    (comparison,) = compare(derivation, reference, case_of(got.size, dtype))
    return comparison


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@given(x=st.floats(min_value=6e-5, max_value=6e4))
def test_an_ulp_is_the_spacing_that_numpy_knows(dtype: str, x: float) -> None:
    rounded = np.dtype(dtype).type(x)
    assert ulp(np.array(float(rounded)), dtype) == float(np.spacing(rounded))


def test_an_ulp_of_bfloat16_by_hand() -> None:
    assert ulp(np.array([1.0, 1.5, 2.0, 0.25]), "bfloat16").tolist() == [2**-7, 2**-7, 2**-6, 2**-9]


def test_what_is_allowed_agrees_and_what_is_not_is_wrong() -> None:
    assert judged([1.0, 2.0 + 1e-10], [1.0, 2.0], 1e-9).verdict is Verdict.AGREES
    found = judged([1.0, 2.0 + 1e-8], [1.0, 2.0], 1e-9)
    assert found.verdict is Verdict.WRONG
    assert found.worst is not None
    assert found.worst.index == (1,)
    assert found.message == "gradient of x at [1]: got 2.00000001, expected 2 within 1e-09"


def test_distances_by_hand() -> None:
    found = judged([1.0, 2.0 + 2**-50], [1.0, 2.0], 1.0)
    assert found.absolute == 2**-50
    assert found.relative == 2**-51
    assert found.ulp == 2.0  # an ULP at 2 is 2⁻⁵¹
    assert found.normwise == pytest.approx(2**-50 / np.sqrt(5))


def test_the_low_part_of_the_truth_counts() -> None:
    """1 + 2⁻⁵⁴ is no float64: the nearest, 1, is a quarter of an ULP away."""
    assert judged([1.0], [1.0], 1.0, low=2**-54).ulp == 0.25


def test_one_wrong_entry_of_a_thousand_is_named() -> None:
    truth = np.linspace(1, 2, 1000)
    got = truth.copy()
    got[617] *= 1.001
    found = judged(got, truth, 1e-12)
    assert (found.verdict, found.worst.index) == (Verdict.WRONG, (617,))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_non_finite_entry_of_a_finite_truth_is_wrong(bad: float) -> None:
    found = judged([1.0, bad], [1.0, 2.0], 1e-9)
    assert (found.verdict, found.worst.index) == (Verdict.WRONG, (1,))


def test_infinity_of_the_right_sign_is_right() -> None:
    assert judged([np.inf], [np.inf], 0.0).verdict is not Verdict.WRONG
    assert judged([-np.inf], [np.inf], 0.0).verdict is Verdict.WRONG


def test_a_width_larger_than_the_gradient_is_inconclusive_and_says_what_would_settle_it() -> None:
    found = judged([1.0, 2.0], [1.0, 2.0], 50.0)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "a wider dtype than float64 would settle it" in found.message


def test_a_true_zero_is_not_condemned_by_a_rounding_sized_width() -> None:
    assert judged([1e-17, -1e-17], [0.0, 0.0], 1e-15).verdict is Verdict.AGREES


def test_one_cancelled_entry_does_not_make_the_whole_inconclusive() -> None:
    assert judged([1.0, 1e-16], [1.0, 2e-16], 1e-15).verdict is Verdict.AGREES


def test_a_method_may_be_as_wrong_as_it_says() -> None:
    assert judged([1.0 + 1e-9], [1.0], 1e-15).verdict is Verdict.WRONG
    found = judged([1.0 + 1e-9], [1.0], 1e-15, error=1e-8)
    assert found.verdict is Verdict.AGREES
    assert found.allowed_from == "by hand and the method's own error estimate"


def test_empty_gradients_agree() -> None:
    assert judged([], [], []).verdict is Verdict.AGREES


def test_as_many_digits_are_shown_as_tell_the_two_apart() -> None:
    assert judged([1.0 + 2e-12], [1.0], 1e-15).message == "gradient of x at [0]: got 1.000000000002, expected 1 within 1e-15"
    assert judged([1.0 + 2**-52], [1.0], 0.0).message == "gradient of x at [0]: got 1.0000000000000002, expected 1 within 0"


def test_zero_is_shown_without_a_sign_and_no_bound_is_not_spoken_of() -> None:
    assert judged([-0.0], [1.0], 0.0).message == "gradient of x at [0]: got 0, expected 1 within 0"
    assert judged([np.nan], [1.0], np.inf).message == "gradient of x at [0]: got nan, expected 1"
