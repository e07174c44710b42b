"""No operator of PyTorch's database is lost in silence: the table is up to date, by name and by answer.

Of every operator the quickest sample is asked again for each answer that the table gives. All samples: `python docs/generate_operators.py`.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from opdb.database import operators
from opdb.page import CERTIFIED, FAULTS, GROUPS, group, page, statuses, verified
from opdb.verdicts import answers

DOCS = Path(__file__).parents[2] / "docs"
FOUND: dict[str, Any] = json.loads((DOCS / "operators.json").read_text(encoding="utf-8"))
OPERATORS: dict[str, Any] = FOUND["operators"]
HINT = "python docs/generate_operators.py"


def generator() -> Any:
    spec = importlib.util.spec_from_file_location("generate_operators", DOCS / "generate_operators.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def same_torch() -> None:
    """Another torch has other operators and other samples."""
    if f"torch {torch.__version__.partition('+')[0]}" not in FOUND["machine"]:
        pytest.skip(f"docs/operators.json was made with {FOUND['machine']}, this is torch {torch.__version__}: run {HINT}")


def test_the_page_says_what_the_answers_say() -> None:
    assert (DOCS / "operators.md").read_text(encoding="utf-8") == page(FOUND), f"run {HINT} sin"


@pytest.mark.usefixtures("same_torch")
def test_every_operator_of_the_database_is_there_by_name() -> None:
    lost, new = operators().keys() - OPERATORS.keys(), OPERATORS.keys() - operators().keys()
    assert (lost, new) == (set(), set()), f"run {HINT}"


def test_as_many_are_verified_as_was_asked() -> None:
    assert sum(verified(entry["answers"]) for entry in OPERATORS.values()) >= 480
    assert sum(group(entry["answers"]) is CERTIFIED for entry in OPERATORS.values()) >= 360


def test_the_checker_itself_is_wrong_nowhere_else_than_is_known() -> None:
    assert [name for name, entry in OPERATORS.items() if group(entry["answers"]) is FAULTS] == []


@pytest.mark.usefixtures("same_torch")
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_is_answered_as_the_table_says(name: str) -> None:
    listed = {n: text for text, which in OPERATORS[name]["answers"].items() for n in generator().numbers(which)}
    again = OPERATORS[name]["again"]
    said = {n: answer.text for n, answer in answers(operators()[name], again).items()}
    changed = [f"sample {n} was {listed[n]!r}, is now {said[n]!r}" for n in again if said[n] != listed[n]]
    assert changed == [], f"{name}: {'; '.join(changed)}. If that is meant, run {HINT} '{name}'"


@pytest.mark.parametrize(
    ("answered", "title"),
    [
        ({"certified": "0-3"}, "Certified by balls"),
        ({"certified": "0-3", "jump": "4"}, "Certified by balls"),
        ({"certified": "0", "torch wrong: reverse, by balls": "1"}, "Certified by balls"),
        ({"certified": "0", "torch wrong: reverse, by differences": "1"}, "Certified on some samples"),
        ({"certified": "0", "differences: aten.x has no rule here": "1"}, "Certified on some samples"),
        ({"projection: too many entries to enclose each": "1"}, "Checked by differences"),
        ({"subgradient": "0"}, "Nowhere smooth"),
        ({"certified": "0", "inconclusive: why": "1"}, "Open on some samples"),
        ({"certified": "0", "unsupported: sparse": "1"}, "Unsupported"),
        ({"unusable: no output needs a gradient": "0"}, "No usable samples"),
        ({"certified": "0", "unusable: no output needs a gradient": "1"}, "Certified by balls"),
        ({"certified": "0", "fault: crashed": "1", "unsupported: sparse": "2"}, "Mistakes of the checker"),
    ],
)
def test_the_worst_answer_puts_an_operator_in_its_section(answered: dict[str, str], title: str) -> None:
    assert group(answered).title == title
    assert title in {g.title for g in GROUPS}


def test_numbers_are_written_in_short_and_read_back() -> None:
    made = generator()
    for numbers in ([0], [0, 1, 2, 5], [3, 7, 8, 9, 11]):
        assert made.numbers(made.ranges(numbers)) == numbers
    assert made.ranges([0, 1, 2, 5]) == "0-2, 5"
    assert statuses({"certified": "0-2, 5", "torch wrong: reverse, by balls": "3"}) == {"certified": 4, "torch wrong": 1}
