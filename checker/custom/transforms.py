"""Forward mode and `vmap` of a custom operation.

Comes in: an `Operation`.  Goes out: a `CheckRecord` for the rules that its author wrote, or a sentence that there are none.  Why:
`torch.func` uses these rules in place of the forward and backward, and nothing in torch compares them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.autograd import forward_ad

from checker.custom.along import ROUNDING, direction, slope
from checker.custom.operation import Operation, Tensors
from checker.draws import seeded
from checker.errors import Unsupported
from checker.methods.failures import first_line
from checker.record import CheckRecord
from checker.values import Verdict

#: Points in the batch that is mapped.
BATCH = 3


def forward_mode(operation: Operation) -> CheckRecord:
    """The `jvp` of an `autograd.Function` along a random direction, against differences of its values."""
    if not operation.has("jvp"):
        return _forward(Verdict.UNSUPPORTED, "it has no jvp")
    if operation.estimated:
        return _forward(Verdict.UNSUPPORTED, "not tried: a declared estimator is not the derivative of the values")
    wide = operation.widened()
    if wide is None:
        return _forward(Verdict.UNSUPPORTED, "not tried: differences need float64, which the operation does not take")
    moves = {k: direction(wide, wide.inputs[k], k) for k in wide.wanted}
    upstream = wide.upstream()

    def total(outputs: Sequence[torch.Tensor | None]) -> torch.Tensor:
        parts = [(v * o).sum() for v, o in zip(upstream, outputs, strict=True) if v is not None and o is not None]
        return torch.stack([torch.zeros((), dtype=torch.float64), *parts]).sum()

    def along(t: torch.Tensor) -> torch.Tensor:
        return total(wide(*[v + t * moves[k] if k in moves else v for k, v in enumerate(wide.inputs)]))

    try:
        with forward_ad.dual_level():
            given = [_dual(v.clone(), moves[k]) if k in moves else v for k, v in enumerate(wide.inputs)]
            got = float(total([forward_ad.unpack_dual(o).tangent for o in wide(*given)]))  # type: ignore[no-untyped-call]
        expected, error = slope(wide, along)
    except Unsupported as failure:
        return _forward(Verdict.INCONCLUSIVE, str(failure))
    except Exception as failure:  # the operation under test may raise anything
        return _forward(Verdict.CRASHED, f"jvp fails: {type(failure).__name__}: {first_line(failure)}")
    if not math.isfinite(expected + error):
        return _forward(Verdict.INCONCLUSIVE, "the function is not smooth here")
    if not abs(got - expected) <= 4 * error + ROUNDING * max(1.0, abs(expected)):
        return _forward(Verdict.WRONG, f"jvp along a random direction: got {got:.10g}, expected {expected:.10g}")
    return _forward(Verdict.AGREES, "jvp is the derivative of the values")


def mapped(operation: Operation) -> CheckRecord:
    """`vmap` over a batch against a loop over its points: of the values and of the gradients, the batch first and last among dimensions."""
    if operation.custom.kind == "torch.library" and not operation.has("_vmap_fn"):
        return _vmap(Verdict.UNSUPPORTED, "it has no vmap rule (register_vmap): torch runs the points one by one")
    if operation.custom.kind == "autograd.Function" and not operation.has("setup_context"):
        return _vmap(Verdict.UNSUPPORTED, "torch.func does not take it: split forward(ctx, …) into forward and setup_context")
    if operation.custom.kind == "autograd.Function" and not (operation.has("vmap") or operation.custom.target.generate_vmap_rule):
        return _vmap(Verdict.UNSUPPORTED, "it has no vmap rule: write a staticmethod vmap, or set generate_vmap_rule = True")
    upstream = operation.upstream()
    functions: dict[str, Callable[..., Tensors]] = {"values": operation}
    if operation.custom.kind == "autograd.Function":  # `torch.func` differentiates no operator of torch.library
        functions["gradients"] = _gradients_of(operation, upstream)
    for what, function in functions.items():
        for places in dict.fromkeys([operation.wanted, *((k,) for k in operation.wanted)]):
            for last in (False, True):
                names = " and ".join(map(operation.name, places))
                try:
                    difference = _apart(operation, function, places, last=last)
                except Exception as failure:  # the operation under test may raise anything
                    return _vmap(Verdict.CRASHED, f"{what} mapped over {names} fail: {type(failure).__name__}: {first_line(failure)}")
                if difference:
                    position = "last" if last else "first"
                    return _vmap(Verdict.WRONG, f"{what} mapped over {names}, the batch being the {position} dimension, {difference}")
    return _vmap(Verdict.AGREES, f"{' and '.join(functions)} of a batch are those of its points, one by one")


def _dual(x: torch.Tensor, tangent: torch.Tensor) -> torch.Tensor:
    return forward_ad.make_dual(x, tangent)  # type: ignore[no-untyped-call, no-any-return]


def _gradients_of(operation: Operation, upstream: tuple[torch.Tensor | None, ...]) -> Callable[..., Tensors]:
    def function(*inputs: Any) -> Tensors:
        def of_wanted(*xs: torch.Tensor) -> Tensors:
            given = list(inputs)
            for k, x in zip(operation.wanted, xs, strict=True):
                given[k] = x
            return tuple(o for o, v in zip(operation(*given), upstream, strict=True) if v is not None)

        _, pullback, *_ = torch.func.vjp(of_wanted, *[inputs[k] for k in operation.wanted])
        return tuple(pullback(tuple(v for v in upstream if v is not None)))

    return function


def _apart(operation: Operation, function: Callable[..., Tensors], places: tuple[int, ...], *, last: bool) -> str:
    """How the mapped function differs from the loop; the empty string where it does not."""
    given, dims = list(operation.inputs), [None] * len(operation.inputs)
    for k in places:
        x = operation.inputs[k]
        batch = torch.stack([x + 0.1 * row * direction(operation, x, k) for row in range(BATCH)])
        given[k], dims[k] = (batch.movedim(0, -1), x.ndim) if last else (batch, 0)  # type: ignore[call-overload]
    loop = [function(*[v if dim is None else v.select(dim, row) for v, dim in zip(given, dims, strict=True)]) for row in range(BATCH)]
    with seeded(operation.seed):
        found = torch.func.vmap(function, in_dims=tuple(dims), randomness="same")(*given)
    for number, (got, *rows) in enumerate(zip(found, *loop, strict=True)):
        expected = torch.stack(rows)
        if got.shape != expected.shape:
            return f"have shape {tuple(got.shape)} in place of {tuple(expected.shape)}"
        if expected.is_floating_point() and not torch.allclose(got, expected, rtol=ROUNDING, atol=ROUNDING, equal_nan=True):
            return f"differ from the loop by {float((got - expected).abs().max()):.3g} in result {number}"
    return ""


def _forward(verdict: Verdict, message: str) -> CheckRecord:
    return CheckRecord(name="forward mode", verdict=verdict, message=message)


def _vmap(verdict: Verdict, message: str) -> CheckRecord:
    return CheckRecord(name="vmap", verdict=verdict, message=message, beside=True)
