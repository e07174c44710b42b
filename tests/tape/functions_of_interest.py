"""Functions that exercises use, each with a way to draw its inputs: shared by the tests of operations and of rounding.

A draw takes a torch generator and gives float64 tensors; integer tensors stay what they are in every dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own habit)

Draw = Callable[[torch.Generator], dict[str, torch.Tensor]]


def normal(**shapes: tuple[int, ...]) -> Draw:
    return lambda g: {n: torch.randn(s, dtype=torch.float64, generator=g) for n, s in shapes.items()}


def positive(**shapes: tuple[int, ...]) -> Draw:
    return lambda g: {n: 0.2 + 3 * torch.rand(s, dtype=torch.float64, generator=g) for n, s in shapes.items()}


def inside(low: float, high: float, **shapes: tuple[int, ...]) -> Draw:
    return lambda g: {n: low + (high - low) * torch.rand(s, dtype=torch.float64, generator=g) for n, s in shapes.items()}


def regular(**shapes: tuple[int, ...]) -> Draw:
    """Matrices that are not close to singular."""
    return lambda g: {
        n: torch.randn(s, dtype=torch.float64, generator=g) + 4 * torch.eye(s[-1], dtype=torch.float64) for n, s in shapes.items()
    }


def _eigen(a: torch.Tensor) -> torch.Tensor:
    values, vectors = torch.linalg.eigh(a + a.T)
    return vectors * torch.sin(values)


def _singular(a: torch.Tensor) -> torch.Tensor:
    u, s, v = torch.linalg.svd(a, full_matrices=False)
    return (u * torch.exp(-s)) @ v + u.abs().sum() * v.abs().sum()


def _written(x: torch.Tensor) -> torch.Tensor:
    y = torch.zeros(4, dtype=x.dtype)
    y[1:] = x[:3] * 2
    y[0] = x.sum()
    y.mul_(x[0])
    return y.exp()


def _masked(x: torch.Tensor) -> torch.Tensor:
    y = x.clone()
    y[y < 0] *= 3
    return y * y


def _recurrent(x: torch.Tensor, w: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
    h = torch.zeros(3, dtype=x.dtype)
    for step in x:
        h = torch.tanh(w @ step + u @ h)
    return h.sum()


def _power_iteration(a: torch.Tensor) -> torch.Tensor:
    v = torch.ones(a.shape[0], dtype=a.dtype)
    for _ in range(4):
        v = a @ v
        v = v / v.norm()
    return v @ a @ v


LABELS = torch.tensor([0, 3, 1, 2])
WEIGHTS = torch.tensor([1.0, 0.5, 2.0, 1.5, 1.0])

#: name → (function, draw of its inputs)
SMOOTH: dict[str, tuple[Callable[..., Any], Draw]] = {
    "2 x·x": (lambda x: 2 * torch.dot(x, x), normal(x=(16,))),
    "norm of 4x": (lambda x: (4 * x).norm(), normal(x=(16,))),
    "cube": (lambda x: x**3, normal(x=(6,))),
    "0.1 x + x/3 - 2/x": (lambda x: 0.1 * x + x / 3 - 2 / x, positive(x=(6,))),
    "x**2.5": (lambda x: x**2.5, positive(x=(6,))),
    "2**x": (lambda x: 2**x, normal(x=(6,))),
    "x**y": (lambda x, y: x**y, positive(x=(5,), y=(5,))),
    "exp": (torch.exp, normal(x=(8,))),
    "exp2 expm1": (lambda x: torch.exp2(x) * torch.expm1(x), normal(x=(8,))),
    "log": (torch.log, positive(x=(8,))),
    "log1p log2 log10": (lambda x: torch.log1p(x) + torch.log2(x) * torch.log10(x), positive(x=(8,))),
    "log(1+x) - x": (lambda x: torch.log(1 + x) - x, inside(1e-5, 0.1, x=(8,))),
    "sqrt rsqrt reciprocal": (lambda x: x.sqrt() + x.rsqrt() * x.reciprocal(), positive(x=(8,))),
    "sin cos tan": (lambda x: x.sin() * x.cos() + x.tan(), inside(-1.2, 1.2, x=(8,))),
    "sin(100 x)": (lambda x: torch.sin(100 * x), inside(0, 1, x=(8,))),
    "asin acos atan": (lambda x: x.asin() + x.acos() * x.atan(), inside(-0.9, 0.9, x=(8,))),
    "sinh cosh": (lambda x: x.sinh() * x.cosh(), normal(x=(8,))),
    "asinh acosh": (lambda x: x.asinh() + (x + 1.5).acosh(), positive(x=(8,))),
    "atanh": (torch.atanh, inside(-0.9, 0.9, x=(8,))),
    "tanh": (lambda x: torch.tanh(3 * x), normal(x=(8,))),
    "sigmoid": (lambda x: torch.sigmoid(5 * x), normal(x=(8,))),
    "log_sigmoid": (lambda x: F.logsigmoid(4 * x), normal(x=(8,))),
    "erf erfc": (lambda x: torch.erf(x) * torch.erfc(x), normal(x=(8,))),
    "erfinv": (torch.erfinv, inside(-0.9, 0.9, x=(8,))),
    "lgamma": (torch.lgamma, positive(x=(8,))),
    "softplus": (lambda x: F.softplus(x, beta=2), normal(x=(8,))),
    "silu mish": (lambda x: F.silu(x) + F.mish(x), normal(x=(8,))),
    "gelu": (F.gelu, normal(x=(8,))),
    "gelu tanh": (lambda x: F.gelu(x, approximate="tanh"), normal(x=(8,))),
    "elu selu": (lambda x: F.elu(x, 0.7) * F.selu(x), normal(x=(8,))),
    "atan2 hypot": (lambda x, y: torch.atan2(x, y) * torch.hypot(x, y), normal(x=(8,), y=(8,))),
    "logaddexp": (lambda x, y: torch.logaddexp(3 * x, y), normal(x=(8,), y=(8,))),
    "xlogy": (lambda x, y: torch.xlogy(x, y), positive(x=(8,), y=(8,))),
    "addcmul addcdiv lerp": (
        lambda x, y, z: torch.addcmul(x, y, z, value=0.3) + torch.addcdiv(x, y, z, value=1.7) + torch.lerp(x, y, 0.3),
        positive(x=(5,), y=(5,), z=(5,)),
    ),
    "mean var std": (lambda x: x.mean(0) + x.var(0) * x.std(0), normal(x=(7, 3))),
    "var uncorrected": (lambda x: x.var(unbiased=False) + x.std((0, 1), correction=0), normal(x=(4, 3))),
    "prod": (lambda x: x.prod() + x.prod(1).sum(), positive(x=(3, 3))),
    "cumsum cumprod": (lambda x: x.cumsum(0) * x.cumprod(1), positive(x=(3, 3))),
    "logsumexp": (lambda x: torch.logsumexp(x, 1), normal(x=(3, 9))),
    "softmax": (lambda x: torch.softmax(x, -1), normal(x=(3, 6))),
    "log_softmax": (lambda x: torch.log_softmax(3 * x, 0), normal(x=(6, 3))),
    "1-norm": (lambda x: torch.linalg.vector_norm(x, 1), normal(x=(6,))),
    "3-norm": (lambda x: torch.linalg.vector_norm(x, 3, dim=1), normal(x=(3, 4))),
    "inf-norm": (lambda x: torch.linalg.vector_norm(x, float("inf")), normal(x=(6,))),
    "normalize": (lambda x: F.normalize(x, dim=1), normal(x=(3, 4))),
    "cosine similarity": (lambda x, y: F.cosine_similarity(x, y, dim=0), normal(x=(6,), y=(6,))),
    "matrix product": (lambda a, b: a @ b, normal(a=(3, 5), b=(5, 4))),
    "quadratic form": (lambda a, x: x @ a @ x, normal(a=(5, 5), x=(5,))),
    "batched products": (lambda a, b: torch.baddbmm(a @ b, a, b, beta=0.5, alpha=2), normal(a=(2, 3, 3), b=(2, 3, 3))),
    "einsum": (lambda a, b: torch.einsum("ijk,kl->il", a, b), normal(a=(2, 3, 4), b=(4, 2))),
    "addmv addr addbmm": (
        lambda m, x, y, b: torch.addmv(x, m, y, beta=0.5) @ torch.addr(m, x, y) @ torch.addbmm(m, b, b, alpha=0.3),
        normal(m=(3, 3), x=(3,), y=(3,), b=(2, 3, 3)),
    ),
    "outer kron trace": (lambda x, y: torch.kron(torch.outer(x, y), torch.outer(y, x)).trace(), normal(x=(3,), y=(3,))),
    "cross": (lambda x, y: torch.linalg.cross(x, y), normal(x=(2, 3), y=(2, 3))),
    "inverse": (torch.linalg.inv, regular(a=(4, 4))),
    "solve": (lambda a, b: torch.linalg.solve(a, b), lambda g: regular(a=(4, 4))(g) | normal(b=(4, 2))(g)),
    "solve vector": (lambda a, b: torch.linalg.solve(a, b), lambda g: regular(a=(4, 4))(g) | normal(b=(4,))(g)),
    "det": (torch.linalg.det, normal(a=(4, 4))),
    "det of a stack": (torch.linalg.det, normal(a=(2, 3, 3))),
    "logdet": (lambda a: torch.logdet(a @ a.T + torch.eye(4, dtype=a.dtype)), normal(a=(4, 4))),
    "cholesky": (lambda a: torch.linalg.cholesky(a @ a.T + torch.eye(4, dtype=a.dtype)), normal(a=(4, 4))),
    "cholesky solve": (
        lambda a, b: torch.cholesky_solve(b, a.triu(), upper=True),
        lambda g: regular(a=(3, 3))(g) | normal(b=(3, 2))(g),
    ),
    "lu": (lambda a: torch.cat([torch.linalg.lu(a).L, torch.linalg.lu(a).U.T]), regular(a=(4, 4))),
    "lu of a wide and a tall matrix": (
        lambda a, b: torch.linalg.lu_factor(a).LU + torch.linalg.lu_factor(b).LU.T,
        lambda g: {"a": regular(a=(5, 5))(g)["a"][:3], "b": regular(b=(5, 5))(g)["b"][:, :3]},
    ),
    "lu solve": (
        lambda a, b: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), b, adjoint=True),
        lambda g: regular(a=(4, 4))(g) | normal(b=(4, 2))(g),
    ),
    "qr": (lambda a: torch.cat(torch.linalg.qr(a)), normal(a=(4, 3))),
    "qr of a wide matrix": (lambda a: torch.cat(torch.linalg.qr(a), 1), lambda g: {"a": regular(a=(4, 4))(g)["a"][:3]}),
    "reflectors": (
        lambda a, t, c: torch.ormqr(a, t, c, transpose=True) @ torch.linalg.householder_product(a, t),
        lambda g: inside(-0.5, 0.5, a=(4, 3), t=(3,))(g) | normal(c=(4, 4))(g),
    ),
    "eigenvectors": (_eigen, lambda g: {"a": torch.diag(torch.arange(1.0, 5.0).double()) + inside(-0.3, 0.3, a=(4, 4))(g)["a"]}),
    "singular vectors": (_singular, lambda g: {"a": (4 * torch.eye(3, 4).double().cumsum(0) + normal(a=(3, 4))(g)["a"]).T}),
    "pseudoinverse": (torch.linalg.pinv, lambda g: {"a": regular(a=(4, 4))(g)["a"][:, :3]}),
    "pseudoinverse of a symmetric matrix": (lambda a: torch.linalg.pinv(a + a.T, hermitian=True), regular(a=(3, 3))),
    "least squares solution": (
        lambda a, b: torch.linalg.lstsq(a, b).solution,
        lambda g: {"a": regular(a=(5, 5))(g)["a"][:, :3]} | normal(b=(5, 2))(g),
    ),
    "matrix exponential": (torch.linalg.matrix_exp, normal(a=(3, 3))),
    "bilinear": (F.bilinear, normal(x=(2, 3), y=(2, 2), w=(4, 3, 2), b=(4,))),
    "triangular solve": (
        lambda a, b: torch.linalg.solve_triangular(a, b, upper=False),
        lambda g: regular(a=(4, 4))(g) | normal(b=(4, 2))(g),
    ),
    "singular values": (torch.linalg.svdvals, normal(a=(3, 4))),
    "nuclear norm": (lambda a: torch.linalg.matrix_norm(a, "nuc"), normal(a=(4, 3))),
    "eigenvalues": (lambda a: torch.linalg.eigvalsh(a + a.T), normal(a=(3, 3))),
    "matrix power": (lambda a: torch.linalg.matrix_power(a, 3), normal(a=(3, 3))),
    "linear layer": (F.linear, normal(x=(3, 5), w=(4, 5), b=(4,))),
    "mlp": (lambda x, w, v: torch.tanh(x @ w) @ v, normal(x=(4, 6), w=(6, 5), v=(5, 1))),
    "recurrent": (_recurrent, normal(x=(4, 3), w=(3, 3), u=(3, 3))),
    "nested tanh": (lambda x: torch.tanh(torch.tanh(torch.tanh(1.5 * x))), normal(x=(6,))),
    "power iteration": (_power_iteration, positive(a=(4, 4))),
    "least squares": (lambda x, w, y: ((x @ w - y) ** 2).mean(), normal(x=(10, 3), w=(3,), y=(10,))),
    "ridge": (lambda x, w: ((x @ w) ** 2).sum() + 0.1 * w.norm() ** 2, normal(x=(6, 3), w=(3,))),
    "cross entropy": (lambda x: F.cross_entropy(x, LABELS), normal(x=(4, 5))),
    "cross entropy, weighted": (
        lambda x: F.cross_entropy(x, LABELS, weight=WEIGHTS.to(x.dtype), label_smoothing=0.1),
        normal(x=(4, 5)),
    ),
    "mse": (F.mse_loss, normal(x=(4, 3), y=(4, 3))),
    "smooth l1 and huber": (
        lambda x, y: F.smooth_l1_loss(x, y, beta=0.7) + F.huber_loss(x, y, delta=0.6, reduction="sum"),
        normal(x=(9,), y=(9,)),
    ),
    "bce": (F.binary_cross_entropy, inside(0.05, 0.95, x=(6,), y=(6,))),
    "bce with logits": (
        lambda x, y: F.binary_cross_entropy_with_logits(3 * x, y, pos_weight=WEIGHTS.to(x.dtype)),
        inside(0.05, 0.95, x=(5,), y=(5,)),
    ),
    "kl_div": (lambda x, y: F.kl_div(torch.log_softmax(x, 0), torch.softmax(y, 0), reduction="sum"), normal(x=(5,), y=(5,))),
    "layer norm": (lambda x, w, b: F.layer_norm(x, (6,), w, b) ** 3, normal(x=(3, 6), w=(6,), b=(6,))),
    "group norm": (lambda x, w: F.group_norm(x, 2, w), normal(x=(2, 4, 3), w=(4,))),
    "batch norm": (
        lambda x, w, b: F.batch_norm(x, torch.zeros(3, dtype=x.dtype), torch.ones(3, dtype=x.dtype), w, b, training=True),
        normal(x=(5, 3), w=(3,), b=(3,)),
    ),
    "batch norm, eval": (
        lambda x, w, b: F.batch_norm(x, torch.zeros(3, dtype=x.dtype), torch.ones(3, dtype=x.dtype), w, b),
        normal(x=(5, 3), w=(3,), b=(3,)),
    ),
    "rms norm": (lambda x, w: F.rms_norm(x, (6,), w, 1e-6), normal(x=(3, 6), w=(6,))),
    "conv1d": (lambda x, w, b: F.conv1d(x, w, b, stride=2, padding=1), normal(x=(2, 3, 7), w=(4, 3, 3), b=(4,))),
    "conv2d": (
        lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1, dilation=2, groups=2),
        normal(x=(1, 4, 7, 7), w=(4, 2, 2, 2), b=(4,)),
    ),
    "transposed conv": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=1, groups=2, dilation=2),
        normal(x=(1, 4, 3, 3), w=(4, 2, 2, 3), b=(4,)),
    ),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2) * F.adaptive_avg_pool3d(x, 2), normal(x=(1, 1, 4, 4, 4))),
    "distances": (lambda x, y: torch.cdist(x, y) * torch.dist(x, y, 3), normal(x=(3, 2), y=(3, 2))),
    "avg_pool2d": (
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False) * F.avg_pool2d(x, 3, 2, 1, ceil_mode=True),
        normal(x=(1, 2, 6, 6)),
    ),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)) ** 2, normal(x=(1, 2, 5, 7))),
    "attention": (F.scaled_dot_product_attention, normal(q=(1, 2, 3, 4), k=(1, 2, 3, 4), v=(1, 2, 3, 4))),
    "causal attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        normal(q=(1, 2, 3, 4), k=(1, 2, 3, 4), v=(1, 2, 3, 4)),
    ),
    "embedding": (lambda w: F.embedding(LABELS, w, padding_idx=1).pow(2), normal(w=(5, 3))),
    "indexing": (lambda x: x[[0, 2]] * x[:, [1, 1]].sum() + x[1, ::2].sum() + x.diagonal().prod(), normal(x=(3, 3))),
    "gather and scatter": (
        lambda x: torch.zeros(3, 4, dtype=x.dtype).scatter_add(1, LABELS.expand(3, 4), x.gather(1, LABELS.expand(3, 4)) ** 2),
        normal(x=(3, 4)),
    ),
    "index_add and index_put": (
        lambda x: x.index_add(0, LABELS, x * x).index_put((LABELS,), x.sin(), accumulate=True),
        normal(x=(4, 3)),
    ),
    "cat stack roll flip pad": (
        lambda x: F.pad(torch.cat([x.roll(1, 0), x.flip(1)]) * torch.stack([x, x]).view(6, 3), (1, -1, 0, 2), value=2.0).exp(),
        normal(x=(3, 3)),
    ),
    "tril diag_embed repeat": (lambda x: (x.tril() @ torch.diag_embed(x[0])).repeat(2, 1) * x.triu(1).sum(), normal(x=(3, 3))),
    "unfold and split": (lambda x: (x.unfold(0, 3, 2).exp() * x.split(3)[0]).sum(1), normal(x=(9,))),
    "in-place writes": (_written, normal(x=(4,))),
    "masked in-place": (_masked, normal(x=(6,))),
    "to float64 and back": (lambda x: (x.double().exp() / 3).to(x.dtype) * x, normal(x=(4,))),
    "decomposed by torch": (lambda x: F.glu(x, 0) + F.softsign(x[:3]) * F.hardshrink(x[3:]), normal(x=(6,))),
}

#: Pieces that meet in kinks: at random points they are smooth.
CHOICES: dict[str, tuple[Callable[..., Any], Draw]] = {
    "relu": (torch.relu, normal(x=(9,))),
    "abs": (torch.abs, normal(x=(9,))),
    "clamp": (lambda x: x.clamp(-0.5, 0.7) * x, normal(x=(9,))),
    "clamp by tensors": (torch.clamp, normal(x=(9,), low=(9,), high=(9,))),
    "hard activations": (lambda x: F.hardtanh(x) + F.hardswish(3 * x) * F.relu6(x), normal(x=(9,))),
    "leaky_relu prelu": (lambda x, w: F.leaky_relu(x, 0.1) * F.prelu(x, w), normal(x=(9,), w=(1,))),
    "threshold softshrink": (lambda x: F.threshold(x, 0.2, 0.5) + F.softshrink(x, 0.3), normal(x=(9,))),
    "max of two": (lambda x, y: torch.maximum(x, y) * torch.minimum(x, y) + torch.fmax(x, y), normal(x=(9,), y=(9,))),
    "max min": (lambda x: x.max() * x.min() + x.max(1).values * x.min(0).values, normal(x=(4, 4))),
    "amax amin": (lambda x: x.amax(0) * x.amin((0, 1)), normal(x=(4, 4))),
    "sort": (lambda x: x.sort(descending=True).values * torch.arange(5), normal(x=(2, 5))),
    "topk kthvalue": (lambda x: x.topk(2).values * x.kthvalue(2, keepdim=True).values, normal(x=(2, 5))),
    "median": (lambda x: x.median() * x.median(1).values, normal(x=(3, 5))),
    "cummax": (lambda x: x.cummax(0).values ** 2, normal(x=(6,))),
    "where": (lambda x: torch.where(x > 0.3, x**2, x.sin()), normal(x=(9,))),
    "masked_fill masked_select": (lambda x: x.masked_fill(x > 0, 2.0).sum() * x.masked_select(x < 0.5).sum(), normal(x=(9,))),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1) ** 2, normal(x=(1, 2, 6, 6))),
    "small conv net": (
        lambda x, w, v: F.cross_entropy(F.max_pool2d(torch.relu(F.conv2d(x, w, padding=1)), 2).flatten(1) @ v, LABELS[:2]),
        normal(x=(2, 1, 4, 4), w=(3, 1, 3, 3), v=(12, 4)),
    ),
    "hinge": (lambda x, w: torch.clamp(1 - x @ w, min=0).mean(), normal(x=(6, 3), w=(3,))),
    "fmod remainder": (lambda x, y: torch.fmod(x, 0.7) * torch.remainder(x, y) + x.frac(), positive(x=(5,), y=(5,))),
    "steps": (lambda x: x.floor() * x + x.ceil() + x.round() * x + x.trunc() + x.sign() * x, normal(x=(5,))),
}

#: Correct in their dtype's first eight digits only: torch computes these float64 gradients from float32 constants or a short series.
INACCURATE_IN_TORCH: dict[str, tuple[Callable[..., Any], Draw]] = {
    "celu": (lambda x: F.celu(x, 0.7), inside(-2, -1, x=(8,))),
    "hardsigmoid": (F.hardsigmoid, inside(-2, 2, x=(8,))),
    "digamma": (torch.digamma, inside(1.5, 2.5, x=(8,))),
}
