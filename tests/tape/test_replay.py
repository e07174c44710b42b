"""Replays: equal to the function, in other dtypes, batched; with cuts held and draws put back."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's own name

from checker.tape.record import record
from checker.tape.replay import batched, replay
from checker.tape.tape import Tape

torch.manual_seed(0)
VECTOR = torch.tensor([0.3, -1.2, 2.0])


def tape_of(function, arguments) -> Tape:
    return record(lambda d: (function(**d),), arguments)


def into_a_buffer(x):
    buffer = torch.zeros(3, 3)
    buffer[0].copy_(x)
    buffer[1, 1] += x[0]
    return (buffer @ buffer).sum()


FUNCTIONS = {
    "buffer": (into_a_buffer, {"x": VECTOR}),
    "in place": (lambda x: (x * 2).add_(1).mul_(x).sum(), {"x": VECTOR}),
    "cross entropy": (F.cross_entropy, {"input": torch.randn(4, 5), "target": torch.tensor([0, 1, 2, 3])}),
    "network": (
        lambda x, w: F.max_pool2d(F.relu(F.conv2d(x, w)), 2).sum(),
        {"x": torch.randn(1, 1, 6, 6), "w": torch.randn(2, 1, 3, 3)},
    ),
    "sort": (lambda x: (x.sort()[0] * torch.arange(3.0)).sum(), {"x": VECTOR}),
    "determinant": (lambda x: torch.det(x) + torch.linalg.inv(x).sum(), {"x": torch.randn(3, 3)}),
    "batch norm": (lambda x: F.batch_norm(x, torch.zeros(3), torch.ones(3), training=True).pow(3).sum(), {"x": torch.randn(4, 3)}),
    "dropout": (lambda x: F.dropout(x, 0.5).sum(), {"x": torch.randn(20)}),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x).sum(), {"x": torch.randn(1, 2, 4, 8)}),
    "mask": (lambda x: x[x > 0].sum(), {"x": VECTOR}),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_replay_equals_the_function(name: str) -> None:
    function, arguments = FUNCTIONS[name]
    tape = tape_of(function, arguments)
    torch.testing.assert_close(replay(tape, arguments).outputs[0], tape.values[0].detach())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_float32_tape_is_float64_throughout_when_widened(name: str) -> None:
    function, arguments = FUNCTIONS[name]
    tape = tape_of(function, arguments)
    output = replay(tape, arguments, dtype=torch.float64).outputs[0]
    assert output.dtype is torch.float64
    if name != "dropout":  # whose draws differ by dtype
        wide = {k: v.double() if v.is_floating_point() else v for k, v in arguments.items()}
        torch.set_default_dtype(torch.float64)
        try:
            expected = function(**wide)
        finally:
            torch.set_default_dtype(torch.float32)
        torch.testing.assert_close(output, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_batch_equals_its_points(name: str) -> None:
    function, arguments = FUNCTIONS[name]
    tape = tape_of(function, arguments)
    batch = {k: v.double() + 1e-6 * torch.randn(5, *v.shape, dtype=torch.float64) for k, v in arguments.items() if v.is_floating_point()}
    mapped = batched(tape, batch, dtype=torch.float64, chunk=2)
    for k in range(5):
        one = replay(tape, {**arguments, **{n: v[k] for n, v in batch.items()}}, dtype=torch.float64)
        torch.testing.assert_close(mapped.outputs[0][k], one.outputs[0])
        for whole, part in zip(mapped.signature, one.signature, strict=True):
            assert torch.equal(whole[k], part)
    assert (mapped.looped is not None) == (name == "mask")


def test_held_cuts_keep_their_values() -> None:
    tape = tape_of(lambda x: ((x * x).detach() * x).sum(), {"x": VECTOR})
    moved = {"x": VECTOR + 1}
    held = replay(tape, moved, held=frozenset({0})).outputs[0]
    torch.testing.assert_close(held, (VECTOR**2 * (VECTOR + 1)).sum())
    torch.testing.assert_close(replay(tape, moved).outputs[0], ((VECTOR + 1) ** 3).sum())


def test_stopped_cuts_flow_in_value_only() -> None:
    tape = tape_of(lambda x: ((x * x).detach() * x).sum(), {"x": VECTOR})
    x = (VECTOR + 1).requires_grad_()
    output = replay(tape, {"x": x}, stopped=frozenset({0})).outputs[0]
    torch.testing.assert_close(output, ((VECTOR + 1) ** 3).sum())
    torch.testing.assert_close(torch.autograd.grad(output, x)[0], (VECTOR + 1) ** 2)


@pytest.mark.parametrize(
    ("function", "a", "b"),
    [
        (lambda x: x.relu().sum(), [1.0], [-1.0]),
        (lambda x: x.abs().sum(), [1.0], [-1.0]),
        (lambda x: x.clamp(0, 6).sum(), [5.0], [7.0]),
        (lambda x: x.clamp(max=6).sum(), [5.0], [7.0]),
        (lambda x: x.max(), [1.0, 2.0], [2.0, 1.0]),
        (lambda x: x.amax(0), [1.0, 2.0], [2.0, 1.0]),
        (lambda x: torch.maximum(x[0], x[1]), [1.0, 2.0], [2.0, 1.0]),
        (lambda x: x.sort()[0][0], [1.0, 2.0], [2.0, 1.0]),
        (lambda x: torch.where(x > 0, x, 2 * x).sum(), [1.0], [-1.0]),
        (lambda x: torch.floor(x).sum(), [1.5], [2.5]),
        (lambda x: x.fmod(2.0).sum(), [1.5], [2.5]),
        (lambda x: F.softplus(x).sum(), [19.0], [21.0]),
        (lambda x: F.huber_loss(x, torch.zeros(1)), [0.5], [1.5]),
        (lambda x: F.hardtanh(x).sum(), [0.5], [1.5]),
        (lambda x: x.int().float().sum() + x.sum(), [1.5], [2.5]),
        (lambda x: F.leaky_relu(x).sum(), [1.0], [-1.0]),
    ],
)
def test_the_signature_tells_branches_apart(function, a: list[float], b: list[float]) -> None:
    tape = tape_of(function, {"x": torch.tensor(a)})
    here, near, there = (replay(tape, {"x": torch.tensor(p)}).signature for p in (a, [v + 1e-3 for v in a], b))
    assert all(torch.equal(p, q) for p, q in zip(here, near, strict=True))
    assert not all(torch.equal(p, q) for p, q in zip(here, there, strict=True))


def test_pivots_are_no_decision() -> None:
    tape = tape_of(torch.det, {"input": torch.randn(3, 3)})
    assert replay(tape, tape.arguments).signature == ()


@pytest.mark.parametrize("function", [lambda x: torch.roll(x, 3), lambda x: torch.roll(x * x, -1)])
def test_what_torch_maps_wrongly_over_a_batch_is_run_one_by_one(function) -> None:
    """torch 2.13 rolls a batch of numbers along the batch."""
    tape = record(lambda arguments: (function(arguments["x"]),), {"x": torch.tensor(2.0)})
    points = torch.tensor([1.0, 2.0, 3.0, 5.0])
    found = batched(tape, {"x": points})
    assert found.looped == "mapped over a batch, the operations give other values than one by one"
    assert found.outputs[0].tolist() == [function(p).item() for p in points]


def test_an_operation_that_reads_memory_from_the_start_reads_its_own_point() -> None:
    tape = record(lambda arguments: (torch.as_strided(arguments["x"], (1,), (1,), 0),), {"x": torch.tensor([2.0])})
    points = torch.tensor([[1.0], [2.0], [3.0]])
    assert batched(tape, {"x": points}).outputs[0].tolist() == points.tolist()


def shared(x):
    """A constant made in pieces: a view of it written to, itself in place, and then a value written into it."""
    table = torch.linspace(0, 1, 6) / 3
    table[2:4].mul_(0.7)
    table.add_(0.1)
    table[0] = x[0]
    return (table[:3] * x).sum() + (table * table).sum()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x * (torch.ones_like(x) * 0.3)).sum(),
        lambda x: (x * torch.full_like(x, 0.3)).sum(),
        lambda x: (x * torch.arange(3, dtype=x.dtype).sin()).sum(),
        lambda x: (x * torch.ones_like(x).mul_(0.3).add_(0.1)).sum(),
    ],
    ids=["product", "full", "sine", "in place"],
)
def test_a_constant_is_what_it_was_in_its_own_dtype(function, dtype: torch.dtype) -> None:
    """The slopes of a linear function are its constants: those of the narrow dtype, to the last bit."""
    tape = tape_of(function, {"x": VECTOR.to(dtype)})
    points = torch.eye(3, dtype=torch.float64)
    found = torch.stack([replay(tape, {"x": point}, dtype=torch.float64).outputs[0] for point in points])
    expected = torch.stack([function(point.to(dtype)) for point in points]).double()
    assert torch.equal(found, expected)
    assert torch.equal(batched(tape, {"x": points}, dtype=torch.float64).outputs[0], expected)


def test_a_constant_that_is_written_into_keeps_its_memory() -> None:
    tape = tape_of(shared, {"x": VECTOR})
    moved = VECTOR + 0.25
    torch.testing.assert_close(replay(tape, {"x": moved}).outputs[0], shared(moved), rtol=0, atol=0)
    wide = batched(tape, {"x": torch.stack([VECTOR, moved]).double()}, dtype=torch.float64).outputs[0]
    torch.testing.assert_close(wide.float(), torch.stack([shared(VECTOR), shared(moved)]), rtol=1e-6, atol=0)
