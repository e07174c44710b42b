"""Differentiable numbers: what the arrays of a replay hold.

Comes in: a graph, and values of its number system.  Goes out: `Scalar`, `Free`.  Why: an operation written once with `+ − × ÷` and
functions has its value, its local derivatives and its path conditions in every number system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.pairs import Pair

if TYPE_CHECKING:
    from checker.tape.graph import Graph

#: An array of scalars. NumPy's types have no word for it: masks, fills and places would each need a cast.
Array = Any

#: What has the last word in arithmetic with a scalar.
_OTHERS = (np.ndarray, Pair, complex)


class Scalar:
    """A number with a place in the graph. `index` is −1 where nothing differentiable reaches it."""

    __slots__ = ("graph", "index", "value")

    def __init__(self, graph: Graph[Any], value: Any, index: int = -1) -> None:
        self.graph, self.value, self.index = graph, value, index

    def __add__(self, other: Any) -> Scalar:
        if other.__class__ is not Scalar:
            if isinstance(other, _OTHERS):
                return NotImplemented
            other = self.graph.scalar(other)
        return self.graph.add((self, other))

    def __radd__(self, other: Any) -> Scalar:
        return self.graph.scalar(other) + self

    def __neg__(self) -> Scalar:
        numbers = self.graph.numbers
        return self.graph.node(numbers.negate(self.value), ((self, self.graph.minus_one),))

    def __sub__(self, other: Any) -> Scalar:
        graph = self.graph
        if other.__class__ is not Scalar:
            if isinstance(other, _OTHERS):
                return NotImplemented
            other = graph.scalar(other)
        value = graph.numbers.add((self.value, graph.numbers.negate(other.value)))
        return graph.node(value, ((self, graph.numbers.one), (other, graph.minus_one)))

    def __rsub__(self, other: Any) -> Scalar:
        return self.graph.scalar(other) - self

    def __mul__(self, other: Any) -> Scalar:
        if other.__class__ is not Scalar:
            if isinstance(other, _OTHERS):
                return NotImplemented
            other = self.graph.scalar(other)
        return self.graph.node(self.graph.numbers.multiply(self.value, other.value), ((self, other.value), (other, self.value)))

    def __rmul__(self, other: Any) -> Scalar:
        return self.graph.scalar(other) * self

    def __truediv__(self, other: Any) -> Scalar:
        graph = self.graph
        if other.__class__ is not Scalar:
            if isinstance(other, _OTHERS):
                return NotImplemented
            other = graph.scalar(other)
        numbers = graph.numbers
        quotient = numbers.divide(self.value, other.value)
        edges = []
        if self.index >= 0:
            edges.append((self, numbers.divide(numbers.one, other.value)))
        if other.index >= 0:
            edges.append((other, numbers.negate(numbers.divide(quotient, other.value))))
        return graph.node(quotient, edges)

    def __rtruediv__(self, other: Any) -> Scalar:
        return self.graph.scalar(other) / self

    def __repr__(self) -> str:
        return f"Scalar({self.value}, {self.index})"


class Free(Scalar):
    """A number that an operation leaves open, such as an entry of a basis that may be any. Whoever reads it is refused by name."""

    __slots__ = ("operation", "reason")

    def __init__(self, graph: Graph[Any], operation: str, reason: str) -> None:
        self.graph, self.index, self.operation, self.reason = graph, -1, operation, reason

    @property
    def value(self) -> Any:
        raise Unsupported(self.operation, self.reason, line=self.graph.line)

    def __repr__(self) -> str:
        return f"Free({self.operation})"
