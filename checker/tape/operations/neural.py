"""Layers: convolution, normalisation, dropout, attention."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.exponentials import logarithm_of_sum, softmax
from checker.tape.operations.linear import batched
from checker.tape.operations.pooling import each
from checker.tape.operations.reductions import mean, reduce, variance
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


@rule("convolution")
def _convolution(
    g: G, x: Array, weight: Array, bias: Array | None, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    transposed: bool, output_padding: Sequence[int], groups: int,
) -> Array:  # fmt: skip
    """Every output entry is one inner product of a patch and a filter, plus the bias."""
    space = x.ndim - 2
    stride, padding, dilation = (each(v, space) for v in (stride, padding, dilation))
    if transposed:
        return _transposed(g, x, weight, bias, stride, padding, dilation, each(output_padding, space), groups)
    padded = g.full([*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))], g.zero)
    padded[(..., *(slice(p, p + n) for n, p in zip(x.shape[2:], padding, strict=True)))] = x
    out_channels, per_group, *kernel = weight.shape
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = [(n - r) // s + 1 for n, r, s in zip(padded.shape[2:], reach, stride, strict=True)]
    result = np.empty((x.shape[0], out_channels, *size), object)
    filters = [list(w.reshape(-1)) for w in weight]
    for batch in range(x.shape[0]):
        for place in itertools.product(*(range(n) for n in size)):
            window = tuple(slice(i * s, i * s + r, d) for i, s, r, d in zip(place, stride, reach, dilation, strict=True))
            patches = [
                list(padded[(batch, slice(group * per_group, (group + 1) * per_group), *window)].reshape(-1)) for group in range(groups)
            ]
            for channel in range(out_channels):
                start, one = ([], []) if bias is None else ([bias[channel]], [g.one])
                result[(batch, channel, *place)] = g.dot(start + patches[channel * groups // out_channels], one + filters[channel])
    return result


def _transposed(
    g: G, x: Array, weight: Array, bias: Array | None, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    extra: Sequence[int], groups: int,
) -> Array:  # fmt: skip
    """Input entry i is spread over the outputs i · stride + k · dilation − padding; each output is one inner product of what meets."""
    _, per_group, *kernel = weight.shape
    inside = x.shape[1] // groups
    sizes = zip(x.shape[2:], stride, padding, dilation, kernel, extra, strict=True)
    size = [(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, s, p, d, k, e in sizes]
    result = np.empty((x.shape[0], per_group * groups, *size), object)
    meeting: dict[tuple[int, ...], list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
    for i, k in itertools.product(np.ndindex(*x.shape[2:]), np.ndindex(*kernel)):
        place = tuple(a * s + b * d - p for a, b, s, d, p in zip(i, k, stride, dilation, padding, strict=True))
        meeting.setdefault(place, []).append((i, k))
    for batch, channel in np.ndindex(*result.shape[:2]):
        group, own = divmod(channel, per_group)
        channels = range(group * inside, (group + 1) * inside)
        for place in np.ndindex(*size):
            pairs = [(x[(batch, c, *i)], weight[(c, own, *k)]) for i, k in meeting.get(place, ()) for c in channels]
            pairs += [] if bias is None else [(bias[channel], g.one)]
            result[(batch, channel, *place)] = g.dot([a for a, _ in pairs], [w for _, w in pairs])
    return result


def _standardise(g: G, items: list[Scalar], eps: float) -> tuple[list[Scalar], Scalar, Scalar]:
    """(xᵢ − m) s with s = 1 / √(v + eps), as torch computes it: xᵢ s − m s. Also gives m and s."""
    centre = mean(g, items)
    scale = g.function("rsqrt", variance(g, items, 0) + eps)
    offset = centre * scale
    return [x * scale - offset for x in items], centre, scale


def _affine(g: G, x: Array, weight: Array | None, bias: Array | None) -> Array:
    if weight is not None:
        x = g.map(lambda a, w: a * w, x, weight)
    return x if bias is None else g.map(lambda a, b: a + b, x, bias)


def _rows(g: G, rows: Array, eps: float) -> tuple[Array, Array, Array]:
    """Every row of a matrix standardised."""
    result = np.empty(rows.shape, object)
    means, scales = np.empty(len(rows), object), np.empty(len(rows), object)
    for i, row in enumerate(rows):
        result[i], means[i], scales[i] = _standardise(g, list(row), eps)
    return result, means, scales


@rule("native_layer_norm")
def _layer_norm(
    g: G, x: Array, normalized_shape: Sequence[int], weight: Array | None, bias: Array | None, eps: float
) -> tuple[Array, Array, Array]:  # fmt: skip
    outer = x.shape[: x.ndim - len(normalized_shape)]
    rows, means, scales = _rows(g, x.reshape(math.prod(outer), math.prod(normalized_shape)), eps)
    statistics = (*outer, *(1 for _ in normalized_shape))
    return _affine(g, rows.reshape(x.shape), weight, bias), means.reshape(statistics), scales.reshape(statistics)


@rule("native_group_norm")
def _group_norm(
    g: G, x: Array, weight: Array | None, bias: Array | None, N: int, C: int, HxW: int, group: int, eps: float  # noqa: N803
) -> tuple[Array, Array, Array]:  # fmt: skip
    rows, means, scales = _rows(g, x.reshape(N * group, C * HxW // max(group, 1)), eps)
    over = (1, C, *(1 for _ in x.shape[2:]))
    weight, bias = (None if v is None else v.reshape(over) for v in (weight, bias))
    return _affine(g, rows.reshape(x.shape), weight, bias), means.reshape(N, group), scales.reshape(N, group)


@rule("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training", "_native_batch_norm_legit_functional")
def _batch_norm(
    g: G, x: Array, weight: Array | None, bias: Array | None, momentum: float, eps: float, running_mean: Array | None = None,
    running_var: Array | None = None, training: bool = False,
) -> tuple[Array, Any, Any]:  # fmt: skip
    """Each channel standardised by the batch's own statistics in training, which the running ones then follow, else by the running ones."""
    over = (1, -1, *(1 for _ in x.shape[2:]))
    channels = np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)
    if training:
        _, means, scales = _rows(g, channels, eps)
    elif running_mean is not None and running_var is not None:
        means, scales = running_mean, g.map(lambda v: g.function("rsqrt", v + eps), running_var)
    else:
        raise Unsupported("aten.native_batch_norm", "neither a batch nor running statistics are given", line=g.line)
    slopes = scales if weight is None else g.map(lambda s, w: s * w, scales, weight)
    offsets = g.map(lambda m, s: -(m * s), means, slopes)
    offsets = offsets if bias is None else g.map(lambda o, b: o + b, offsets, bias)
    result = g.map(lambda a, s, o: a * s + o, x, slopes.reshape(over), offsets.reshape(over))
    if training and running_mean is not None and running_var is not None:
        spread = reduce(g, lambda items: variance(g, items), channels, 1)
        for kept, fresh in ((running_mean, means), (running_var, spread)):
            kept[...] = g.stop(g.map(lambda old, new: (1 - g.scalar(momentum)) * old + momentum * new, kept, fresh))
    return result, means, scales


@rule("_fused_rms_norm")
def _rms_norm(
    g: G, x: Array, normalized_shape: Sequence[int], weight: Array | None, eps: float | None
) -> tuple[Array, Array]:  # fmt: skip
    if eps is None:
        raise Unsupported("aten._fused_rms_norm", "eps=None has no rule here", line=g.line)
    outer = x.shape[: x.ndim - len(normalized_shape)]
    rows = x.reshape(math.prod(outer), math.prod(normalized_shape))
    scales = np.array([g.function("rsqrt", g.dot(row, row) / g.scalar(len(row)) + eps) for row in rows], object)
    plain = g.map(lambda x, s: x * s, rows, scales[:, None]).reshape(x.shape)
    return _affine(g, plain, weight, None), scales.reshape(*outer, *(1 for _ in normalized_shape))


@rule("native_dropout")
def _dropout(g: G, x: Array, p: float, recorded: Any, train: bool | None = None) -> tuple[Array, None]:
    """The mask that was drawn is drawn again."""
    if train is False:
        return x.copy(), None
    scale = g.one if p == 1 else 1 / (1 - g.scalar(p))
    return g.map(lambda x, kept: x * scale if g.numbers.sign(kept.value) else g.zero, x, recorded[1]), None


@rule("_scaled_dot_product_flash_attention_for_cpu")
def _attention(
    g: G, query: Array, key: Array, value: Array, dropout_p: float = 0, is_causal: bool = False, attn_mask: Array | None = None,
    scale: float | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """softmax(q kᵀ · scale + mask) v for every head; what causality hides takes no part in the softmax."""
    if dropout_p:
        raise Unsupported("aten._scaled_dot_product_flash_attention_for_cpu", "dropout has no rule here", line=g.line)
    batch, heads, rows, width = query.shape
    by = g.function("rsqrt", g.scalar(width)) if scale is None else g.scalar(scale)
    flat = [t.reshape(batch * heads, *t.shape[2:]) for t in (query, key, value)]
    scores = g.map(lambda s: s * by, batched(g, flat[0], flat[1].swapaxes(1, 2)))
    if attn_mask is not None:
        scores = g.map(lambda s, m: s + m, scores.reshape(batch, heads, rows, -1), attn_mask).reshape(scores.shape)
    shares, logs = g.full(scores.shape, g.zero), np.empty(scores.shape[:2], object)
    for head, row in np.ndindex(scores.shape[:2]):
        seen = slice(row + 1 if is_causal else None)
        items = list(scores[head, row, seen])
        shares[head, row, seen] = softmax(g, items)
        logs[head, row] = logarithm_of_sum(g, items)[0]
    return batched(g, shares, flat[2]).reshape(batch, heads, rows, -1), logs.reshape(batch, heads, rows)
