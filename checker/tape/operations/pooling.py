"""Pooling: means and maxima over windows, and their inverses. A recorded index is followed, and compared with the rest of its window."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.reductions import mean, reduce
from checker.tape.scalars import Array

G = Graph[Any]

#: Per dimension the places that one window covers.
Window = list[range]


def each(values: Sequence[int], count: int) -> list[int]:
    """One number for every dimension, where one may stand for all."""
    return list(values) * count if len(values) == 1 else list(values)


def _windows(
    size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], ceil: bool
) -> list[list[range]]:
    """Per dimension the windows, in the coordinates of the unpadded x."""
    windows = []
    for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True):
        reach = d * (k - 1) + 1
        count = (n + 2 * p - reach + (s - 1 if ceil else 0)) // s + 1
        if ceil and (count - 1) * s >= n + p:
            count -= 1
        windows.append([range(i * s - p, i * s - p + reach, d) for i in range(count)])
    return windows


def _adaptive(size: Sequence[int], output: Sequence[int]) -> list[list[range]]:
    """Per dimension the windows that share n places among o results."""
    return [[range(i * n // o, -((i + 1) * n // -o)) for i in range(o)] for n, o in zip(size, output, strict=True)]


def _places(windows: list[list[range]]) -> Iterator[tuple[tuple[int, ...], Window]]:
    """Every result's place, with its window."""
    for chosen in itertools.product(*(enumerate(w) for w in windows)):
        yield tuple(i for i, _ in chosen), [w for _, w in chosen]


@rule("avg_pool2d", "avg_pool3d")
def _avg_pool(
    g: G, x: Array, kernel_size: Sequence[int], stride: Sequence[int] = (), padding: Sequence[int] = (0,), ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Array:  # fmt: skip
    space = 3 if len(kernel_size) == 3 else 2
    kernel, pad = each(kernel_size, space), each(padding, space)
    size, axes = x.shape[-space:], tuple(range(-space, 0))
    windows = _windows(size, kernel, each(stride, space) if len(stride) else kernel, pad, [1] * space, ceil_mode)
    result: Array = np.empty((*x.shape[:-space], *(len(w) for w in windows)), object)
    for place, window in _places(windows):
        inside = [slice(max(w.start, 0), min(w.stop, n)) for w, n in zip(window, size, strict=True)]
        with_pad = math.prod(min(w.stop, n + p) - w.start for w, n, p in zip(window, size, pad, strict=True))
        without = math.prod(s.stop - s.start for s in inside)
        divisor = divisor_override or (with_pad if count_include_pad else without)
        sums = reduce(g, g.add, x[(..., *inside)], axes)
        result[(..., *place)] = g.map(lambda v, by=divisor: v / g.scalar(by), sums)
    return result


@rule("_adaptive_avg_pool2d", "adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool3d")
def _adaptive_avg_pool(g: G, x: Array, output_size: Sequence[int]) -> Array:
    space = len(output_size)
    result: Array = np.empty((*x.shape[:-space], *output_size), object)
    for place, window in _places(_adaptive(x.shape[-space:], output_size)):
        inside = tuple(slice(w.start, w.stop) for w in window)
        result[(..., *place)] = reduce(g, lambda items: mean(g, items), x[(..., *inside)], tuple(range(-space, 0)))
    return result


def _maxima(g: G, x: Array, windows: list[list[range]], chosen: Array) -> tuple[Array, None]:
    """The entries that the float run chose, by flat index in each image, and what each was larger than."""
    size = x.shape[-len(windows) :]
    images, indices = x.reshape(-1, math.prod(size)), chosen.reshape(-1, *(len(w) for w in windows))
    result = np.empty(indices.shape, object)
    for place, window in _places(windows):
        covered = [
            np.ravel_multi_index(at, size) for at in itertools.product(*window) if all(0 <= i < n for i, n in zip(at, size, strict=True))
        ]
        for image, entries in enumerate(images):
            best = indices[(image, *place)]
            for other in covered:
                if other != best:
                    g.compare("max_pool", entries[best], entries[other], (0, 1))
            result[(image, *place)] = entries[best]
    return result.reshape(chosen.shape), None


@rule("max_pool2d_with_indices", "max_pool3d_with_indices")
def _max_pool(
    g: G, x: Array, kernel_size: Sequence[int], recorded: Any, stride: Sequence[int] = (), padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,), ceil_mode: bool = False,
) -> tuple[Array, None]:  # fmt: skip
    space = 3 if len(kernel_size) == 3 else 2
    kernel = each(kernel_size, space)
    stride = each(stride, space) if len(stride) else kernel
    windows = _windows(x.shape[-space:], kernel, stride, each(padding, space), each(dilation, space), ceil_mode)
    return _maxima(g, x, windows, recorded[1])


@rule("adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(g: G, x: Array, output_size: Sequence[int], recorded: Any) -> tuple[Array, None]:
    return _maxima(g, x, _adaptive(x.shape[-len(output_size) :], output_size), recorded[1])


@rule("fractional_max_pool2d", "fractional_max_pool3d")
def _fractional_max_pool(
    g: G, x: Array, kernel_size: Sequence[int], output_size: Sequence[int], random_samples: Array, recorded: Any
) -> tuple[Array, None]:  # fmt: skip
    """Windows start at ⌊(i + u) a⌋ − ⌊u a⌋, with a = (n − k) / (o − 1) and u drawn for each image and dimension; the last at n − k."""
    space = len(output_size)
    size, chosen = x.shape[-space:], recorded[1]
    images, indices = x.reshape(-1, *size), chosen.reshape(-1, *output_size)
    result = np.empty(indices.shape, object)
    draws = random_samples.reshape(-1, space)
    for image, draw in enumerate(draws):
        windows = []
        # torch draws for the dimensions from the last to the first
        for n, k, o, u in zip(size, kernel_size, output_size, draw[::-1], strict=True):
            sample = g.numbers.approximate(u.value)
            step = (n - k) / (o - 1) if o > 1 else 0.0
            starts = [int((i + sample) * step) - int(sample * step) for i in range(o - 1)] + [n - k]
            windows.append([range(a, a + k) for a in starts])
        result[image] = _maxima(g, images[image], windows, indices[image])[0]
    return result.reshape(chosen.shape), None


@rule("max_pool2d_with_indices_backward", "max_pool3d_with_indices_backward")
def _max_pool_backward(
    g: G, grad_output: Array, x: Array, indices: Array, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
) -> Array:
    """Every upstream entry goes to the place that its maximum came from; what meets there is one sum."""
    space = 3 if len(kernel_size) == 3 else 2
    result = g.full(x.shape, g.zero)
    images = result.reshape(-1, math.prod(x.shape[-space:]))
    values, places = g.array(grad_output).reshape(len(images), -1), indices.reshape(len(images), -1)
    for image, row, at in zip(images, values, places, strict=True):
        for place in dict.fromkeys(at.tolist()):
            image[place] = g.add(list(row[at == place]))
    return result


@rule("max_unpool2d", "max_unpool3d")
def _max_unpool(g: G, x: Array, indices: Array, output_size: Sequence[int], stride: Any = None, padding: Any = None) -> Array:
    """Every entry at its index, zeros elsewhere. Of several at one place the last stays; torch's gradient is that of all of them."""
    space = len(output_size)
    result = g.full([*x.shape[:-space], *output_size], g.zero)
    images = result.reshape(-1, math.prod(output_size))
    for image, row, at in zip(images, g.array(x).reshape(len(images), -1), indices.reshape(len(images), -1), strict=True):
        image[at] = row
    return result
