"""Complex numbers: how they are made and taken apart, and what is no function of one complex variable."""

from __future__ import annotations

from typing import Any

import numpy as np

from checker.tape.analytic import angle, modulus
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.pairs import Pair, pair, paired, real_part
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


@rule("view_as_real", view=True)
def _view_as_real(g: G, x: Array) -> Array:
    return np.stack([real_part(x), real_part(g.map(lambda z: Pair(z.im, z.re), x))], -1)


@rule("view_as_complex", view=True)
def _view_as_complex(g: G, x: Array) -> Array:
    return g.map(Pair, x[..., 0], x[..., 1])


@rule("_conj", view=True)
def _conj(g: G, x: Array) -> Array:
    return g.map(lambda z: z.conjugate(), x)


@rule("conj_physical", "_conj_physical")
def _conj_physical(g: G, x: Array) -> Array:
    return _conj(g, x) if paired(x) else g.array(x)


@rule("_neg_view", view=True)
def _neg_view(g: G, x: Array) -> Array:
    return g.map(lambda a: -a, x)


@rule("complex")
def _complex(g: G, real: Array, imag: Array) -> Array:
    return g.map(Pair, real, imag)


@rule("polar")
def _polar(g: G, abs: Array, angle: Array) -> Array:  # noqa: A002 (ATen's names)
    return g.map(lambda r, a: Pair(r * g.function("cos", a), r * g.function("sin", a)), abs, angle)


@rule("angle")
def _angle(g: G, x: Array) -> Array:
    """Of a real number 0 or π, a step where it changes sign."""

    def of_real(a: Scalar) -> Scalar:
        return g.branch("angle", a, lambda: g.zero, g.pi, lambda: g.zero)

    return g.map((lambda z: angle(g, z.im, z.re)) if paired(x) else of_real, x)


def phase(g: G, z: Pair) -> Pair:
    """z / |z|, and 0 at 0, where it jumps."""
    size = modulus(g, z)
    return pair(g, 0) if g.numbers.sign(size.value) == 0 else z.each(lambda part: part / size)
