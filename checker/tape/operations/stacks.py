"""Words for rules about stacks of matrices, real or complex: parts of them, what moves, and functions of one matrix asked of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.numbers import Implicit
from checker.tape.pairs import Pair, paired, part_by_part
from checker.tape.scalars import Array, Scalar

G = Graph[Any]


def identity(g: G, n: int) -> Array:
    """The n × n identity, of constants."""
    return g.choose(np.eye(n, dtype=bool), g.one, g.zero) if n else np.empty((0, 0), object)


def halves(g: G, a: Array) -> tuple[Array, Array]:
    """The real and the imaginary parts."""
    if paired(a):
        return g.map(lambda z: z.re, a), g.map(lambda z: z.im, a)
    return a, g.full(a.shape, g.zero)


def transposed(g: G, a: Array) -> Array:
    """The conjugate transpose of every matrix."""
    return g.map(Pair.conjugate, a.swapaxes(-1, -2)) if paired(a) else a.swapaxes(-1, -2)


def values(matrix: Array) -> list[list[Any]]:
    """The numbers of a matrix of scalars."""
    return [[x.value for x in row] for row in matrix]


def plain(g: G, array: Array) -> Array:
    """The same numbers as constants of the graph: what slopes are computed from."""
    return g.map(part_by_part(lambda x: g.node(x.value, ()), array), array)


def carried(g: G, values: Array, moves: Array) -> Array:
    """The numbers of `values`, which move as `moves` do."""

    def one(x: Any, move: Any) -> Any:
        if isinstance(x, Pair):
            return Pair(one(x.re, move.re), one(x.im, move.im))
        return g.node(x.value, [(move, g.numbers.one)])

    return g.map(one, values, moves)


def kept(g: G, where: Array, a: Array, other: int = 0) -> Array:
    """Entries of a real or complex array where `where` holds, else 0 or 1."""
    number: Any = g.one if other else g.zero
    if paired(a):
        number = Pair(number, g.zero)
    return np.where(where, a, g.full((), number))


def triangle(g: G, a: Array, upper: bool, unit: bool = False) -> Array:
    """A triangle of every matrix, zero elsewhere; `unit`: with ones on the diagonal."""
    row, column = np.indices(a.shape[-2:])
    result = kept(g, row <= column if upper else row >= column, a)
    return kept(g, row != column, result, 1) if unit else result


def symmetric(g: G, a: Array, upper: bool) -> Array:
    """The symmetric matrix of which torch reads one triangle: its values, with the derivative of the entry itself."""
    below = np.tri(a.shape[-1], dtype=bool)
    read = np.where(below.T if upper else below, a, np.swapaxes(a, -1, -2))
    return g.map(lambda value, own: g.node(value.value, [(own, g.numbers.one)]), read, a)


def each(function: Callable[..., tuple[Array, ...]], shapes: Sequence[tuple[int, ...]], *stacks: Array) -> tuple[Array, ...]:
    """`function` of every matrix of stacks, broadcast together over the leading dimensions; its results have `shapes`.

    It is not asked where there is nothing in any of them.
    """
    outer = np.broadcast_shapes(*(s.shape[:-2] for s in stacks))
    stacks = tuple(np.broadcast_to(s, (*outer, *s.shape[-2:])) for s in stacks)
    results = tuple(np.empty((*outer, *shape), object) for shape in shapes)
    for index in np.ndindex(outer) if any(result.size for result in results) else ():
        for result, found in zip(results, function(*(s[index] for s in stacks)), strict=True):
            result[(*index, ...)] = found
    return results


def refusing(
    g: G, name: str, function: Callable[..., Any], reason: str = "the matrix cannot be told from a singular one"
) -> Callable[..., Any]:
    """`function`, whose failure to tell numbers apart is said of the operation `name`."""

    def attempt(*matrices: Array) -> Any:
        try:
            return function(*matrices)
        except (ZeroDivisionError, ValueError):
            raise Unsupported(f"aten.{name}", reason, line=g.line) from None

    return attempt


def implicit(g: G, function: Implicit, a: Array) -> list[Array]:
    """The results of an implicit function of the matrix `a`, each with its derivative by every entry.

    Raises:
        ValueError: they cannot be told apart.
    """
    results = g.numbers.implicit(function, values(a))
    if all(x.index < 0 for x in a.reshape(-1)):
        return [constants(g, y, y.shape) for y in results]
    slopes = function.slopes(g, plain(g, a), [constants(g, y, y.shape) for y in results])
    found = []
    for y, slope in zip(results, slopes, strict=True):
        array = np.empty(y.shape, object)
        for index in np.ndindex(y.shape):
            array[index] = g.node(y[index], ((x, s.value) for x, s in zip(a.reshape(-1), slope[index].reshape(-1), strict=True)))
        found.append(array)
    return found


def constants(g: G, entries: Any, shape: tuple[int, ...]) -> Array:
    """Numbers, in lists or an array of `shape`, as scalars."""
    result = np.empty(shape, object)
    for index in np.ndindex(shape):
        number = entries
        for i in index:
            number = number[i]
        result[index] = Scalar(g, number)
    return result
