"""The derivative of a tape along one direction, by forward mode.

Comes in: a tape, and a direction of some of its arguments.  Goes out: value and ⟨v, J u⟩.  Why: of all ways to know a slope it is the most
precise, for it is known to rounding; ⟨v, J u⟩ = ⟨Jᵀv, u⟩ puts forward against reverse mode.

It shares torch's rules with what is tested, so that it is believed only where it lies within the error of difference quotients.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import torch
from torch.autograd import forward_ad

from checker.tape.replay import replay
from checker.tape.tape import Tape
from checker.values import Case

#: Operations whose forward rule in torch is not their derivative to rounding, as balls showed (docs/operators.md): no ruler for reverse.
IMPRECISE = frozenset({"logcumsumexp", "cholesky_inverse", "native_group_norm", "scatter_reduce"})


def tangent(
    case: Case, tape: Tape, held: frozenset[int], u: Mapping[str, torch.Tensor], dtype: torch.dtype = torch.float64
) -> tuple[tuple[torch.Tensor, ...], float | None]:
    """The floating outputs in `dtype`, and ⟨v, J u⟩; None in its place where `pushed` gives none."""
    outputs, moved = pushed(case, tape, held, u, dtype)
    upstream = [v for v in case.upstream if v is not None]
    return outputs, None if moved is None else float(sum((t * v).sum() for t, v in zip(moved, upstream, strict=True) if t is not None))


def pushed(
    case: Case, tape: Tape, held: frozenset[int], u: Mapping[str, torch.Tensor], dtype: torch.dtype = torch.float64
) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor | None, ...] | None]:
    """The floating outputs in `dtype`, and J u of each, None where u does not reach it; None in place of all where torch has no forward
    rule for an operation, or one that is not its derivative."""
    if any(node.base in IMPRECISE for node in tape.nodes):
        return (), None
    arguments = dict(case.arguments)
    try:
        with warnings.catch_warnings(), torch.no_grad(), forward_ad.dual_level():
            warnings.simplefilter("ignore")  # torch's own, when it loads its forward rules
            for name, along in u.items():
                arguments[name] = forward_ad.make_dual(case.arguments[name].to(dtype), along.to(dtype))  # type: ignore[no-untyped-call]
            outputs = replay(tape, arguments, held=held, dtype=dtype, signature=False).outputs
            found = [forward_ad.unpack_dual(o) for o in outputs]  # type: ignore[no-untyped-call]
            return tuple(f.primal for f in found), tuple(f.tangent for f in found)
    except (RuntimeError, NotImplementedError):
        return (), None
