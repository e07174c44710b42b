"""Linear algebra: determinants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from checker.tape import pairs
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.solving import solved
from checker.tape.operations.stacks import each, identity, plain, refusing, values
from checker.tape.pairs import Pair, paired
from checker.tape.scalars import Array

G = Graph[Any]


@rule("_linalg_det")
def _det(g: G, A: Array) -> tuple[Array, None, None]:  # noqa: N803
    def one(a: Array) -> tuple[Any]:
        value, adjugate = g.numbers.adjugate(values(a))
        return (g.node(value, [(a[i, j], adjugate[j][i]) for i, j in np.ndindex(a.shape)]),)

    find = refusing(g, "_linalg_det", lambda a: (_determinant(g, a),)) if paired(A) else one
    return each(find, [()], A)[0], None, None


@rule("_linalg_slogdet")
def _slogdet(g: G, A: Array) -> tuple[Array, Array, None, None]:  # noqa: N803
    """The sign of det A, of a real matrix a constant, and log |det A|, whose derivative is A⁻ᵀ."""
    numbers = g.numbers

    def one(a: Array) -> tuple[Any, Any]:
        value, adjugate = numbers.adjugate(values(a))
        sign = g.check("slogdet", value) or 0
        size = numbers.negate(value) if sign < 0 else value
        slopes = [(a[i, j], numbers.divide(adjugate[j][i], value)) for i, j in np.ndindex(a.shape)]
        return g.scalar(sign), g.node(numbers.function("log", size), slopes)

    def phase(a: Array) -> tuple[Any, Any]:
        determinant = _determinant(g, a)
        size = g.function("sqrt", determinant.re * determinant.re + determinant.im * determinant.im)
        return determinant / size, g.function("log", size)

    sign, size = each(refusing(g, "_linalg_slogdet", phase) if paired(A) else one, [(), ()], A)
    return sign, size, None, None


def _determinant(g: G, a: Array) -> Pair:
    """The determinant of a complex matrix by elimination, with the derivative det A · A⁻ᵀ.

    Raises:
        ZeroDivisionError: it cannot be told from zero.
    """
    rows = plain(g, a)
    inverse = solved(g, rows, identity(g, len(a)))
    value = pairs.pair(g, 1)
    for j in range(len(a)):
        sizes = [math.hypot(*(g.numbers.approximate(part.value) for part in (z.re, z.im))) for z in rows[j:, j]]
        top = j + max(range(len(sizes)), key=sizes.__getitem__)
        if top != j:
            rows[[j, top]], value = rows[[top, j]], -value
        value = value * rows[j, j]
        for i in range(j + 1, len(a)):
            rows[i] = rows[i] - rows[j] * (rows[i, j] / rows[j, j])
    return pairs.holomorphic(g, value, [(a[i, j], value * inverse[j, i]) for i, j in np.ndindex(a.shape)])
