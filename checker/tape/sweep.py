"""The reverse sweep: the list of a replay walked back.

Comes in: a graph, and the adjoints of some of its scalars.  Goes out: the adjoint of every scalar.  Why: one walk is the chain rule of
every number system, whatever the operations were.
"""

from __future__ import annotations

from collections.abc import Iterable

from checker.tape.graph import Graph
from checker.tape.numbers import N
from checker.tape.scalars import Scalar


def sweep(graph: Graph[N], seeds: Iterable[tuple[Scalar, N]]) -> list[N | None]:
    """The adjoint of every scalar, given those of some: None where it is zero exactly.

    An adjoint that is zero exactly is not passed on, so that what was not selected poisons nothing, whatever its derivative.
    """
    numbers, edges = graph.numbers, graph.edges
    multiply, one, minus_one = numbers.multiply, numbers.one, graph.minus_one
    pending: list[list[N] | None] = [None] * len(edges)
    adjoints: list[N | None] = [None] * len(edges)
    for scalar, adjoint in seeds:
        if scalar.index >= 0:
            _push(pending, scalar.index, adjoint)
    spans = list(graph.spans)
    for i in range(len(edges) - 1, -1, -1):
        while len(spans) > 1 and spans[-1][0] > i:
            spans.pop()
            numbers.working(spans[-1][1])
        terms = pending[i]
        if terms is None:
            continue
        pending[i] = None
        total = terms[0] if len(terms) == 1 else numbers.add(terms)
        if numbers.sign(total) == 0:
            continue
        total = adjoints[i] = numbers.keep(total, "adjoint")
        for j, derivative in edges[i]:
            if derivative is one:
                product = total
            elif derivative is minus_one:
                product = numbers.negate(total)
            else:
                product = multiply(total, derivative)
            _push(pending, j, product)
    return adjoints


def _push(pending: list[list[N] | None], index: int, term: N) -> None:
    terms = pending[index]
    if terms is None:
        pending[index] = [term]
    else:
        terms.append(term)
