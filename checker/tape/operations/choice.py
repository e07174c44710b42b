"""Choices: functions of several smooth pieces. The piece is the one that the float run took, and every choice is noted as a check.

Where torch recorded a choice (an index, a boolean) it is followed; else the sign decides, and at an exact tie torch's convention.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.operations import rule
from checker.tape.operations.reductions import Dims, absolute, extreme, reduce, share
from checker.tape.scalars import Array, Graph, Scalar

G = Graph[Any]

# one argument


@rule("abs")
def _abs(g: G, x: Any) -> Array:
    return g.map(lambda a: absolute(g, a), x)


@rule("relu")
def _relu(g: G, x: Any) -> Array:
    return g.map(lambda a: g.branch("relu", a, lambda: a, lambda: g.zero), x)


@rule("sign", "sgn")
def _sign(g: G, x: Any) -> Array:
    return g.map(lambda a: g.branch("sign", a, lambda: g.one, lambda: g.scalar(-1), lambda: g.zero), x)


@rule("leaky_relu")
def _leaky_relu(g: G, x: Any, negative_slope: float = 0.01) -> Array:
    return g.map(lambda a: g.branch("leaky_relu", a, lambda: a, lambda: negative_slope * a), x)


@rule("_prelu_kernel")
def _prelu(g: G, x: Any, weight: Any) -> Array:
    return g.map(lambda a, w: g.branch("prelu", a, lambda: a, lambda: w * a), x, weight)


@rule("elu")
def _elu(g: G, x: Any, alpha: float = 1, scale: float = 1, input_scale: float = 1) -> Array:
    def below(a: Scalar) -> Scalar:
        z = input_scale * a
        raised = g.node(g.numbers.function("expm1", z.value), [(z, g.numbers.function("exp", z.value))])
        return g.scalar(alpha) * g.scalar(scale) * raised

    return g.map(lambda a: g.branch("elu", a, lambda: scale * a, lambda: below(a)), x)


@rule("softplus")
def _softplus(g: G, x: Any, beta: float = 1, threshold: float = 20) -> Array:
    def one(a: Scalar) -> Scalar:
        z = a if beta == 1 else beta * a
        soft = lambda: g.function("log1p", g.function("exp", z)) / g.scalar(beta)  # noqa: E731
        return g.branch("softplus threshold", z - threshold, lambda: a, soft)

    return g.map(one, x)


@rule("log_sigmoid_forward")
def _log_sigmoid(g: G, x: Any) -> tuple[Array, None]:
    """min(x, 0) − log(1 + z) with z = exp(−|x|). The derivative is 1 − z / (1 + z) below zero and z / (1 + z) above: no kink."""

    def one(a: Scalar) -> Scalar:
        v = Scalar(g, a.value)
        below = g.numbers.approximate(a.value) < 0
        z = g.function("exp", v if below else -v)
        log, share = g.function("log1p", z), z / (1 + z)
        value, slope = (v - log, 1 - share) if below else (-log, share)
        return g.node(value.value, [(a, slope.value)])

    return g.map(one, x), None


@rule("threshold")
def _threshold(g: G, x: Any, threshold: float, value: float) -> Array:
    return g.map(lambda a: g.branch("threshold", a - threshold, lambda: a, lambda: g.scalar(value)), x)


@rule("hardtanh")
def _hardtanh(g: G, x: Any, min_val: float = -1, max_val: float = 1) -> Array:
    return g.map(lambda a: _limit(g, "hardtanh", a, min_val, max_val), x)


@rule("relu6")
def _relu6(g: G, x: Any) -> Array:
    return _hardtanh(g, x, 0, 6)


@rule("hardsigmoid")
def _hardsigmoid(g: G, x: Any) -> Array:
    return g.map(lambda a: _limit(g, "hardsigmoid", a + 3, 0, 6) / 6, x)


@rule("hardswish")
def _hardswish(g: G, x: Any) -> Array:
    return g.map(lambda a: a * _limit(g, "hardswish", a + 3, 0, 6) / 6, x)


def _limit(g: G, decides: str, x: Scalar, low: float, high: float) -> Scalar:
    """x between two bounds; the derivative is 0 at both, as torch's hardtanh has it."""
    inside = lambda: g.branch(decides, x - high, lambda: g.scalar(high), lambda: x, lambda: g.scalar(high))  # noqa: E731
    return g.branch(decides, x - low, inside, lambda: g.scalar(low))


@rule("softshrink")
def _softshrink(g: G, x: Any, lambd: float = 0.5) -> Array:
    def one(a: Scalar) -> Scalar:
        below = lambda: g.branch("softshrink", a + lambd, lambda: g.zero, lambda: a + lambd, lambda: g.zero)  # noqa: E731
        return g.branch("softshrink", a - lambd, lambda: a - lambd, below)

    return g.map(one, x)


# steps: derivative 0, and a jump where the argument is on the edge


def floor(g: G, decides: str, x: Scalar) -> Scalar:
    """⌊x⌋, a constant."""
    guess = g.numbers.approximate(x.value)
    if not math.isfinite(guess):
        return Scalar(g, x.value)
    below = math.floor(guess)
    value = Scalar(g, x.value)
    for candidate in (below, below + 1):
        sign = g.numbers.sign((value - g.scalar(candidate)).value)
        if sign is None or sign == 0:
            g.check(decides, value - g.scalar(candidate))
            return g.scalar(candidate) if sign == 0 else g.either(g.scalar(candidate), g.scalar(candidate - 1))
        if sign < 0:
            return g.scalar(candidate - 1)
    return g.scalar(below + 1)


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


@rule("round.default")
def _round(g: G, x: Any) -> Array:
    def one(a: Scalar) -> Scalar:
        shifted = Scalar(g, a.value) + 0.5
        whole = floor(g, "round", shifted)
        exact_half = g.numbers.sign((shifted - whole).value) == 0
        return whole - 1 if exact_half and g.numbers.approximate(whole.value) % 2 == 1 else whole  # halves go to even

    return g.map(one, x)


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


# comparisons: the float run's answer is followed; exact arithmetic says whether it is right

_TRUE_OF = {"lt": (-1,), "le": (-1, 0), "gt": (1,), "ge": (0, 1), "eq": (0,), "ne": (-1, 1)}


def _comparison(name: str) -> None:
    signs = _TRUE_OF[name]
    others = tuple(s for s in (-1, 0, 1) if s not in signs)

    @rule(name)
    def compare(g: G, x: Any, y: Any, recorded: Any) -> None:
        if recorded[0] is None:
            raise Unsupported(f"aten.{name}_", "a comparison written into a floating tensor has no rule here", line=g.line)
        for a, b, seen in np.broadcast(g.array(x), g.array(y), np.asarray(recorded[0], object)):
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


# several arguments


@rule("where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar")
def _where(g: G, condition: Array, x: Any, y: Any) -> Array:
    return g.choose(condition.astype(bool), x, y)


@rule("masked_fill")
def _masked_fill(g: G, x: Array, mask: Array, value: Any) -> Array:
    return g.choose(mask.astype(bool), value, x)


@rule("maximum", "max.other")
def _maximum(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: extreme(g, "max", [a, b]), x, y)


@rule("minimum", "min.other")
def _minimum(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: extreme(g, "min", [a, b]), x, y)


@rule("fmax")
def _fmax(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: g.branch("fmax", a - b, lambda: a, lambda: b, lambda: a), x, y)


@rule("fmin")
def _fmin(g: G, x: Any, y: Any) -> Array:
    return g.map(lambda a, b: g.branch("fmin", b - a, lambda: a, lambda: b, lambda: a), x, y)


@rule("clamp", "clip")
def _clamp(g: G, x: Any, min: Any = None, max: Any = None) -> Array:  # noqa: A002 (ATen's names)
    result = x
    if min is not None:
        result = g.map(lambda a, low: g.branch("clamp", a - low, lambda: a, lambda: low, lambda: a), result, min)
    if max is not None:
        result = g.map(lambda a, high: g.branch("clamp", high - a, lambda: a, lambda: high, lambda: a), result, max)
    return g.array(result)


@rule("clamp_min")
def _clamp_min(g: G, x: Any, min: Any) -> Array:  # noqa: A002
    return _clamp(g, x, min)


@rule("clamp_max")
def _clamp_max(g: G, x: Any, max: Any) -> Array:  # noqa: A002
    return _clamp(g, x, None, max)


# along a dimension


@rule("max.default")
def _max(g: G, x: Array) -> Array:
    return reduce(g, lambda items: extreme(g, "max", items), x)


@rule("min.default")
def _min(g: G, x: Array) -> Array:
    return reduce(g, lambda items: extreme(g, "min", items), x)


@rule("amax")
def _amax(g: G, x: Array, dim: Dims = (), keepdim: bool = False) -> Array:
    return reduce(g, lambda items: extreme(g, "max", items), x, dim, keepdim)


@rule("amin")
def _amin(g: G, x: Array, dim: Dims = (), keepdim: bool = False) -> Array:
    return reduce(g, lambda items: extreme(g, "min", items), x, dim, keepdim)


@rule("median.default")
def _median(g: G, x: Array) -> Array:
    def middle(items: list[Scalar]) -> Scalar:
        order = sorted(range(len(items)), key=lambda i: g.numbers.approximate(items[i].value))
        return share(g, "median", items, order[(len(items) - 1) // 2], None)

    return reduce(g, middle, x)


def _picked(g: G, x: Array, indices: Array, dim: int, note: Callable[[Array, Array], None]) -> Array:
    """The entries of `x` that the float run picked along `dim`; `note(row, picks)` checks each row."""
    x = g.array(x)
    if not x.ndim:
        return x.copy()
    rows, picks = np.moveaxis(x, dim, -1), np.moveaxis(indices, dim, -1)
    for index in np.ndindex(rows.shape[:-1]):
        note(rows[index], picks[index])
    return np.moveaxis(np.take_along_axis(rows, picks, -1), -1, dim)


def _against_all(g: G, decides: str, expected: Sequence[int] | None) -> Callable[[Array, Array], None]:
    def note(row: Array, picks: Array) -> None:
        for i, other in enumerate(row):
            if i != picks[0]:
                g.compare(decides, row[picks[0]], other, expected)

    return note


def _one_of(decides: str, expected: Sequence[int] | None) -> Callable[..., tuple[Array, None]]:
    def choose(g: G, x: Array, recorded: Any, dim: int = -1, keepdim: bool = False) -> tuple[Array, None]:
        indices = recorded[1] if keepdim or not x.ndim else np.expand_dims(recorded[1], dim)
        values = _picked(g, x, indices, dim, _against_all(g, decides, expected))
        return (values if keepdim or not x.ndim else np.squeeze(values, dim)), None

    return choose


rule("max.dim")(_one_of("max", (0, 1)))
rule("min.dim")(_one_of("min", (-1, 0)))
rule("median.dim")(_one_of("median", None))
rule("mode")(_one_of("mode", None))


@rule("kthvalue")
def _kthvalue(g: G, x: Array, k: int, recorded: Any, dim: int = -1, keepdim: bool = False) -> tuple[Array, None]:
    return _one_of("kthvalue", None)(g, x, recorded, dim, keepdim)


def _in_order(g: G, decides: str, sign: int, rest: bool) -> Callable[[Array, Array], None]:
    """Neighbours in the recorded order; with `rest`, also the last one against all that were left out."""

    def note(row: Array, picks: Array) -> None:
        for i, j in itertools.pairwise(picks):
            g.compare(decides, row[i], row[j], (0, sign))
        if rest and len(picks):
            for j in set(range(len(row))) - set(picks.tolist()):
                g.compare(decides, row[picks[-1]], row[j], (0, sign))

    return note


@rule("sort")
def _sort(g: G, x: Array, recorded: Any, dim: int = -1, descending: bool = False, stable: bool | None = None) -> tuple[Array, None]:
    return _picked(g, x, recorded[1], dim, _in_order(g, "sort", 1 if descending else -1, False)), None


@rule("topk")
def _topk(
    g: G, x: Array, k: int, recorded: Any, dim: int = -1, largest: bool = True, sorted: bool = True  # noqa: A002
) -> tuple[Array, None]:  # fmt: skip
    if not sorted:
        raise Unsupported("aten.topk", "sorted=False has no rule here", line=g.line)
    return _picked(g, x, recorded[1], dim, _in_order(g, "topk", 1 if largest else -1, True)), None


@rule("cummax", "cummin")
def _cummax(g: G, x: Array, dim: int, recorded: Any) -> tuple[Array, None]:
    def note(row: Array, picks: Array) -> None:
        for i, pick in enumerate(picks):
            if i != pick:
                g.compare("cummax", row[pick], row[i])

    return _picked(g, x, recorded[1], dim, note), None
