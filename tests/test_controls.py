"""A suite that every verifier must pass, and mutated verifiers that must not.

Each control is a function at a point with the verdict that is due. The real verifier meets all of them; one that always agrees, one that is
off by a factor and one that takes every gradient for zero must each be caught.
"""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
import torch

from checker import Settings, Verdict, check, look


class Flipped(torch.autograd.Function):
    """x² with one sign wrong in its backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        gradient = 2 * ctx.saved_tensors[0] * upstream
        gradient[-1] *= -1
        return gradient


CONTROLS = {
    "right": (lambda x: (x * x).sum(), Verdict.AGREES),
    "right and flat": (lambda x: (x * 0 + 1).sum(), Verdict.AGREES),
    "right, of a norm": (lambda x: x.norm(), Verdict.AGREES),
    "wrong sign": (lambda x: Flipped.apply(x).sum(), Verdict.WRONG),
    "history lost": (lambda x: (x.data * x).sum(), Verdict.WRONG),
}


def failures() -> list[str]:
    """Controls whose verdict is not the one that is due."""
    x = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64)
    found = {name: check(function, x, settings=Settings(methods=("reverse",))).verdict for name, (function, _) in CONTROLS.items()}
    return [name for name, (_, due) in CONTROLS.items() if found[name] is not due]


def test_the_verifier_meets_every_control() -> None:
    assert failures() == []


def test_one_that_always_agrees_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = look.compare

    def agreeing(*args):
        return [msgspec.structs.replace(c, verdict=Verdict.AGREES) for c in original(*args)]

    monkeypatch.setattr(look, "compare", agreeing)
    assert failures() == ["wrong sign", "history lost"]


@pytest.mark.parametrize("factor", [1.001, 2.0, -1.0])
def test_one_that_is_off_by_a_factor_is_caught(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    scaled(monkeypatch, factor)
    assert {"right", "right, of a norm"} <= set(failures())


def test_one_that_takes_every_gradient_for_zero_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    scaled(monkeypatch, 0.0)
    assert {"right", "right, of a norm"} <= set(failures())


def test_one_that_allows_any_error_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    original = look.refer

    def lax(*args):
        truth = original(*args)
        return dataclasses.replace(
            truth,
            reference=dataclasses.replace(
                truth.reference, allowed={n: np.full_like(a, np.inf) for n, a in truth.reference.allowed.items()}
            ),
        )

    monkeypatch.setattr(look, "refer", lax)
    assert {"wrong sign", "history lost"} <= set(failures())


def scaled(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    original = look.refer

    def off(*args):
        truth = original(*args)
        reference = truth.reference
        moved = {part: {n: factor * a for n, a in getattr(reference, part).items()} for part in ("high", "low")}
        return dataclasses.replace(truth, reference=dataclasses.replace(reference, **moved))

    monkeypatch.setattr(look, "refer", off)
