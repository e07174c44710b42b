"""Matrices that are taken to be symmetric.

Comes in: a tape and its arguments.  Goes out: the first operation that reads one triangle of a matrix that need not be symmetric.  Why: a
Cholesky factor and eigenvalues read one triangle only, and PyTorch gives the gradient on symmetric matrices, half to each of a_ij and
a_ji. Balls and reverse mode follow that convention; what moves one entry at a time cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from checker.tape.replay import replay
from checker.tape.tape import Node, Tape

_ONE_TRIANGLE = frozenset({"linalg_cholesky_ex", "cholesky", "_linalg_eigh"})

#: What is said of such an operation, after its name.
PRESUMED_SYMMETRIC = (
    "reads one triangle, and reverse mode gives the gradient on symmetric matrices, which moves of single entries do not: write "
    "(A + A.mT) / 2 in the function to compare them"
)

#: Moves of every entry, relative to max(1, |x|): the smaller one where the first leads to a matrix that cannot be factored.
MOVES = (1e-3, 1e-6)


def presumed_symmetric(tape: Tape, arguments: Mapping[str, torch.Tensor], seed: int) -> Node | None:
    """The first operation of `tape` that reads one triangle of a matrix which does not stay symmetric where the arguments move."""
    if not any(map(_reads_one_triangle, tape.nodes)):
        return None
    found: list[Node] = []

    def watch(node: Node, operands: list[Any], named: dict[str, Any], results: list[Any]) -> None:
        if _reads_one_triangle(node) and not torch.allclose(operands[0], operands[0].mH, rtol=1e-9, atol=0.0):
            found.append(node)

    generator = torch.Generator().manual_seed(seed)
    for move in MOVES:
        moved = {
            name: t.double() + move * t.double().abs().clamp(min=1.0) * torch.randn(t.shape, generator=generator, dtype=torch.float64)
            for name, t in arguments.items()
            if t.is_floating_point()
        }
        try:
            with torch.no_grad():
                replay(tape, {**arguments, **moved}, dtype=torch.float64, signature=False, watch=watch)
            break
        except RuntimeError:  # not positive definite there
            continue
    return found[0] if found else None


def _reads_one_triangle(node: Node) -> bool:
    return node.base in _ONE_TRIANGLE or (node.base == "linalg_pinv" and bool(node.kwargs.get("hermitian")))
