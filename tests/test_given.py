"""Points that a person gives: what is read, what is refused and how, and that nothing else is checked."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from checker import Settings, Verdict
from checker.catalogue import find
from checker.cli import main
from checker.errors import ExerciseError, UsageError
from checker.examine import examine
from checker.given import given, point

QUICK = ("certified", "reverse")


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("a=1000/1024", {"a": 0.9765625}),
        ("x=[1, 2/3, -pi], w=3", {"x": [1, 2 / 3, -math.pi], "w": 3}),
        ("x=[[1, 2], [3, 4]]", {"x": [[1, 2], [3, 4]]}),
        ("mask=[True, False], x=(-inf, inf)", {"mask": [True, False], "x": [-math.inf, math.inf]}),
        ("x=sqrt(2)*1e-3", {"x": math.sqrt(2) * 1e-3}),
    ],
)
def test_numbers_are_read_and_may_be_computed(text: str, inputs: dict) -> None:
    assert point(text).inputs == inputs


def test_an_upstream_may_stand_beside_the_inputs() -> None:
    example = point("x=[1, 2], upstream=[1, 0]")
    assert (example.inputs, example.upstream) == ({"x": [1, 2]}, [1, 0])


def test_a_file_of_arrays_is_a_point(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", **{"layer.weight": np.eye(2)})
    np.testing.assert_array_equal(point(str(tmp_path / "p.npz")).inputs["layer.weight"], np.eye(2))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x=[1, 2", "cannot be read. Write --at"),
        ("[1, 2]", "gives no value to a name. Write --at"),
        ("**x", "gives no value to a name"),
        ("x=__import__('os')", "means nothing here"),
        ("x=y", "y is no name here"),
        ("x=9**9**9**9", "too large"),
        ("nowhere.npz", "there is no such file"),
    ],
)
def test_what_cannot_be_read_says_how_to_write_it(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence.replace("*", r"\*")):
        point(text)


def test_a_pickle_in_a_file_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", x=np.array([object()]))
    with pytest.raises(UsageError, match=r"holds no arrays that can be read \(ValueError\)"):
        point(str(tmp_path / "p.npz"))


@pytest.fixture
def scaled(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from jaxtyping import Float\nfrom torch import Tensor\nfrom checker import exercise\n\n\n"
        '@exercise(sizes={"n": 4})\ndef scaled(x: Float[Tensor, "n"], w: Float[Tensor, "n"]):\n    return (w * x.abs()).sum()\n'
    )
    return file


def test_only_the_given_point_is_checked_and_the_rest_is_drawn_to_fit(scaled: Path) -> None:
    (exercise,) = find([str(scaled)]).exercises
    settings = Settings(methods=QUICK, dtypes=("float64",), at=(point("x=[1, 0]"), point("x=[3, -2, 5]")))
    cases = list(given(exercise, settings))
    assert [tuple(c.arguments["w"].shape) for c in cases] == [(2,), (3,)]  # w follows x: both are "n"
    record = examine(exercise, settings)
    assert [(c.origin, c.verdict) for c in record.cases] == [("given", Verdict.SUBGRADIENT), ("given", Verdict.AGREES)]
    assert torch.equal(cases[0].arguments["x"], torch.tensor([1.0, 0.0], dtype=torch.float64))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("q=1", "--at names 'q', which is no input; inputs are x, w"),
        ("x=[[1]]", '--at gives x the shape \\(1, 1\\); declared is "n"'),
        ("x=[1, 2], w=[1]", '--at gives w the shape \\(1,\\); declared is "n" with n = 2'),
        ("x=[[1], [2, 3]]", "--at gives x a value that is no tensor"),
    ],
)
def test_a_point_that_does_not_fit_is_refused(scaled: Path, text: str, sentence: str) -> None:
    (exercise,) = find([str(scaled)]).exercises
    with pytest.raises(ExerciseError, match=sentence):
        examine(exercise, Settings(methods=QUICK, at=(point(text),)))


def test_the_command_line_checks_a_jump_and_its_neighbour(tmp_path: Path, monkeypatch, capsys) -> None:
    file = tmp_path / "branches.py"
    file.write_text(
        "from jaxtyping import Float\nfrom torch import Tensor\nfrom checker import exercise\n\n\n"
        '@exercise\ndef f(a: Float[Tensor, ""]):\n    b = a * 2\n    while b.norm() < 1000:\n        b = b * 2\n    return b\n'
    )
    monkeypatch.chdir(tmp_path)
    codes = []
    for text in ("a=1000/1024", "a=1000/1024 + 1e-7"):
        with pytest.raises(SystemExit) as ended:
            main(["check", "branches.py", "--at", text, "--no-report", "--dtype", "float64", "--method", "reverse"])
        codes.append(ended.value.code)
    assert codes == [1, 0]
    assert "jump" in capsys.readouterr().out


def test_a_name_with_two_values_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^--at 'x=1, x=2' gives x two values\. Give each point an --at of its own\.$"):
        point("x=1, x=2")
