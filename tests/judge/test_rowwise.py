"""A Jacobian of very many entries: its rows are judged along a direction, and its entries where a row is off."""

from __future__ import annotations

import pytest
import torch

from checker import Record, Settings, Verdict, check
from checker.record import CaseRecord

ONLY = Settings(methods=("reverse",))
WEIGHT = torch.randn(150, 200, generator=torch.Generator().manual_seed(1), dtype=torch.float64)  # 30,000 entries


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def only(record: Record) -> CaseRecord:
    return record.cases[0]


def layer(x: torch.Tensor) -> torch.Tensor:
    return torch.tanh(WEIGHT.to(x.dtype) @ x / 14)


class Layer(torch.autograd.Function):
    """W x, with one entry of W multiplied in the backward pass."""

    @staticmethod
    def forward(ctx, x, row, column, factor):
        ctx.place, ctx.factor = (row, column), factor
        return WEIGHT @ x

    @staticmethod
    def backward(ctx, g):
        other = WEIGHT.clone()
        other[ctx.place] *= ctx.factor
        return g @ other, None, None, None


def test_the_rows_of_a_right_one_agree_to_rounding() -> None:
    record = check(layer, draw(200), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.AGREES
    [found] = only(record).comparisons
    assert found.message.startswith("every row of ∂f/∂x agrees along a random direction (seed ")
    assert found.message.endswith(" would not show")
    assert isinstance(found.absolute, float)
    assert 0.0 < found.absolute < 1e-12
    assert only(record).reference is not None
    assert "every row of which values tell" in only(record).reference.origin  # type: ignore[union-attr]


@pytest.mark.parametrize("factor", [-1.0, 0.0, 1 + 1e-6, 1 + 1e-10])
def test_one_wrong_entry_is_named_with_its_true_value(factor: float) -> None:
    row, column = divmod(int(torch.argmin((WEIGHT.abs() - 0.5).abs())), 200)  # a typical one
    record = check(lambda x: Layer.apply(x, row, column, factor).sin(), draw(200), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.WRONG
    assert f"∂f[{row}]/∂x[{column}]: got " in record.explanation
    worst = only(record).comparisons[0].worst
    assert worst is not None
    true = torch.cos(WEIGHT @ draw(200))[row] * WEIGHT[row, column]  # (sin W x)′ = cos(W x) W
    assert worst.expected == pytest.approx(float(true), rel=1e-9)


def test_each_of_two_arguments_is_judged() -> None:
    def both(x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        return Layer.apply(x, 3, 9, 1 + 1e-7) * torch.sin(WEIGHT @ z)

    record = check(both, draw(200), draw(200, seed=2), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.WRONG
    assert {c.argument: c.verdict for c in only(record).comparisons} == {"x": Verdict.WRONG, "z": Verdict.AGREES}
    assert "∂f[3]/∂x[9]: got " in record.explanation


def test_a_kink_in_one_row_is_not_taken_for_smooth() -> None:
    x = draw(200)
    shift = (WEIGHT @ x) * torch.tensor([1.0] + [0.0] * 149)  # the first row of the sum is exactly 0
    record = check(lambda x: (WEIGHT @ x - shift).abs(), x, mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "the mode vjp tells which gradients are valid here" in record.explanation


def test_rows_that_depend_on_nothing_are_zero() -> None:
    record = check(lambda x: torch.relu(layer(x) - 0.5), draw(200), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.AGREES
    assert "every row" in only(record).comparisons[0].message


def test_a_detached_part_is_found() -> None:
    record = check(lambda x: layer(x) + x.data[:150] ** 2, draw(200), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.WRONG
    assert "∂f[" in record.explanation


def test_in_float32_and_with_a_tolerance_every_entry_is_compared() -> None:
    narrow = check(layer, draw(200), mode="jacobian", settings=Settings(methods=("reverse",), dtypes=("float32",)))
    wide = check(layer, draw(200), mode="jacobian", settings=Settings(methods=("reverse",), tolerance=1e-9))
    for record in (narrow, wide):
        assert record.verdict is Verdict.AGREES
        assert only(record).comparisons[0].message == "every entry of ∂f/∂x agrees"


def test_every_method_is_judged_by_rows() -> None:
    record = check(layer, draw(200), mode="jacobian", settings=Settings(methods=("reverse", "forward", "differences")))
    assert record.verdict is Verdict.AGREES
    said = {c.method: c.message for c in only(record).comparisons}
    assert set(said) == {"reverse", "forward", "differences"}
    assert all(message.startswith("every row of ∂f/∂x agrees") for message in said.values())
