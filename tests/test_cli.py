"""The command line: exit codes, what is printed, and a sentence for every bad input."""

from __future__ import annotations

import gc
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from checker import Record, Settings, Verdict, cli, options
from checker.record import Document, Refusal, Text
from checker.record_file import decode, read
from checker.sandbox.probe import Layer

HEAD = """
import torch
from jaxtyping import Float
from torch import Tensor
from checker import Example, exercise
"""

GOOD = '''
@exercise(sizes={"n": 3})
def good(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Differentiate."""
    return (x * x).sum()
'''

PLANTED = """
class Planted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        gradient = 2 * x * upstream
        gradient[503] *= 1.001
        return gradient

@exercise(sizes={"n": 1000}, dtypes=["float64"])
def planted(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    return Planted.apply(x)
"""

ENDLESS = """
@exercise(sizes={"n": 3})
def endless(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    open("started", "w").close()
    while True:
        pass
"""


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def checker(folder: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run the command line in this process."""
    from checker.report import render

    def ran(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["checker", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Ran(int(ended.value.code or 0), out.decode(), err.decode())

    assert render
    return ran


def written(folder: Path, name: str, *parts: str) -> Path:
    path = folder / name
    path.write_text("\n".join((HEAD, *parts)), encoding="utf-8")
    return path


def record(verdict: Verdict = Verdict.AGREES, expected: Verdict = Verdict.AGREES) -> Record:
    return Record(
        exercise="a.py::a",
        title=Text(en=""),
        statement=Text(en=""),
        verdict=verdict,
        expected=expected,
        as_expected=verdict == expected,
        explanation="",
    )


def refusal(fault: str) -> Refusal:
    return Refusal(what="a.py", fault=fault, message="")


# --- exit codes ------------------------------------------------------------------------------------------------------------------


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


# --- a run -----------------------------------------------------------------------------------------------------------------------


def test_a_good_exercise(checker: Any, folder: Path) -> None:
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


def test_every_entry_of_the_jacobian_is_judged_where_that_is_asked_for(checker: Any, folder: Path) -> None:
    command = ("check", written(folder, "a.py", GOOD, PLANTED), "--no-report", "--points", 1, "--mode", "jacobian", "--record", "r.json")
    ran = checker(*command)
    assert ran.code == cli.UNEXPECTED
    assert "∂f[503]/∂x[503]: got" in " ".join(ran.out.split())
    assert {case.mode for record in read(folder / "r.json").records for case in record.cases} == {"jacobian"}


def test_a_wrong_entry_is_named_and_the_table_says_what_was_expected(checker: Any, folder: Path) -> None:
    ran = checker("check", written(folder, "a.py", PLANTED), "--no-report", "--points", 1)
    assert ran.code == 1
    assert "a.py::planted  ✗ wrong" in ran.out
    assert "✗ a.py::planted: wrong, expected agrees" in ran.out
    assert "reverse: gradient of x at [503]: got " in ran.out
    assert "a.py:21, seed 0" in ran.out
    assert not (folder / "checker-report").exists()


def test_json_is_all_of_standard_output(checker: Any, folder: Path) -> None:
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


def test_quiet_prints_only_what_is_not_as_expected(checker: Any, folder: Path) -> None:
    good, both = written(folder, "a.py", GOOD), written(folder, "b.py", GOOD, PLANTED)
    assert checker("check", good, "--no-report", "--quiet", "--points", 1) == Ran(0, "", "")
    ran = checker("check", both, "--no-report", "--quiet", "--points", 1)
    assert ran.code == 1
    assert ran.out.startswith("✗ b.py::planted: wrong, expected agrees\n")
    assert "good" not in ran.out


def test_settings_arrive(checker: Any, folder: Path) -> None:
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


# --- interruption ----------------------------------------------------------------------------------------------------------------


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


# --- bad input -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--method", "revers"), "--method revers: there is no such method. Did you mean reverse?"),
        (("--method", "zzz"), "--method zzz: there is no such method. Known are certified, symbolic, "),
        (("--dtype", "float31"), "--dtype float31: there is no such dtype. Did you mean float32?"),
        (("--time-limit", "0"), "--time-limit 0: give a number of seconds above 0."),
        (("--record", "."), "--record . is a folder: give a file."),
        (("--record", "no/such/record.json"), "the record cannot be written to no/such/record.json: No such file or directory."),
        (("--report", "a.py"), "a.py is a file: give a folder for the report."),
        (("--report", "full"), "full is not empty and not a report of ours: give another folder, or empty it first."),
        pytest.param(
            ("--device", "cuda"),
            "--device cuda: torch finds no CUDA device here. Use --device all, or see what `checker doctor` says.",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here"),
        ),
        (("--report", "/proc/report"), "the report cannot be written to /proc/report: No such file or directory."),
    ],
)
def test_what_cannot_be_done_is_found_out_before_the_long_work(
    checker: Any, folder: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    written(folder, "a.py", 'raise SystemExit("this file was run")')
    (folder / "full").mkdir()
    (folder / "full" / "thesis.tex").touch()
    ran = checker("check", "a.py", *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith(f"checker: {sentence}")
    assert sorted(path.name for path in folder.iterdir()) == ["a.py", "full"]


@pytest.mark.parametrize("arguments", [("check", "--points", "0"), ("check", "--device", "tpu"), ("chek",), ("export",), ("--nonsense",)])
def test_usage_errors_end_with_2(checker: Any, arguments: tuple[str, ...]) -> None:
    ran = checker(*arguments)
    assert ran.code == 2
    assert "Usage: checker" in ran.err


@pytest.mark.parametrize(
    ("name", "source", "code", "sentence"),
    [
        ("import", "import no_such_module", 2, r"a\.py:7: .*No module named 'no_such_module'"),
        ("syntax", "def f(:", 2, r"a\.py:7: "),
        (
            "size",
            "@exercise\ndef f(x: Float[Tensor, 'k']) -> Float[Tensor, '']:\n    return x.sum()",
            2,
            r"a\.py:7: .*'k' of 'x' has no size",
        ),
        ("name", "@exercise\ndef f(x: Floa[Tensor, '']):\n    return x", 2, r"a\.py:8: .*name 'Floa' is not defined"),
        ("annotation", "@exercise\ndef f(x: \"Floa[Tensor, '']\"):\n    return x", 2, r"a\.py:7: .*annotation.* cannot be read"),
        ("no annotation", "@exercise\ndef f(x):\n    return x", 2, r"a\.py:7: .*'x' has no jaxtyping annotation"),
        (
            "contradiction",
            "@exercise(examples=[Example({'x': 3.0}, value=8.0)])\ndef f(x: Float[Tensor, '']) -> Float[Tensor, '']:\n    return x * x",
            2,
            r"a\.py:7: .*8",
        ),
        (
            "answer",
            "@exercise(answer='3 * x')\ndef f(x: Float[Tensor, '']) -> Float[Tensor, '']:\n    return x * x",
            2,
            r"a\.py:7: .*'3 \* x'",
        ),
        ("no tensor", "@exercise\ndef f(x: Float[Tensor, '']):\n    return float(x)", None, r"float.*not a tensor"),
        (
            "mutates",
            "@exercise\ndef f(x: Float[Tensor, '']):\n    with torch.no_grad():\n        x.mul_(2)\n    return x * x",
            1,
            "mutated_input",
        ),
        (
            "mutates a leaf",
            "@exercise\ndef f(x: Float[Tensor, '']):\n    x.mul_(2)\n    return x * x",
            1,
            r"the function writes into its input: work on a copy \(x\.clone\(\)\)",
        ),
        ("raises", "@exercise\ndef f(x: Float[Tensor, '']):\n    raise KeyError('weights')", 1, r"KeyError: 'weights' \(a\.py:9\)"),
        (
            "said once",
            "@exercise\ndef f(x: Float[Tensor, '']):\n    return x / 0",
            1,
            r"undefined, expected agrees at point 0 \(sampled, float64\), certified: the function has no finite value here: "
            r"give its inputs a domain where it has one, or declare expects=.undefined. symbolic, differences, reverse, forward: the same",
        ),
        ("recursion", "@exercise\ndef f(x: Float[Tensor, '']):\n    return f(x)", 1, r"function failed: RecursionError: .* \(a\.py:9\)"),
        (
            "integer result",
            "@exercise\ndef f(x: Float[Tensor, '']):\n    return x.long()",
            2,
            r"a\.py:7: .*returns no floating tensor: there is nothing to differentiate\. Return a floating tensor\.",
        ),
        ("nan", "@exercise\ndef f(x: Float[Tensor, '']):\n    return x / 0 * 0", 1, "undefined|wrong|inconclusive"),
    ],
)
def test_a_bad_exercise_is_a_sentence_and_the_others_still_run(
    checker: Any, folder: Path, name: str, source: str, code: int | None, sentence: str
) -> None:
    (folder / "all").mkdir()
    written(folder, "all/a.py", source)
    written(folder, "all/b.py", GOOD)
    ran = checker("check", "all", "--no-report", "--points", 1)
    text = " ".join((ran.out + ran.err).split())
    assert re.search(sentence, text), text
    assert ran.code == code if code is not None else ran.code in (1, 2), text
    assert "b.py::good ✓ agrees" in text
    assert "Traceback" not in text


def test_an_exercise_that_never_ends_is_ended(checker: Any, folder: Path) -> None:
    ran = checker("check", written(folder, "a.py", GOOD, ENDLESS), "--no-report", "--points", 1, "--time-limit", 4)
    assert ran.code == 1
    assert "✗ a.py::endless: timed_out, expected agrees" in ran.out
    assert "Still running after 4 s. Does a loop here never end? If it only takes long, raise --time-limit." in " ".join(ran.out.split())
    assert "a.py::good     ✓ agrees" in ran.out


def test_a_target_that_does_not_exist(checker: Any, folder: Path) -> None:
    written(folder, "squares.py", GOOD)
    ran = checker("check", "square.py", "--no-report")
    assert ran.code == 2
    assert ran.out.startswith("✗ square.py: square.py does not exist. Did you mean squares.py")


def test_a_record_that_is_none(checker: Any, folder: Path) -> None:
    (folder / "record.json").write_text("{}", encoding="utf-8")
    ran = checker("report", "record.json")
    assert ran == Ran(2, "", "checker: record.json has schema None; this version reads 'gradient-checker/record/1'. "
                      "Check again to make a new record.\n")  # fmt: skip
    assert checker("report", "none.json").err == "checker: none.json cannot be read: No such file or directory.\n"


def test_a_full_disk_is_a_sentence_and_leaves_no_half_record(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from checker.errors import UsageError
    from checker.record_file import write

    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        UsageError, match=r"^the record cannot be written to r\.json: No space left on device\. Give another file with --record\.$"
    ):
        write(Path("r.json"), Document(records=[]))
    assert list(folder.iterdir()) == []


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


def test_a_record_goes_through_links_and_pipes_and_leaves_them_what_they_are(folder: Path) -> None:
    from checker.record_file import write

    document = Document(records=[record()])
    (folder / "link.json").symlink_to("target.json")
    write(Path("link.json"), document)
    write(Path("link.json"), document)
    assert (folder / "link.json").is_symlink()
    assert read(folder / "target.json") == document
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE) as reader:
        write(Path("pipe"), document)
        out, _ = reader.communicate(timeout=20)
    assert decode(out) == document
    assert (folder / "pipe").is_fifo()
    assert sorted(path.name for path in folder.iterdir()) == ["link.json", "pipe", "target.json"]


def test_a_refusal_says_the_name_once() -> None:
    from checker.terminal import refusal as shown

    refused = Refusal(what="a.py", fault="author", message="this line is not UTF-8.", file="a.py", line=6, advice="Save the file as UTF-8.")
    assert shown(refused).plain == "✗ a.py:6: this line is not UTF-8. Save the file as UTF-8."
    refused = Refusal(what="a.py::f", fault="author", message="f: the value is published as 6.", file="a.py", line=7)
    assert shown(refused).plain == "✗ a.py:7: f: the value is published as 6."
    refused = Refusal(what="a.py::f", fault="author", message="the function returned float.", file="a.py", line=7)
    assert shown(refused).plain == "✗ a.py:7: a.py::f: the function returned float."


# --- the other commands ----------------------------------------------------------------------------------------------------------


def test_list(checker: Any, folder: Path) -> None:
    written(folder, "a.py", GOOD, PLANTED)
    ran = checker("list", "a.py")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split() for line in ran.out.splitlines()] == [["a.py::good", "good"], ["a.py::planted", "planted"]]


def test_new_writes_an_exercise_that_passes_and_overwrites_nothing(checker: Any, folder: Path) -> None:
    assert checker("new", "mine.py") == Ran(0, "Wrote mine.py. Check it with: checker check mine.py\n", "")
    ran = checker("check", "mine.py", "--no-report", "--points", 1)
    assert ran.code == 0, ran.out
    assert "mine.py::weighted_squares" in ran.out
    before = (folder / "mine.py").read_bytes()
    assert checker("new", "mine.py") == Ran(2, "", "checker: mine.py exists already, and is left as it is: give another name.\n")
    assert (folder / "mine.py").read_bytes() == before
    assert checker("new", "mine.txt").err == "checker: mine.txt is no Python file: give a name that ends in .py.\n"
    assert checker("new", "no/mine.py").err == "checker: no/mine.py cannot be written: No such file or directory.\n"


def test_doctor_says_what_is_there_and_what_to_do(checker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_python_ends_without_looking_through_what_is_loaded(checker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_help_names_each_argument_once(checker: Any) -> None:
    assert checker("check", "--help").out.startswith("Usage: checker check [OPTIONS] [TARGET]...\n")
    assert checker("report", "--help").out.startswith("Usage: checker report [OPTIONS] [SOURCE]...\n")


def test_version(checker: Any) -> None:
    from checker import __version__

    assert checker("--version") == Ran(0, f"checker {__version__}\n", "")


def test_the_harness_failing_ends_with_3(checker: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(exercise: Any, settings: Any) -> Any:
        raise ZeroDivisionError("an internal table is empty")

    monkeypatch.setattr("checker.runner.run.__kwdefaults__", {**__import__("checker.runner").runner.run.__kwdefaults__, "examine": broken})
    ran = checker("check", written(folder, "a.py", GOOD), "--no-report")
    assert ran.code == 3
    assert "ZeroDivisionError: an internal table is empty" in ran.out
    assert "This is a fault of checker, not of the exercise" in " ".join(ran.out.split())


def test_names_cannot_move_the_cursor() -> None:
    from checker import terminal

    said = io.StringIO()
    terminal.refused([Refusal(what="a\x1b[2J", fault="author", file="b\r.py", line=None, message="c\x07 é ✓.", advice="")], stream=said)
    assert said.getvalue() == "✗ b\\r.py: a\\x1b[2J: c\\x07 é ✓.\n"


def test_an_error_cannot_move_the_cursor(checker: Any) -> None:
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


def test_the_sources_here_are_what_they_say() -> None:
    assert textwrap.dedent(GOOD) == GOOD  # written as files, so no indentation
