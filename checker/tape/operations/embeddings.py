"""Rows of a table, looked up one by one or put together bag by bag."""

from __future__ import annotations

import itertools
from typing import Any

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.scalars import Array, Scalar

G = Graph[Any]

SUM, MEAN, MAX = 0, 1, 2


@rule("embedding")
def _embedding(g: G, weight: Array, indices: Array, padding_idx: int = -1) -> Array:
    rows = weight[indices]
    if padding_idx >= 0:  # the row that stands for padding is read, but never learns
        rows[indices == padding_idx] = g.stop(rows[indices == padding_idx])
    return rows


@rule("_embedding_bag", "_embedding_bag_forward_only")
def _embedding_bag(
    g: G, weight: Array, indices: Array, offsets: Array, recorded: Any, mode: int = SUM, per_sample_weights: Array | None = None,
    include_last_offset: bool = False, padding_idx: int = -1,
) -> tuple[Array, None, None, None]:  # fmt: skip
    """Sum, mean or maximum of the rows of each bag; the row that stands for padding is in none, and an empty bag is zero."""
    ends = list(offsets) if include_last_offset else [*offsets, len(indices)]
    result = g.full((len(ends) - 1, weight.shape[1]), g.zero)
    for bag, (start, stop) in enumerate(itertools.pairwise(ends)):
        members = [i for i in range(start, stop) if indices[i] != padding_idx]
        if not members:
            continue
        for column in range(weight.shape[1]):
            items = [weight[indices[i], column] for i in members]
            if per_sample_weights is not None:
                result[bag, column] = g.dot(items, [per_sample_weights[i] for i in members])
            elif mode == MAX:
                result[bag, column] = _largest(g, items, weight[recorded[3][bag, column], column])
            else:
                total = g.add(items)
                result[bag, column] = total / g.scalar(len(items)) if mode == MEAN else total
    return result, None, None, None


def _largest(g: G, items: list[Scalar], chosen: Scalar) -> Scalar:
    for other in items:
        if other is not chosen:
            g.compare("max", chosen, other, (0, 1))
    return chosen
