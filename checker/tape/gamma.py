"""The logarithmic derivatives of Γ, by the formulas that torch itself uses.

Comes in: a graph and a scalar without derivative.  Goes out: ψ, ψ′, ψ⁽ⁿ⁾ and Hurwitz's ζ there.  Why: on the negative axis they are sums of
large terms of both signs, and what is lost in these sums is part of what rounding may do.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.tape.graph import Graph
    from checker.tape.scalars import Scalar


def digamma(g: Graph[Any], x: Scalar) -> Scalar:
    """ψ(x), below 0 by ψ(1 − x) − π cot πx (Abramowitz and Stegun 6.3.7), of which torch writes 1 / tan."""
    near = g.numbers.approximate(x.value)
    if not near < 0 or math.isinf(near):
        return g.function("digamma", x)
    turn = g.pi() * (x - math.trunc(near))
    return g.function("digamma", 1 - x) - g.pi() * g.function("cos", turn) / g.function("sin", turn)


def trigamma(g: Graph[Any], x: Scalar) -> Scalar:
    """ψ′(x), below ½ by (π / sin πx)² − ψ′(1 − x) (Abramowitz and Stegun 6.4.7)."""
    if not g.numbers.approximate(x.value) < 0.5:
        return g.function("trigamma", x)
    sine = g.function("sin", g.pi() * x)
    return g.pi() * g.pi() / (sine * sine) - g.function("trigamma", 1 - x)


def polygamma(g: Graph[Any], n: int, x: Scalar) -> Scalar:
    """ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! ζ(n + 1, x) for n ≥ 2; smaller n have series of their own."""
    if n < 2:
        return (digamma, trigamma)[n](g, x)
    factorial = g.function("exp", g.function("lgamma", g.scalar(n + 1)))
    size = factorial * zeta(g, x, g.scalar(n + 1))
    return size if n % 2 else -size


def zeta(g: Graph[Any], q: Scalar, s: Scalar) -> Scalar:
    """ζ(s, q) = Σ (q + k)⁻ˢ over k ≥ 0, its terms of negative q apart."""
    near = g.numbers.approximate(q.value)
    below = math.ceil(-near) if -MOST_TERMS < near < 0 else 0
    terms = [g.power(q + k, -s) for k in range(below)]
    return g.add([*terms, g.function("zeta", q + below if below else q, s)])


#: Further to the left ζ is not looked for.
MOST_TERMS = 1000
