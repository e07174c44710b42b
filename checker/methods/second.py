"""Second derivatives by PyTorch, in the two ways that programs use: what is under test.

Comes in: a case and directions.  Goes out: a `Derivation` whose "gradient" of each argument has a row for each direction u: how it moves
along u, which is H u, H being the Hessian of ⟨v, f⟩.  Why: a training step through a gradient (penalties, meta-learning, Newton's method)
rests on rules that no first derivative uses: an operation's gradient may be right and the gradient of its gradient wrong.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.autograd import forward_ad

from checker.draws import seeded
from checker.methods.autograd import to_array
from checker.methods.failures import NO_FORWARD, crashed, first_line
from checker.methods.mapped import Tensors, along_each
from checker.tape.hessian import Directions
from checker.tape.replay import loops_quietly
from checker.values import Array, Case, Derivation, Problem, Verdict

REVERSE, FORWARD = "reverse over reverse", "forward over reverse"
#: What torch says where forward mode meets a gradient that it cannot follow.
NO_FORWARD_TWICE = (*NO_FORWARD, "ZeroTensors")
#: Cuts that stop reverse mode and let forward mode through.
LEAKING = ("no_grad", "data")
#: What torch says of an operation whose derivative it cannot differentiate.
NOT_TWICE = ("is not implemented", "once_differentiable", "not differentiable", "double backward", "not supported")


def reverse_over_reverse(case: Case, directions: Directions) -> Derivation:
    """The gradient with `create_graph=True`, and `torch.autograd.grad` of its inner product with every direction.

    A row that the graph of the gradient does not reach is zero, as PyTorch means it, and counted in `details["unreached"]`.
    """
    return _derived(REVERSE, case, directions, _reverse)


def forward_over_reverse(case: Case, directions: Directions) -> Derivation:
    """`torch.func.jvp` of `torch.func.grad` along every direction, by `vmap` in chunks where that is possible; by dual tensors
    where the function draws."""
    return _derived(FORWARD, case, directions, _forward)


def _derived(
    method: str, case: Case, directions: Directions, derive: Callable[[Case, Directions], tuple[Array, dict[str, Any]]]
) -> Derivation:  # fmt: skip
    start = time.perf_counter()
    try:
        with loops_quietly(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, when it loads its forward rules
            products, details = derive(case, directions)
    except Exception as error:  # the function under test may raise anything
        return Derivation(method=method, dtype=case.dtype, problem=_problem(error))
    seconds = time.perf_counter() - start
    return Derivation(method=method, dtype=case.dtype, seconds=seconds, gradients=directions.split(products), details=details)


def _problem(error: Exception) -> Problem:
    said = first_line(error)[:200]
    if isinstance(error, NotImplementedError) or any(word in said for word in NOT_TWICE):
        return Problem(verdict=Verdict.UNSUPPORTED, message=f"torch cannot differentiate this gradient: {said}")
    if isinstance(error, AssertionError) or any(word in said for word in NO_FORWARD_TWICE):
        return Problem(verdict=Verdict.UNSUPPORTED, message=f"torch has no forward-mode rule here: {said}")
    return crashed(error)


def _reverse(case: Case, directions: Directions) -> tuple[Array, dict[str, Any]]:
    leaves = {name: t.detach().clone() for name, t in case.arguments.items()}
    points = [leaves[name].requires_grad_() for name in directions.names]
    with seeded(case.seed), torch.enable_grad():
        outputs = case.exercise.call(leaves)
        pairs = [(o, v.to(o.dtype)) for o, v in zip(outputs, case.upstream, strict=True) if v is not None and o.requires_grad]
        gradients: Sequence[torch.Tensor | None] = [None] * len(points)
        if pairs:
            gradients = torch.autograd.grad([o for o, _ in pairs], points, [v for _, v in pairs], create_graph=True, allow_unused=True)
        rows, unreached = [], 0
        for direction in directions.rows:
            along = _along(gradients, directions, direction)
            reached: Sequence[torch.Tensor | None] = [None] * len(points)
            if along is not None and along.requires_grad:
                reached = torch.autograd.grad(along, points, retain_graph=True, allow_unused=True)
            unreached += all(r is None for r in reached)
            parts = [np.zeros(x.numel()) if r is None else to_array(r).ravel() for x, r in zip(points, reached, strict=True)]
            rows.append(np.concatenate(parts))
    return np.array(rows), {"unreached": unreached} if unreached else {}


def _along(gradients: Sequence[torch.Tensor | None], directions: Directions, direction: Array) -> torch.Tensor | None:
    """⟨u, gradient⟩; of a unit direction the entry itself. None where autograd does not reach what the direction moves."""
    terms = []
    for gradient, place in zip(gradients, directions.places().values(), strict=True):
        u = direction[place]
        moved = np.flatnonzero(u)
        if gradient is None or not len(moved):
            continue
        flat = gradient.reshape(-1)
        terms.append(flat[int(moved[0])] * float(u[moved[0]]) if len(moved) == 1 else flat @ torch.from_numpy(u).to(flat))
    return sum(terms[1:], terms[0]) if terms else None


def _forward(case: Case, directions: Directions, chunk: int = 256) -> tuple[Array, dict[str, Any]]:
    points = tuple(case.arguments[name].detach().clone() for name in directions.names)

    def value(*points: torch.Tensor) -> torch.Tensor:
        # not `seeded`: under vmap the generator is left alone, and draws are made under the caller's seed
        outputs = case.exercise.call({**case.arguments, **dict(zip(directions.names, points, strict=True))})
        return torch.stack([(o * v).sum() for o, v in zip(outputs, case.upstream, strict=True) if v is not None]).sum()

    gradient = torch.func.grad(value, argnums=tuple(range(len(points))))

    def along(*tangents: torch.Tensor) -> Tensors:
        return torch.func.jvp(gradient, points, tangents)[1]  # type: ignore[no-any-return]

    def dual(*tangents: torch.Tensor) -> Tensors:
        with forward_ad.dual_level():
            pairs = zip(points, tangents, strict=True)
            moved = [forward_ad.make_dual(x.clone().requires_grad_(), t) for x, t in pairs]  # type: ignore[no-untyped-call]
            total = value(*moved)
            if not total.requires_grad:  # all of it is cut off
                return tuple(torch.zeros_like(x) for x in points)
            found = torch.autograd.grad(total, moved, allow_unused=True, materialize_grads=True)
            parts = [forward_ad.unpack_dual(g).tangent for g in found]  # type: ignore[no-untyped-call]
        return tuple(torch.zeros_like(x) if part is None else part for x, part in zip(points, parts, strict=True))

    rows = torch.from_numpy(directions.rows)
    places = directions.places().values()
    tangents = [rows[:, p].reshape(len(rows), *x.shape).to(x.dtype) for x, p in zip(points, places, strict=True)]
    found: list[Array] = []
    details: dict[str, Any] = {}
    for start in range(0, len(rows), chunk):
        part = [t[start : start + chunk] for t in tangents]
        moved, looped = along_each(tuple(part), case.seed, by_func=along, by_duals=dual)
        if looped:
            details["looped"] = looped
        found.append(np.concatenate([to_array(m).reshape(len(part[0]), -1) for m in moved], axis=1))
    return np.concatenate(found), details
