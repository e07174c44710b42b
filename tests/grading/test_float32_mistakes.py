"""Mistakes in answers whose every entry is a float32 number, such as zeros: judged as closely as others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from answering import answered, built_in, judged

from checker.grading.grades import Kind
from checker.grading.judging.mistakes import findings


def test_zeros_have_not_forgotten_the_upstream() -> None:
    found, _ = judged("matrices.py::matrix_product", lambda a, b, upstream: {"a": np.zeros_like(a), "b": np.zeros_like(b)})
    assert [one.kind for one in found] == [Kind.WRONG, Kind.WRONG]


def test_an_upstream_of_ones_in_float32_has_forgotten_it() -> None:
    found, _ = judged("vectors.py::squares", lambda x, upstream: np.float32(2) * x.astype(np.float32))
    assert [one.kind for one in found] == [Kind.UPSTREAM]


@pytest.mark.parametrize(("slopes", "kind"), [([6, 6, 6, 6], Kind.FACTOR), ([6, 7, 7, 6], Kind.WRONG)])
def test_a_factor_in_float32_is_one_number(slopes: list[int], kind: Kind) -> None:
    found, _ = judged("vectors.py::twice_dot", lambda x: (np.array(slopes) * x).astype(np.float32))
    assert [one.kind for one in found] == [kind]


@pytest.mark.parametrize(("slope", "kind"), [(2.0, Kind.RIGHT), (3.0, Kind.FACTOR), (0.0, Kind.WRONG)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_backward_is_judged_by_its_own_wrong_forward(slope: float, kind: Kind, dtype: type) -> None:
    """The forward x·x has the gradient 2x where 2x·x has 4x."""
    asked = answered("vectors.py::twice_dot", lambda x: (slope * x).astype(dtype))
    own = [replace(a, value=a.question.value / 2, own={"x": (a.question.gradient["x"] / 2, np.full(4, 1e-9))}) for a in asked]
    forward, backward = findings(built_in("vectors.py::twice_dot"), own, single_allowed=True)[0]
    assert (forward.kind, backward.kind, backward.forward) == (Kind.FACTOR, kind, True)
