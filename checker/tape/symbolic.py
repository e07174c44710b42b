"""A tape as mathematics: its function, its gradients and the condition of its path, as sympy expressions.

Comes in: a tape and the cuts to honour.  Goes out: an `Expression`.  Why: a gradient that can be read is understood, and one derived by
rules for symbols agrees with the others for a reason of its own.

The reverse sweep gives a fresh symbol to every intermediate and every adjoint: a straight-line program, linear in the tape, where
differentiating the expanded expression explodes. Each symbol carries its number (mpmath, 60 digits), so the program is evaluated as it is
written. What people read is that program substituted back: `mathematics.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
import torch

from checker.errors import Unsupported
from checker.tape.arrays import each
from checker.tape.graph import Check
from checker.tape.interpreter import interpret, pull
from checker.tape.numbers import NumberSystem
from checker.tape.size import scalar_operations
from checker.tape.symbols import Symbols, Term
from checker.tape.tape import Tape
from checker.values import Array

LONGEST = 5_000  #: scalar operations of the tape


@dataclass(frozen=True, kw_only=True)
class Expression:
    """What a tape says, in symbols.

    `program` assigns each intermediate symbol its expression, in order; `outputs` and `gradients` hold sympy expressions in its symbols and
    those of the arguments (`x[0]`) and of the upstream gradient (`v[0]`). `values` and `numbers` are the same at the recorded point,
    rounded once to float64. `checks` is the path, with differences as `Term`s.
    """

    program: Mapping[sympy.Symbol, sympy.Expr]
    outputs: tuple[Array | None, ...]
    gradients: Mapping[str, Array]
    values: tuple[Array, ...]
    numbers: Mapping[str, Array]
    point: Mapping[sympy.Symbol, Any]
    checks: tuple[Check[Term], ...]


def express(tape: Tape, upstream: Sequence[torch.Tensor | None] | None = None, *, honoured: frozenset[int] = frozenset()) -> Expression:
    """Read `tape` at its recorded point; derivatives stop at the cuts in `honoured`. `upstream` defaults to ones.

    Raises:
        Unsupported: an operation has no rule, two branches meet at the point, or the program is too long to be written in time.
    """
    numbers = Symbols()
    if (count := scalar_operations(tape)) > LONGEST:
        raise Unsupported("symbols", f"{count:,} scalar operations are more than the {LONGEST:,} that are written")
    system: NumberSystem[Term] = numbers
    replayed = interpret(tape, tape.arguments, system, honoured=honoured)
    for check in replayed.graph.checks:
        if check.found == "undecided":
            raise Unsupported(check.decides, "two branches meet at this point: no one expression holds on both sides", line=check.line)
    given = upstream or [None if slot is None else torch.ones(tape.meta[slot].shape) for slot in tape.outputs]
    letter = "upstream" if any(name.startswith("v") for name in tape.inputs) else "v"
    names = [letter] if len(given) == 1 else [f"{letter}_{k}" for k in range(1, len(given) + 1)]
    seeds = [None if v is None else numbers.upstream(name, v) for name, v in zip(names, given, strict=True)]
    gradients = pull(replayed, seeds)
    values = replayed.values()
    return Expression(
        program=numbers.program,
        outputs=tuple(None if v is None else each(v, lambda t: t.written) for v in values),
        gradients={name: each(g, lambda t: t.written) for name, g in gradients.items()},
        values=tuple(_floats(v) for v in values if v is not None),
        numbers={name: _floats(g) for name, g in gradients.items()},
        point=numbers.point,
        checks=tuple(replayed.graph.checks),
    )


def _floats(array: Array) -> Array:
    return np.array([float(t.value) for t in array.reshape(-1)], np.float64).reshape(array.shape)
