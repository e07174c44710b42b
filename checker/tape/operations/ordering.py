"""Order: the largest, the smallest, the middle and the sorted, along a dimension.

Where torch recorded an index it is followed, and compared with the rest.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.reductions import Dims, reduce
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


def extreme(g: G, kind: str, items: list[Scalar]) -> Scalar:
    """The largest ("max") or smallest ("min") of `items`. As in torch, entries that tie share the derivative evenly."""
    side = 1 if kind == "max" else -1
    sizes = [side * g.numbers.approximate(x.value) for x in items]
    best = max(range(len(items)), key=sizes.__getitem__)
    return share(g, kind, items, best, (0, side))


def share(g: G, kind: str, items: list[Scalar], chosen: int, expected: Sequence[int] | None) -> Scalar:
    """The entry `chosen`, whose derivative is shared evenly with the entries that equal it exactly.

    `expected` lists the signs that (chosen − other) may have. Where a sign cannot be told, any division of the derivative may be right.
    """
    tied, unclear = [items[chosen]], []
    for i, x in enumerate(items):
        if i == chosen or x is items[chosen]:
            continue
        sign = g.compare(kind, items[chosen], x, expected)
        if sign == 0:
            tied.append(x)
        elif sign is None:
            unclear.append(x)
    result = tied[0] if len(tied) == 1 else g.node(tied[0].value, [(x, (1 / g.scalar(len(tied))).value) for x in tied])
    for x in unclear:
        result = g.either(result, x)
    return result


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


def _middle(g: G, items: list[Scalar]) -> Scalar:
    """The lower of the two in the middle."""
    order = sorted(range(len(items)), key=lambda i: g.numbers.approximate(items[i].value))
    return share(g, "median", items, order[(len(items) - 1) // 2], None)


def _is_nan(g: G, x: Scalar) -> bool:
    return math.isnan(g.numbers.approximate(x.value))


@rule("median.default")
def _median(g: G, x: Array) -> Array:
    """Not a number where an entry is none."""
    return reduce(g, lambda items: next((x for x in items if _is_nan(g, x)), None) or _middle(g, items), x)


@rule("nanmedian.default")
def _nanmedian(g: G, x: Array) -> Array:
    """The median of the entries that are numbers."""
    return reduce(g, lambda items: _middle(g, [x for x in items if not _is_nan(g, x)] or items[:1]), x)


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
            if i != picks[0] and not _is_nan(g, other):
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
rule("median.dim", "nanmedian.dim")(_one_of("median", None))
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
