"""Complex numbers as pairs: values and derivatives against mpmath, rounding against torch, views, cuts, and what is refused."""

from __future__ import annotations

import cmath
import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import Unsupported
from checker.tape.balls import allowed, enclose
from checker.tape.record import record
from checker.tape.replay import batched, replay
from checker.tape.size import scalar_operations
from checker.tape.symbolic import express

real, joined = torch.view_as_real, torch.view_as_complex

#: torch's name → mpmath's function, and points off the cuts: both half-planes, inside and outside the unit circle, near zero.
FUNCTIONS = {
    "exp": mpmath.exp,
    "exp2": lambda z: mpmath.power(2, z),
    "expm1": lambda z: mpmath.exp(z) - 1,
    "log": mpmath.log,
    "log1p": lambda z: mpmath.log(1 + z),
    "log2": lambda z: mpmath.log(z) / mpmath.log(2),
    "log10": mpmath.log10,
    "sqrt": mpmath.sqrt,
    "rsqrt": lambda z: 1 / mpmath.sqrt(z),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "tanh": mpmath.tanh,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "reciprocal": lambda z: 1 / z,
    "square": lambda z: z * z,
}
POINTS = [0.75 + 0.5j, -0.625 + 1.5j, -2.25 - 0.375j, 1.5 - 2.0j, 0.03125 + 0.015625j, 0.25 - 1.25j]


def pairs(values, dtype=torch.float64):
    return real(torch.tensor(values, dtype=torch.complex128)).to(dtype).clone()


def true(function, x, upstream):
    """Value and gradient at the point, enclosed; `function` takes and gives whatever it wants."""

    def call(arguments):
        result = function(joined(arguments["z"]))
        return (real(result.resolve_conj()) if result.is_complex() else result,)

    tape = record(call, {"z": x})
    return tape, enclose(tape, {"z": x}, (upstream,), honoured=tape.honoured())


def both(midpoints):
    """The complex number of a pair of enclosures, in mpmath's 40 digits."""
    parts = [
        mpmath.mpf(float(h)) + mpmath.mpf(float(low)) for h, low in zip(midpoints.high.reshape(-1), midpoints.low.reshape(-1), strict=True)
    ]
    return [mpmath.mpc(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_derivative_are_those_of_the_complex_function(name: str) -> None:
    upstream = pairs([0.5 - 1.25j] * len(POINTS))
    _, found = true(getattr(torch, name), pairs(POINTS), upstream)
    with mpmath.workdps(40):
        for z, value, gradient in zip(POINTS, both(found.value[0]), both(found.gradient["z"]), strict=True):
            expected = FUNCTIONS[name](mpmath.mpc(z))
            slope = mpmath.diff(FUNCTIONS[name], mpmath.mpc(z))
            assert abs(value - expected) < 1e-28 * (1 + abs(expected))
            assert abs(gradient - mpmath.mpc(0.5, -1.25) * mpmath.conj(slope)) < 1e-14 * (1 + abs(slope))


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 5, 0.5, 2.5, 1.5 - 0.25j])
def test_powers(exponent: complex) -> None:
    upstream = pairs([1.0] * len(POINTS))
    _, found = true(lambda z: z**exponent, pairs(POINTS), upstream)
    for z, value, gradient in zip(POINTS, both(found.value[0]), both(found.gradient["z"]), strict=True):
        assert complex(value) == pytest.approx(z**exponent, rel=1e-13)
        assert complex(gradient) == pytest.approx((exponent * z ** (exponent - 1)).conjugate() if exponent else 0, rel=1e-13)


def outside(function, x: torch.Tensor, upstream: torch.Tensor) -> float:
    """How far torch's gradient is from the truth, as a multiple of what is allowed."""
    tape, found = true(function, x, upstream)
    width, _ = allowed(tape, {"z": x}, (upstream,), found, honoured=tape.honoured())
    leaf = x.clone().requires_grad_()
    result = function(joined(leaf))
    (got,) = torch.autograd.grad(real(result.resolve_conj()) if result.is_complex() else result, leaf, upstream)
    truth = found.gradient["z"]
    error = np.abs((got.double().numpy() - truth.high) - truth.low)
    return float(np.max(np.where(error == 0, 0, error / np.maximum(width["z"], 1e-300))))


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from([*FUNCTIONS, "sgn", "abs", "angle"]),
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-3, 0.1, 1.0, 1.0, 3.0, 10.0]),
    dtype=st.sampled_from([torch.float64, torch.float32]),
)
def test_torch_lies_within_what_is_allowed(name: str, seed: int, scale: float, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    x = (scale * torch.randn(6, 2, generator=generator, dtype=torch.float64)).to(dtype)
    upstream = torch.randn((6,) if name in ("abs", "angle") else (6, 2), generator=generator, dtype=torch.float64).to(dtype)
    assert outside(getattr(torch, name), x, upstream) <= 1


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(
    ("function", "upstream"), [(lambda z: z.prod(), (2,)), (lambda z: z.cumprod(0), (100, 2))], ids=["prod", "cumprod"]
)
def test_a_product_of_many_factors_is_known_tightly(function, upstream: tuple[int, ...], dtype: torch.dtype) -> None:
    """Boxes around complex numbers grow whenever they are turned: a hundred turns one by one would leave nothing known."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(100, 2, generator=generator, dtype=torch.float64)
    x = (x / x.norm(dim=1, keepdim=True)).to(dtype)
    v = torch.ones(upstream, dtype=dtype)
    assert outside(function, x, v) <= 1
    tape, found = true(function, x, v)
    width, _ = allowed(tape, {"z": x}, (v,), found)
    assert np.max(width["z"]) < 1e4 * torch.finfo(dtype).eps * np.max(np.abs(found.gradient["z"].high))


@settings(max_examples=20, deadline=None)
@given(exponent=st.integers(-36, 38), dtype=st.sampled_from([torch.float64, torch.float32]))
def test_a_modulus_neither_underflows_nor_overflows(exponent: int, dtype: torch.dtype) -> None:
    """Squares of the parts would, in float32. Below its normal numbers torch's own gradient is not a number."""
    x = (torch.tensor([[3.0, 4.0]], dtype=torch.float64) * 10.0 ** (exponent - 1)).to(dtype)
    v = torch.ones(1, dtype=dtype)
    assert outside(torch.abs, x, v) <= 1
    tape, found = true(torch.abs, x, v)
    width, _ = allowed(tape, {"z": x}, (v,), found)
    assert np.max(width["z"]) < 1e-6


# the discrete Fourier transform


def transform(row: list[complex], sign: int = -1) -> list[complex]:
    n = len(row)
    return [sum(x * cmath.exp(sign * 2j * math.pi * j * k / n) for j, x in enumerate(row)) for k in range(n)]


@pytest.mark.parametrize("n", [1, 2, 3, 4, 6, 8, 9, 13, 15, 16])
def test_the_transform_is_the_sum(n: int) -> None:
    generator = torch.Generator().manual_seed(n)
    z = torch.randn(n, dtype=torch.complex128, generator=generator)
    v = torch.randn(n, dtype=torch.complex128, generator=generator)
    _, found = true(torch.fft.fft, real(z).clone(), real(v).clone())
    assert [complex(w) for w in both(found.value[0])] == pytest.approx(transform(z.tolist()), abs=1e-13)
    assert [complex(w) for w in both(found.gradient["z"])] == pytest.approx(transform(v.tolist(), 1), abs=1e-13)
    assert found.gradient["z"].radius.max() < 1e-30


@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("name", ["fft", "ifft", "fft2", "ifftn", "hfft", "irfft", "irfft2", "hfft2"])
def test_every_transform_and_scale_is_numpys(name: str, norm: str) -> None:
    z = torch.randn(4, 6, dtype=torch.complex128, generator=torch.Generator().manual_seed(0))
    expected = getattr(torch.fft, name)(z, norm=norm)  # whose own error is far below 1e-13
    upstream = torch.ones_like(expected) if not expected.is_complex() else torch.ones_like(real(expected))
    _, found = true(lambda w: getattr(torch.fft, name)(w, norm=norm), real(z).clone(), upstream)
    value = found.value[0].high
    wanted = getattr(np.fft, name)(z.numpy(), norm=norm) if hasattr(np.fft, name) else expected.numpy()
    assert value == pytest.approx(np.stack([wanted.real, wanted.imag], -1) if np.iscomplexobj(wanted) else wanted, abs=1e-13)


def test_one_sided_transforms_of_real_input() -> None:
    x = torch.tensor([1.0, 2.0, -0.5, 4.0, 0.25], dtype=torch.float64)
    for function, expected in ((torch.fft.rfft, np.fft.rfft(x.numpy())), (torch.fft.ihfft, np.conj(np.fft.rfft(x.numpy())) / 5)):
        tape = record(lambda a, f=function: (real(f(a["x"]).resolve_conj()),), {"x": x})
        found = enclose(tape, {"x": x}, None)
        assert found.value[0].high == pytest.approx(np.stack([expected.real, expected.imag], -1), abs=1e-14)


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(["fft", "ifft", "hfft", "irfft"]),
    n=st.sampled_from([2, 3, 4, 5, 7, 8, 11, 13, 16, 17, 23, 29, 30, 32]),
    seed=st.integers(0, 10**6),
    sparse=st.booleans(),
    dtype=st.sampled_from([torch.float64, torch.float32]),
)
def test_torchs_transforms_lie_within_what_is_allowed(name: str, n: int, seed: int, sparse: bool, dtype: torch.dtype) -> None:
    """A few large entries among small ones: other algorithms cancel what a sum in order never adds."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        entries = torch.randn(shape, generator=generator, dtype=torch.float64)
        return (entries * torch.where(torch.rand(shape, generator=generator) < 0.2, 1e3, 1e-3) if sparse else entries).to(dtype)

    x = drawn(n, 2)
    result = getattr(torch.fft, name)(joined(x))
    assert outside(getattr(torch.fft, name), x, drawn(*(real(result) if result.is_complex() else result).shape)) <= 1


def test_the_allowed_error_of_a_transform_is_tight() -> None:
    """64 entries: six stages, each within a few unit roundoffs of Σ|xᵢ|, which is at most 8 ‖x‖."""
    x = torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    v = torch.randn(64, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    tape, found = true(torch.fft.fft, x, v)
    width, _ = allowed(tape, {"z": x}, (v,), found)
    assert np.max(width["z"]) < 6 * 8 * 8 * 2.0**-53 * float(v.norm())


# views, writing in place, and cuts


def gradient_of_sum(function, values: list[complex]) -> list[complex]:
    x = pairs(values)
    tape = record(lambda a: (function(joined(a["z"])),), {"z": x})
    return [
        complex(w) for w in both(enclose(tape, {"z": x}, (torch.ones((), dtype=torch.float64),), honoured=tape.honoured()).gradient["z"])
    ]


def doubled_real_part(z: torch.Tensor) -> torch.Tensor:
    w = z.clone()
    w.real.mul_(2)
    return (w * w).real.sum()  # (2x)² − y²


def turned_through_the_conjugate(z: torch.Tensor) -> torch.Tensor:
    w = z.clone()
    w.conj().mul_(1j)  # w = conj(i · conj(z)) = −i z
    return (w * w.conj()).real.sum() + w.real.sum()  # |z|² + y


def turned_under_a_view(z: torch.Tensor) -> torch.Tensor:
    w = z.clone()
    parts, conjugate = real(w), w.conj()
    w.mul_(1j)  # −y + i x
    return parts[..., 0].sum() + 3 * conjugate.imag.sum()  # −y − 3 x


def behind_a_cut(z: torch.Tensor) -> torch.Tensor:
    return (z.detach().conj() * z).real.sum()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (doubled_real_part, lambda z: 8 * z.real - 2j * z.imag),
        (turned_through_the_conjugate, lambda z: 2 * z + 1j),
        (turned_under_a_view, lambda z: -3 - 1j),
        (behind_a_cut, lambda z: z),
    ],
)
def test_memory_is_shared_as_in_torch(function, expected) -> None:
    values = [1.5 + 0.5j, -0.25 - 2j]
    assert gradient_of_sum(function, values) == [expected(z) for z in values]
    leaf = torch.tensor(values, dtype=torch.complex128, requires_grad=True)
    (got,) = torch.autograd.grad(function(leaf), leaf)
    assert got.tolist() == [expected(z) for z in values]


def test_conventions_at_zero() -> None:
    assert gradient_of_sum(lambda z: z.abs().sum(), [0j]) == [0j]
    assert gradient_of_sum(lambda z: z.sgn().real.sum(), [0j]) == [0j]
    assert gradient_of_sum(lambda z: (z**0).real.sum(), [0j]) == [0j]


@pytest.mark.parametrize(
    ("function", "z"), [(torch.sqrt, -1 + 0j), (torch.log, -2 + 0j), (torch.asin, 3 + 0j), (torch.atan, 2j), (torch.acosh, -2 + 0j)]
)
def test_a_branch_cut_is_on_the_path(function, z: complex) -> None:
    _, found = true(function, pairs([z]), pairs([1.0]))
    assert ("branch cut", "tied") in {(check.decides, check.found) for check in found.path}
    _, beside = true(function, pairs([z + (0.5 + 0.5j)]), pairs([1.0]))
    assert {check.found for check in beside.path} <= {"ok"}


# what is not known, and the other readings of a tape


def test_a_rule_for_real_numbers_refuses_complex_ones_by_name() -> None:
    with pytest.raises(Unsupported, match=r"aten\.logaddexp: complex numbers have no rule here \(test_complex\.py:\d+\)"):
        true(lambda z: torch.logaddexp(z, z), pairs([1j]), pairs([1.0]))


def test_a_complex_argument_or_output_is_read_in_its_real_form_only() -> None:
    z = torch.tensor([1j])
    tape = record(lambda a: (a["z"].abs(),), {"z": z})
    with pytest.raises(Unsupported, match="z is complex: its real form is read"):
        enclose(tape, {"z": z}, None)
    tape = record(lambda a: (joined(a["x"]),), {"x": real(z)})
    with pytest.raises(Unsupported, match="an output is complex: its real form is read"):
        enclose(tape, {"x": real(z)}, None)


def test_a_tape_in_complex64_is_replayed_in_complex128() -> None:
    weights = torch.tensor([0.1 + 0.7j, 1 / 3 - 1j], dtype=torch.complex64)

    def call(arguments):
        z = joined(arguments["x"]) * weights
        grown = torch.full((2,), 0.5 + 1j, dtype=torch.complex64) + z.to(torch.complex64)
        return (real((grown * z.conj()).exp()),)

    x = pairs([0.3 + 0.1j, -0.2 + 0.9j], torch.float32)
    (wide,) = replay(record(call, {"x": x}), {"x": x}, dtype=torch.float64).outputs
    z = joined(x.double()) * weights.to(torch.complex128)
    expected = ((0.5 + 1j + z) * z.conj()).exp()
    assert wide.dtype is torch.float64
    assert torch.allclose(joined(wide), expected, rtol=1e-14, atol=0)


def test_many_points_are_replayed_at_once() -> None:
    x = pairs([0.3 + 0.1j, -0.2 + 0.9j])
    tape = record(lambda a: (torch.fft.fft(joined(a["x"])).abs() ** 2,), {"x": x})
    batch = torch.randn(5, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = batched(tape, {"x": batch})
    assert found.looped is None
    assert torch.allclose(found.outputs[0], torch.fft.fft(joined(batch)).abs() ** 2, rtol=1e-14)


def test_symbols_read_a_real_function_of_complex_numbers() -> None:
    x = pairs([3 + 4j])
    tape = record(lambda a: ((joined(a["z"]) * joined(a["z"]).conj()).real.sum(),), {"z": x})
    found = express(tape)
    assert [float(v) for v in found.values] == [25.0]
    assert found.numbers["z"].tolist() == [[6.0, 8.0]]


@pytest.mark.parametrize(("n", "factors"), [(8, 6), (12, 7), (13, 13), (1, 0)])
def test_the_size_of_a_transform_is_known_beforehand(n: int, factors: int) -> None:
    """n entries, each from as many terms as the prime factors of n add up to; four real operations for each complex one."""
    x = torch.zeros(n, 2, dtype=torch.float64)
    tape = record(lambda a: (real(torch.fft.fft(joined(a["z"]))),), {"z": x})
    views = 2 * 4 * 2 * n  # view_as_complex and view_as_real
    assert scalar_operations(tape) == views + 4 * (n + n * factors)
