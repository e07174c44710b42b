"""A sentence for every bad input of `checker check` and `checker report`, and the other exercises still run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from sources import ENDLESS, GOOD, Ran, Run, written


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
    checker: Run, folder: Path, arguments: tuple[str, ...], sentence: str
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
def test_usage_errors_end_with_2(checker: Run, arguments: tuple[str, ...]) -> None:
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
    checker: Run, folder: Path, name: str, source: str, code: int | None, sentence: str
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


def test_an_exercise_that_never_ends_is_ended(checker: Run, folder: Path) -> None:
    ran = checker("check", written(folder, "a.py", GOOD, ENDLESS), "--no-report", "--points", 1, "--time-limit", 4)
    assert ran.code == 1
    assert "✗ a.py::endless: timed_out, expected agrees" in ran.out
    assert "Still running after 4 s. Does a loop here never end? If it only takes long, raise --time-limit." in " ".join(ran.out.split())
    assert "a.py::good     ✓ agrees" in ran.out


def test_a_target_that_does_not_exist(checker: Run, folder: Path) -> None:
    written(folder, "squares.py", GOOD)
    ran = checker("check", "square.py", "--no-report")
    assert ran.code == 2
    assert ran.out.startswith("✗ square.py: square.py does not exist. Did you mean squares.py")


def test_a_record_that_is_none(checker: Run, folder: Path) -> None:
    (folder / "record.json").write_text("{}", encoding="utf-8")
    ran = checker("report", "record.json")
    assert ran == Ran(2, "", "checker: record.json has schema None; this version reads 'gradient-checker/record/1'. "
                      "Check again to make a new record.\n")  # fmt: skip
    assert checker("report", "none.json").err == "checker: none.json cannot be read: No such file or directory.\n"
