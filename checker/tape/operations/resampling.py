"""Resampling: every result is a weighted sum of the entries around its place. The weights depend on sizes alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.scalars import Array, Scalar

G = Graph[Any]

#: Of each result along one dimension: the places that it reads, and their weights.
Weights = list[tuple[list[int], list[Scalar]]]
#: Within so little of a window's end rounding may put an entry on either side of it, with next to no weight.
EDGE = 1e-6
#: Keys' parameter of cubic convolution, and the one that antialiasing uses.
PLAIN, ANTIALIASED = -0.75, -0.5


def _together(g: G, x: Array, weights: list[Weights]) -> Array:
    """One sum over the neighbours in all dimensions, whose order kernels are free to choose."""
    space = len(weights)
    images = x.reshape(-1, *x.shape[-space:])
    result = np.empty((len(images), *(len(w) for w in weights)), object)
    for place in np.ndindex(result.shape[1:]):
        around = [along[i] for along, i in zip(weights, place, strict=True)]
        shares = [math.prod(w[1:], start=w[0]) for w in itertools.product(*(w for _, w in around))]
        grid = np.ix_(*(places for places, _ in around))
        for image, entries in enumerate(images):
            result[(image, *place)] = g.dot(list(entries[grid].reshape(-1)), shares)
    return result.reshape(*x.shape[:-space], *result.shape[1:])


def _in_turn(g: G, x: Array, weights: list[Weights]) -> Array:
    """The sums along one dimension after the other, from the last on."""
    for axis in range(-1, -len(weights) - 1, -1):
        rows = np.moveaxis(x, axis, -1)
        sums = np.empty((*rows.shape[:-1], len(weights[axis])), object)
        for index in np.ndindex(rows.shape[:-1]):
            sums[index] = [g.dot(list(rows[index][places]), shares) for places, shares in weights[axis]]
        x = np.moveaxis(sums, -1, axis)
    return x


def _scale(g: G, size: int, wanted: int, align_corners: bool, factor: float | None) -> Scalar:
    """How far in x one step in the result is."""
    if align_corners:
        return g.scalar(size - 1) / g.scalar(wanted - 1) if wanted > 1 else g.zero
    return 1 / g.scalar(factor) if factor else g.scalar(size) / g.scalar(wanted)


def _position(g: G, scale: Scalar, i: int, align_corners: bool) -> Scalar:
    """Where the result i lies in x."""
    return scale * i if align_corners else scale * (i + 0.5) - 0.5


def _linear(g: G, size: int, wanted: int, align_corners: bool, factor: float | None) -> Weights:
    """Between two neighbours; before the first and after the last, that one alone."""
    if size == wanted:
        return [([i], [g.one]) for i in range(size)]
    scale, weights = _scale(g, size, wanted, align_corners, factor), []
    for i in range(wanted):
        at = _position(g, scale, i, align_corners)
        low = min(max(math.floor(g.numbers.approximate(at.value)), 0), size - 1)
        share = at - low if g.numbers.approximate(at.value) >= 0 else g.zero
        weights.append(([low, min(low + 1, size - 1)], [1 - share, share]))
    return weights


def near(g: G, t: Scalar, a: float) -> Scalar:
    """Cubic convolution at distance t ≤ 1 (Keys 1981)."""
    return ((g.scalar(a) + 2) * t - (g.scalar(a) + 3)) * t * t + 1


def far(g: G, t: Scalar, a: float) -> Scalar:
    """Cubic convolution at distance 1 ≤ t ≤ 2."""
    return ((g.scalar(a) * t - 5 * g.scalar(a)) * t + 8 * g.scalar(a)) * t - 4 * g.scalar(a)


def cubic(g: G, t: Scalar) -> list[Scalar]:
    """The weights of the four entries around a place that is t beyond the second."""
    return [far(g, t + 1, PLAIN), near(g, t, PLAIN), near(g, 1 - t, PLAIN), far(g, (1 - t) + 1, PLAIN)]


def _cubic(g: G, size: int, wanted: int, align_corners: bool, factor: float | None) -> Weights:
    scale, weights = _scale(g, size, wanted, align_corners, factor), []
    for i in range(wanted):
        at = _position(g, scale, i, align_corners)
        low = math.floor(g.numbers.approximate(at.value))
        weights.append(([min(max(low + k, 0), size - 1) for k in (-1, 0, 1, 2)], cubic(g, at - low)))
    return weights


@dataclass(frozen=True)
class _Filter:
    """A window of half-width `reach`, as a function of the distance ≥ 0."""

    reach: int
    at: Callable[[G, Scalar], Scalar]


def _triangle(g: G, t: Scalar) -> Scalar:
    return 1 - t


def _keys(g: G, t: Scalar) -> Scalar:
    return (near if g.numbers.approximate(t.value) < 1 else far)(g, t, ANTIALIASED)


def _lanczos(g: G, t: Scalar) -> Scalar:
    turn = g.pi() * t
    if g.numbers.sign(t.value) != 1:  # 0, or too near to be told from it: sin(x) / x lies between 1 − x² / 6 and 1
        return g.either(g.one, 1 - turn * turn / 6)
    return g.function("sin", turn) / turn * (g.function("sin", turn / 3) / (turn / 3))


_FILTERS = {
    "_upsample_bilinear2d_aa": _Filter(1, _triangle),
    "_upsample_bicubic2d_aa": _Filter(2, _keys),
    "_upsample_lanczos2d_aa": _Filter(3, _lanczos),
}


def _antialiased(window: _Filter) -> Callable[..., Weights]:
    """The window stretched over as many entries as one result stands for, its weights summing to 1."""

    def along(g: G, size: int, wanted: int, align_corners: bool, factor: float | None) -> Weights:
        scale, weights = _scale(g, size, wanted, align_corners, factor), []
        step = g.numbers.approximate(scale.value)
        shrink = 1 / scale if step >= 1 else g.one
        support = window.reach * max(step, 1.0)
        for i in range(wanted):
            centre = scale * (i + 0.5)
            middle = g.numbers.approximate(centre.value)
            places = list(range(max(int(middle - support + 0.5 - EDGE), 0), min(int(middle + support + 0.5 + EDGE), size)))
            found = []
            for place in places:
                t = (place - centre + 0.5) * shrink
                t = t if g.numbers.approximate(t.value) >= 0 else -t
                found.append(window.at(g, t) if g.numbers.approximate(t.value) < window.reach + EDGE else g.zero)
            total = g.add(found)
            weights.append((places, [w / total for w in found]))
        return weights

    return along


def _resampled(
    g: G, x: Array, output_size: Sequence[int], align_corners: bool, factors: Sequence[float | None], along: Callable[..., Weights]
) -> Array:
    sizes = zip(x.shape[-len(output_size) :], output_size, factors, strict=True)
    weights = [along(g, size, wanted, align_corners, factor) for size, wanted, factor in sizes]
    return (_together if along in (_linear, _cubic) else _in_turn)(g, g.array(x), weights)


@rule("upsample_linear1d")
def _upsample_linear(g: G, x: Array, output_size: Sequence[int], align_corners: bool, scales: float | None = None) -> Array:
    return _resampled(g, x, output_size, align_corners, [scales], _linear)


def _two_dimensional(name: str, along: Callable[..., Weights]) -> None:
    @rule(name)
    def upsample(
        g: G, x: Array, output_size: Sequence[int], align_corners: bool, scales_h: float | None = None, scales_w: float | None = None
    ) -> Array:  # fmt: skip
        return _resampled(g, x, output_size, align_corners, [scales_h, scales_w], along)


_two_dimensional("upsample_bilinear2d", _linear)
_two_dimensional("upsample_bicubic2d", _cubic)
for _name, _window in _FILTERS.items():
    _two_dimensional(_name, _antialiased(_window))


@rule("upsample_trilinear3d")
def _upsample_trilinear(
    g: G, x: Array, output_size: Sequence[int], align_corners: bool, scales_d: float | None = None, scales_h: float | None = None,
    scales_w: float | None = None,
) -> Array:  # fmt: skip
    return _resampled(g, x, output_size, align_corners, [scales_d, scales_h, scales_w], _linear)


# the nearest entry: its place is computed in float32, whatever the dtype


def _nearest(x: Array, output_size: Sequence[int], factors: Sequence[float | None], shift: float) -> Array:
    for axis in range(-1, -len(output_size) - 1, -1):
        size, wanted, factor = x.shape[axis], output_size[axis], factors[axis]
        if size == wanted:
            continue
        scale = np.float32(1 / factor) if factor else np.float32(size) / np.float32(wanted)
        doubled = wanted == 2 * size and not shift
        places = [i // 2 if doubled else min(int(np.floor(np.float32(i + shift) * scale)), size - 1) for i in range(wanted)]
        x = np.take(x, places, axis)
    return x


def _nearest_rules(prefix: str, shift: float) -> None:
    @rule(f"{prefix}1d")
    def one(g: G, x: Array, output_size: Sequence[int], scales: float | None = None) -> Array:
        return _nearest(g.array(x), output_size, [scales], shift)

    @rule(f"{prefix}2d")
    def two(g: G, x: Array, output_size: Sequence[int], scales_h: float | None = None, scales_w: float | None = None) -> Array:
        return _nearest(g.array(x), output_size, [scales_h, scales_w], shift)

    @rule(f"{prefix}3d")
    def three(
        g: G, x: Array, output_size: Sequence[int], scales_d: float | None = None, scales_h: float | None = None,
        scales_w: float | None = None,
    ) -> Array:  # fmt: skip
        return _nearest(g.array(x), output_size, [scales_d, scales_h, scales_w], shift)


_nearest_rules("upsample_nearest", 0.0)
_nearest_rules("_upsample_nearest_exact", 0.5)
