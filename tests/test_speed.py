"""The benchmark of speed: that what it plants is what it says, that it sees a tool that looks away, and that its page is right. Times are
for who runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
import torch

FOLDER = Path(__file__).parents[1] / "benchmarks"
SIBLINGS = ("planted", "power", "speed_page", "tools", "catalogue", "measured", "speed")


@pytest.fixture(autouse=True)
def _benchmark(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The benchmark's modules can be imported, and are gone afterwards."""
    monkeypatch.syspath_prepend(str(FOLDER))
    with mock.patch.dict(os.environ):  # the tools set what JAX reads
        yield
    for name in SIBLINGS:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("summed", [False, True])
def test_what_is_planted_is_the_only_mistake(summed: bool) -> None:
    from planted import Mistake, wave

    right = wave(6, summed=summed)
    f, x = right.torch()
    np.testing.assert_allclose(f(x).numpy(), right.value(right.x), rtol=1e-15)
    wrong, _ = replace(right, mistake=Mistake(entry=2, factor=-1.0)).torch()
    jacobians = [torch.autograd.functional.jacobian(g, x).numpy() for g in (f, wrong)]
    slope = right.slope(right.x)
    np.testing.assert_allclose(jacobians[0], slope if summed else np.diag(slope), rtol=1e-12)
    slope[2] *= -1.0
    np.testing.assert_allclose(jacobians[1], slope if summed else np.diag(slope), rtol=1e-12)


def test_the_perceptron_is_one_function_for_torch_and_numpy() -> None:
    from planted import Perceptron

    net = Perceptron.drawn(5, 4, 3)
    f, x = net.torch()
    np.testing.assert_allclose(f(x).numpy(), net.value(net.x), rtol=1e-14)
    np.testing.assert_allclose(net.value(np.stack([net.x, net.x], 1))[:, 1], net.value(net.x), rtol=1e-14)
    np.testing.assert_allclose(torch.autograd.functional.jacobian(f, x).numpy(), net.jacobian(net.x), rtol=1e-12)


def test_a_tool_that_looks_away_is_seen() -> None:
    from power import power

    class Blind:
        name, most, dtypes = "blind", 100, ("float64",)

        def accepts(self, function: object) -> bool:
            return True

    class Wolf(Blind):
        def accepts(self, function: object) -> bool:
            return False

    blind, wolf = (power(tool, 10, "float64", trials=5, seconds=1.0) for tool in (Blind(), Wolf()))
    assert (blind.missed, blind.flips, blind.smallest, blind.alarms) == (5, 5, None, 0)
    assert (wolf.missed, wolf.alarms, wolf.right, wolf.smallest) == (0, 5, 5, None)
    assert power(Blind(), 10, "float32", trials=5, seconds=1.0).cannot == "float64 only"
    assert power(Blind(), 101, "float64", trials=5, seconds=1.0).cannot == "takes minutes"


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_checker_misses_no_flipped_sign_and_accepts_what_is_right(dtype: str) -> None:
    from power import power
    from tools import JACOBIAN, PROJECTION

    for tool in (JACOBIAN, PROJECTION):
        found = power(tool, 10, dtype, trials=3, seconds=0.1)  # type: ignore[arg-type]
        assert (found.missed, found.alarms) == (0, 0)
        assert found.smallest is not None
        assert found.smallest <= {"float64": 1e-9, "float32": 1e-4}[dtype]


def test_the_smallest_change_is_found_by_bisection() -> None:
    from planted import Wave
    from power import power

    class Sharp:
        name, most, dtypes = "sharp", 100, ("float64",)

        def accepts(self, function: Wave) -> bool:
            return function.mistake is None or abs(function.mistake.factor - 1) < 3e-7

    assert power(Sharp(), 10, "float64", trials=3, seconds=1.0).smallest == 1e-6


def test_the_page_says_what_is_met_and_where_the_time_of_what_is_missed_goes() -> None:
    from power import Power
    from speed_page import Target, Timing, page

    timings = [
        Timing(work="J", tool="checker, jacobian", first=0.5, best=0.01, repeats=5, ours=True),
        Timing(work="J", tool="gradcheck, slow mode", first=0.3, best=0.25, repeats=5),
    ]
    powers = [
        Power(tool="checker, jacobian", n=1000, dtype="float64", flips=50, right=50, smallest=1e-9),
        Power(tool="numdifftools", n=1000, dtype="float32", cannot="float64 only"),
    ]
    targets = [
        Target(what="J", asked=20, found=25, unit="times ours", profile=["a 90%"]),
        Target(what="help", asked=150, found=151, unit="ms", below=True, profile=["typer.py:main 90%", "b 5%"]),
    ]
    text = page(timings, powers, targets, {"torch": (2.0, 1.0)}, {"processor": "cpu: X", "cores": "2", "torch": "2.13"})
    assert text.startswith("2 cores of X; torch 2.13; ")
    for line in (
        "| J | ≥ 20 times ours | 25 times ours | met |",
        "| help | ≤ 150 ms | 151 ms | **missed** |",
        "Where the time of “help” goes: typer.py:main 90%; b 5%.",
        "| J | checker, jacobian | 500 | 10 | 5 |  |",
        "| J | gradcheck, slow mode | 300 | 250 | 5 | 25 |",
        "Importing takes beside that: torch 2 s (1 s once its files are in memory).",
        "| checker, jacobian | 1,000 | float64 | 0 of 50 | 1e-9 | 0 of 50 |",
        "| numdifftools | 1,000 | float32 | – (float64 only) | – | – |",
    ):
        assert line in text.splitlines()
    assert "a 90%" not in text


def test_a_tool_that_refuses_what_is_right_ends_the_benchmark() -> None:
    import speed
    from planted import wave

    refusing = SimpleNamespace(name="refusing", most=100, accepts=lambda function: False)
    with pytest.raises(SystemExit, match="refusing calls a right derivative wrong: J"):
        list(speed.in_turn("J", wave(3), [_Hashable(refusing)]))


class _Hashable:
    def __init__(self, one: SimpleNamespace) -> None:
        self.name, self.most, self.accepts = one.name, one.most, one.accepts


def test_it_runs_and_writes_its_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- speed -->\nold\n<!-- /speed -->\nafter\n")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(FOLDER / "speed.py"), "--few", "--markdown", str(page), "--plots", str(tmp_path)]
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "figures.json")], env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert {one["tool"] for one in figures["timings"]} >= {"checker, jacobian", "checker, projection", "gradcheck, slow mode"}
    misses = {one["what"]: one["found"] for one in figures["targets"]}
    assert misses["flipped signs that checker misses"] == misses["right gradients that checker calls wrong"] == 0
    text = page.read_text()
    assert text.startswith("before\n<!-- speed -->\n")
    assert text.endswith("<!-- /speed -->\nafter\n")
    assert "| checker, jacobian | 10 | float64 | 0 of 3 |" in text
    assert "old" not in text
    assert all((tmp_path / name).read_text().startswith("<?xml") for name in ("speed.svg", "power.svg"))


def test_a_page_without_a_place_for_the_tables_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing")
    done = subprocess.run(
        [sys.executable, str(FOLDER / "speed.py"), "--few", "--markdown", str(tmp_path / "page.md")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2
    assert "has no lines <!-- speed --> and <!-- /speed --> to write between" in done.stderr
