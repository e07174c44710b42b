"""Steps and comparisons: derivative 0, and a jump where the argument is on an edge. What torch recorded is followed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.complexes import phase
from checker.tape.operations.norms import absolute, norm
from checker.tape.pairs import Pair, paired
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


@rule("sign", "sgn")
def _sign(g: G, x: Any) -> Array:
    """±1 or 0; of a complex number z / |z|."""
    if paired(x):
        return g.map(lambda z: phase(g, z), x)
    return g.map(lambda a: g.branch("sign", a, lambda: g.one, lambda: g.scalar(-1), lambda: g.zero), x)


def floors(g: G, decides: str, x: Scalar) -> list[int]:
    """⌊x⌋, or both integers that it may be. None where x is no finite number."""
    guess = g.numbers.approximate(x.value)
    if not math.isfinite(guess):
        return []
    below = math.floor(guess)
    for candidate in (below, below + 1):
        difference = Scalar(g, x.value) - candidate
        sign = g.numbers.sign(difference.value)
        if sign is None or sign == 0:
            if x.index >= 0:
                g.check(decides, difference)
            return [candidate] if sign == 0 else [candidate, candidate - 1]
        if sign < 0:
            return [candidate - 1]
    return [below + 1]


def floor(g: G, decides: str, x: Scalar) -> Scalar:
    """⌊x⌋, a constant."""
    found = [g.scalar(n) for n in floors(g, decides, x)]
    return Scalar(g, x.value) if not found else found[0] if len(found) == 1 else g.either(*found)


def truncate(g: G, decides: str, x: Scalar) -> Scalar:
    """x without its fraction, a constant."""
    return floor(g, decides, x) if g.numbers.approximate(x.value) >= 0 else -floor(g, decides, -x)


@rule("floor")
def _floor(g: G, x: Any) -> Array:
    return g.map(lambda a: floor(g, "floor", a), x)


@rule("ceil")
def _ceil(g: G, x: Any) -> Array:
    return g.map(lambda a: -floor(g, "ceil", -a), x)


@rule("trunc")
def _trunc(g: G, x: Any) -> Array:
    return g.map(lambda a: truncate(g, "trunc", a), x)


@rule("frac")
def _frac(g: G, x: Any) -> Array:
    return g.map(lambda a: a - truncate(g, "trunc", a), x)


def nearest(g: G, decides: str, x: Scalar) -> list[int]:
    """The integer nearest to x, halves to the even one, or both that it may be."""
    shifted = x + 0.5
    found = floors(g, decides, shifted)
    if len(found) == 1 and found[0] % 2 and g.numbers.sign((Scalar(g, shifted.value) - found[0]).value) == 0:
        return [found[0] - 1]
    return found


def _rounded(g: G, x: Scalar) -> Scalar:
    found = [g.scalar(n) for n in nearest(g, "round", x)]
    return Scalar(g, x.value) if not found else found[0] if len(found) == 1 else g.either(*found)


@rule("round.default")
def _round(g: G, x: Any) -> Array:
    return g.map(lambda a: _rounded(g, a), x)


@rule("round.decimals")
def _round_decimals(g: G, x: Any, decimals: int) -> Array:
    power = g.scalar(10 ** abs(decimals))
    if decimals < 0:
        return g.map(lambda a: _rounded(g, a / power) * power, x)
    return g.map(lambda a: _rounded(g, a * power) / power, x)


@rule("frexp")
def _frexp(g: G, x: Array, recorded: Any) -> tuple[Array, None]:
    """The mantissa x / 2ᵉ by the recorded exponent, which jumps where |x| is 2ᵉ⁻¹."""

    def one(a: Scalar, e: Scalar) -> Scalar:
        exponent = int(g.numbers.approximate(e.value))
        if a.index >= 0:
            size = a if g.numbers.approximate(a.value) >= 0 else -a
            g.check("frexp", size - 2.0 ** (exponent - 1) if g.numbers.sign(a.value) != 0 else a, (0, 1))
        return a * 2.0**-exponent

    return g.map(one, x, recorded[1]), None


def _quotient(g: G, rounding_mode: str, x: Scalar, y: Scalar) -> Scalar:
    quotient = Scalar(g, x.value) / Scalar(g, y.value)
    return floor(g, "floor", quotient) if rounding_mode == "floor" else truncate(g, "trunc", quotient)


@rule("div.Tensor_mode", "div.Scalar_mode")
def _div_mode(g: G, x: Any, y: Any, rounding_mode: str | None = None) -> Array:
    if rounding_mode is None:
        return g.map(lambda a, b: a / b, x, y)
    return g.map(lambda a, b: _quotient(g, rounding_mode, a, b), x, y)


@rule("floor_divide")
def _floor_divide(g: G, x: Any, y: Any) -> Array:
    return _div_mode(g, x, y, "floor")


@rule("fmod")
def _fmod(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: a - _quotient(g, "trunc", a, b) * b, x, y)


@rule("remainder")
def _remainder(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: a - _quotient(g, "floor", a, b) * b, x, y)


@rule("copysign")
def _copysign(g: G, x: Any, y: Any) -> Array:
    """|x| with the sign of y: a kink where x is 0, a jump where y is."""

    def one(a: Scalar, b: Scalar) -> Scalar:
        size = absolute(g, a)
        return g.branch("copysign", b, lambda: size, lambda: -size, lambda: size)

    return g.map(one, x, y)


# comparisons: the float run's answer is followed; exact arithmetic says whether it is right

_TRUE_OF = {"lt": (-1,), "le": (-1, 0), "gt": (1,), "ge": (0, 1), "eq": (0,), "ne": (-1, 1)}


def _comparison(name: str) -> None:
    signs = _TRUE_OF[name]
    others = tuple(s for s in (-1, 0, 1) if s not in signs)

    @rule(name)
    def compare(g: G, x: Any, y: Any, recorded: Any) -> None:
        if recorded[0] is None:
            raise Unsupported(f"aten.{name}_", "a comparison written into a floating tensor has no rule here", line=g.line)
        if not any(isinstance(operand, np.ndarray) and operand.dtype == object for operand in (x, y)):
            return  # integers are what they are
        for a, b, seen in np.broadcast(g.array(x), g.array(y), np.asarray(recorded[0], object)):
            if a is b:  # x ≠ x asks whether x is a number: nothing that moves x a little decides it
                continue
            if isinstance(a - b, Pair):  # decided by their distance, which is positive or zero
                g.check(name, norm(g, [a - b]), (0,) if seen == (name == "eq") else (1,))
            else:
                g.check(name, a - b, signs if seen else others)


for _name in _TRUE_OF:
    _comparison(_name)


@rule("argmax", "argmin")
def _argmax(g: G, x: Array, recorded: Any, dim: int | None = None, keepdim: bool = False) -> None:
    """Only the sizes of the differences matter: that the recorded place is the largest, or the smallest."""
    rows = g.array(x).reshape(1, -1) if dim is None or not x.ndim else np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim])
    for row, seen in zip(rows, recorded[0].reshape(-1), strict=True):
        for i, other in enumerate(row):
            if i != seen:
                g.compare("argmax", row[seen], other)
