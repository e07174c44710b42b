"""`pytest --checker-submission FILE`, in runs of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from checker import pytest_submission
from checker.grading import grader
from checker.grading.judging import feedback
from checker.grading.reading import intake

EXERCISES = """
from jaxtyping import Float
from torch import Tensor
from checker import exercise

@exercise(sizes={"n": 3})
def twice_dot(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return 2 * (x * x).sum()

@exercise(sizes={"n": 3})
def length_of_4x(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    return (4 * x).norm()

@exercise(sizes={"n": 3})
def cubes(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    return x**3
"""
#: Loaded before any run: pytester forgets what a run imports, and torch cannot be loaded twice.
LOADED = (feedback, grader, intake, pytest_submission)
pytest_plugins = ["pytester"]

#: One right, one wrong, one without an answer. What it does while it runs would be seen here if it were not in a sandbox.
ANSWERS = """
open({marker!r}, "w").close()
print("a word of mine \\x1b[2J")

def twice_dot(x):
    return 4 * x

def length_of_4x(x):
    return 8 * x / (x @ x) ** 0.5
"""


@pytest.fixture
def folder(tmp_path: Path, sandbox: None) -> Path:
    """As `checker starter` writes it, the file filled in, and tests of the student's own."""
    (tmp_path / "exercises").mkdir()
    (tmp_path / "exercises" / "vectors.py").write_text(EXERCISES, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n", encoding="utf-8")
    source = ANSWERS.format(marker=str(tmp_path / "marker"))
    (tmp_path / "answers.py").write_text(source.replace("open(", "try:\n    open(").replace(".close()", ".close()\nexcept OSError: pass"))
    (tmp_path / "test_mine.py").write_text("def test_mine(): pass\n", encoding="utf-8")
    return tmp_path


def ran(folder: Path, *arguments: str) -> str:
    """A run in a process of its own."""
    command = [sys.executable, "-m", "pytest", "-q", "-rA", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    return said(done.stdout + done.stderr)


@pytest.fixture
def run(folder: Path, pytester: pytest.Pytester) -> Callable[..., str]:
    """A run in this process, which has loaded torch."""

    def run(*arguments: str) -> str:
        pytester.chdir()
        os.chdir(folder)
        done = pytester.runpytest_inprocess("-q", "-rA", "-p", "no:xdist", *arguments)
        return said(done.stdout.str() + done.stderr.str())

    return run


def said(text: str) -> str:
    assert "INTERNALERROR" not in text
    assert "Traceback" not in text
    return text


def outcomes(text: str) -> dict[str, str]:
    """By exercise. Of a skip pytest names the place only."""
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S*::(\w+)", text, re.MULTILINE)
    skipped = re.findall(r"^SKIPPED \[1\] \S+: (\w+) has no answer in", text, re.MULTILINE)
    return {name: outcome for outcome, name in found} | dict.fromkeys(skipped, "SKIPPED")


EXPECTED = {"twice_dot": "PASSED", "length_of_4x": "FAILED", "cubes": "SKIPPED"}


def test_a_test_for_each_exercise_beside_the_file_and_no_other(folder: Path, run: Callable[..., str]) -> None:
    text = run("--checker-submission", "answers.py")
    assert outcomes(text) == EXPECTED
    assert "1 failed, 1 passed, 1 skipped" in text
    assert "gradient of x: every entry is 2 times what it should be.\n" in text
    assert "cubes has no answer in answers.py" in text
    assert "a word of mine" in text
    assert "\x1b[2J" not in text
    assert not (folder / "marker").exists(), "the file ran outside the sandbox"


def test_what_is_told_is_what_the_student_computed_and_never_what_is_right(folder: Path, run: Callable[..., str]) -> None:
    source = "import numpy as np\ndef twice_dot(x):\n    print('truth', *(4 * x).tolist())\n    return np.sin(x) + 7\n"
    (folder / "answers.py").write_text(source, encoding="utf-8")
    text = run("--checker-submission", "answers.py", "-k", "twice_dot")
    said, _, printed = text.partition("printed:")
    truths = [float(number) for number in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", " ".join(re.findall(r"truth (.*)", printed)))]
    assert truths
    assert re.search(r"gradient of x: it is wrong \(\d of \d entries wrong; first at \[0\], yours: [67]\.\d+\)", said)
    for number in re.findall(r"-?\d+\.\d{3,}", said):
        assert min(abs(float(number) - truth) for truth in truths) > 1e-4 * abs(float(number))


def test_with_workers_the_same(folder: Path) -> None:
    assert outcomes(ran(folder, "--checker-submission", "answers.py", "-n", "2")) == EXPECTED
    assert not (folder / "marker").exists()


def test_tests_that_are_named_run_too(folder: Path, run: Callable[..., str]) -> None:
    assert outcomes(run("test_mine.py", "--checker-submission", "answers.py")) == {**EXPECTED, "test_mine": "PASSED"}


def test_a_file_whose_name_is_that_of_tests_is_not_imported(folder: Path, run: Callable[..., str]) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "answers.py").rename(folder / "elsewhere" / "test_answers.py")
    (folder / "link").symlink_to("elsewhere")
    (folder / "elsewhere" / "exercises").symlink_to(folder / "exercises")
    for path in ("elsewhere/test_answers.py", "link/test_answers.py"):
        assert outcomes(run("--checker-submission", path, "-k", "twice_dot")) == {"twice_dot": "PASSED"}
    assert not (folder / "marker").exists()


def test_a_notebook(folder: Path, run: Callable[..., str]) -> None:
    cells = ["%matplotlib inline\nimport undefined_library", "def twice_dot(x): return 4 * x", "def length_of_4x(x):\n    return x[99]"]
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [
            {"cell_type": "code", "id": str(n), "metadata": {}, "source": source, "outputs": [], "execution_count": None}
            for n, source in enumerate(cells)
        ],
    }
    (folder / "answers.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    text = run("--checker-submission", "answers.ipynb")
    assert outcomes(text) == {**EXPECTED, "cubes": "FAILED"}  # a part failed, which may be why it is not there
    assert "The code raised an exception. IndexError: index 99 is out of bounds for axis 0 with size" in text
    assert "(cell 3, line 2)" in text
    assert "There is no answer to this exercise. ModuleNotFoundError: No module named 'undefined_library', which is not there" in text


def test_formulas(folder: Path, run: Callable[..., str]) -> None:
    (folder / "answers.toml").write_text('twice_dot = "4 * x"\nlength_of_4x = "x +"\n', encoding="utf-8")
    text = run("--checker-submission", "answers.toml")
    assert outcomes(text) == EXPECTED
    assert "gradient of x: it cannot be read. " in text


def test_exercises_that_are_named_win_over_the_folder(folder: Path, run: Callable[..., str]) -> None:
    text = run("--checker-submission", "answers.py", "--checker-exercises", "exercises/vectors.py::twice_dot")
    assert outcomes(text) == {"twice_dot": "PASSED"}
    (folder / "exercises").rename(folder / "others")
    text = run("--collect-only", "--checker-submission", "answers.py")
    assert "answers.py::cross_entropy" in text  # of those that are built in


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--checker-submission", "nothing.py"], r"ERROR: checker: nothing\.py is no file; --checker-submission takes a student's file\."),
        (["--checker-submission", "exercises"], r"ERROR: checker: exercises is no file; --checker-submission takes a student's file\."),
        (["--checker-submission", "answers.py", "--checker-exercises", "none.py"], r"checker: .*none\.py"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(folder: Path, run: Callable[..., str], arguments: list[str], sentence: str) -> None:
    assert re.search(sentence, run(*arguments))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("answers.txt", "answers.txt is not what students hand in: give a .py, .ipynb or answers.toml file"),
        ("empty.py", "There is no answer to this exercise.\nempty.py is empty."),
    ],
)
def test_a_file_that_cannot_be_read_says_why(folder: Path, run: Callable[..., str], name: str, sentence: str) -> None:
    (folder / name).write_text("", encoding="utf-8")
    assert sentence in run("--checker-submission", name, "-k", "twice_dot")


def test_without_a_sandbox_it_is_said_what_to_do(folder: Path, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    text = run("--checker-submission", "answers.py", "-k", "twice_dot")
    assert outcomes(text) == {"twice_dot": "FAILED"}
    assert "bubblewrap, which is not installed: apt-get install bubblewrap libseccomp2" in text
    assert "without a sandbox: --checker-i-trust-this-file" in text
    assert not (folder / "marker").exists()
    text = run("--checker-submission", "answers.py", "-k", "twice_dot", "--checker-i-trust-this-file")
    assert outcomes(text) == {"twice_dot": "PASSED"}
    assert (folder / "marker").exists()
