"""Second derivatives of ⟨v, f⟩: the truth as balls, what rounding may do to them, and what another order of the chain rule may.

Comes in: a tape, its arguments, the upstream v and directions.  Goes out: H u for every direction u; of unit directions, the Hessian.  Why:
a second derivative must be judged against one that is known to be right, as the gradient is; and programs have more orders to choose
from: reverse over reverse adds up the same paths from the other end as forward over reverse, which is what dual numbers do.

One replay serves all directions: the reverse sweep runs over dual numbers with a part for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from flint import arb

from checker.tape.arithmetic import Balls, Rounding, precision
from checker.tape.balls import ROUNDING_BITS, Midpoints, midpoints, reach, settled, stored
from checker.tape.duals import Dual, Duals, Seeds
from checker.tape.graph import Check
from checker.tape.interpreter import Replayed, interpret, pull
from checker.tape.numbers import NumberSystem
from checker.tape.paths import ACCUMULATED, BITS, Orders, started
from checker.tape.tape import Tape
from checker.values import Array

Tensors = Mapping[str, torch.Tensor]
Upstream = Sequence[torch.Tensor | None]


@dataclass(frozen=True)
class Directions:
    """Directions through the entries of the arguments `names`, flat and in that order: `rows` has a direction in each row."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    rows: Array

    @classmethod
    def unit(cls, arguments: Tensors, names: Sequence[str]) -> Directions:
        """One direction an entry: their products with the Hessian are its rows."""
        shapes = tuple(tuple(arguments[name].shape) for name in names)
        return cls(tuple(names), shapes, np.eye(sum(int(np.prod(shape)) for shape in shapes)))

    def places(self) -> dict[str, slice]:
        """Where each argument lies in a row."""
        found, start = {}, 0
        for name, shape in zip(self.names, self.shapes, strict=True):
            found[name] = slice(start, start := start + int(np.prod(shape)))
        return found

    def split(self, products: Array) -> dict[str, Array]:
        """Products, a row for each direction, by argument: of the shape (directions, *argument)."""
        parts = zip(self.places().items(), self.shapes, strict=True)
        return {name: products[:, place].reshape(len(products), *shape) for (name, place), shape in parts}

    def seeds(self, rows: Array) -> Seeds:
        """How `rows` move each entry, for dual numbers."""
        places = {name: (place.start, shape) for (name, place), shape in zip(self.places().items(), self.shapes, strict=True)}
        moving: list[Mapping[int, float]] = [{int(k): float(column[k]) for k in np.flatnonzero(column)} for column in rows.T]

        def seed(name: str, index: tuple[int, ...]) -> Mapping[int, float]:
            if name not in places:
                return {}
            start, shape = places[name]
            at: int = start + (int(np.ravel_multi_index(index, shape)) if shape else 0)
            return moving[at]

        return seed


@dataclass(frozen=True)
class Curvature:
    """H u for every direction, a row each; with the decisions that the path rests on and the bits of precision that were needed."""

    products: Midpoints
    path: tuple[Check[Dual[arb]], ...]
    bits: int


def enclose(tape: Tape, arguments: Tensors, upstream: Upstream, directions: Directions, *, honoured: frozenset[int]) -> Curvature:
    """The exact products of the Hessian of ⟨`upstream`, f⟩ with `directions`, at the exact binary point `arguments`.

    At a decision that the path rests on and that is tied, torch's convention is followed: the path says so.

    Raises:
        Unsupported: an operation has no rule, or its rule no second derivative.
    """

    def look() -> tuple[tuple[Array, Replayed[Dual[arb]]], Mapping[str, Array], Sequence[Check[Dual[arb]]]]:
        numbers: NumberSystem[Dual[arb]] = Duals(Balls(), directions.seeds(directions.rows))
        replayed = interpret(tape, arguments, numbers, honoured=honoured)
        products = _products(pull(replayed, upstream), directions)
        return (products, replayed), {"products": products}, replayed.graph.checks

    (products, replayed), bits = settled(look)
    with precision(bits):
        return Curvature(products=midpoints(products), path=tuple(replayed.graph.checks), bits=bits)


def allowed(
    tape: Tape, arguments: Tensors, upstream: Upstream, directions: Directions, truth: Curvature, *, honoured: frozenset[int]
) -> Array:
    """How far a program that follows the order of dual numbers may be from `truth`: every operation on values and on parts rounds."""
    half = next((str(t.dtype)[6:] for t in arguments.values() if t.dtype in (torch.float16, torch.bfloat16)), None)
    with precision(ROUNDING_BITS):
        rounding = Rounding(half)
        numbers: NumberSystem[Dual[arb]] = Duals(rounding, directions.seeds(directions.rows))
        products = _products(pull(interpret(tape, arguments, numbers, honoured=honoured), upstream), directions)
        for name, place in directions.places().items():
            products[:, place] = stored(rounding, products[:, place], arguments[name])
        return reach(products, truth.products)


class _Paths(Duals[arb]):
    """Dual numbers whose parts are sums over all paths of the absolute value of each."""

    def scaled(self, factor: arb, part: arb) -> arb:
        return abs(factor) * part


def any_order(
    tape: Tape, arguments: Tensors, upstream: Upstream, directions: Directions, unit: float, *, honoured: frozenset[int]
) -> Orders:
    """n·`unit`·Σ|path| for every entry of every product, and Σ|path|: what any order of the same products and sums may lose, as in `paths`.

    A path leads from an entry forward to a local derivative, and from there back to another entry: it rounds at most as often as the two
    ways from the outputs to both together.
    """
    with precision(BITS):
        numbers: NumberSystem[Dual[arb]] = _Paths(Balls(), directions.seeds(np.abs(directions.rows)))
        replayed = interpret(tape, arguments, numbers, honoured=honoured)
        sums, roundings = _sweep(replayed, upstream, len(directions.rows), min(1.0, ACCUMULATED / unit))
    index = np.concatenate([[x.index for x in replayed.inputs[name].reshape(-1)] for name in directions.names]).astype(int)
    ways = roundings[index]
    ahead = np.max(np.where(directions.rows != 0, ways, 0.0), axis=1, initial=0.0)
    size = sums[index].T
    error = unit * (ahead[:, None] + ways[None, :] + (directions.rows != 0).sum(1, keepdims=True)) * size
    return Orders(error=directions.split(error), size=directions.split(size))


def _sweep(replayed: Replayed[Dual[arb]], upstream: Upstream, count: int, term: float) -> tuple[Array, Array]:
    """How Σ|path| from the outputs to every scalar moves along each direction at most, and the most roundings along one of the paths."""
    edges, near = replayed.graph.edges, replayed.graph.numbers.approximate
    moved, readers = np.zeros((len(edges), count)), np.zeros(len(edges))
    sums, roundings = started(replayed, upstream)
    for found in edges:
        for j, _ in found:
            readers[j] += 1
    for i in range(len(edges) - 1, -1, -1):
        if sums[i] == 0 and not moved[i].any():
            continue
        for j, derivative in edges[i]:
            size = abs(near(derivative))
            sums[j] += sums[i] * size
            moved[j] += moved[i] * size
            for k, part in derivative.parts.items():
                moved[j, k] += sums[i] * float(part)
            roundings[j] = max(roundings[j], roundings[i] + 1 + term * max(len(edges[i]), readers[j]))
    return moved, roundings


def _products(gradient: Mapping[str, Array], directions: Directions) -> Array:
    """The parts of a gradient, a row for each direction."""
    entries = [x for name in directions.names for x in gradient[name].reshape(-1)]
    products = np.full((len(directions.rows), len(entries)), arb(0), object)
    for place, x in enumerate(entries):
        for k, part in x.parts.items():
            products[k, place] = part
    return products
