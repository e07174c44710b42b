"""Each mistake in the chain rule, beside what the same mistake gives by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from checker.tape import mutants as module
from checker.tape.mistakes import Change
from checker.tape.mutants import mutants
from checker.tape.record import record

A = torch.tensor([0.3, -0.7, 1.1], dtype=torch.float64)
B = torch.tensor([0.5, 0.2, -0.4], dtype=torch.float64)
M = torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=torch.float64)
V = torch.tensor([[0.5, -1.0], [2.0, 0.25]], dtype=torch.float64)


def made(function, upstream=None, truth=None, **arguments):
    """The mutants of a function, by change and operation; those of one operation in order."""
    tape = record(lambda given: (function(**given),), arguments)
    (value,) = tape.values
    upstream = torch.ones_like(value) if upstream is None else upstream
    if truth is None:
        leaves = {n: t.clone().requires_grad_() for n, t in arguments.items()}
        gradients = torch.autograd.grad(function(**leaves), list(leaves.values()), upstream)
        truth = {n: g.numpy() for n, g in zip(arguments, gradients, strict=True)}
    found: dict = {}
    for mutation, gradient in mutants(tape, (upstream,), truth).items():
        found.setdefault((mutation.change, mutation.operation), []).append(gradient)
    return found


def one(found, change, operation):
    (gradient,) = found[change, operation]
    return gradient


def test_a_derivative_is_dropped():
    norm = made(lambda x: (3 * x).norm(), x=A)
    np.testing.assert_allclose(one(norm, Change.DROPPED, "norm")["x"], [3.0] * 3)
    np.testing.assert_allclose(one(norm, Change.DROPPED, "mul")["x"], A / A.norm())
    log = made(lambda x: x.exp().sum().log(), x=A)
    np.testing.assert_allclose(one(log, Change.DROPPED, "log")["x"], A.exp())
    np.testing.assert_allclose(one(log, Change.DROPPED, "exp")["x"], torch.ones(3) / A.exp().sum())


def test_one_stops_early():
    found = made(lambda x: (x.sin() ** 2).sum(), x=A)
    np.testing.assert_allclose(one(found, Change.STOPPED, "sin")["x"], 2 * A.sin())


def test_one_of_two_ways_is_lost_or_has_the_wrong_sign():
    found = made(lambda x: (x * x.exp()).sum(), x=A)
    first, second = found[Change.LOST, "mul"]
    np.testing.assert_allclose(first["x"], A * A.exp())
    np.testing.assert_allclose(second["x"], A.exp())
    np.testing.assert_allclose(found[Change.REVERSED, "mul"][0]["x"], (A - 1) * A.exp())
    quotient = made(lambda x: (x / (x + 2)).sum(), x=A)
    np.testing.assert_allclose(quotient[Change.REVERSED, "div"][1]["x"], 1 / (A + 2) + A / (A + 2) ** 2)


def test_a_mean_for_a_sum_in_one_term():
    found = made(lambda x: x.sum() + (x**2).mean(), x=A)
    np.testing.assert_allclose(one(found, Change.TERMS, "sum")["x"], 1 / 3 + 2 * A / 3)
    np.testing.assert_allclose(one(found, Change.TERMS, "mean")["x"], 1 + 2 * A)


def test_a_derivative_at_another_value():
    found = made(lambda x: (x**2).tanh().sum(), x=A)
    np.testing.assert_allclose(one(found, Change.AT_RESULT, "tanh")["x"], (1 - (A**2).tanh().tanh() ** 2) * 2 * A)
    np.testing.assert_allclose(one(found, Change.AT_ORIGIN, "tanh")["x"], (1 - A.tanh() ** 2) * 2 * A)
    np.testing.assert_allclose(one(found, Change.FOR_RESULT, "tanh")["x"], (1 - A**4) * 2 * A)
    sigmoid = made(lambda x: x.sigmoid().sum(), x=A)
    np.testing.assert_allclose(one(sigmoid, Change.FOR_RESULT, "sigmoid")["x"], A * (1 - A))


def test_the_diagonal_of_softmax():
    found = made(lambda x: x.softmax(0), upstream=B, x=A)
    p = A.softmax(0)
    np.testing.assert_allclose(one(found, Change.DIAGONAL, "softmax")["x"], p * (1 - p) * B)
    assert not any(change is Change.DIAGONAL for change, _ in made(lambda x: x.exp(), upstream=B, x=A))


def test_a_factor_of_a_product_is_transposed():
    found = made(lambda a, b: a @ b, upstream=V, a=M, b=M + 1)
    of_a, turned, of_b, _ = found[Change.TRANSPOSED, "matmul"]
    np.testing.assert_allclose(of_a["a"], V @ (M + 1))
    np.testing.assert_allclose(turned["a"], V.T @ (M + 1).T)
    np.testing.assert_allclose(of_b["b"], M @ V)
    form = made(lambda x: x @ M @ x, x=A[:2])
    np.testing.assert_allclose(one(form, Change.TRANSPOSED, "matmul")["x"], 2 * M.T @ A[:2])


def test_a_mutation_names_the_authors_line():
    def function(x):
        z = 3 * x
        return z.norm()

    tape = record(lambda given: (function(given["x"]),), {"x": A})
    found = mutants(tape, (torch.ones((), dtype=torch.float64),), {"x": (3 * A / A.norm()).numpy()})
    assert {m.operation: m.code for m in found} == {"mul": "z = 3 * x", "norm": "return z.norm()"}
    assert all(m.line.startswith("test_mutants.py:") for m in found)


def test_writing_in_place_is_understood_where_nobody_else_sees_it():
    def function(x):
        y = x.sin()
        y += x
        y *= 2
        return y.sum()

    found = made(function, x=A)
    np.testing.assert_allclose(found[Change.LOST, "add"][0]["x"], [2.0] * 3)
    np.testing.assert_allclose(found[Change.LOST, "add"][1]["x"], 2 * A.cos())


def into_a_view(x):
    y = x.sin()
    y[0] *= 2
    return y.sum()


def into_a_buffer(x):
    y = torch.zeros(3, dtype=torch.float64)
    y[:] = x * x
    return y.sum()


def drawn(x):
    return (x * torch.rand(3, dtype=torch.float64)).sum()


def long(x):
    for _ in range(module.STEPS + 1):
        x = x + x.sin() * 0
    return x.sum()


@pytest.mark.parametrize(("function", "truth"), [(into_a_view, None), (into_a_buffer, None), (drawn, A), (long, torch.ones(3))])
def test_where_none_can_be_made_there_are_none(function, truth):
    assert made(function, truth=None if truth is None else {"x": truth.numpy()}, x=A) == {}


def test_there_are_none_where_the_replay_does_not_give_the_truth():
    assert made(lambda x: x.exp().sum(), truth={"x": A.exp().numpy() * 1.001}, x=A) == {}
    assert made(lambda x: (x.detach() * x).sum(), truth={"x": 2 * A.numpy()}, x=A) == {}


def test_an_honoured_cut_is_no_lost_way():
    tape = record(lambda given: ((given["x"].detach() * given["x"]).sum(),), {"x": A})
    found = mutants(tape, (torch.ones((), dtype=torch.float64),), {"x": A.numpy()}, honoured=tape.honoured())
    lost = [g["x"] for m, g in found.items() if m.change is Change.LOST]
    assert lost
    assert not any(g.any() for g in lost)


def several(x):
    values, _ = x.sort()
    a, b, c = values.unbind()
    return a * b + c.exp()


def decided(x):
    while x.norm() < 10:
        x = x * 2
    return (x if x[0] > 0 else -x).sum()


def decomposed(x):
    return torch.nn.functional.layer_norm(x, (3,))[0] + torch.nn.functional.smooth_l1_loss(x, B) + torch.cumsum(x, 0)[1]


def selected(x):
    return x[torch.tensor([0, 0, 2])].prod() + torch.where(x > 0, x, x**2).max()


@pytest.mark.parametrize("function", [several, decided, decomposed, selected])
def test_several_outputs_decisions_and_indices(function):
    """Whatever is made differs from the truth, is finite, and of the argument's shape."""
    x = A.clone().requires_grad_()
    truth = torch.autograd.grad(function(x), x)[0].numpy()
    found = made(function, x=A)
    assert found
    for gradients in found.values():
        for gradient in gradients:
            assert gradient["x"].shape == (3,)
            assert not np.allclose(gradient["x"], truth, rtol=1e-7)
