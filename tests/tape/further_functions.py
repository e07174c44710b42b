"""Functions of PyTorch's library that exercises seldom use, each with a way to draw its inputs: `FURTHER`, like `functions_of_interest`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (torch's own habit)

from tests.tape.functions_of_interest import Draw, inside, normal, positive

special = torch.special
PLACES = torch.tensor([0, 2, 2, 1])
GRID = torch.tensor([[0, 1, 1], [2, 0, 1]])


def _scattered(reduce: str, include_self: bool) -> Callable[..., torch.Tensor]:
    return lambda x, y: x.scatter_reduce(1, GRID, y, reduce, include_self=include_self)


def _index_reduced(reduce: str) -> Callable[..., torch.Tensor]:
    return lambda x, y: x.index_reduce(0, PLACES, y, reduce) * x.index_reduce(0, PLACES, y, reduce, include_self=False)


def _segmented(reduce: str) -> Callable[..., torch.Tensor]:
    lengths = torch.tensor([2, 3, 0])
    return lambda x: torch.segment_reduce(x, reduce, lengths=lengths, initial=2.0)


def _grid(size: tuple[int, ...], places: tuple[int, ...]) -> Draw:
    def draw(g: torch.Generator) -> dict[str, torch.Tensor]:
        space = len(size)
        at = 2.4 * torch.rand((1, *places, space), dtype=torch.float64, generator=g) - 1.2
        return {"x": torch.randn((1, 2, *size), dtype=torch.float64, generator=g), "grid": at}

    return draw


def _bag(mode: str, **options: Any) -> Callable[..., torch.Tensor]:
    words, starts = torch.tensor([1, 2, 4, 2, 0, 3]), torch.tensor([0, 2, 2, 5])
    return lambda w: F.embedding_bag(words, w, starts, mode=mode, **options)


def _gated(cell: str) -> Callable[..., torch.Tensor]:
    def run(x: torch.Tensor, h: torch.Tensor, wx: torch.Tensor, wh: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if cell == "lstm":
            return torch.lstm(x, (h[None], h[None] * 0.5), (wx, wh, b, b), True, 1, 0.0, False, False, False)[0]
        if cell == "gru":
            return torch.gru(x, h[None], (wx[:9], wh[:9], b[:9], b[:9]), True, 1, 0.0, False, False, False)[0]
        return torch.rnn_tanh(x, h[None], (wx[:3], wh[:3], b[:3], b[:3]), True, 1, 0.0, False, False, False)[0]

    return run


_RECURRENT = normal(x=(2, 3, 2), h=(3, 3), wx=(12, 2), wh=(12, 3), b=(12,))
_SCATTER = positive(x=(3, 3), y=(2, 3))

SPECIAL: dict[str, tuple[Callable[..., Any], Draw]] = {
    "polygamma": (lambda x: torch.polygamma(2, x) * torch.polygamma(3, x), positive(x=(6,))),
    "polygamma below zero": (lambda x: torch.polygamma(2, x) + torch.polygamma(5, x), inside(-2.8, -2.2, x=(6,))),
    "lgamma below zero": (torch.lgamma, inside(-2.8, -2.2, x=(6,))),
    "zeta": (lambda x: special.zeta(2.5, x) * special.zeta(3.0, x), positive(x=(6,))),
    "gammainc": (lambda x: special.gammainc(torch.tensor(2.5).to(x), x) * special.gammaincc(torch.tensor(1.5).to(x), x), positive(x=(6,))),
    "i0 i1": (lambda x: special.i0(x) * special.i1(x), normal(x=(6,))),
    "i0e i1e": (lambda x: special.i0e(x) * special.i1e(3 * x), normal(x=(6,))),
    "erfcx": (special.erfcx, normal(x=(6,))),
    "ndtri": (special.ndtri, inside(0.05, 0.95, x=(6,))),
    "log_ndtr ndtr": (lambda x: special.log_ndtr(3 * x) * special.ndtr(x), normal(x=(6,))),
    "sinc": (torch.sinc, normal(x=(6,))),
    "entr": (special.entr, positive(x=(6,))),
    "xlog1py": (special.xlog1py, positive(x=(6,), y=(6,))),
    "logit": (lambda x: torch.logit(x, eps=0.1), inside(0.2, 0.8, x=(6,))),
    "logcumsumexp": (lambda x: x.logcumsumexp(1), normal(x=(2, 5))),
    "ldexp": (lambda x, y: torch.ldexp(x, y), normal(x=(6,), y=(6,))),
    "norms of other orders": (
        lambda x: torch.linalg.vector_norm(x, -1.5, 1) * torch.linalg.vector_norm(x, 0.5, 0) + torch.linalg.vector_norm(x, 5),
        positive(x=(3, 3)),
    ),
    "pdist": (lambda x: F.pdist(x) * F.pdist(x, 3), normal(x=(4, 3))),
}

WINDOWS: dict[str, tuple[Callable[..., Any], Draw]] = {
    "max_pool1d": (lambda x: F.max_pool1d(x, 3, 2, 1, dilation=1, ceil_mode=True), normal(x=(1, 2, 8))),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2, 1), normal(x=(1, 1, 3, 3, 3))),
    "adaptive_max_pool": (lambda x: F.adaptive_max_pool2d(x, (2, 3)), normal(x=(1, 2, 5, 4))),
    "adaptive_max_pool3d": (lambda x: F.adaptive_max_pool3d(x, 2), normal(x=(1, 1, 3, 3, 3))),
    "fractional_max_pool": (
        lambda x: F.fractional_max_pool2d(x, 2, output_size=3, _random_samples=torch.tensor([[[0.3, 0.6], [0.7, 0.1]]]).to(x)),
        normal(x=(1, 2, 6, 5)),
    ),
    "lp_pool": (lambda x: F.lp_pool2d(x, 3, 2), positive(x=(1, 1, 4, 4))),
    "max_unpool": (lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), normal(x=(1, 1, 4, 4))),
    "linear, bilinear": (
        lambda x: F.interpolate(x[0], 7, mode="linear") + F.interpolate(x, (3, 7), mode="bilinear", align_corners=True)[0],
        normal(x=(1, 3, 3, 4)),
    ),
    "bicubic": (lambda x: F.interpolate(x, scale_factor=(1.7, 0.6), mode="bicubic"), normal(x=(1, 1, 4, 5))),
    "trilinear": (lambda x: F.interpolate(x, (3, 2, 4), mode="trilinear"), normal(x=(1, 1, 2, 3, 3))),
    "nearest": (lambda x: F.interpolate(x, (5, 3)) * F.interpolate(x, (5, 3), mode="nearest-exact"), normal(x=(1, 1, 3, 4))),
    "grid, bilinear": (lambda x, grid: F.grid_sample(x, grid, align_corners=False), _grid((3, 4), (2, 2))),
    "grid, border": (lambda x, grid: F.grid_sample(x, grid, padding_mode="border", align_corners=True), _grid((3, 4), (2, 2))),
    "grid, reflection": (
        lambda x, grid: F.grid_sample(x, grid, padding_mode="reflection", align_corners=False),
        _grid((3, 4), (2, 2)),
    ),
    "grid, nearest": (lambda x, grid: F.grid_sample(x, grid, "nearest", "reflection", align_corners=True), _grid((3, 4), (2, 2))),
    "grid, bicubic": (lambda x, grid: F.grid_sample(x, grid, "bicubic", "reflection", align_corners=False), _grid((4, 4), (2, 2))),
    "grid, three dimensions": (lambda x, grid: F.grid_sample(x, grid, align_corners=False), _grid((3, 2, 3), (1, 2, 2))),
    "pixel and channel shuffle": (
        lambda x: F.pixel_unshuffle(F.channel_shuffle(F.pixel_shuffle(x, 2).repeat(1, 4, 1, 1), 2), 2),
        normal(x=(1, 4, 2, 2)),
    ),
    "local response norm": (lambda x: F.local_response_norm(x, 2), normal(x=(1, 3, 4))),
    "instance norm": (lambda x: F.instance_norm(x), normal(x=(2, 2, 5))),
}

REACHED: dict[str, tuple[Callable[..., Any], Draw]] = {
    "scatter prod": (_scattered("prod", True), _SCATTER),
    "scatter prod anew": (_scattered("prod", False), _SCATTER),
    "scatter mean": (_scattered("mean", True), _SCATTER),
    "scatter mean anew": (_scattered("mean", False), _SCATTER),
    "scatter amax": (_scattered("amax", True), _SCATTER),
    "scatter amin anew": (_scattered("amin", False), _SCATTER),
    "scatter sum anew": (_scattered("sum", False), _SCATTER),
    "index_reduce prod": (_index_reduced("prod"), positive(x=(3, 2), y=(4, 2))),
    "index_reduce mean": (_index_reduced("mean"), positive(x=(3, 2), y=(4, 2))),
    "index_reduce amax": (_index_reduced("amax"), positive(x=(3, 2), y=(4, 2))),
    "segment sum": (_segmented("sum"), positive(x=(5,))),
    "segment mean": (_segmented("mean"), positive(x=(5,))),
    "segment prod": (_segmented("prod"), positive(x=(5,))),
    "segment max": (_segmented("max"), positive(x=(5,))),
    "put": (lambda x, y: x.put(PLACES, y, accumulate=True) * x.put(PLACES[[0, 2, 3]], y[:3]), normal(x=(2, 2), y=(4,))),
    "diagonal_scatter": (lambda x, y: x.diagonal_scatter(y, 1).exp(), normal(x=(3, 4), y=(3,))),
    "as_strided": (lambda x: torch.as_strided(x, (2, 3), (2, 1), 1).exp(), normal(x=(2, 4))),
    "copies of views": (
        lambda x: torch.unfold_copy(torch.permute_copy(x, (1, 0)), 0, 2, 1) * torch.narrow_copy(x, 1, 0, 1),
        normal(x=(2, 3)),
    ),
    "nanmedian": (lambda x: x.nanmedian() * x.nanmedian(1).values, normal(x=(3, 5))),
    "round, frexp, copysign": (
        lambda x, y: torch.round(x, decimals=1) * x + torch.frexp(x).mantissa * torch.copysign(x, y),
        normal(x=(6,), y=(6,)),
    ),
    "bag sum": (_bag("sum", padding_idx=2), normal(w=(5, 3))),
    "bag mean": (_bag("mean"), normal(w=(5, 3))),
    "bag max": (_bag("max"), normal(w=(5, 3))),
    "weighted bag": (
        lambda w, s: F.embedding_bag(torch.tensor([[1, 2], [4, 2]]), w, per_sample_weights=s, mode="sum"),
        normal(w=(5, 3), s=(2, 2)),
    ),
    "multilabel margin": (
        lambda x: F.multilabel_margin_loss(x, torch.tensor([[2, 0, -1, 1], [1, -1, 0, 2]]), reduction="none"),
        normal(x=(2, 4)),
    ),
    "ctc": (
        lambda x: F.ctc_loss(x.log_softmax(-1), torch.tensor([[1, 2, 2], [3, 1, 0]]), (7, 6), (3, 2), reduction="none"),
        normal(x=(7, 2, 4)),
    ),
    "other losses": (
        lambda x, y: (
            F.gaussian_nll_loss(x, y, y * y + 0.1) + F.poisson_nll_loss(x, y, log_input=True) + F.soft_margin_loss(x, y.detach().sign())
        ),
        normal(x=(6,), y=(6,)),
    ),
    "margins": (
        lambda x, y, z: (
            F.triplet_margin_loss(x, y, z, margin=8.0) + F.multi_margin_loss(x, PLACES % 3) + F.cosine_embedding_loss(x, y, PLACES * 0 + 1)
        ),
        normal(x=(4, 3), y=(4, 3), z=(4, 3)),
    ),
    "kl of logarithms": (
        lambda x, y: F.kl_div(x.log_softmax(0), y.log_softmax(0), log_target=True, reduction="sum"),
        normal(x=(5,), y=(5,)),
    ),
    "lstm": (_gated("lstm"), _RECURRENT),
    "gru": (_gated("gru"), _RECURRENT),
    "rnn": (_gated("rnn"), _RECURRENT),
    "multi-head attention": (
        lambda x, w, o: F.multi_head_attention_forward(
            x, x, x, 4, 2, w, None, None, None, False, 0.0, o, None, training=False, need_weights=False
        )[0],
        normal(x=(3, 1, 4), w=(12, 4), o=(4, 4)),
    ),
    "attention with a mask": (
        lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, m, scale=0.3),
        normal(q=(1, 1, 3, 2), k=(1, 1, 3, 2), v=(1, 1, 3, 2), m=(3, 3)),
    ),
}

FURTHER = SPECIAL | WINDOWS | REACHED
#: torch has no CPU kernels in half precision for these.
FURTHER_NOT_IN_HALF = frozenset(
    {"zeta", "i0 i1", "i0e i1e", "erfcx", "ndtri", "log_ndtr ndtr", "pdist", "multilabel margin", "ctc", "margins"}
)
