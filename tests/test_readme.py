"""The README: its commands are the ones that are run, its examples do what they say, and its table of gradcheck is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import checker

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SHELL = [block.strip() for language, block in BLOCKS if language == "sh"]
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}


def ran(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def named(block: str) -> str | None:
    """The file that a block is, by its first line."""
    found = re.match(r"# (\w+\.py)\n", block)
    return found[1] if found else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the README shows."""
    made = tmp_path_factory.mktemp("readme")
    for _, block in BLOCKS:
        if named(block):
            (made / str(named(block))).write_text(block, encoding="utf-8")
    return made


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "python" and not named(block)])
def test_snippets_run(block: str, folder: Path) -> None:
    assert "assert " in block
    assert ran([sys.executable, "-c", block], folder).strip()


@pytest.mark.parametrize("line", [line for language, block in BLOCKS if language == "console" for line in block.splitlines()])
def test_commands_succeed(line: str, folder: Path) -> None:
    assert line.startswith("$ checker ")
    assert "✓ agrees" in ran(line.removeprefix("$ ").split(), folder)


def test_the_pytest_example_passes(folder: Path) -> None:
    assert "1 passed" in ran([sys.executable, "-m", "pytest", "-q", "test_layer.py"], folder)


def test_the_exercise_has_ten_lines(folder: Path) -> None:
    lines = [line for line in (folder / "squares.py").read_text(encoding="utf-8").splitlines()[1:] if line]
    assert len(lines) <= 10


def test_the_sample_class_is_graded_by_the_third_command(tmp_path: Path, sandbox: None) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    said = ran(SHELL[2].removeprefix(".venv/bin/").split(), tmp_path)
    assert "30 students · 30 submissions graded" in said
    assert (tmp_path / "class-report" / "index.html").exists()


def test_ci_runs_exactly_the_second_command() -> None:
    first, second, _ = SHELL
    assert first.endswith("checker check")
    run = ROOT / ".ci" / "run"
    if not run.exists():
        pytest.skip("an sdist has no .ci")
    assert run.read_text(encoding="utf-8").splitlines()[-1] == second


class OneSignFlipped(torch.autograd.Function):
    """x², whose backward has a wrong sign in one of its entries."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, upstream: torch.Tensor) -> torch.Tensor:
        (x,) = ctx.saved_tensors
        gradient = 2 * x * upstream
        gradient[503] = -gradient[503]
        return gradient


def double(*values: Any) -> torch.Tensor:
    return torch.tensor(*values, dtype=torch.float64)


FACTS: dict[str, tuple[Callable[..., Any], torch.Tensor]] = {
    "x³ in float32": (lambda x: x**3, torch.tensor([0.5, 1.5, 2.5])),
    "2·x·x in float32": (lambda x: 2 * torch.dot(x, x), torch.arange(4.0)),
    "x² at 10¹²": (lambda x: x**2, double([1e12])),
    "sin(10⁶·x) at 1.1": (lambda x: torch.sin(1e6 * x), double([1.1])),
    "dropout": (lambda x: torch.nn.functional.dropout(x).sum(), torch.ones(8, dtype=torch.float64)),
    "a factor behind `detach()`": (lambda x: ((x * x).detach() * x).sum(), double([1.0, 2.0])),
    "one sign flipped among 1000 entries": (
        OneSignFlipped.apply,
        torch.randn(1000, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
    ),
    "a factor behind `item()`": (lambda x: (x * x.sum().item()).sum(), double([1.0, 2.0])),
    "det of [[1, 2], [2, 4]]": (torch.linalg.det, double([[1.0, 2.0], [2.0, 4.0]])),
}
ROWS = re.findall(r"^\| (.+) \| (right|wrong).* \| (passes|fails) \| (passes|fails) \| `(\w+)`.* \|$", README, re.MULTILINE)


def test_every_row_of_the_table_is_tested() -> None:
    assert [row[0] for row in ROWS] == list(FACTS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_table_beside_gradcheck_is_true(row: tuple[str, str, str, str, str]) -> None:
    what, _, slow, fast, verdict = row
    function, x = FACTS[what]

    def passes(**options: Any) -> str:
        with warnings.catch_warnings(), torch.random.fork_rng():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            done = torch.autograd.gradcheck(function, (x.clone().requires_grad_(),), raise_exception=False, **options)
        return "passes" if done else "fails"

    assert passes() == slow
    assert passes(fast_mode=True) == fast
    assert checker.check(function, x).verdict == verdict
