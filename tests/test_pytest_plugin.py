"""The pytest plugin, in runs of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXERCISES = """
import torch
from jaxtyping import Float
from torch import Tensor
from checker import exercise

class Planted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        gradient = 2 * x * upstream
        gradient[2] *= 1.001
        return gradient

@exercise(sizes={"n": 3})
def good(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return (x * x).sum()

@exercise(sizes={"n": 5})
def planted(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    return Planted.apply(x)

@exercise(sizes={"n": 5}, expects="wrong")
def lesson(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    return Planted.apply(x)

@exercise
def sizeless(x: Float[Tensor, "k"]) -> Float[Tensor, ""]:
    return x.sum()
"""

TESTS = """
import torch

def test_good(check_gradient):
    check_gradient(torch.sin, torch.tensor([1.0, 2.0]))

def test_bad(check_gradient):
    check_gradient(torch.linalg.det, torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n", encoding="utf-8")
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "ex.py").write_text(EXERCISES, encoding="utf-8")
    (tmp_path / "exercises" / "helpers.py").write_text("def no_exercise(): pass\n", encoding="utf-8")
    return tmp_path


def ran(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert "INTERNALERROR" not in done.stdout
    return done.stdout + done.stderr


def outcomes(text: str) -> dict[str, str]:
    return {name: outcome for outcome, name in re.findall(r"^(PASSED|FAILED|SKIPPED|ERROR) (\S+\]|\S+::line \d+)", text, re.MULTILINE)}


def test_one_test_for_each_exercise_and_method(folder: Path) -> None:
    text = ran(folder, "--collect-only", "--checker-exercises", "exercises")
    names = [line for line in text.splitlines() if "::" in line]
    assert names[:3] == ["exercises/ex.py::good[certified]", "exercises/ex.py::good[symbolic]", "exercises/ex.py::good[formula]"]
    assert names[-1] == "exercises/ex.py::line 32"
    assert len(names) == 3 * 7 + 1


def test_outcomes_and_what_is_said(folder: Path) -> None:
    text = ran(folder, "--checker-exercises", "exercises", "-rA")
    found = outcomes(text)
    assert found["exercises/ex.py::good[reverse]"] == "PASSED"
    assert found["exercises/ex.py::lesson[reverse]"] == "PASSED"
    assert found["exercises/ex.py::planted[reverse]"] == "FAILED"
    assert found["exercises/ex.py::planted[differences]"] == "PASSED"
    assert found["exercises/ex.py::line 32"] == "FAILED"
    assert "ex.py::planted: wrong, expected agrees\n" in text
    assert re.search(r"^gradient of x at \[2\]: got \S+, expected \S+ within \S+$", text, re.MULTILINE)
    assert "ex.py:32: the shape letter 'k' of 'x' has no size" in text
    assert "the exercise has no answer for x" in text  # why `formula` was skipped
    assert "Traceback" not in text


def test_one_exercise_by_name_and_one_item_by_its_id(folder: Path) -> None:
    assert "5 passed, 2 skipped" in ran(folder, "--checker-exercises", "exercises/ex.py::good")
    assert "1 passed" in ran(folder, "--checker-exercises", "exercises/ex.py::good", "-k", "good and reverse")


def test_the_ini_key(folder: Path) -> None:
    with (folder / "pytest.ini").open("a", encoding="utf-8") as ini:
        ini.write("checker_exercises = exercises/ex.py\n")
    (folder / "test_plain.py").write_text("def test_plain(): pass\n", encoding="utf-8")
    text = ran(folder, "-k", "good or plain")
    assert "6 passed, 2 skipped" in text


def test_under_xdist_the_same_tests_are_collected(folder: Path) -> None:
    text = ran(folder, "-n", "2", "--dist", "loadgroup", "--checker-exercises", "exercises/ex.py", "-k", "good or lesson")
    assert re.search(r"^9 passed, 5 skipped", text, re.MULTILINE), text


def test_a_path_that_does_not_exist(folder: Path) -> None:
    text = ran(folder, "--checker-exercises", "exercise")
    assert re.search(
        r"^ERROR: checker: \S*exercise does not exist; --checker-exercises takes a file of exercises, or a folder\.$", text, re.M
    )


def test_the_fixture(folder: Path) -> None:
    (folder / "test_mine.py").write_text(TESTS, encoding="utf-8")
    text = ran(folder, "test_mine.py")
    assert "1 failed, 1 passed" in text
    assert "GradientMismatch: det" in text or "GradientMismatch: linalg_det" in text
    assert "at [0, 0]: got 0, expected 4 within" in text


LOADED = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    import sys
    print("loaded", *sorted({"torch", "sympy", "numpy", "matplotlib"} & set(sys.modules)))
"""


def test_a_run_that_does_not_use_it_loads_nothing(folder: Path) -> None:
    (folder / "conftest.py").write_text(LOADED, encoding="utf-8")
    (folder / "test_plain.py").write_text("def test_plain(): pass\n", encoding="utf-8")
    with_it, without_it = (
        re.findall(r"^loaded.*$", ran(folder, "test_plain.py", *more), re.MULTILINE) for more in ((), ("-p", "no:checker"))
    )
    assert with_it == without_it  # other plugins may load what they like
    assert "torch" not in with_it[0]
    assert "torch" in ran(folder, "--checker-exercises", "exercises/ex.py", "--collect-only").splitlines()[-1]


def test_a_run_that_does_not_use_it_costs_no_time(folder: Path) -> None:
    (folder / "test_plain.py").write_text("def test_plain(): pass\n", encoding="utf-8")

    def best(*arguments: str) -> float:
        times = []
        for _ in range(4):
            start = time.perf_counter()
            assert "1 passed" in ran(folder, "test_plain.py", *arguments)
            times.append(time.perf_counter() - start)
        return min(times)

    # 20 ms on an idle machine; more is allowed here, where other tests run at the same time
    assert best() - best("-p", "no:checker") < 0.2
