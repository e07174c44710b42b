"""Functions of many entries: in bounded memory, refused where the mode cannot hold them, and loops that never end."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from typing import Any

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from checker import Settings, UsageError, Verdict, check, exercise
from checker.catalogue import find
from checker.cli import main
from checker.errors import Unsupported
from checker.examine import examine
from checker.memory import parse, share, written
from checker.runner import run
from checker.tape import budget
from checker.tape.record import record
from checker.values import Mode

PROJECTION = Settings(mode=Mode.PROJECTION)


def drawn(n: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=dtype)


class OneEntryFlipped(torch.autograd.Function):
    """x², whose backward has one sign wrong."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        gradient: Tensor = 2 * x * g
        gradient[len(x) // 3] *= -1
        return gradient


MEASURED = """
import resource, sys, torch, checker
from checker.values import Mode, Settings
torch.set_num_threads(1)
dtype = getattr(torch, sys.argv[1])
settings = Settings(mode=Mode.PROJECTION, memory=int(sys.argv[2]))
function = lambda x: (torch.tanh(x) * x).sum()
checker.check(function, torch.ones(5000, dtype=dtype), settings=settings)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
x = torch.randn(10**6, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
record = checker.check(function, x, settings=settings)
print(record.verdict.value, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10)
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_function_of_a_million_inputs_stays_within_its_memory(dtype: str) -> None:
    memory = 64 << 20
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURED), dtype, str(memory)], capture_output=True, text=True, check=True, timeout=120
    )
    verdict, taken = done.stdout.split()
    assert verdict == "agrees"
    # Beside the batches there are the point, the direction, the gradients and what autograd itself keeps: some twenty arrays of 8 MB.
    assert int(taken) < memory + 20 * 8 * 10**6


def test_the_fashion_mnist_network_of_the_tutorial_is_right() -> None:
    (network,) = [e for e in find([]).exercises if e.name == "FashionMNIST"]
    found = examine(network, Settings(points=1))
    assert network.parameters is not None
    assert sum(p.numel() for p in network.parameters(0).values()) == 669_706
    assert found.verdict is Verdict.AGREES
    assert found.missing == []
    assert {case.mode for case in found.cases} == {"projection"}


def test_one_flipped_sign_of_a_custom_operation_is_named() -> None:
    for dtype in (torch.float64, torch.float32):
        x = drawn(10**5, dtype)
        found = check(OneEntryFlipped.apply, x, settings=Settings(mode=Mode.PROJECTION, methods=("reverse",)))
        assert found.verdict is Verdict.WRONG
        (comparison,) = found.cases[0].comparisons
        assert comparison.message.startswith("gradient of input 0 at [33333]: got ")
        assert comparison.worst is not None
        assert comparison.worst.index == (33333,)


def test_a_function_too_large_for_its_mode_is_refused_with_the_mode_to_ask_for() -> None:
    with pytest.raises(UsageError) as refused:
        check(lambda x: torch.tanh(x) * x, drawn(10**6), settings=Settings(mode=Mode.VJP))
    assert str(refused.value) == (
        "the gradient has 1,000,000 entries: balls for each would take 1.49 GiB, and differences 1e+13 scalar operations. "
        "Ask for the mode projection, which judges it along random directions."
    )
    with pytest.raises(UsageError, match=re.escape("the Jacobian has 100,000 × 100,000 entries and would take 596 GiB, where ")) as refused:
        check(lambda x: torch.tanh(x) * x, drawn(10**5), settings=Settings(mode=Mode.JACOBIAN))
    assert "Ask for the mode projection, which judges it along random directions" in str(refused.value)


def test_a_large_function_is_never_gone_through_entry_by_entry() -> None:
    calls = 0

    def cut(x: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        return (x * float((x * x).sum())).sum()

    found = check(cut, drawn(20_000), settings=PROJECTION)
    assert found.verdict is Verdict.WRONG
    assert "more than 3 entries are wrong: all of it; found by bisection of " in found.explanation
    assert "the gradient is lost by" in found.explanation
    assert calls < 10_000


def test_a_large_function_that_takes_no_other_point_is_inconclusive() -> None:
    x = drawn(5000)

    def picky(y: Tensor) -> Tensor:
        if not torch.equal(y.detach(), x):
            raise ValueError("another point")
        return (y * float(y.sum())).sum()

    found = check(picky, x, settings=PROJECTION)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "it fails beside the point: ValueError: another point" in found.explanation


def test_a_size_that_is_none_is_a_sentence_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--memory", "much"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "checker: --memory much: give a size such as 2GiB, 500MB or 1.5G.\n"


def test_a_loop_that_never_ends_is_not_recorded_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(arguments: Any) -> Any:
        x = arguments["x"]
        while True:
            x = x * 1.0

    monkeypatch.setattr(budget, "OPERATIONS", 1000)
    with pytest.raises(Unsupported) as stopped:
        record(endless, {"x": torch.ones(3)})
    line = endless.__code__.co_firstlineno + 3
    message = rf"tape: 1,001 operations hold .* KiB, more than can be recorded: does a loop here never end\? \(test_large\.py:{line}\)"
    assert re.fullmatch(message, str(stopped.value))


def test_a_loop_that_makes_large_tensors_is_stopped_by_what_they_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(arguments: Any) -> Any:
        x = arguments["x"]
        while True:
            x = x * 1.0

    monkeypatch.setattr(budget, "UNASKED", 1 << 20)
    monkeypatch.setattr(budget, "left", lambda: 8 << 20)
    with pytest.raises(Unsupported, match=re.escape("14 operations hold 5.34 MiB, more than can be recorded")):
        record(endless, {"x": torch.ones(10**5)})


def endless(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    while True:
        x = x * 1.0


def fine(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    return (x * x).sum()


def test_an_endless_loop_ends_at_the_time_limit_with_the_others_done() -> None:
    document = run([exercise(endless), exercise(fine)], Settings(time_limit=1, jobs=2))
    stopped, other = document.records
    assert stopped.verdict is Verdict.TIMED_OUT
    assert stopped.explanation == "Still running after 1 s. Does a loop here never end? If it only takes long, raise --time-limit."
    assert other.verdict is Verdict.AGREES


def test_sizes_are_read_and_written() -> None:
    assert (parse("2GiB"), parse("2G"), parse("500MB"), parse("1.5 GiB")) == (2 << 30, 2 << 30, 500_000_000, 3 << 29)
    for text in ("2 sheep", "", "-1G", "GiB", "1KiB"):
        with pytest.raises(UsageError, match="--memory"):
            parse(text)
    assert (written(80e9), written(1), written((1 << 40) * 1500)) == ("74.5 GiB", "1 bytes", "1,500 TiB")
    assert 64 << 20 <= share(4) <= share(1) <= 1 << 30


@pytest.mark.parametrize("mode", list(Mode))
def test_a_tensor_without_entries_has_a_right_gradient_in_every_mode(mode: Mode) -> None:
    assert check(lambda x: 2 * x, torch.zeros(0).double(), mode=mode).verdict is Verdict.AGREES
