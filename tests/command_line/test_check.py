"""`checker check`: what a run finds, how it ends, and an interruption."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from sources import ENDLESS, GOOD, PLANTED, Ran, Run, record, written

from checker import Settings, Verdict, cli, options
from checker.record import Document, Refusal
from checker.record_file import decode, read


def refusal(fault: str) -> Refusal:
    return Refusal(what="a.py", fault=fault, message="")


@pytest.mark.parametrize(
    ("document", "code", "strict"),
    [
        (Document(records=[record()]), 0, 0),
        (Document(records=[record(Verdict.WRONG, Verdict.WRONG)]), 0, 0),
        (Document(records=[record(), record(Verdict.WRONG)]), 1, 1),
        (Document(records=[record(Verdict.AGREES, Verdict.WRONG)]), 1, 1),
        (Document(records=[record(Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE)]), 0, 1),
        (Document(records=[record(Verdict.UNSUPPORTED, Verdict.UNSUPPORTED)]), 0, 1),
        (Document(records=[record(Verdict.WRONG)], refusals=[refusal("author")]), 2, 2),
        (Document(records=[], refusals=[refusal("usage")]), 2, 2),
        (Document(records=[record(Verdict.WRONG)], refusals=[refusal("author"), refusal("harness")]), 3, 3),
        (Document(records=[], refusals=[refusal("harness")], complete=False), 130, 130),
    ],
)
def test_the_highest_exit_code_that_applies_wins(document: Document, code: int, strict: int) -> None:
    assert cli.exit_code(document) == code
    assert cli.exit_code(document, strict=True) == strict


def test_a_good_exercise(checker: Run, folder: Path) -> None:
    ran = checker("check", written(folder, "a.py", GOOD), "--record", "record.json")
    assert ran.code == 0
    assert re.search(r"^a\.py::good +✓ agrees +1/1 ", ran.out, re.MULTILINE)
    assert "1 exercise: 1 as expected, 0 not" in ran.out
    assert ran.out.endswith("Report: checker-report/index.html\n")
    assert (folder / "checker-report" / "index.html").is_file()
    assert max(map(len, ran.out.splitlines())) <= 100
    document = read(Path("record.json"))
    assert document.records[0].exercise == "a.py::good"
    assert document.provenance is not None
    assert document.provenance.command == f"checker check {folder / 'a.py'} --record record.json"
    assert checker("report", "record.json", "-o", "again") == Ran(0, "Report: again/index.html\n", "")


def test_every_entry_of_the_jacobian_is_judged_where_that_is_asked_for(checker: Run, folder: Path) -> None:
    command = ("check", written(folder, "a.py", GOOD, PLANTED), "--no-report", "--points", 1, "--mode", "jacobian", "--record", "r.json")
    ran = checker(*command)
    assert ran.code == cli.UNEXPECTED
    assert "∂f[503]/∂x[503]: got" in " ".join(ran.out.split())
    assert {case.mode for record in read(folder / "r.json").records for case in record.cases} == {"jacobian"}


def test_a_wrong_entry_is_named_and_the_table_says_what_was_expected(checker: Run, folder: Path) -> None:
    ran = checker("check", written(folder, "a.py", PLANTED), "--no-report", "--points", 1)
    assert ran.code == 1
    assert "a.py::planted  ✗ wrong" in ran.out
    assert "✗ a.py::planted: wrong, expected agrees" in ran.out
    assert "reverse: gradient of x at [503]: got " in ran.out
    assert "a.py:21, seed 0" in ran.out
    assert not (folder / "checker-report").exists()


def test_settings_arrive(checker: Run, folder: Path) -> None:
    ran = checker(
        *("check", written(folder, "a.py", GOOD), "--no-report", "--json", "--method", "reverse,certified", "--method", "reverse"),
        *("--device", "cpu", "--dtype", "float32", "--points", "2", "--seed", "5"),
    )
    (found,) = decode(ran.out.encode()).records
    assert {d.method for case in found.cases for d in case.derivations} == {"reverse", "certified"}
    assert {case.dtype for case in found.cases} == {"float32"}
    assert len(found.cases) == 2
    assert found.seed == 5


def test_defaults_are_those_of_settings() -> None:
    assert options.settings_of(None, "all", None, None, None, 3, 0, 0, 60.0, "", False, False) == Settings()
    help_text = subprocess.run([sys.executable, "-m", "checker", "check", "--help"], capture_output=True, text=True, check=True).stdout
    for name, value in (("points", 3), ("seed", 0), ("jobs", 0), ("time-limit", 60.0)):
        assert re.search(rf"--{name} .*?\[default:\s+{value}[;\]]", help_text, re.DOTALL), name
    assert "runs them as you" in " ".join(help_text.split())


def test_the_harness_failing_ends_with_3(checker: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(exercise: Any, settings: Any) -> Any:
        raise ZeroDivisionError("an internal table is empty")

    monkeypatch.setattr("checker.runner.run.__kwdefaults__", {**__import__("checker.runner").runner.run.__kwdefaults__, "examine": broken})
    ran = checker("check", written(folder, "a.py", GOOD), "--no-report")
    assert ran.code == 3
    assert "ZeroDivisionError: an internal table is empty" in ran.out
    assert "This is a fault of checker, not of the exercise" in " ".join(ran.out.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_valid_record(number: signal.Signals, folder: Path) -> None:
    path = written(folder, "a.py", GOOD, ENDLESS)
    command = [sys.executable, "-m", "checker", "check", str(path), "--no-report", "--record", "record.json", "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if (folder / "started").exists():
                break
            time.sleep(0.1)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    document = read(folder / "record.json")
    assert not document.complete
    assert [r.exercise for r in document.records] == ["a.py::good"]
    assert "interrupted before 1 of 2 were finished" in out


def test_the_sources_here_are_what_they_say() -> None:
    assert textwrap.dedent(GOOD) == GOOD  # written as files, so no indentation
