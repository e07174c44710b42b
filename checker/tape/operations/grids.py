"""Sampling an image at the places that a grid names, which are differentiated too."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.resampling import cubic
from checker.tape.operations.steps import floor, floors, nearest
from checker.tape.scalars import Array, Scalar

G = Graph[Any]

BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2
#: Along one dimension: the neighbours' places, of which some may lie outside, and their weights. Two, where it cannot be told which.
Neighbours = list[tuple[list[int], list[Scalar]]]


def _unnormalised(x: Scalar, size: int, align_corners: bool) -> Scalar:
    """From [−1, 1] to places: −1 and 1 are the centres of the outermost entries, or their outer edges."""
    result: Scalar = (x + 1) / 2 * (size - 1) if align_corners else ((x + 1) * size - 1) / 2
    return result


def _clipped(g: G, x: Scalar, size: int) -> Scalar:
    """x between 0 and size − 1, with derivative 0 at both as torch has it."""
    last = g.scalar(size - 1)
    inside = lambda: g.branch("grid border", last - x, lambda: x, lambda: last, lambda: last)  # noqa: E731
    return g.branch("grid border", x, inside, lambda: g.zero, lambda: g.zero)


def _reflected(g: G, x: Scalar, size: int, align_corners: bool) -> Scalar:
    """x mirrored at the outermost centres, or at the outer edges, until it lies between them."""
    low, span = (g.zero, size - 1) if align_corners else (g.scalar(-0.5), size)
    if span == 0:
        return g.zero
    away = g.branch("grid reflection", x - low, lambda: x - low, lambda: low - x)
    turns = floor(g, "grid reflection", away / span)
    extra = away - turns * span
    even = g.numbers.approximate(turns.value) % 2 == 0
    return extra + low if even else span - extra + low


def _padded(g: G, x: Scalar, size: int, padding: int, align_corners: bool) -> Scalar:
    if padding == BORDER:
        return _clipped(g, x, size)
    if padding == REFLECTION:
        return _clipped(g, _reflected(g, x, size, align_corners), size)
    return x


def _bilinear(g: G, x: Scalar, size: int, padding: int, align_corners: bool) -> Neighbours:
    x = _padded(g, x, size, padding, align_corners)
    return [([low, low + 1], [(low + 1) - x, x - low]) for low in floors(g, "grid", x)]


def _nearest(g: G, x: Scalar, size: int, padding: int, align_corners: bool) -> Neighbours:
    return [([place], [g.one]) for place in nearest(g, "grid", _padded(g, x, size, padding, align_corners))]


def _bicubic(g: G, x: Scalar, size: int, padding: int, align_corners: bool) -> Neighbours:
    """The four neighbours are padded, not x itself."""

    def inside(place: int) -> int:
        return round(g.numbers.approximate(_padded(g, g.scalar(place), size, padding, align_corners).value))

    return [([inside(low + k) for k in (-1, 0, 1, 2)], cubic(g, x - low)) for low in floors(g, "grid", x)]


_MODES: dict[int, Callable[[G, Scalar, int, int, bool], Neighbours]] = {BILINEAR: _bilinear, NEAREST: _nearest, BICUBIC: _bicubic}


@rule("grid_sampler_2d", "grid_sampler_3d", "_grid_sampler_2d_cpu_fallback")
def _grid_sampler(g: G, x: Array, grid: Array, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Array:
    """Each result is a sum over the neighbours of its place of entries times weights; what lies outside counts as zero.

    The last dimension of `grid` has the coordinates from the last dimension of x to its first.
    """
    if interpolation_mode not in _MODES or padding_mode not in (ZEROS, BORDER, REFLECTION):
        raise Unsupported(
            "aten.grid_sampler", f"interpolation {interpolation_mode} with padding {padding_mode} has no rule here", line=g.line
        )
    x, grid, size = g.array(x), g.array(grid), x.shape[2:]
    result = np.empty((*x.shape[:2], *grid.shape[1:-1]), object)
    for batch in range(len(x)):
        for place in np.ndindex(grid.shape[1:-1]):
            around = [
                _MODES[interpolation_mode](g, _unnormalised(at, n, align_corners), n, padding_mode, align_corners)
                for at, n in zip(grid[(batch, *place)][::-1], size, strict=True)
            ]
            ways = [_inside(way, size) for way in itertools.product(*around)]
            for channel in range(x.shape[1]):
                sums = [g.dot([x[(batch, channel, *p)] for p in places], weights) for places, weights in ways]
                result[(batch, channel, *place)] = reduce(g.either, sums) if sums else g.zero
    return result


def _inside(around: Sequence[tuple[list[int], list[Scalar]]], size: Sequence[int]) -> tuple[list[tuple[int, ...]], list[Scalar]]:
    """The neighbours in all dimensions that lie in the image, each with the product of its weights."""
    places, weights = [], []
    for corner in itertools.product(*(zip(p, w, strict=True) for p, w in around)):
        place = tuple(p for p, _ in corner)
        if all(0 <= p < n for p, n in zip(place, size, strict=True)):
            places.append(place)
            weights.append(math.prod((w for _, w in corner[1:]), start=corner[0][1]))
    return places, weights
