"""Where one triangle is read and the gradient is that on symmetric matrices, what moves single entries does not judge."""

from __future__ import annotations

import pytest
import torch

from checker import Settings, Verdict, check
from checker.tape.record import record
from checker.tape.symmetry import presumed_symmetric

A = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64)

READING = [
    torch.linalg.cholesky,
    torch.linalg.eigvalsh,
    lambda x: torch.linalg.eigh(x)[0].exp(),
    lambda x: torch.linalg.pinv(x, hermitian=True),
    lambda x: torch.cholesky_inverse(torch.linalg.cholesky(x)),
]


@pytest.mark.parametrize("function", READING)
def test_an_unsymmetric_reading_is_found_and_a_symmetric_one_is_not(function) -> None:
    for symmetric in (False, True):
        tape = record(lambda arguments: (function((arguments["x"] + arguments["x"].mT) / 2 if symmetric else arguments["x"]),), {"x": A})  # noqa: B023
        assert (presumed_symmetric(tape, {"x": A}, 0) is None) == symmetric


@pytest.mark.parametrize("function", READING)
def test_the_gradient_on_symmetric_matrices_agrees(function) -> None:
    record = check(function, A, settings=Settings(methods=("certified", "differences", "reverse", "forward")))
    assert record.verdict is Verdict.AGREES, record.explanation
    (differences,) = [d for d in record.cases[0].derivations if d.method == "differences"]
    assert differences.problem is not None
    assert "reads one triangle, and reverse mode gives the gradient on symmetric matrices" in differences.problem.message


def test_a_function_that_reads_no_triangle_is_not_asked() -> None:
    assert presumed_symmetric(record(lambda arguments: (torch.linalg.inv(arguments["x"]),), {"x": A}), {"x": A}, 0) is None
