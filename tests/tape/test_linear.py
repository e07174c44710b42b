"""Linear algebra in balls: against closed forms, mpmath, PyTorch's own samples and random matrices; refusals by name."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._pytree import tree_leaves, tree_map_only

from checker.errors import Unsupported
from checker.tape.balls import allowed, enclose
from checker.tape.implicit import Eigen, Orthogonal, Pseudoinverse, Singular
from checker.tape.record import record
from checker.tape.symbolic import express

DOUBLE = torch.float64


def matrix(rows):
    return torch.tensor(rows, dtype=DOUBLE)


def tensors(nested):
    return [t for t in tree_leaves(nested) if isinstance(t, torch.Tensor)]


def certified(function, *arguments, upstream=None, found=("ok",)):
    """The enclosure of `function` and the allowed errors, as (name → truth), (name → width)."""
    named = {f"a{i}": a for i, a in enumerate(arguments)}
    tape = record(lambda given: tuple(tensors(function(*given.values()))), named)
    if upstream is None:
        generator = torch.Generator().manual_seed(3)
        ends = tensors(function(*(a.clone().requires_grad_() for a in arguments)))
        upstream = tuple(torch.randn(v.shape, dtype=DOUBLE, generator=generator) if v.requires_grad else None for v in ends)
    truth = enclose(tape, named, upstream, honoured=tape.honoured())
    assert {c.found for c in truth.path} <= set(found)
    widths, reaches = allowed(tape, named, upstream, truth, honoured=tape.honoured())
    return tape, upstream, truth, widths, reaches


def gradient(function, *arguments):
    """The exact gradient of a scalar function by its first argument."""
    _, _, truth, _, _ = certified(function, *arguments, upstream=(torch.ones((), dtype=DOUBLE),))
    return truth.gradient["a0"].high


def outside(function, *arguments, planted=0.0):
    """How far autograd and the values are from the truth, in allowed errors: the worst entry. And the median of the relative widths.

    `planted` is a relative mistake in the largest entry of each gradient.
    """
    tape, upstream, truth, widths, reaches = certified(function, *arguments)
    leaves = [a.clone().requires_grad_() for a in arguments]
    ends = [(o, u) for o, u in zip(tensors(function(*leaves)), upstream, strict=True) if u is not None]
    grads = torch.autograd.grad([o for o, _ in ends], leaves, [u for _, u in ends], materialize_grads=True)
    if planted:
        grads = [d * torch.where(d.abs() == d.abs().max(), 1 + planted, 1.0) for d in grads]
    seen = [(d, truth.gradient[f"a{i}"], widths[f"a{i}"]) for i, d in enumerate(grads)]
    seen += [(v, t, r) for v, t, r in zip(tape.values, truth.value, reaches, strict=True) if t is not None]
    shares, relative = [0.0], [0.0]
    for tensor, exact, width in seen:
        assert np.isfinite(exact.high).all()
        error = np.abs((tensor.detach().numpy() - exact.high) - exact.low)
        shares.append(float(np.max(error / np.maximum(width, 1e-300), initial=0)))
        relative += list(width[exact.high != 0] / np.abs(exact.high[exact.high != 0]))
    return max(shares), float(np.median(relative))


# by hand


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


# PyTorch's own samples

OPERATORS = """
    cholesky cholesky_inverse cholesky_solve lu lu_solve lu_unpack matrix_exp nn.functional.bilinear nn.functional.pdist ormqr pinverse qr
    svd linalg.cond linalg.eigh linalg.eigvalsh linalg.householder_product linalg.lstsq linalg.lu linalg.lu_factor linalg.lu_factor_ex
    linalg.lu_solve linalg.matrix_power linalg.multi_dot linalg.pinv linalg.qr linalg.svd linalg.svdvals linalg.tensorinv linalg.tensorsolve
    linalg.vander
""".split()  # noqa: SIM905


@pytest.mark.filterwarnings("ignore:torch.* is deprecated in favor of")
@pytest.mark.parametrize("operator", [o for o in op_db if o.name in OPERATORS], ids=lambda o: o.formatted_name)
def test_autograd_lies_inside_on_pytorchs_samples(operator):
    """A few samples of each operator, spread over all: nothing is outside its allowed error, and that is less than a millionth."""
    torch.manual_seed(0)
    samples = [s for s in operator.sample_inputs("cpu", DOUBLE, requires_grad=True) if not tensors(s.kwargs)]
    certain = 0
    for sample in samples[:: max(1, len(samples) // 5)]:
        everything = tensors((sample.input, sample.args))

        def call(*floating, sample=sample):
            moving = iter(floating)
            first, rest = tree_map_only(torch.Tensor, lambda x: next(moving) if x.is_floating_point() else x, (sample.input, sample.args))
            return sample.output_process_fn_grad(operator.gradcheck_wrapper(operator.op, first, *rest, **sample.kwargs))

        try:
            worst, width = outside(call, *(t.detach() for t in everything if t.is_floating_point()))
        except Unsupported as refused:
            if "tolerance" not in refused.reason:  # a pseudoinverse that leaves out singular values
                raise
            continue
        assert worst <= 1
        assert width < 1e-6
        certain += 1
    assert certain


# random matrices

#: name → a function of an m × n matrix, and how many rows it has more than columns, if that must be.
FUNCTIONS = {
    "eigh": (lambda a: tuple(torch.linalg.eigh(a + a.T)), 0),
    "svd": (lambda a: tuple(torch.linalg.svd(a, full_matrices=False)), None),
    "qr": (lambda a: tuple(torch.linalg.qr(a)), None),
    "lu": (lambda a: tuple(torch.linalg.lu(a)), None),
    "pinv": (torch.linalg.pinv, None),
    "lstsq": (lambda a: torch.linalg.lstsq(a, a[:, :1].exp()).solution, None),
    "matrix_exp": (torch.linalg.matrix_exp, 0),
    "inv": (torch.linalg.inv, 0),
    "cholesky": (lambda a: torch.linalg.cholesky(a @ a.T + 0.01 * torch.eye(len(a), dtype=DOUBLE)), None),
    "cholesky_solve": (lambda a: torch.cholesky_solve(a.exp(), a.tril()), 0),
    "triangular": (lambda a: torch.linalg.solve_triangular(a.tril(), a.exp(), upper=False), 0),
    "lu_solve": (lambda a: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), a.exp()), 0),
    "cholesky_inverse": (lambda a: torch.cholesky_inverse(a.tril()), 0),
    "householder": (lambda a: torch.linalg.householder_product(a.tril(-1), a.diagonal()), 0),
    "slogdet": (lambda a: torch.linalg.slogdet(a).logabsdet, 0),
}


@settings(deadline=None, max_examples=60)
@given(name=st.sampled_from(sorted(FUNCTIONS)), seed=st.integers(0, 10**6), rows=st.integers(1, 5), columns=st.integers(1, 5))
def test_autograd_of_random_matrices_lies_inside_and_a_millionth_more_does_not(name, seed, rows, columns):
    function, square = FUNCTIONS[name]
    drawn = torch.randn(rows, rows if square == 0 else columns, dtype=DOUBLE, generator=torch.Generator().manual_seed(seed))
    worst, width = outside(function, drawn)
    assert worst <= 1
    if width < 1e-8:
        assert outside(function, drawn, planted=1e-6)[0] > 1


@settings(deadline=None, max_examples=30)
@given(name=st.sampled_from(sorted(FUNCTIONS)), seed=st.integers(0, 10**6), decades=st.floats(0.5, 6))
def test_autograd_lies_inside_where_the_condition_is_bad(name, seed, decades):
    """Matrices with singular values from 1 down to 10^−decades."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (torch.linalg.qr(torch.randn(4, 4, dtype=DOUBLE, generator=generator)).Q for _ in range(2))
    drawn = left * torch.logspace(0, -decades, 4, dtype=DOUBLE) @ right
    assert outside(FUNCTIONS[name][0], drawn)[0] <= 1


@pytest.mark.parametrize(
    ("planted", "name"), [(Eigen, "eigh"), (Singular, "svd"), (Orthogonal, "qr"), (Pseudoinverse, "pinv"), (Pseudoinverse, "lstsq")]
)
def test_a_planted_mistake_in_a_derivative_is_found(planted, name, monkeypatch):
    drawn = torch.randn(4, 4, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    right = planted.slopes
    monkeypatch.setattr(planted, "slopes", lambda self, g, a, y: [s * 1.000001 for s in right(self, g, a, y)])
    assert outside(FUNCTIONS[name][0], drawn)[0] > 1


# refusals


@pytest.mark.parametrize(
    ("function", "rows", "message"),
    [
        (lambda a: torch.linalg.eigh(a)[0], [[1.0, 0.0], [0.0, 1.0]], "aten._linalg_eigh: two of its values cannot be told apart"),
        (torch.linalg.svdvals, [[1.0, 2.0], [2.0, 4.0]], "aten._linalg_svd: two of its values cannot be told apart"),
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
