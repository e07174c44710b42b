"""`checker list`, `new`, `doctor`, help and version."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest
from sources import GOOD, PLANTED, Ran, Run, written

from checker import cli
from checker.sandbox.probe import Layer


def test_list(checker: Run, folder: Path) -> None:
    written(folder, "a.py", GOOD, PLANTED)
    ran = checker("list", "a.py")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split() for line in ran.out.splitlines()] == [["a.py::good", "good"], ["a.py::planted", "planted"]]


def test_new_writes_an_exercise_that_passes_and_overwrites_nothing(checker: Run, folder: Path) -> None:
    assert checker("new", "mine.py") == Ran(0, "Wrote mine.py. Check it with: checker check mine.py\n", "")
    ran = checker("check", "mine.py", "--no-report", "--points", 1)
    assert ran.code == 0, ran.out
    assert "mine.py::weighted_squares" in ran.out
    before = (folder / "mine.py").read_bytes()
    assert checker("new", "mine.py") == Ran(2, "", "checker: mine.py exists already, and is left as it is: give another name.\n")
    assert (folder / "mine.py").read_bytes() == before
    assert checker("new", "mine.txt").err == "checker: mine.txt is no Python file: give a name that ends in .py.\n"
    assert checker("new", "no/mine.py").err == "checker: no/mine.py cannot be written: No such file or directory.\n"


def test_doctor_says_what_is_there_and_what_to_do(checker: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = checker("doctor")
    assert ran.code == 0, ran.out
    for line in ("✓ torch: 2.", "✓ methods: certified, ", "✓ fork: each exercise runs in a process of its own", " sandbox, landlock: "):
        assert line in ran.out
    monkeypatch.setattr("checker.doctor.names", lambda: ("reverse",))
    monkeypatch.setattr("checker.children.CAN_FORK", False)
    missing = Layer(name="seccomp", works=False, found="no libseccomp", advice="apt-get install libseccomp2")
    monkeypatch.setattr("checker.doctor.probe", lambda: [missing])
    ran = checker("doctor")
    assert ran.code == 1
    assert "✗ methods: reverse. Install the package again" in ran.out
    assert f"– fork: not on {sys.platform}. Exercises run one after another, without a time limit" in ran.out
    refusal = "Without it `checker grade` refuses files that you do not trust: apt-get install libseccomp2"
    assert f"– sandbox, seccomp: no libseccomp. {refusal}" in " ".join(ran.out.split())


def test_python_ends_without_looking_through_what_is_loaded(checker: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["checker", "--version"])
    gc.unfreeze()
    try:
        checker("--version")
        assert gc.get_freeze_count() == 0  # called from a program that goes on
        with pytest.raises(SystemExit):
            cli.main()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_help_names_each_argument_once(checker: Run) -> None:
    assert checker("check", "--help").out.startswith("Usage: checker check [OPTIONS] [TARGET]...\n")
    assert checker("report", "--help").out.startswith("Usage: checker report [OPTIONS] [SOURCE]...\n")


def test_version(checker: Run) -> None:
    from checker import __version__

    assert checker("--version") == Ran(0, f"checker {__version__}\n", "")
