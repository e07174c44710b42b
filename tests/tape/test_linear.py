"""Linear algebra in balls, against closed forms and mpmath; refusals by name."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch

from checker.errors import Unsupported
from checker.tape.record import record
from checker.tape.symbolic import express
from tests.tape.enclosed import certified, gradient, matrix, tensors


def test_cholesky_solve_and_inverse_do_not_read_the_other_triangle_though_torch_says_so():
    """L = [[2, 0], [1, 3]], b = (1, 1): f = |L⁻¹b|² = 1/l₁₁² + (1 − l₂₁/l₁₁)²/l₂₂² = 10/36."""
    factor, b = matrix([[2.0, 0.0], [1.0, 3.0]]), matrix([[1.0], [1.0]])
    right = [[-2 / 9, 0], [-1 / 18, -1 / 54]]

    def solved(f):
        return torch.cholesky_solve(b, f).sum()

    def inverse(f):
        return torch.cholesky_inverse(f).sum()

    assert gradient(solved, factor) == pytest.approx(np.array(right))
    assert gradient(inverse, factor) == pytest.approx(np.array(right))
    for function in (solved, inverse):
        leaf = factor.clone().requires_grad_()
        function(leaf).backward()
        assert leaf.grad[0, 1] == pytest.approx(-2 / 27)  # of an entry that it does not read
        assert leaf.grad.tril().numpy() == pytest.approx(np.array(right))


def test_the_eigenvectors_of_two_rows_turn_by_the_angle():
    """[[a, b], [b, c]] has the eigenvectors (cos t, sin t) and (−sin t, cos t) with tan 2t = 2b / (a − c)."""
    a, b, c = 3.0, 1.0, 1.0
    t = math.atan2(2 * b, a - c) / 2
    square = (a - c) ** 2 + 4 * b * b
    # d cos²t = −sin 2t dt, with dt = (−b da + (a − c) db + b dc) / square
    slope = -math.sin(2 * t) / square
    found = gradient(lambda m: torch.linalg.eigh(m).eigenvectors[0, 1] ** 2, matrix([[a, b], [b, c]]))
    assert (found + found.T) / 2 == pytest.approx(np.array([[-b, (a - c) / 2], [(a - c) / 2, b]]) * slope)


def test_the_complex_eigenvalues_of_two_rows():
    """[[1, 2], [−3, 4]]: λ = t/2 ± i √(d − t²/4) with the trace t and the determinant d."""
    t, d = 5.0, 10.0
    right = (np.array([[4.0, 3.0], [-2.0, 1.0]]) - t / 2 * np.eye(2)) / (2 * math.sqrt(d - t * t / 4))
    found = gradient(lambda m: torch.linalg.eigvals(m).imag.abs().sum() / 2, matrix([[1.0, 2.0], [-3.0, 4.0]]))
    assert found == pytest.approx(right)
    found = gradient(lambda m: torch.linalg.eigvals(m).real.sum(), matrix([[1.0, 2.0], [-3.0, 4.0]]))
    assert found == pytest.approx(np.eye(2))


def test_the_vectors_of_a_scaled_rotation_turn_with_it():
    """diag(3, 1) R(t): A → U S Vᵀ has U = I and V = R(t)ᵀ; with A = diag(3, 1) at t = 0, dV₁₂ = −(s₁ dA₁₂ + s₂ dA₂₁) / (s₁² − s₂²)."""
    found = gradient(lambda m: torch.linalg.svd(m).Vh[0, 1] * torch.linalg.svd(m).U[0, 0], matrix([[3.0, 0.0], [0.0, 1.0]]))
    assert found == pytest.approx(np.array([[0, 3 / 8], [1 / 8, 0]]))


def test_q_and_r_of_two_rows():
    """The first column (3, 4) has r₁₁ = ∓5 and q₁ = ±(3, 4)/5; r₂₂ is det A / r₁₁."""
    a = matrix([[3.0, 1.0], [4.0, 2.0]])
    assert gradient(lambda m: torch.linalg.qr(m).R[0, 0] ** 2, a) == pytest.approx(np.array([[6.0, 0], [8, 0]]))
    assert gradient(lambda m: (torch.linalg.qr(m).R.diagonal().prod()) ** 2, a) == pytest.approx(4 * np.array([[2.0, -4], [-1, 3]]))
    assert gradient(lambda m: torch.linalg.qr(m).Q[0, 0] ** 2, a) == pytest.approx(6 / 25 * np.array([[16 / 25, 0], [-12 / 25, 0]]))


def test_the_pseudoinverse_of_a_column():
    """x⁺ = xᵀ / |x|²; its first entry has the derivative 1/|x|² − 2x₁²/|x|⁴ by x₁."""
    assert gradient(lambda x: torch.linalg.pinv(x)[0, 0], matrix([[3.0], [4.0]])) == pytest.approx(np.array([[7 / 625], [-24 / 625]]))


def test_the_exponential_of_a_skew_matrix_is_a_rotation():
    """exp [[0, t], [−t, 0]] = R(t); and d tr(W exp A) / dA is symmetric in what it should be: checked against mpmath's differences."""
    t = 0.75
    _, _, truth, _, _ = certified(torch.linalg.matrix_exp, matrix([[0.0, t], [-t, 0.0]]))
    assert truth.value[0].high == pytest.approx(np.array([[math.cos(t), math.sin(t)], [-math.sin(t), math.cos(t)]]), abs=1e-15)
    a = [[0.5, -1.25, 2.0], [1.5, 0.25, -0.75], [-0.5, 1.0, 3.0]]
    with mpmath.workdps(60):
        step = mpmath.mpf(10) ** -20

        def entry(i, j, side):
            moved = mpmath.matrix(a)
            moved[i, j] += side * step
            return mpmath.expm(moved)[0, 2]

        slopes = [[float((entry(i, j, 1) - entry(i, j, -1)) / (2 * step)) for j in range(3)] for i in range(3)]
        value = mpmath.expm(mpmath.matrix(a)).tolist()
    _, _, truth, _, _ = certified(torch.linalg.matrix_exp, matrix(a))
    assert truth.value[0].high == pytest.approx(np.array(value, float), rel=1e-15)
    assert gradient(lambda m: torch.linalg.matrix_exp(m)[0, 2], matrix(a)) == pytest.approx(np.array(slopes), rel=1e-14)


def test_values_are_those_of_mpmath():
    """Eigenvectors, singular values and R, found in another way with 50 digits, up to the signs that are free."""
    rows = [[4.0, 1.0, -0.5], [1.0, 2.0, 0.75], [-0.5, 0.75, -1.0]]
    with mpmath.workdps(50):
        values, vectors = mpmath.eigsy(mpmath.matrix(rows))
        singular = mpmath.svd_r(mpmath.matrix(rows), compute_uv=False)
        r = mpmath.qr(mpmath.matrix(rows))[1]

    def exact(function):
        return [m.high for m in certified(function, matrix(rows))[2].value]

    found, turned = exact(lambda m: tuple(torch.linalg.eigh(m)))
    assert found == pytest.approx(np.array(values.tolist(), float)[:, 0], rel=1e-15)
    assert np.abs(turned) == pytest.approx(np.abs(np.array(vectors.tolist(), float)), rel=1e-14)
    assert exact(torch.linalg.svdvals)[0] == pytest.approx(np.array(singular.tolist(), float)[:, 0], rel=1e-15)
    assert np.abs(exact(lambda m: torch.linalg.qr(m).R)[0]) == pytest.approx(np.abs(np.array(r.tolist(), float)), rel=1e-14)


@pytest.mark.parametrize(
    "function",
    [
        lambda m: tuple(torch.linalg.eigh(m)),
        lambda m: tuple(torch.linalg.svd(m)),
        lambda m: tuple(torch.linalg.qr(m)),
        lambda m: tuple(torch.linalg.lu(m)),
        lambda m: torch.linalg.lu_factor(m).LU,
    ],
)
def test_free_signs_and_orders_are_those_of_the_float_run(function):
    rows = matrix([[1.0, 5.0, 2.0], [5.0, -3.0, 0.5], [2.0, 0.5, -7.0]])
    for flipped in (rows, -rows):
        tape, _, truth, _, _ = certified(function, flipped)
        for seen, exact in zip(tape.values, truth.value, strict=True):
            assert exact.high == pytest.approx(seen.numpy(), rel=1e-12, abs=1e-14)


def test_a_complex_determinant_by_hand():
    """d = ad − bc of [[1 + i, 2], [i, 3]] = 3 + i; |d|² has the gradient 2 d conj(∂d), with ∂d = [[d, −c], [−b, a]]."""
    entries = torch.tensor([[1 + 1j, 2], [1j, 3]], dtype=torch.complex128)
    found = gradient(lambda x: torch.linalg.det(torch.view_as_complex(x)).abs() ** 2, torch.view_as_real(entries).clone())
    right = 2 * (3 + 1j) * np.conj(np.array([[3, -1j], [-2, 1 + 1j]]))
    assert found[..., 0] + 1j * found[..., 1] == pytest.approx(right)


# refusals


@pytest.mark.parametrize(
    ("function", "rows", "message"),
    [
        (lambda a: torch.linalg.eigh(a)[0], [[1.0, 0.0], [0.0, 1.0]], "aten._linalg_eigh: two of its values cannot be told apart"),
        (torch.linalg.svdvals, [[1.0, 2.0], [2.0, 4.0]], "aten._linalg_svd: two of its values cannot be told apart"),
        (lambda a: torch.linalg.eigvals(a).real, [[1.0, 1.0], [0.0, 1.0]], "aten.linalg_eig: two of its values cannot be told apart"),
        (torch.linalg.pinv, [[1.0, 2.0], [2.0, 4.0]], "aten.linalg_pinv: a singular value is within the tolerance, or near it"),
        (lambda a: torch.linalg.pinv(a, rtol=0.5), [[3.0, 0.0], [0.0, 1.0]], "aten.linalg_pinv: a singular value is within the tolerance"),
        (lambda a: torch.linalg.qr(a).Q, [[1.0, 2.0], [0.0, 0.0]], "aten.linalg_qr: a column cannot be told from one that depends on"),
        (lambda a: torch.linalg.lu(a).U, [[0.0, 2.0], [0.0, 1.0]], "aten.linalg_lu: a pivot cannot be told from zero"),
        (
            lambda a: torch.linalg.svd(a).U,
            [[1.0], [2.0]],
            "aten._linalg_svd: the columns beyond those that the matrix determines may be any",
        ),
        (lambda a: torch.linalg.qr(a, "complete").Q, [[1.0], [2.0]], "aten.linalg_qr: the columns beyond those that the matrix"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(function, rows, message):
    with pytest.raises(Unsupported) as problem:
        certified(function, matrix(rows))
    assert str(problem.value).startswith(message)


@pytest.mark.parametrize("function", [torch.linalg.qr, torch.linalg.svd, torch.linalg.eigvals, torch.linalg.pinv, torch.linalg.matrix_exp])
def test_complex_matrices_without_a_rule_are_refused(function):
    def size(x):
        return tensors(function(torch.view_as_complex(x)))[0].abs()

    with pytest.raises(Unsupported, match="complex numbers have no rule here"):
        certified(size, torch.ones(2, 2, 2, dtype=torch.float64).cumsum(0).cumsum(1))


def test_a_full_basis_is_refused_only_where_its_open_columns_are_read():
    a = matrix([[3.0], [4.0]])
    assert gradient(lambda x: torch.linalg.svd(x).U[0, 0] ** 2, a) == pytest.approx(np.array([[6 * 16 / 625], [-24 * 3 / 625]]))
    assert gradient(lambda x: torch.linalg.qr(x, "complete").R[0, 0] ** 2, a) == pytest.approx(np.array([[6.0], [8.0]]))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda a: torch.linalg.eigh(a)[1], "eigenvectors"),
        (lambda a: torch.linalg.svd(a)[0], "singular vectors"),
        (lambda a: torch.linalg.qr(a)[0], "qr"),
        (torch.linalg.pinv, "pinv"),
        (torch.linalg.matrix_exp, "aten.linalg_matrix_exp"),
    ],
)
def test_there_is_no_formula_to_show_and_that_is_said(function, name):
    tape = record(lambda given: (function(given["a"]),), {"a": matrix([[2.0, 1.0], [1.0, 3.0]])})
    with pytest.raises(Unsupported, match=f"{name}: there is no formula to show for it"):
        express(tape)


def test_a_tie_of_pivots_is_seen():
    """|−2| = |2|: with either row on top, L U is another one, so the value jumps here."""
    certified(lambda a: torch.linalg.lu(a).U, matrix([[2.0, 1.0], [-2.0, 5.0]]), found=("ok", "tied"))
    with pytest.raises(AssertionError):
        certified(lambda a: torch.linalg.lu(a).U, matrix([[2.0, 1.0], [-2.0, 5.0]]))
