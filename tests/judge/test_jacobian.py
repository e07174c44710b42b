"""Every entry of the Jacobian: the wrong one is named, the right ones are let alone, and what is too large is said beforehand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker import GradientMismatch, Record, Settings, UsageError, Verdict, assert_gradients, check
from checker.methods.jacobian import outputs_of, units_of
from checker.record import CaseRecord
from tests.cases import case_of

ONLY = Settings(methods=("reverse",))
WEIGHT = torch.randn(30, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def draw(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def case(record: Record) -> CaseRecord:
    return record.cases[0]


class Scaled(torch.autograd.Function):
    """sin entry by entry, with one wrong entry in its derivative."""

    @staticmethod
    def forward(ctx, x, place, factor):
        ctx.save_for_backward(x)
        ctx.place, ctx.factor = place, factor
        return torch.sin(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        slope = torch.cos(x)
        slope.view(-1)[ctx.place] *= ctx.factor
        return g * slope, None, None


class Stray(torch.autograd.Function):
    """Weights times x, or sin x, with something added to one entry of the Jacobian."""

    @staticmethod
    def forward(ctx, x, dense, row, column, by):
        ctx.save_for_backward(x)
        ctx.dense, ctx.row, ctx.column, ctx.by = dense, row, column, by
        return torch.tanh(WEIGHT) @ torch.sin(x) if dense else torch.sin(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        gradient = (g @ torch.tanh(WEIGHT) if ctx.dense else g) * torch.cos(x)
        gradient = gradient.clone()
        gradient[ctx.column] = gradient[ctx.column] + ctx.by * g[ctx.row]
        return gradient, None, None, None, None


@pytest.mark.parametrize("n", [20, 1024], ids=["enclosed", "by differences"])
def test_the_wrong_entry_of_an_elementwise_function_is_named(n: int) -> None:
    record = check(lambda x: Scaled.apply(x, 17, 1 + 1e-6), draw(n), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.WRONG
    assert "reverse: ∂f[17]/∂x[17]: got " in record.explanation
    found = case(record).comparisons[0].worst
    assert found is not None
    assert found.index == (17, 17)
    assert found.expected == pytest.approx(float(draw(n).cos()[17]), rel=1e-9)
    assert isinstance(found.allowed, float)
    assert found.allowed < 1e-9


@pytest.mark.parametrize(("dense", "n"), [(True, 40), (False, 1024), (False, 10)])
def test_an_entry_that_should_not_be_there_is_named(dense: bool, n: int) -> None:
    record = check(lambda x: Stray.apply(x, dense, 3, 9, 1e-7), draw(n), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.WRONG
    assert "∂f[3]/∂x[9]: got " in record.explanation, record.explanation


def test_an_entry_that_is_not_a_number_is_wrong_wherever_it_is() -> None:
    record = check(lambda x: Stray.apply(x, False, 3, 9, float("nan")), draw(1024), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.WRONG
    assert "∂f[0]/∂x[9]: got nan, expected 0 within 0" in record.explanation


def test_two_mistakes_that_cancel_in_a_product_are_seen() -> None:
    class Swapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return torch.stack([2 * x, 3 * x])

        @staticmethod
        def backward(ctx, g):
            return 3 * g[0] + 2 * g[1]

    ones = Settings(methods=("reverse",), tolerance=1e-6)
    record = check(Swapped.apply, draw(5), mode="jacobian", settings=ones)
    assert record.verdict is Verdict.WRONG
    assert "∂f[0, 0]/∂(input 0)[0]: got 3, expected 2" in record.explanation


RIGHT = {
    "dense": lambda x: torch.tanh(WEIGHT) @ torch.sin(x),
    "softmax": lambda x: x.softmax(0),
    "running": lambda x: torch.sin(x).cumsum(0),
    "number": lambda x: x.norm(),
    "outer": lambda x: x[:5, None] * x,
    "elementwise": lambda x: torch.nn.functional.gelu(x) * x,
    "cancelling": lambda x: torch.log1p(1e-6 * x) - 1e-6 * x,
    "small beside large": lambda x: 1 + 1e-12 * torch.sin(x),
    "one beside many": lambda x: 1e6 * x.sum() + 1e-6 * torch.sin(x),
    "steep": lambda x: torch.sin(1000 * x),
    "branches": lambda x: torch.where(x > 0, x**2, x**3),
    "sorted": lambda x: x.sort().values,
    "permuted": lambda x: x.flip(0) * 2,
    "constant": lambda x: x.detach() + torch.zeros_like(x) * x,
    "independent": lambda x: torch.ones(3, dtype=x.dtype) * x.sum().detach() + 0 * x[0],
}


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_right_jacobians_agree(name: str, dtype: torch.dtype) -> None:
    function = RIGHT[name]
    if name == "dense" and dtype is torch.float32:
        function = lambda x: torch.tanh(WEIGHT.float()) @ torch.sin(x)  # noqa: E731
    record = check(function, draw(40, dtype=dtype), mode="jacobian", settings=Settings(methods=("reverse", "forward", "differences")))
    if name == "cancelling" and dtype is torch.float32:  # float32 keeps no digit of it
        assert record.verdict is Verdict.INCONCLUSIVE
        assert "a wider dtype than float32 would settle it" in record.explanation
        return
    assert record.verdict is Verdict.AGREES, record.explanation
    assert {c.method for c in case(record).comparisons} == {"reverse", "forward", "differences"}
    assert all(c.message == "every entry of ∂f/∂x agrees" for c in case(record).comparisons)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_the_jacobian_of_a_product_is_its_matrix(rows: int, columns: int, seed: int) -> None:
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    record = check(lambda x: matrix @ x, draw(columns), mode="jacobian", settings=Settings(methods=("reverse", "differences")))
    assert record.verdict is Verdict.AGREES, record.explanation
    for derivation in case(record).derivations:
        assert derivation.gradients["x"].shape == (rows, columns)
        assert derivation.gradients["x"].values == pytest.approx(matrix.flatten().tolist(), abs=1e-7)


def test_several_arguments_and_outputs_are_rows_of_one_jacobian() -> None:
    record = check(lambda x, y: (x * y, x @ y, x.argmax()), draw(4), draw(4) + 1, mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert {name: g.shape for name, g in case(record).derivations[0].gradients.items()} == {"x": (5, 4), "y": (5, 4)}


def test_the_output_is_named_where_there_are_several() -> None:
    record = check(lambda x: (2 * x.detach().requires_grad_() + x * 0, Scaled.apply(x, 2, -1.0).reshape(3, 4)), draw(12), mode="jacobian")
    assert record.verdict is Verdict.WRONG
    record = check(lambda x: (x * 2, Scaled.apply(x, 2, -1.0).reshape(3, 4)), draw(12), mode="jacobian", settings=ONLY)
    assert "∂f₁[0, 2]/∂x[2]: got " in record.explanation


def test_what_cannot_be_mapped_is_taken_row_by_row_and_said() -> None:
    class ByHand(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.sin(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return torch.from_numpy(g.numpy() * x.cos().detach().numpy())

    record = check(ByHand.apply, draw(6), mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.AGREES, record.explanation
    assert "Batching rule not implemented" in case(record).derivations[0].details["looped"]


@pytest.mark.parametrize("n", [17, 400])
def test_at_a_kink_nothing_is_said_of_many_rows(n: int) -> None:
    x = draw(n)
    x[1] = 0.0
    record = check(torch.relu, x, mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "the mode vjp tells which gradients are valid here" in record.explanation


@pytest.mark.parametrize(
    ("function", "x", "verdict", "sentence"),
    [
        (torch.relu, [1.0, 0.0], Verdict.SUBGRADIENT, "∂f[1]: not differentiable here; a convex combination of the gradients nearby"),
        (torch.floor, [0.5, 2.0], Verdict.JUMP, "∂f[1]: not continuous here: the value moves by 1 however near the point is approached"),
        (torch.sqrt, [1.0, 0.0], Verdict.UNDEFINED, "∂f[1]: the slope grows without bound toward this point"),
        (lambda x: x.relu() - (-x).relu(), [1.0, 0.0], Verdict.WRONG, "∂f[1]: gradient of x at [1]: got 0, expected 1: every branch"),
        (lambda x: x.abs().sum() * x, [1.0, 0.0], Verdict.SUBGRADIENT, "∂f[0]: not differentiable here; a convex combination"),
        (lambda x: (x * x).sum().sqrt() * x, [0.0, 0.0], Verdict.WRONG, "∂f[0]: gradient of x"),
    ],
)
def test_at_a_kink_each_row_is_judged_as_the_gradient_of_its_output(function, x: list[float], verdict: Verdict, sentence: str) -> None:
    record = check(function, torch.tensor(x, dtype=torch.float64), mode="jacobian", settings=Settings(methods=("reverse",)))
    assert record.verdict is verdict, record.explanation
    assert sentence in record.explanation
    every = check(function, torch.tensor(x, dtype=torch.float64), mode="jacobian")
    assert every.verdict is verdict, every.explanation


class WithoutConjugate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z * z

    @staticmethod
    def backward(ctx, upstream):
        (z,) = ctx.saved_tensors
        return upstream * 2 * z


def test_rows_of_complex_outputs_are_named_by_their_part() -> None:
    z = torch.tensor([[1 + 2j, 3 - 1j]], dtype=torch.complex128)
    record = check(lambda z: WithoutConjugate.apply(z), z, mode="jacobian", settings=ONLY)
    assert record.verdict is Verdict.WRONG
    assert "∂f[0, 0].real/∂z[0, 0].imag: got 4, expected -4" in record.explanation
    pairs = check(lambda z: torch.view_as_real(WithoutConjugate.apply(z)), z, mode="jacobian", settings=ONLY)
    assert "∂f[0, 0, 0]/∂z[0, 0].imag: got 4, expected -4" in pairs.explanation  # pairs of real numbers are its own output


def test_near_the_edge_of_a_domain_and_near_a_kink_the_steps_are_short() -> None:
    x = torch.tensor([1e-3, -1e-7, 2.0, 1e-5], dtype=torch.float64)
    record = check(
        lambda x: torch.relu(x) * x.abs().sqrt().sum(), x, mode="jacobian", settings=Settings(methods=("reverse", "differences"))
    )
    assert record.verdict is Verdict.AGREES, record.explanation


def test_what_is_too_large_says_so_before_it_takes_memory() -> None:
    with pytest.raises(UsageError) as refused:
        check(lambda x: x * 2, torch.ones(20_000), mode="jacobian", settings=Settings(memory=1 << 30))
    assert str(refused.value) == (
        "the Jacobian has 20,000 × 20,000 entries and would take 23.8 GiB, where 1 GiB are allowed. Ask for the mode projection, which "
        "judges it along random directions, or for more memory."
    )


def test_what_would_take_too_long_says_so() -> None:
    with pytest.raises(UsageError, match=r"its columns would take 5e\+11 scalar operations\. Ask for the mode projection"):
        check(lambda x: (x * x.sum()).sum(), torch.ones(400_000), mode="jacobian")


def test_a_mode_that_there_is_not_is_refused() -> None:
    with pytest.raises(UsageError, match=r"mode 'jacobean': there is no such mode\. Did you mean jacobian"):
        check(torch.sin, draw(2), mode="jacobean")


def test_an_assertion_names_the_entry() -> None:
    with pytest.raises(GradientMismatch, match=r"∂f\[1\]/∂x\[1\]: got "):
        assert_gradients(lambda x: Scaled.apply(x, 1, 2.0), x=draw(4), mode="jacobian")


def test_methods_of_products_say_that_they_are() -> None:
    derivations = {d.method: d for d in case(check(torch.sin, draw(3), mode="jacobian")).derivations}
    assert derivations["symbolic"].problem is not None
    assert derivations["symbolic"].problem.message == "symbols are written of a vector–Jacobian product, not of every row of J"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("function", [torch.sin, lambda x: x.sin().sum(), lambda x: x.cumsum(0)], ids=["pointwise", "one row", "rows"])
def test_half_precision_has_a_jacobian_too(function, dtype) -> None:
    record = check(function, torch.tensor([0.5, -1.0, 2.0], dtype=dtype), mode="jacobian")
    assert record.verdict is Verdict.AGREES, record.explanation


def test_every_row_is_selected_in_the_order_of_entries_whatever_the_layout() -> None:
    layout = torch.ones_like(torch.zeros(2, 3).T)  # of shape (3, 2), column after column in memory
    assert not layout.is_contiguous()
    case = replace(case_of(lambda x: x.T, x=draw(2, 3)), upstream=(layout, None, torch.ones(())))
    rows = list(units_of(case))
    assert len(rows) == outputs_of(case) == 7
    assert [row[0].reshape(-1).tolist() for row in rows[:6]] == torch.eye(6).tolist()
    assert [float(row[2]) for row in rows] == [0.0] * 6 + [1.0]
    assert all(row[1] is None for row in rows)
