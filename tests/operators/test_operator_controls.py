"""A checker that is wrong does not get past the operators: mutated ones are caught by the answers that they give.

The operators are ones that PyTorch gets right and ones that it gets wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from opdb.database import operators
from opdb.verdicts import answers

from checker import Verdict, look
from checker.judge.reference import Truth

CONTROLS = {
    "sin": (0, "certified"),
    "nn.functional.conv1d": (0, "certified"),
    "linalg.inv": (0, "certified"),
    "nn.functional.hardsigmoid": (0, "torch wrong: reverse and forward, by balls"),
    "nn.functional.max_unpool3d": (0, "torch wrong: reverse, by balls"),
}


def said() -> dict[str, str]:
    """What each operator is answered that is not what is due."""
    found = {name: answers(operators()[name], [number])[number].text for name, (number, _) in CONTROLS.items()}
    return {name: text for name, text in found.items() if text != CONTROLS[name][1]}


def test_the_checker_gives_the_answers_that_are_due() -> None:
    assert said() == {}


def test_one_that_always_agrees_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = look.compare

    def agreeing(*args: Any) -> Any:
        return [msgspec.structs.replace(c, verdict=Verdict.AGREES) for c in original(*args)]

    monkeypatch.setattr(look, "compare", agreeing)
    assert said() == {"nn.functional.hardsigmoid": "certified", "nn.functional.max_unpool3d": "certified"}


@pytest.mark.parametrize("factor", [1.0 + 1e-9, 2.0, 0.0])
def test_one_that_is_off_by_a_factor_is_caught(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    def off(truth: Truth) -> dict[str, Any]:
        assert truth.reference is not None
        return {part: {n: factor * a for n, a in getattr(truth.reference, part).items()} for part in ("high", "low")}

    changed(monkeypatch, off)
    found = said()
    assert {"sin", "nn.functional.conv1d", "linalg.inv"} <= found.keys()
    assert all(text.startswith("fault: ") for text in found.values())


def test_one_that_allows_any_error_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def lax(truth: Truth) -> dict[str, Any]:
        assert truth.reference is not None
        return {"allowed": {n: np.full_like(a, np.inf) for n, a in truth.reference.allowed.items()}}

    changed(monkeypatch, lax)
    assert {"nn.functional.hardsigmoid", "nn.functional.max_unpool3d"} <= said().keys()


def test_one_that_crashes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def crashing(*args: Any) -> Any:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(look, "compare", crashing)
    assert set(said().values()) == {"fault: crashed in crashing: ZeroDivisionError: planted"}


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[Truth], dict[str, Any]]) -> None:
    """Every truth is found, and then `change` replaces parts of its reference."""
    original = look.refer

    def other(*args: Any) -> Truth:
        truth = original(*args)
        assert truth.reference is not None
        return dataclasses.replace(truth, reference=dataclasses.replace(truth.reference, **change(truth)))

    monkeypatch.setattr(look, "refer", other)
