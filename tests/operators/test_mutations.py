"""One wrong entry of a gradient is seen and named, over some operators; `benchmarks/mutations.py` does the same over all of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import mutations
import numpy as np
import pytest
from opdb.mutation import CHANGE, Trial, altered, trial, visible

from checker import Verdict, look
from checker.values import Comparison, Derivation, Reference
from tests.cases import case_of

SEED = 4
NAMES = mutations.chosen([], 24, SEED)


@pytest.mark.parametrize("dtype", CHANGE)
@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_entry_is_named_and_a_right_gradient_agrees(name: str, dtype: str) -> None:
    for one in mutations.tried((name, dtype, SEED)).trials:
        assert (one.alarm, one.missed) == ("", "")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", NAMES[::3])
def test_no_false_alarm_in_half_precision(name: str, dtype: str) -> None:
    assert [one.alarm for one in mutations.tried((name, dtype, SEED)).trials if one.alarm] == []


def test_entries_that_rounding_may_move_as_far_are_left_out() -> None:
    given = Derivation(method="reverse", gradients={"x": np.array([[1.0, 1.0, 0.0, np.nan]])})
    allowed = {"x": np.array([[0.9e-7, 1.1e-7, 0.0, 0.0]])}  # 1e-6 · 1 is ten times 1e-7
    reference = Reference(kind="certified", high=given.gradients, low={}, radius={"x": np.zeros((1, 4))}, allowed=allowed, origin="by hand")
    assert visible(given, reference, 1e-6) == (4, [("x", (0, 0))])


def test_one_entry_is_altered_and_the_gradient_itself_is_not() -> None:
    given = Derivation(method="reverse", gradients={"x": np.array([2.0, 4.0]), "y": np.array(3.0)})
    changed = altered(given, "x", (1,), 0.5)
    np.testing.assert_array_equal(changed.gradients["x"], [2.0, 6.0])
    np.testing.assert_array_equal(given.gradients["x"], [2.0, 4.0])
    assert changed.gradients["y"] is given.gradients["y"]


def one_trial() -> Trial:
    return trial(case_of(lambda x: (x * x).sum(), x=[1.0, 2.0]), random.Random(0))


def mutated(monkeypatch: pytest.MonkeyPatch, change: Callable[[Comparison], dict[str, Any]]) -> None:
    """Every comparison is made, and then `change` replaces parts of it."""
    original = look.compare
    monkeypatch.setattr(look, "compare", lambda *args: [msgspec.structs.replace(c, **change(c)) for c in original(*args)])


def test_the_verifier_misses_nothing() -> None:
    assert one_trial() == Trial(entries=2, altered=True)


def test_one_that_always_agrees_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    mutated(monkeypatch, lambda c: {"verdict": Verdict.AGREES})
    assert one_trial().missed == "[1] of x was altered: agrees: altered agrees with the truth"


def test_one_that_names_another_entry_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    mutated(monkeypatch, lambda c: {"worst": msgspec.structs.replace(c.worst, index=(7,))})
    assert one_trial().missed == "[1] of x was altered, (7,) is named"


def test_one_that_always_objects_gives_a_false_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    mutated(monkeypatch, lambda c: {"verdict": Verdict.WRONG})
    assert one_trial().alarm.startswith("fault: reverse is called wrong, but an independent slope is 2 ")


def test_the_table_counts_what_was_tried() -> None:
    trials = [
        Trial(entries=5, excluded=2, zeros=1, altered=True),
        Trial(refused="subgradient"),
        Trial(alarm="x"),
        Trial(refused="wrong in PyTorch"),
    ]
    text = mutations.table([mutations.Tried(operator="sin", dtype="float64", trials=trials)])
    assert "| float64 | 1e-06 | 1 | 1 | 0 | 4 | 1 | 5 | 2 (40 %) | 1 | 1 | 1 | 0 |" in text
    assert "| sin | 2 of 5 |" in text
