"""Layers: convolution, pooling, normalisation, dropout, attention."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.operations import rule
from checker.tape.operations.linear import batched
from checker.tape.operations.reductions import logarithm_of_sum, mean, reduce, softmax, variance
from checker.tape.scalars import Array, Graph, Scalar

G = Graph[Any]


def _each(values: Sequence[int], count: int) -> list[int]:
    """One number for every dimension, where one may stand for all."""
    return list(values) * count if len(values) == 1 else list(values)


@rule("convolution")
def _convolution(
    g: G, x: Array, weight: Array, bias: Array | None, stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int],
    transposed: bool, output_padding: Sequence[int], groups: int,
) -> Array:  # fmt: skip
    """Every output entry is one inner product of a patch and a filter, plus the bias."""
    space = x.ndim - 2
    stride, padding, dilation = (_each(v, space) for v in (stride, padding, dilation))
    if transposed:
        return _transposed(g, x, weight, bias, stride, padding, dilation, _each(output_padding, space), groups)
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


def _windows(
    size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], ceil: bool
) -> list[list[tuple[int, int]]]:
    """Per dimension the (start, stop) of each pooling window, in the coordinates of the unpadded x."""
    windows = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        count = (n + 2 * p - reach + (s - 1 if ceil else 0)) // s + 1
        if ceil and (count - 1) * s >= n + p:
            count -= 1
        windows.append([(i * s - p, i * s - p + reach) for i in range(count)])
    return windows


@rule("avg_pool2d", "avg_pool3d")
def _avg_pool(
    g: G, x: Array, kernel_size: Sequence[int], stride: Sequence[int] = (), padding: Sequence[int] = (0,), ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Array:  # fmt: skip
    space = 3 if len(kernel_size) == 3 else 2
    kernel, pad = _each(kernel_size, space), _each(padding, space)
    size, axes = x.shape[-space:], tuple(range(-space, 0))
    windows = _windows(size, kernel, _each(stride, space) if len(stride) else kernel, pad, [1] * space, ceil_mode)
    result: Array = np.empty((*x.shape[:-space], *(len(w) for w in windows)), object)
    for places in itertools.product(*(enumerate(w) for w in windows)):
        inside = [slice(max(a, 0), min(b, n)) for (_, (a, b)), n in zip(places, size, strict=True)]
        with_pad = math.prod(min(b, n + p) - a for (_, (a, b)), n, p in zip(places, size, pad, strict=True))
        without = math.prod(s.stop - s.start for s in inside)
        divisor = divisor_override or (with_pad if count_include_pad else without)
        sums = reduce(g, g.add, x[(..., *inside)], axes)
        result[(..., *(i for i, _ in places))] = g.map(lambda v, by=divisor: v / g.scalar(by), sums)
    return result


@rule("_adaptive_avg_pool2d", "adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool3d")
def _adaptive_avg_pool(g: G, x: Array, output_size: Sequence[int]) -> Array:
    space = len(output_size)
    result: Array = np.empty((*x.shape[:-space], *output_size), object)
    for place in itertools.product(*(range(n) for n in output_size)):
        window = [slice(i * n // o, -((i + 1) * n // -o)) for i, n, o in zip(place, x.shape[-space:], output_size, strict=True)]
        result[(..., *place)] = reduce(g, lambda items: mean(g, items), x[(..., *window)], tuple(range(-space, 0)))
    return result


@rule("max_pool2d_with_indices")
def _max_pool2d(
    g: G, x: Array, kernel_size: Sequence[int], recorded: Any, stride: Sequence[int] = (), padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,), ceil_mode: bool = False,
) -> tuple[Array, None]:  # fmt: skip
    """The recorded index is followed, and compared with the rest of its window."""
    kernel, dilation = _each(kernel_size, 2), _each(dilation, 2)
    height, width = x.shape[-2:]
    windows = _windows((height, width), kernel, _each(stride, 2) if len(stride) else kernel, _each(padding, 2), dilation, ceil_mode)
    images = x.reshape(-1, height * width)
    indices = recorded[1].reshape(len(images), *(len(w) for w in windows))
    result = np.empty(indices.shape, object)
    for image, row, column in np.ndindex(indices.shape):
        (top, bottom), (left, right) = windows[0][row], windows[1][column]
        chosen = images[image][indices[image, row, column]]
        for i, j in itertools.product(range(top, bottom, dilation[0]), range(left, right, dilation[1])):
            if 0 <= i < height and 0 <= j < width and i * width + j != indices[image, row, column]:
                g.compare("max_pool", chosen, images[image][i * width + j], (0, 1))
        result[image, row, column] = chosen
    return result.reshape(recorded[1].shape), None


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
    rows, means, scales = _rows(g, x.reshape(N * group, -1), eps)
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
