"""Gradients as textbooks write them, in NumPy, of functions as PyTorch computes them: another order of operations is not punished.

Each answer is asked in float64 and in float32. In float64 all stay far inside what is allowed; a formula that cancels loses digits only
in float32, as far as float32 must.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from answering import numbers
from jaxtyping import Float
from torch import Tensor

from checker.authoring import exercise
from checker.grading.grades import Kind
from checker.grading.judging.mistakes import findings
from checker.grading.judging.pool import Pool
from checker.grading.judging.questions import Answered


def layer_norm(x: Float[Tensor, "2 8"], g: Float[Tensor, "8"]) -> Float[Tensor, "2 8"]:
    return torch.nn.functional.layer_norm(x, (8,), g)


def layer_norm_gradient(x, g, upstream):
    """With the variance as E[x²] − E[x]²."""
    mean = x.mean(axis=1, keepdims=True)
    width = np.sqrt((x * x).mean(axis=1, keepdims=True) - mean * mean + x.dtype.type(1e-5))
    normal, weighted = (x - mean) / width, upstream * g
    slope = weighted - weighted.mean(axis=1, keepdims=True) - normal * (weighted * normal).mean(axis=1, keepdims=True)
    return {"x": slope / width, "g": (upstream * normal).sum(axis=0)}


def solve(a: Float[Tensor, "5 5"], b: Float[Tensor, "5"]) -> Float[Tensor, "5"]:
    return torch.linalg.solve(a, b)


def solve_gradient(a, b, upstream):
    """By the inverse, which PyTorch never forms."""
    inverse = np.linalg.inv(a)
    adjoint = inverse.T @ upstream
    return {"a": -np.outer(adjoint, inverse @ b), "b": adjoint}


def log_sum_exp(x: Float[Tensor, "300"]) -> Float[Tensor, ""]:
    return torch.logsumexp(x, dim=0)


def log_sum_exp_gradient(x):
    """Added up one after another."""
    shifted = np.exp(x - x.max())
    return {"x": shifted / functools.reduce(np.add, shifted)}


def network(x: Float[Tensor, "3 4"], w: Float[Tensor, "4 5"], v: Float[Tensor, "5 2"]) -> Float[Tensor, ""]:
    return (torch.tanh(x @ w) @ v).pow(2).mean()


def network_gradient(x, w, v):
    hidden = np.tanh(x @ w)
    out = 2 * (hidden @ v) / x.dtype.type(6)
    inner = (out @ v.T) * (1 - hidden) * (1 + hidden)
    return {"x": inner @ w.T, "w": x.T @ inner, "v": hidden.T @ out}


def log_det(a: Float[Tensor, "4 4"]) -> Float[Tensor, ""]:
    return torch.logdet(a.T @ a)


def log_det_gradient(a):
    return {"a": 2 * a @ np.linalg.inv(a.T @ a)}


def cosine(x: Float[Tensor, "3"], y: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    return (x @ y) / (x.norm() * y.norm())


def cosine_gradient(x, y):
    n, m = np.linalg.norm(x), np.linalg.norm(y)
    c = x @ y / (n * m)
    return {"x": y / (n * m) - c * x / n**2, "y": x / (n * m) - c * y / m**2}


def versine(x: Float[Tensor, "3"]) -> Float[Tensor, "3"]:
    return (1 - torch.cos(x)) / x**2


def versine_gradient(x, upstream):
    """Two terms that nearly cancel for small x."""
    return {"x": upstream * (np.sin(x) / x**2 - 2 * (1 - np.cos(x)) / x**3)}


PAIRS = [
    (layer_norm, layer_norm_gradient),
    (solve, solve_gradient),
    (log_sum_exp, log_sum_exp_gradient),
    (network, network_gradient),
    (log_det, log_det_gradient),
    (cosine, cosine_gradient),
    (versine, versine_gradient),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("function", "gradient"), PAIRS)
def test_another_order_of_operations_is_right(function, gradient, dtype):
    for secret in (b"1", b"2", b"3"):
        pool = Pool(exercise(function), secret)
        asked = []
        for question in pool.questions("any"):
            given = {name: array.astype(dtype) for name, array in numbers(question).items()}
            gradients = gradient(**given)
            assert {g.dtype for g in gradients.values()} == {np.dtype(dtype)}
            asked.append(Answered(question=question, gradients=gradients))
        assert {finding.kind for finding in findings(pool.exercise, asked, single_allowed=True)[0]} == {Kind.RIGHT}


def expanded(x: Float[Tensor, "4"]) -> Float[Tensor, ""]:
    return ((x - 1) ** 7).sum()


def test_an_expanded_polynomial_is_right_in_float64():
    """7(x − 1)⁶ with all its terms loses most digits near 1."""
    coefficients = 7 * np.array([1, -6, 15, -20, 15, -6, 1.0])
    pool = Pool(exercise(expanded), b"1")
    asked = [Answered(question=q, gradients={"x": np.polyval(coefficients, numbers(q)["x"])}) for q in pool.questions("any")]
    assert findings(pool.exercise, asked, single_allowed=False)[0][0].kind is Kind.RIGHT


@pytest.mark.parametrize(("function", "gradient"), PAIRS)
def test_a_thousandth_in_float32_is_no_rounding(function, gradient):
    pool = Pool(exercise(function), b"1")
    asked = [
        Answered(question=q, gradients={n: (g * (1 + 1e-3)).astype(np.float32) for n, g in q.gradient.items()}) for q in pool.questions("a")
    ]
    assert Kind.RIGHT not in {finding.kind for finding in findings(pool.exercise, asked, single_allowed=True)[0]}
