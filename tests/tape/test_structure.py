"""What is called elementwise is; what may not be is not."""

from __future__ import annotations

import pytest
import torch

from checker.tape.record import record
from checker.tape.structure import elementwise


def into_a_view(x: torch.Tensor) -> torch.Tensor:
    base = torch.zeros_like(x)
    base.t().add_(x)
    return base


def in_place(x: torch.Tensor) -> torch.Tensor:
    return x.clone().mul_(2).add_(x)


YES = {
    "tanh": torch.tanh,
    "several operations": lambda x: torch.sin(x) * torch.exp(-x * x),
    "choice": lambda x: torch.where(x > 0, x**2, x),
    "in place": in_place,
    "detached": lambda x: x.detach() * x,
    "with constants of its shape": lambda x: x * torch.arange(9.0).reshape(3, 3),
    "with constants that are broadcast": lambda x: x * torch.arange(3.0),
    "two outputs": lambda x: (x.exp(), 2 * x),
}
NO = {
    "sum": lambda x: x + x.sum(),
    "softmax": lambda x: x.softmax(0),
    "transposed": lambda x: x.t() * x,
    "flipped": lambda x: x.flip(0),
    "sorted": lambda x: x.sort(0).values,
    "running": lambda x: x.cumsum(0),
    "product": lambda x: x @ x,
    "broadcast": lambda x: x[None] * torch.ones(2, 1, 1),
    "one row for all": lambda x: x[0] + torch.zeros(3, 3),
    "into a view of a buffer": into_a_view,
    "another shape": lambda x: x.reshape(9),
    "a number": lambda x: x.sum(),
    "one output of another shape": lambda x: (x.exp(), x.sum()),
}


@pytest.mark.parametrize("name", [*YES, *NO])
def test_what_the_operations_tell(name: str) -> None:
    def call(arguments):
        found = {**YES, **NO}[name](arguments["x"])
        return found if isinstance(found, tuple) else (found,)

    x = torch.linspace(-1.0, 2.0, 9, dtype=torch.float64).reshape(3, 3)
    assert elementwise(record(call, {"x": x}), "x") is (name in YES)


@pytest.mark.parametrize("name", YES)
def test_what_is_called_elementwise_has_a_diagonal_jacobian(name: str) -> None:
    x = torch.linspace(-1.0, 2.0, 9, dtype=torch.float64).reshape(3, 3)
    found = torch.autograd.functional.jacobian(YES[name], x)
    for jacobian in found if isinstance(found, tuple) else (found,):
        matrix = jacobian.reshape(9, 9)
        assert torch.equal(matrix, torch.diag(matrix.diagonal()))
