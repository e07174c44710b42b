"""Second order from every door: the library, an exercise's option, the command line, the record, the report."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.autograd import Function

from checker import GradientMismatch, Settings, Verdict, assert_gradients, check
from checker.cli import main
from checker.record import Document, Record, SecondOrderRecord
from checker.record_file import decode, encode
from checker.report import render

PAGE = (Path(__file__).parents[1] / "docs" / "second-order.md").read_text(encoding="utf-8")

FILE = '''
import torch
from jaxtyping import Float
from torch import Tensor

from checker import exercise


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x.detach() ** 2


@exercise(sizes={"n": 2}, second_order=True)
def penalty(x: Float[Tensor, "n"], w: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    """A right one."""
    return torch.tanh(w @ x).pow(2).sum()


@exercise(sizes={"n": 2})
def cut(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """Its gradient is right, the derivative of that is not."""
    return Cube.apply(x).sum()
'''


class Cube(Function):
    """x³, whose backward works on detached values."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * 3 * x.detach() ** 2


X = torch.tensor([1.0, -2.0], dtype=torch.float64)


def quadratic(x: Tensor, a: Tensor) -> Tensor:
    return x @ a @ x


def second(record: Record) -> SecondOrderRecord:
    (case,) = record.cases
    assert case.second is not None
    return case.second


def test_the_hessian_is_in_the_record() -> None:
    a = torch.tensor([[1.0, 2.0], [5.0, 3.0]], dtype=torch.float64)
    found = second(check(quadratic, X, a, second_order=True))
    assert found.verdict is Verdict.AGREES
    assert found.rows == ["x[0]", "x[1]", "a[0, 0]", "a[0, 1]", "a[1, 0]", "a[1, 1]"]
    assert found.reference is not None
    assert found.reference.kind == "certified"
    by_x = found.reference.gradients["x"]
    assert by_x.shape == (6, 2)
    assert by_x.values[:4] == [2.0, 7.0, 7.0, 6.0]  # A + Aᵀ
    assert by_x.values[4:6] == [2.0, 0.0]  # ∂/∂a₀₀ of (A + Aᵀ) x = 2 x₀ e₀
    assert [d.method for d in found.derivations] == ["reverse over reverse", "forward over reverse", "differences of gradients"]


def test_nothing_is_looked_at_that_was_not_asked_for() -> None:
    assert check(lambda x: (x**3).sum(), X).cases[0].second is None


def test_it_may_be_asked_for_by_the_settings() -> None:
    assert second(check(lambda x: (x**3).sum(), X, settings=Settings(second_order=True))).verdict is Verdict.AGREES


@pytest.mark.parametrize("point", [0.0, 1.0])
def test_a_gradient_that_is_not_right_has_no_derivative_worth_judging(point: float) -> None:
    record = check(lambda x: x.relu() - (-x).relu(), torch.tensor([point], dtype=torch.float64), second_order=True)
    assert record.verdict is (Verdict.AGREES if point else Verdict.WRONG)
    assert (record.cases[0].second is None) is (not point)


def test_a_backward_that_is_cut_off_is_right_once_and_wrong_twice() -> None:
    assert check(Cube.apply, X).verdict is Verdict.AGREES
    record = check(Cube.apply, X, second_order=True)
    assert record.verdict is Verdict.WRONG
    assert "second order: reverse over reverse: ∂²/∂" in record.explanation


def test_a_failed_assertion_names_the_entry() -> None:
    with pytest.raises(GradientMismatch, match=r"reverse over reverse: ∂²/∂x\[0\]∂x\[0\]: got 0, expected 6 within"):
        assert_gradients(lambda x: Cube.apply(x).sum(), X, second_order=True)


def test_the_record_and_its_page_hold_it(tmp_path: Path) -> None:
    record = check(lambda x: Cube.apply(x).sum(), X, second_order=True)
    document = decode(encode(Document(records=[record])))
    assert second(document.records[0]) == second(record)
    page = next((render([document], tmp_path).parent / "exercises").glob("*.html")).read_text(encoding="utf-8")
    assert "<h4>Second derivatives</h4>" in page
    assert "∂²/∂x[0]∂x[0]: got 0, expected 6 within" in page
    assert "a row for each of x[0], x[1]" in page
    assert "<code>∂²/∂x[0]∂x[0]</code>" in page


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["check", "--no-report", "--points", "1", "--dtype", "float64", *arguments])
    return int(ended.value.code or 0)


def test_an_exercise_may_ask_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "twice.py").write_text(FILE)
    record = tmp_path / "record.json"
    assert run(str(tmp_path / "twice.py"), "--record", str(record)) == 0
    asked = {r.exercise: [c.second is not None for c in r.cases] for r in decode(record.read_bytes()).records}
    assert asked == {"twice.py::penalty": [True], "twice.py::cut": [False]}


def test_the_command_line_may_ask_for_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "twice.py").write_text(FILE)
    assert run(str(tmp_path / "twice.py"), "--second-order") == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "✗ twice.py::cut: wrong, expected agrees at point 0 (sampled, float64), second order: reverse over reverse: ∂²/∂x[0]∂x[0]:" in shown
    )


def test_the_page_says_what_the_checker_says(capsys: pytest.CaptureFixture[str]) -> None:
    _, code, _, said, _ = PAGE.split("```", 4)
    exec(compile(code.removeprefix("python\n"), "page.py", "exec"), {})
    assert capsys.readouterr().out == said.lstrip("\n")


@pytest.mark.filterwarnings("ignore:torch.triangular_solve is deprecated")
def test_forward_over_reverse_of_a_triangular_solve_is_wrong_in_torch() -> None:
    b, a = torch.tensor([[1.0], [2.0]], dtype=torch.float64), torch.tensor([[2.0, 1.0], [0.5, 3.0]], dtype=torch.float64)
    record = check(lambda b, a: torch.triangular_solve(b, a.triu())[0].pow(2).sum(), b, a, second_order=True)
    found = {c.method: c.verdict for c in second(record).comparisons if c.argument == "b"}
    assert found == {"reverse over reverse": "agrees", "forward over reverse": "wrong", "differences of gradients": "agrees"}
