"""Recording: the operations that arrive, where the gradient stops, what Python decided."""

from __future__ import annotations

import warnings

import pytest
import torch

from checker.errors import Unsupported
from checker.tape.record import record
from checker.tape.tape import Tape

X = torch.tensor([1.0, 2.0, 3.0])


def tape_of(function, **arguments) -> Tape:
    return record(lambda d: (function(**d),), arguments)


def operations(tape: Tape) -> list[str]:
    return [node.base for node in tape.nodes]


def test_operations_arrive_in_order_and_dead_ones_do_not() -> None:
    def function(x):
        x.exp()  # reaches nothing
        return 2 * torch.dot(x, x)

    assert operations(tape_of(function, x=X)) == ["dot", "mul"]


def test_every_operation_knows_its_line() -> None:
    tape = tape_of(lambda x: x.exp().sum(), x=X)
    assert {node.line.split(":")[0] for node in tape.nodes} == {"test_record.py"}
    assert "x.exp().sum()" in tape.nodes[0].code


def test_detach_cuts_the_use_and_not_the_value() -> None:
    tape = tape_of(lambda x: ((x * x).detach() * x).sum(), x=X)
    (cut,) = tape.cuts
    assert (cut.how, cut.explicit, cut.baked) == ("detach", True, False)
    uses = [ref.cut for node in tape.nodes for ref in node.refs]
    assert uses.count(cut.number) == 1
    torch.testing.assert_close(tape.held[cut.number], X * X)


def test_a_chain_under_no_grad_is_one_cut() -> None:
    def function(x):
        with torch.no_grad():
            a = x * 2
            b = a * 3
        return (b * x).sum()

    (cut,) = tape_of(function, x=X).cuts
    assert (cut.how, cut.code) == ("no_grad", "a = x * 2")


@pytest.mark.parametrize(
    ("function", "how", "baked"),
    [
        (lambda x: (x * x.sum().item()).sum(), "item", True),
        (lambda x: (x * float(x.sum())).sum(), "float()", True),
        (lambda x: (x * int(x.sum())).sum(), "int()", True),
        (lambda x: (x * torch.tensor(x.tolist())).sum(), "tolist", True),
        (lambda x: (x * torch.from_numpy(x.detach().numpy())).sum(), "numpy", True),
        (lambda x: (x.data * x).sum(), "data", False),
        (lambda x: (torch.tensor(x) * x).sum(), "tensor", False),
    ],
)
def test_implicit_cuts_are_named(function, how: str, baked: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.tensor(x) warns, as it should
        cuts = tape_of(function, x=X).cuts
    assert [(c.how, c.baked, c.explicit) for c in cuts] == [(how, baked, False)]


def test_writing_under_no_grad_into_a_tensor_with_history_is_named() -> None:
    def function(x):
        y = x * 1
        with torch.no_grad():
            y.mul_(2)
        return y.sum()

    assert [c.how for c in tape_of(function, x=X).cuts] == ["history"]


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.relu().sum(),
        lambda x: torch.nn.functional.softmax(x, 0)[0],
        lambda x: (x * torch.zeros_like(x).add(2)).sum(),
        lambda x: ((x > 1).float() * x).sum(),
        lambda x: torch.utils.checkpoint.checkpoint(torch.exp, x, use_reentrant=False).sum(),
        lambda x: torch.func.grad(lambda y: (y**3).sum())(x).sum(),
        lambda x: torch.func.vmap(lambda y: y * y)(x).sum(),
    ],
)
def test_no_cut_is_seen_where_there_is_none(function) -> None:
    assert tape_of(function, x=X).cuts == ()


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x * x

    @staticmethod
    def backward(ctx, upstream):
        return upstream


cube = Cube.apply  # as libraries have it: taken from the class before anything is recorded


@pytest.mark.parametrize("function", [lambda x: Cube.apply(x).sum(), lambda x: cube(x).sum()])
def test_the_inside_of_a_custom_function_is_not_cut(function) -> None:
    tape = tape_of(function, x=X)
    assert tape.cuts == ()
    assert [node.inside for node in tape.nodes] == [True, True, False]


def test_a_straight_through_estimator_of_torch_stops_by_detach() -> None:
    tape = tape_of(lambda x: torch.nn.functional.gumbel_softmax(x, hard=True), x=X)
    assert [cut.how for cut in tape.cuts] == ["detach"]


def test_an_output_marked_as_not_differentiable_is_named_so_whatever_made_it() -> None:
    class Marked(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = torch.nn.functional.relu(x.detach())
            ctx.mark_non_differentiable(y)
            return y

        @staticmethod
        def backward(ctx, upstream):
            return upstream

    tape = tape_of(lambda x: x * Marked.apply(x), x=X)
    assert [cut.how for cut in tape.cuts] == ["mark_non_differentiable"]


def double_until_large(a):
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    return b if b.sum() > 0 else 100 * b


def test_decisions_of_python_are_noted() -> None:
    tape = tape_of(double_until_large, a=torch.tensor(300.0))
    assert [d.value for d in tape.decisions] == [True, False, True]
    assert tape.decisions[0].code == "while b.norm() < 1000:"


def test_a_comparison_of_an_item_is_noted_too() -> None:
    def function(b):
        while b.item() < 5:
            b = b * 2
        return b

    tape = tape_of(function, b=torch.tensor(2.0))
    assert [(d.comparison, d.bound, d.value) for d in tape.decisions] == [("lt", 5.0, True), ("lt", 5.0, True), ("lt", 5.0, False)]


def test_random_draws_are_kept() -> None:
    tape = tape_of(lambda x: torch.nn.functional.dropout(x, 0.5).sum(), x=X)
    assert tape.stochastic
    assert any(node.random and node.recorded[0] is not None for node in tape.nodes)


def test_a_written_input_is_named() -> None:
    def function(x):
        x.data.add_(1)
        return x.sum()

    assert tape_of(function, x=X).mutated == ("x",)


def test_a_severed_output_can_be_cut() -> None:
    tape = tape_of(lambda x: (x * x).detach(), x=X)
    assert tape.nodes[-1].base == "alias"
    assert tape.nodes[-1].args[0].cut == 0


def test_sparse_tensors_are_refused_by_name() -> None:
    with pytest.raises(Unsupported, match=r"torch.sparse_coo tensors are not recorded"):
        tape_of(lambda x: x.to_sparse().sum(), x=X)


def test_recording_leaves_torch_as_it_was() -> None:
    before = torch.autograd.Function.apply
    with pytest.raises(ZeroDivisionError):
        tape_of(lambda x: x / (1 // 0), x=X)
    assert torch.autograd.Function.apply == before
    assert "apply" not in vars(torch.autograd.function._SingleLevelFunction)
