"""What commands print: tables that fit, JSON alone, and nothing that moves the cursor."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from sources import GOOD, PLANTED, Ran, Run, record, written

from checker import Verdict
from checker.record import Document, Refusal


def test_names_cannot_move_the_cursor() -> None:
    from checker import terminal

    said = io.StringIO()
    terminal.refused([Refusal(what="a\x1b[2J", fault="author", file="b\r.py", line=None, message="c\x07 é ✓.", advice="")], stream=said)
    assert said.getvalue() == "✗ b\\r.py: a\\x1b[2J: c\\x07 é ✓.\n"


def test_an_error_cannot_move_the_cursor(checker: Run) -> None:
    ran = checker("grade", "class", "--assignment", "a\x1b[2J\u202e.toml")
    assert ran.code == 2
    assert ran.err.startswith("checker: the assignment a\\x1b[2J\\u202e.toml ")


def test_a_long_table_fits(capsys: pytest.CaptureFixture[str]) -> None:
    from checker import terminal

    long = msgspec.structs.replace(
        record(Verdict.MUTATED_INPUT, Verdict.MUTATED_INPUT), exercise=f"{'folder/' * 12}file.py::{'name_' * 20}"
    )
    terminal.show(Document(records=[long] * 3), of=3, stream=sys.stdout)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert any("✓ mutated_input, as expected" in line for line in lines)


def test_a_refusal_says_the_name_once() -> None:
    from checker.terminal import refusal as shown

    refused = Refusal(what="a.py", fault="author", message="this line is not UTF-8.", file="a.py", line=6, advice="Save the file as UTF-8.")
    assert shown(refused).plain == "✗ a.py:6: this line is not UTF-8. Save the file as UTF-8."
    refused = Refusal(what="a.py::f", fault="author", message="f: the value is published as 6.", file="a.py", line=7)
    assert shown(refused).plain == "✗ a.py:7: f: the value is published as 6."
    refused = Refusal(what="a.py::f", fault="author", message="the function returned float.", file="a.py", line=7)
    assert shown(refused).plain == "✗ a.py:7: a.py::f: the function returned float."


def test_without_colour_nothing_but_text_is_printed(folder: Path) -> None:
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}
    path = written(folder, "a.py", GOOD)
    coloured, plain = (
        in_terminal([sys.executable, "-m", "checker", "check", str(path), "--no-report", "--points", "1", "--quiet", "--strict"], env)
        for env in ({k: v for k, v in environment.items() if k != "NO_COLOR"}, environment)
    )
    assert "\x1b[3" in coloured or coloured.strip() == ""
    assert not re.search(r"\x1b\[\d*;?3\d", plain)


def in_terminal(command: list[str], environment: dict[str, str]) -> str:
    """What `command` shows in a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the terminal's other end is closed
        pass
    process.wait()
    os.close(ours)
    return shown.decode()


def test_a_reader_that_leaves_early_is_no_error(folder: Path) -> None:
    written(folder, "a.py", GOOD)
    done = subprocess.run(
        f"{sys.executable} -m checker check a.py --no-report --points 1 --json | head -c 10; echo; echo ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stdout.startswith("{")
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["check a.py --no-report --points 1 --json", "check a.py --no-report --points 1", "list a.py"])
def test_standard_output_that_cannot_be_written_is_a_sentence(folder: Path, command: str) -> None:
    written(folder, "a.py", GOOD)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "checker", *command.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.stderr == "checker: standard output cannot be written: No space left on device.\n"
    assert done.returncode == 2


def test_quiet_prints_only_what_is_not_as_expected(checker: Run, folder: Path) -> None:
    good, both = written(folder, "a.py", GOOD), written(folder, "b.py", GOOD, PLANTED)
    assert checker("check", good, "--no-report", "--quiet", "--points", 1) == Ran(0, "", "")
    ran = checker("check", both, "--no-report", "--quiet", "--points", 1)
    assert ran.code == 1
    assert ran.out.startswith("✗ b.py::planted: wrong, expected agrees\n")
    assert "good" not in ran.out


def test_json_is_all_of_standard_output(checker: Run, folder: Path) -> None:
    ran = checker(
        "check", written(folder, "a.py", GOOD + 'print("noise while importing")\n', PLANTED), "--no-report", "--json", "--points", 1
    )
    assert ran.code == 1
    document = json.loads(ran.out)
    assert [(r["exercise"], r["verdict"], r["expected"]) for r in document["records"]] == [
        ("a.py::good", "agrees", "agrees"),
        ("a.py::planted", "wrong", "agrees"),
    ]
    assert {d["method"] for case in document["records"][0]["cases"] for d in case["derivations"]} >= {"reverse", "forward", "differences"}
    assert "✗ a.py::planted: wrong, expected agrees" in ran.err
