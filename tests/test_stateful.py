"""Functions that keep state between their calls: what they keep is named and put back, or nothing is said of them."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch
from torch import nn

from checker import Settings, Verdict, check
from checker.state import State

QUICK = Settings(methods=("certified", "differences", "reverse", "forward"))
X = torch.tensor([0.6, -1.3, 2.2], dtype=torch.float64)
calls = 0


class Running(nn.Module):
    """Multiplies by a running mean of what it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3, dtype=torch.float64))
        self.seen = 0

    def forward(self, x):
        self.seen += 1
        self.mean.mul_(0.9).add_(0.1 * x.detach())
        return x * self.mean * self.seen


def counting(x):
    global calls
    calls += 1
    return calls * x * x


def closures() -> dict[str, object]:
    """Functions that count their calls, by what they count in."""
    number, listed, tensor, module = 0, [], torch.zeros(()), Running()
    table = {"calls": 0}

    def by_number(x):
        nonlocal number
        number += 1
        return number * x * x

    def by_list(x):
        listed.append(x.detach())
        return len(listed) * x * x

    def by_dict(x):
        table["calls"] += 1
        return table["calls"] * x * x

    def by_tensor(x):
        tensor.add_(1)
        return tensor * x * x

    def by_module(x):
        return module(x)

    return {"number": by_number, "listed": by_list, "table": by_dict, "tensor": by_tensor, "module.mean": by_module}


@pytest.mark.parametrize("name", ["calls", *closures()])
def test_state_is_named_and_put_back(name: str) -> None:
    function = {"calls": counting, **closures()}[name]
    record = check(function, X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert not record.stochastic
    assert {c.method for c in record.cases[0].comparisons} >= set(QUICK.methods) - {"forward"}
    (note,) = record.notes
    assert note.startswith("the function keeps state between its calls (")
    assert name in note
    assert note.endswith("): it was put back before each, and what was judged is one call")


def branching(x):
    return x.sin().sum() if random.random() < 0.5 else x.cos().sum()


def generators() -> dict[str, object]:
    """Functions that draw from a generator that torch does not seed, by what the note calls it."""
    torchs, numpys, pythons, old = torch.Generator(), np.random.default_rng(0), random.Random(0), np.random.RandomState(0)
    return {
        "torchs": lambda x: (torch.rand(3, generator=torchs, dtype=x.dtype) * x).exp(),
        "numpys": lambda x: (torch.from_numpy(numpys.normal(size=3)) * x).exp(),
        "pythons": lambda x: (pythons.random() * x).exp(),
        "old": lambda x: (old.rand() * x).exp(),
        "numpy.random": lambda x: (np.random.rand() * x).exp(),  # noqa: NPY002 - the one that NumPy keeps for all
        "Python's random": branching,  # two calls take one path as often as not
    }


@pytest.mark.parametrize("name", generators())
def test_every_call_has_the_same_draws_whatever_generator_they_are_from(name: str) -> None:
    for _ in range(4):
        record = check(generators()[name], X, settings=QUICK)
        assert record.verdict is Verdict.AGREES, record.explanation
        assert record.stochastic
        assert record.notes == [f"the function draws from {name}: it was put back before each call, so that all have the same draws"]
        gradients = {d.method: d.gradients["x"].values for d in record.cases[0].derivations if d.problem is None}
        np.testing.assert_allclose(gradients["differences"], gradients["reverse"], rtol=1e-8)


def test_a_wrong_gradient_is_not_excused_by_draws() -> None:
    record = check(lambda x: np.random.rand() * x * x.detach().sum().item(), X, settings=QUICK)  # noqa: NPY002
    assert (record.verdict, record.stochastic) == ("wrong", True)
    assert "the gradient is lost by item on test_stateful.py:" in record.explanation


def test_a_wrong_gradient_is_not_excused_by_state() -> None:
    function = closures()["listed"]
    record = check(lambda x: function(x) + x * x.detach().sum().item(), X, settings=QUICK)
    assert record.verdict is Verdict.WRONG
    assert "the gradient is lost by item on test_stateful.py:" in record.explanation


def test_state_that_cannot_be_reached_leaves_nothing_to_judge() -> None:
    steps = itertools.count(1)
    record = check(lambda x: next(steps) * x * x, X, settings=QUICK)
    assert (record.verdict, record.stochastic) == ("inconclusive", True)
    assert "two calls with the same seed give two values: draw random numbers from torch's own generators" in record.explanation
    assert "keep no state between calls" in record.explanation


@pytest.mark.parametrize("spare", [2, 3, 4])
def test_a_function_that_uses_up_what_it_takes_from_ends_no_check(spare: int) -> None:
    factors = list(range(1, 1 + spare))
    record = check(lambda x: factors.pop() * x * x, X, settings=QUICK)
    assert record.verdict is Verdict.CRASHED
    assert "IndexError: pop from empty list" in record.explanation


def test_batch_norm_in_training_mode_is_one_function() -> None:
    norm = nn.BatchNorm1d(2).double()
    record = check(lambda x: norm(x), torch.randn(4, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64), settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert record.notes == []  # its running statistics do not enter its value


def test_what_was_changed_is_made_as_it_was() -> None:
    kept = {"list": [1, 2], "dict": {"a": 1}, "tensor": torch.ones(2), "number": 3}
    items, table, tensor, number = kept["list"], kept["dict"], kept["tensor"], kept["number"]

    def function() -> None:
        nonlocal number
        items.append(3)
        table["b"] = 2
        tensor.mul_(2)
        number += 1

    state = State(function)
    assert state.changed() == []
    function()
    assert set(state.changed()) == {"items", "table", "tensor", "number"}
    state.put_back()
    assert (items, table, tensor.tolist(), number) == ([1, 2], {"a": 1}, [1.0, 1.0], 3)
    assert state.changed() == []


def replaced() -> dict[str, object]:
    """Functions that keep another object after each call, not the same one changed."""
    start = torch.zeros(3, dtype=torch.float64)
    pair, longer, narrow, lazy = (start, start), start, start, None

    def by_pair(x):
        nonlocal pair
        h = torch.tanh(pair[0] + x)
        pair = (h.detach(), 2 * h.detach())
        return h

    def by_longer(x):
        nonlocal longer
        longer = torch.cat([longer, x.detach()])
        return len(longer) * x * x

    def by_narrow(x):
        nonlocal narrow
        narrow = narrow.float() + 1
        return x * narrow * narrow.element_size()

    def by_lazy(x):
        nonlocal lazy
        lazy = [] if lazy is None else lazy
        lazy.append(x.detach())
        return len(lazy) * x * x

    return {"pair": by_pair, "longer": by_longer, "narrow": by_narrow, "lazy": by_lazy}


@pytest.mark.parametrize("name", replaced())
def test_state_that_is_replaced_is_put_back(name: str) -> None:
    function = replaced()[name]
    record = check(function, X, settings=QUICK)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert f"keeps state between its calls ({name})" in record.notes[0]


def test_state_that_is_not_a_number_is_not_said_to_change() -> None:
    hidden = torch.full((3,), float("nan"), dtype=torch.float64)
    record = check(lambda x: torch.where(hidden.isnan(), x * random.random(), hidden), X, settings=QUICK)
    assert record.notes == ["the function draws from Python's random: it was put back before each call, so that all have the same draws"]


def test_what_was_replaced_is_the_same_object_again() -> None:
    tensor, number, items = torch.ones(2), None, [1]
    first = tensor

    def function() -> None:
        nonlocal tensor, number, items
        tensor, number, items = torch.zeros(3), torch.ones(1), None

    state = State(function)
    function()
    assert set(state.changed()) == {"tensor", "number", "items"}
    state.put_back()
    assert tensor is first
    assert (tensor.tolist(), number, items) == ([1.0, 1.0], None, [1])


def test_the_state_of_methods_and_of_functions_that_are_called_is_reached() -> None:
    class Counter:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, x):
            self.calls += 1
            return self.calls * x

        def method(self, x):
            return self(x)

    counter = Counter()

    def inner(x):
        return counter(x)

    for function in (counter, counter.method, lambda x: inner(x)):
        state = State(function)
        function(1)
        assert [name.rpartition(".")[2] for name in state.changed()] == ["calls"]
        state.put_back()
        assert counter.calls == 0
