"""Linear algebra in balls, against autograd on PyTorch's own samples and on random matrices."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._pytree import tree_map_only

from checker.errors import Unsupported
from checker.tape.implicit import Orthogonal, Pseudoinverse
from checker.tape.spectrum import Eigen, Singular, Spectrum
from tests.tape.enclosed import DOUBLE, outside, real, tensors

OPERATORS = """
    cholesky cholesky_inverse cholesky_solve lu lu_solve lu_unpack matrix_exp nn.functional.bilinear nn.functional.pdist ormqr
    pinverse qr svd linalg.cond linalg.eig linalg.eigvals linalg.eigh linalg.eigvalsh linalg.householder_product linalg.lstsq
    linalg.lu linalg.lu_factor linalg.lu_factor_ex linalg.lu_solve linalg.matrix_power linalg.multi_dot linalg.pinv linalg.qr
    linalg.svd linalg.svdvals linalg.tensorinv linalg.tensorsolve linalg.vander
""".split()  # noqa: SIM905


#: Operators whose rule knows complex matrices too, which are told in their real form.
COMPLEX = """
    linalg.inv linalg.solve linalg.solve_triangular linalg.det linalg.slogdet linalg.cholesky linalg.lu linalg.lu_factor linalg.lu_solve
    cholesky_solve linalg.matrix_power linalg.tensorinv
""".split()  # noqa: SIM905

ASKED = [(o, DOUBLE) for o in op_db if o.name in OPERATORS] + [(o, torch.complex128) for o in op_db if o.name in COMPLEX]


@pytest.mark.filterwarnings("ignore:torch.* is deprecated in favor of")
@pytest.mark.parametrize(("operator", "dtype"), ASKED, ids=lambda x: getattr(x, "formatted_name", str(x)))
def test_autograd_lies_inside_on_pytorchs_samples(operator, dtype):
    """A few samples of each operator, spread over all: nothing is outside its allowed error, and that is less than a millionth."""
    torch.manual_seed(0)
    samples = [s for s in operator.sample_inputs("cpu", dtype, requires_grad=True) if not tensors(s.kwargs)]
    certain = 0
    for sample in samples[:: max(1, len(samples) // 5)]:
        moved = [t.detach() for t in tensors((sample.input, sample.args)) if t.dtype == dtype]

        def call(*given, sample=sample):
            moving = (torch.view_as_complex(t) if dtype.is_complex else t for t in given)
            first, rest = tree_map_only(torch.Tensor, lambda x: next(moving) if x.dtype == dtype else x, (sample.input, sample.args))
            found = operator.gradcheck_wrapper(operator.op, first, *rest, **sample.kwargs)
            return tree_map_only(torch.Tensor, real, sample.output_process_fn_grad(found))

        try:
            worst, width = outside(call, *(real(t).clone() for t in moved))
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
    "eig": (lambda a: (real(torch.linalg.eigvals(a)), torch.linalg.eig(a).eigenvectors.abs()), 0),
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
    ("planted", "name"),
    [(Eigen, "eigh"), (Spectrum, "eig"), (Singular, "svd"), (Orthogonal, "qr"), (Pseudoinverse, "pinv"), (Pseudoinverse, "lstsq")],
)
def test_a_planted_mistake_in_a_derivative_is_found(planted, name, monkeypatch):
    drawn = torch.randn(4, 4, dtype=DOUBLE, generator=torch.Generator().manual_seed(1))
    right = planted.slopes
    monkeypatch.setattr(planted, "slopes", lambda self, g, a, y: [s * 1.000001 for s in right(self, g, a, y)])
    assert outside(FUNCTIONS[name][0], drawn)[0] > 1
