"""Views whose numbers are others than their operand's: a conjugate, the parts of a complex number.

Comes in: such a view, and later what was written to.  Goes out: the writes that follow from it.  Why: in torch they share memory, though no
array of NumPy can: what one writes the other must read.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from checker.errors import Unsupported
from checker.tape.graph import Graph
from checker.tape.operations import Rule, find
from checker.tape.tape import Node
from checker.values import Array

#: Each of these views, and the one that leads back.
INVERSES = {"view_as_real": "view_as_complex", "view_as_complex": "view_as_real", "_conj": "_conj", "_neg_view": "_neg_view"}


@dataclass(frozen=True, eq=False)
class Mirror:
    """`image` is what the rule `there` makes of `base`, which is what the rule `back` makes of `image`."""

    base: Array
    image: Array
    there: Rule
    back: Rule


class Mirrors:
    """The mirrors of one replay."""

    def __init__(self, graph: Graph[Any]) -> None:
        self.graph = graph
        self.all: list[Mirror] = []

    def add(self, node: Node, base: Array, image: Array) -> None:
        there, back = find(node.operation), find(getattr(torch.ops.aten, INVERSES[node.base]).default)
        assert there is not None
        assert back is not None
        self.all.append(Mirror(base, image, there, back))

    def reflect(self, node: Node, written: Array) -> None:
        """Write again what mirrors the array that `node` wrote to, and what is mirrored in it.

        Raises:
            Unsupported: what must be written is behind a stopped gradient.
        """
        changed, waiting = [written], self.all
        while changed and waiting:
            array = changed.pop()
            near = [np.may_share_memory(m.base, array) or np.may_share_memory(m.image, array) for m in waiting]
            for mirror in itertools.compress(waiting, near):
                changed.append(self._written(node, mirror, forward=np.may_share_memory(mirror.base, array)))
            waiting = [mirror for mirror, is_near in zip(waiting, near, strict=True) if not is_near]

    def _written(self, node: Node, mirror: Mirror, *, forward: bool) -> Array:
        source, target, rule = (mirror.base, mirror.image, mirror.there) if forward else (mirror.image, mirror.base, mirror.back)
        if not target.flags.writeable:
            raise Unsupported(node.name, "it writes through a view behind a stopped gradient", line=node.line)
        target[...] = rule.function(self.graph, source)
        return target
