"""Paths that no random point takes are found by pushing every decision over its boundary."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from checker import Example, Settings, Verdict
from checker.catalogue import find
from checker.examine import examine
from checker.tape.leaks import Noticed

QUICK = Settings(methods=("certified", "reverse"), dtypes=("float64",), points=1)

HEAD = "import torch\nfrom jaxtyping import Float\nfrom torch import Tensor\nfrom checker import exercise\n\n\n"


@pytest.fixture
def made(tmp_path: Path):
    def make(body: str):
        file = tmp_path / "mine.py"
        file.write_text(HEAD + body)
        (exercise,) = find([str(file)]).exercises
        return exercise

    return make


NARROW = """@exercise(sizes={"n": 3})
def narrow(x: Float[Tensor, "n"]):
    s = (x * x).sum()
    if s < 7.0:
        return s
    if s > 7.001:
        return 2 * s
    return (s - 7.0) ** 2 + 3.0 * x[0].%s
"""


def test_a_path_that_no_draw_takes_is_found(made) -> None:
    record = examine(made(NARROW % "detach()"), QUICK)
    assert len(record.paths) == 3
    assert [c.origin for c in record.cases].count("new path") == 2
    assert record.notes == []


def test_a_mistake_on_such_a_path_is_found(made) -> None:
    record = examine(made(NARROW % "data"), QUICK)
    assert record.verdict is Verdict.WRONG
    assert "the gradient is lost by data on mine.py:" in record.explanation


def test_scalars_that_python_compares_are_pushed_too(made) -> None:
    body = '@exercise\ndef far(x: Float[Tensor, ""]):\n    if x.exp().item() > 1e9:\n        return x * x\n    return 3 * x\n'
    record = examine(made(body), QUICK)
    assert len(record.paths) == 2
    (beyond,) = [c for c in record.cases if c.origin == "new path"]
    assert beyond.verdict is Verdict.AGREES


def test_points_that_the_function_refuses_do_not_end_the_search(made) -> None:
    body = (
        '@exercise\ndef choosy(x: Float[Tensor, ""]):\n    if abs(float(x.detach())) > 50.0:\n        raise ValueError("too far")\n'
        "    if x > 3.0:\n        return x * x\n    if x < -3.0:\n        return -x\n    return 2 * x\n"
    )
    record = examine(made(body), QUICK)
    assert len(record.paths) == 3


def test_a_boundary_outside_the_domain_is_not_crossed(made) -> None:
    body = (
        "from checker.inputs import interval\n\n\n"
        '@exercise(domains={"x": interval(0.0, 1.0)})\ndef inner(x: Float[Tensor, ""]):\n'
        "    if x > 2.0:\n        return x * x\n    return 2 * x\n"
    )
    assert len(examine(made(body), QUICK).paths) == 1


def test_the_search_says_where_it_ended(made) -> None:
    body = '@exercise\ndef doubling(x: Float[Tensor, ""]):\n    b = x * 2\n    while b.norm() < 1000:\n        b = b * 2\n    return b\n'
    record = examine(made(body), QUICK)
    assert len(record.paths) == 6
    assert record.notes == ["6 execution paths were followed; the search for more ended there"]


@pytest.mark.parametrize(
    "condition",
    [
        "a.item() > 1000",  # of an argument itself
        "a.item() - 1000 > 0",
        "3 - 2 * a.item() / 7 < -50.0",
        "abs(a.item() - 50) < 0.5",
        "abs(-a.item()) > 2000",
        "(a - 3.14159).abs() < 1e-4",  # a long step goes over it and back
        "a == 5",
        "a.item() == 5",
        "a.exp().item() + 1 > 1e9",
    ],
)
def test_what_python_makes_of_a_scalar_before_it_compares_is_followed(made, condition: str) -> None:
    body = f'@exercise(expects="wrong")\ndef rare(a: Float[Tensor, ""]):\n    return a * a.item() if {condition} else a * a\n'
    record = examine(made(body), QUICK)
    assert record.verdict is Verdict.WRONG, record.explanation
    assert "(new path, float64), reverse: gradient of a: got " in record.explanation


def test_a_scalar_is_followed_as_long_as_it_is_one_times_a_number_plus_a_number() -> None:
    noted = []
    t = torch.tensor(2.0)
    value = Noticed(2.0, t, lambda tensor, comparison, bound, outcome: noted.append((comparison, bound, outcome)))
    assert [(3 - 2 * value) / 4 < 1.0, abs(value - 5) > 1, value + value > 3, value * 0 > 1] == [True, True, True, False]
    assert (value**2, value * 3, -value) == (4.0, 6.0, -2.0)
    # (3 − 2t)/4 < 1 where t > −½; t − 5 < 0, and then 5 − t > 1; of t + t and of 0·t nothing is known
    assert noted[:3] == [("gt", -0.5, True), ("lt", 5.0, True), ("lt", 4.0, True)]
    assert [n for n in noted[3:] if n[0] != "eq"] == []


def test_a_scalar_is_compared_with_any_number_and_its_copy_is_a_plain_one() -> None:
    noted, t = [], torch.tensor(2.0)
    value = Noticed(2.0, t, lambda tensor, comparison, bound, outcome: noted.append((comparison, bound, outcome)))
    assert [value < 10**400, value > -(10**400), -value < 10**400] == [True, True, True]
    assert noted == [("lt", float("inf"), True), ("gt", -float("inf"), True), ("gt", -float("inf"), True)]
    copied = copy.deepcopy({"kept": value})["kept"]
    assert (type(copied), copied) == (float, 2.0)


@pytest.mark.parametrize(
    ("condition", "how"),
    [
        ("float(a) > 777", "float()"),
        ("int(a) > 777", "int()"),
        ("a.detach().numpy() > 1000", "numpy"),
        ("a.tolist() > 1000", "tolist"),
        ("round(a.item()) == 4321", "item"),
    ],
)
@pytest.mark.filterwarnings("ignore:Converting a tensor")
def test_what_cannot_be_followed_is_said(made, condition: str, how: str) -> None:
    body = f'@exercise\ndef hidden(a: Float[Tensor, ""]):\n    return a * a.detach() if {condition} else a * a\n'
    exercise = made(body)
    said = f"path unseen: what Python makes of {how} on mine.py:9 is not followed, and may lead where no point was"
    assert said in examine(exercise, QUICK).notes
    assert said not in examine(exercise, replace(QUICK, at=(Example({"a": 1.0}),))).notes  # nobody asked for other points
