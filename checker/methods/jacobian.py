"""The whole Jacobian J = ∂fᵢ/∂xⱼ by automatic differentiation: what is under test where every entry is judged.

Comes in: a case.  Goes out: for every argument an array of shape (outputs, *argument).  Why: a vector–Jacobian product adds up a whole
column, so that two wrong entries may cancel; in J each stands by itself and can be named.

Rows are taken in batches, which is `vmap` over the backward pass. Where an operation cannot be mapped they are taken one by one, and the
reason is handed back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.autograd import forward_ad

from checker.draws import seeded
from checker.methods.mapped import UNMAPPED, Tensors, along_each
from checker.tape.structure import elementwise
from checker.tape.tape import Tape
from checker.values import Array, Case

#: Bytes of upstream in one batch: what is made of it then stays in a core's own cache.
BATCH = 1 << 20

#: Random upstreams by which an elementwise backward is known.
PROBES = 8


@dataclass(frozen=True)
class Jacobian:
    """The floating outputs at the point, J by argument, the arguments that no output reaches, and why rows were taken one by one."""

    value: Tensors
    entries: dict[str, Array]
    unreached: list[str] = field(default_factory=list)
    looped: str | None = None


def outputs_of(case: Case) -> int:
    """How many rows J has: entries of all floating outputs."""
    return sum(v.numel() for v in case.upstream if v is not None)


def units_of(case: Case) -> Iterator[tuple[torch.Tensor | None, ...]]:
    """The upstream that selects each row of J, one row after the other: together they are as large as a square of the outputs."""
    for at, v in enumerate(case.upstream):
        for entry in range(0 if v is None else v.numel()):
            unit = [None if other is None else torch.zeros(other.shape, dtype=other.dtype) for other in case.upstream]
            unit[at].view(-1)[entry] = 1.0  # type: ignore[union-attr]
            yield tuple(unit)


def by_reverse(case: Case, device: str = "cpu", tape: Tape | None = None) -> Jacobian:
    """J by reverse mode, in the case's dtype: row i is the product with the upstream eᵢ.

    Where `tape` is elementwise some products tell whether the backward is as well, and then all of J.
    """
    leaves = {name: t.detach().to(device).clone() for name, t in case.arguments.items()}
    for name in case.differentiated:
        leaves[name].requires_grad_()
    with seeded(case.seed), torch.enable_grad():
        outputs = case.exercise.call(leaves)
    found = {name: np.zeros((outputs_of(case), *case.arguments[name].shape)) for name in case.differentiated}
    unreached, looped, start = set(case.differentiated), None, 0
    pointwise = tape is not None and all(elementwise(tape, name) for name in case.differentiated)
    points = [leaves[name] for name in case.differentiated]
    for output, v in zip(outputs, case.upstream, strict=True):
        if v is None:
            continue
        diagonals = _diagonals(output, points) if pointwise and output.requires_grad else None
        if diagonals is not None:
            every = np.arange(output.numel())
            for name, diagonal in zip(case.differentiated, diagonals, strict=True):
                unreached.discard(name)
                found[name].reshape(len(found[name]), -1)[start + every, every] = diagonal.double().numpy(force=True)
        elif output.requires_grad:
            for rows, parts, why in rows_of(output, points):
                looped = looped or why
                for name, part in zip(case.differentiated, parts, strict=True):
                    if part is not None:
                        unreached.discard(name)
                        found[name][start + rows.start : start + rows.stop] = part.double().numpy(force=True)
        start += output.numel()
    value = tuple(o.detach() for o in outputs if o.is_floating_point())
    return Jacobian(value, found, [name for name in case.differentiated if name in unreached], looped)


def _diagonals(output: torch.Tensor, points: list[torch.Tensor]) -> list[torch.Tensor] | None:
    """The diagonal of J for every argument, where J has nothing else; None where it may have.

    Upstreams are powers of two with random signs, by which floating point scales without rounding: Jᵀv = d∘v holds exactly, for every v,
    where each entry goes its own way. An entry beside the diagonal would have to be lost in rounding, for all of them.
    """
    generator = torch.Generator().manual_seed(output.numel())
    exponents = torch.randint(-2, 3, (PROBES, *output.shape), generator=generator)
    signs = torch.randint(0, 2, exponents.shape, generator=generator) * 2 - 1
    upstreams = torch.cat([torch.ones(1, *output.shape), torch.ldexp(signs.float(), exponents)]).to(output.device, output.dtype)
    try:
        products = _products(output, points, upstreams, batched=True)
    except UNMAPPED:
        return None
    diagonals = []
    for product in products:
        if product is None or not torch.equal(product[1:], product[:1] * upstreams[1:]):
            return None
        diagonals.append(product[0].reshape(-1))
    return diagonals


def rows_of(output: torch.Tensor, points: list[torch.Tensor]) -> Iterator[tuple[slice, list[torch.Tensor | None], str | None]]:
    """The rows of one output, a batch at a time: which, their parts by argument, and why they were not mapped where they were not."""
    count, why = output.numel(), None
    size = max(1, BATCH // (8 * max(output.numel(), *(point.numel() for point in points))))
    for start in range(0, count, size):
        rows = slice(start, min(start + size, count))
        units = torch.zeros(rows.stop - rows.start, count, dtype=output.dtype, device=output.device)
        units[torch.arange(len(units)), torch.arange(rows.start, rows.stop)] = 1.0
        units = units.reshape(-1, *output.shape)
        if why is None:
            try:
                yield rows, _products(output, points, units, batched=True), None
                continue
            except UNMAPPED as error:
                why = str(error).split("\n")[0][:200]
        single = [_products(output, points, unit) for unit in units]
        yield rows, [None if column[0] is None else torch.stack(column) for column in zip(*single, strict=True)], why


def _products(
    output: torch.Tensor, points: list[torch.Tensor], upstream: torch.Tensor, *, batched: bool = False
) -> list[torch.Tensor | None]:
    return list(torch.autograd.grad(output, points, upstream, retain_graph=True, allow_unused=True, is_grads_batched=batched))


def by_forward(case: Case) -> Jacobian:
    """J by forward mode: column j is the derivative along eⱼ."""
    function, names = floating(case), case.differentiated
    primals = tuple(case.arguments[name].detach().clone() for name in names)
    with seeded(case.seed):
        value = function(*primals)
    found = {}
    for position, name in enumerate(names):
        columns = np.zeros((outputs_of(case), primals[position].numel()))
        for rows, moved in along_entries(function, primals, position, case.seed):
            columns[:, rows] = torch.cat([m.reshape(len(m), -1).double() for m in moved], dim=1).numpy(force=True).T
        found[name] = columns.reshape(-1, *primals[position].shape)
    return Jacobian(value, found)


def floating(case: Case) -> Callable[..., Tensors]:
    """The floating outputs as a function of the differentiated arguments in order."""
    kept = [k for k, v in enumerate(case.upstream) if v is not None]

    def function(*values: torch.Tensor) -> Tensors:
        # not `seeded`: under vmap the generator is left alone, and draws are made under the caller's seed
        outputs = case.exercise.call({**case.arguments, **dict(zip(case.differentiated, values, strict=True))})
        return tuple(outputs[k] for k in kept)

    return function


def along_entries(
    function: Callable[..., Tensors], primals: Tensors, position: int, seed: int, chunk: int = 512
) -> Iterator[tuple[slice, Tensors]]:
    """The derivatives of `function` along every entry of the argument at `position` by forward mode: by `vmap` in chunks, one entry at a
    time where it cannot be mapped or draws."""
    x, zeros = primals[position], [torch.zeros_like(p) for p in primals]
    basis = torch.eye(x.numel(), dtype=x.dtype).reshape(x.numel(), *x.shape)

    def row(tangent: torch.Tensor) -> Tensors:
        tangents = (*zeros[:position], tangent, *zeros[position + 1 :])
        return torch.func.jvp(function, primals, tangents)[1]  # type: ignore[no-any-return]

    def dual(tangent: torch.Tensor) -> Tensors:
        with forward_ad.dual_level():
            moved = forward_ad.make_dual(x, tangent)  # type: ignore[no-untyped-call]
            outputs = function(*primals[:position], moved, *primals[position + 1 :])
            found = [forward_ad.unpack_dual(o) for o in outputs]  # type: ignore[no-untyped-call]
        return tuple(torch.zeros_like(f.primal) if f.tangent is None else f.tangent for f in found)

    for start in range(0, len(basis), chunk):
        rows = slice(start, min(start + chunk, len(basis)))
        yield rows, along_each((basis[rows],), seed, by_func=row, by_duals=dual)[0]
