"""The tape in torch: the same operations again, at other points, in another dtype, a whole batch at once.

Comes in: a tape and arguments.  Goes out: outputs and the decision signature.  Why: every perturbation of the finite differences is one
batched replay, and a replay that equals the original function is what makes the tape believable.

Straight-line, so it can be mapped by `torch.func.vmap` and differentiated by autograd. Random draws are those that were recorded, and so
are values that no input reaches: 0.3 in float32 is not 0.3 in float64. A float32 tape replayed in float64 is float64 throughout (and
complex128 where it was complex64): constants, factories and dtype arguments are widened with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch

from checker.tape.decisions import decision
from checker.tape.kernels import plain_kernels
from checker.tape.nature import nature
from checker.tape.operands import NESTS, leaves
from checker.tape.size import point_bytes
from checker.tape.tape import Node, Ref, Tape, differentiable

aten = torch.ops.aten

#: How far, relatively, a point of a batch may be from the same point alone. Batched kernels add up in another order.
ALONE = 1e-10


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What a replay gave: the floating outputs in order, and one tensor per decision (with a leading dimension when batched).

    `looped` says why a batch was run point by point, where it was.
    """

    outputs: tuple[torch.Tensor, ...]
    signature: tuple[torch.Tensor, ...] = ()
    looped: str | None = field(default=None)


@plain_kernels()
def replay(
    tape: Tape,
    arguments: Mapping[str, torch.Tensor],
    *,
    held: frozenset[int] = frozenset(),
    stopped: frozenset[int] = frozenset(),
    dtype: torch.dtype | None = None,
    device: str | None = None,
    signature: bool = True,
    zero: torch.Tensor | None = None,
    watch: Callable[[Node, list[Any], dict[str, Any], list[Any]], None] | None = None,
) -> Replay:
    """Run the tape's operations at `arguments`.

    The cuts in `held` keep their recorded values (for differences); at those in `stopped` the value flows and autograd does not. All others
    are open. `dtype` replaces every floating dtype of the tape, `device` every device. `zero` is a zero that depends on the batch: it is
    added to every new buffer, so that a batched value can be written into it. `watch` is shown every operation with its operands and
    results.
    """
    convert = _Converter(dtype, device)
    written = any(nature(node.operation).writes for node in tape.nodes)
    env: dict[int, Any] = {slot: convert(value).clone() if written else convert(value) for slot, value in tape.constants.items()}
    # as_strided counts from the start of its operand's memory, where another point of a batch may lie
    counted = any(node.base.startswith("as_strided") for node in tape.nodes)
    for name, slot in tape.inputs.items():
        env[slot] = convert(arguments[name]).clone() if counted else convert(arguments[name])
    kept = {number: convert(value) for number, value in tape.held.items() if number in held}
    decisions: list[torch.Tensor] = []
    comparisons = tape.comparisons() if signature else {}
    followed = tape.followed(held | stopped) if signature else frozenset()

    operand = partial(_operand, env=env, kept=kept, stopped=stopped, convert=convert)
    for node, spent in zip(tape.nodes, tape.spent, strict=True):
        if node.operation is aten._local_scalar_dense.default:
            decisions += [getattr(torch, str(c.comparison))(operand(node.args[0]), c.bound) for c in comparisons.get(node.index, ())]
            continue
        args = [operand(value) for value in node.args]
        named = {key: operand(value) for key, value in node.kwargs.items()}
        if node.random or _settled(node, args):
            _put_back(node, args, env, convert, zero)
            continue
        results = leaves(node.operation(*args, **named))
        if watch is not None:
            watch(node, args, named, results)
        for target, result in zip(node.outputs, results, strict=True):
            if target is not None:
                env[target] = _buffer(convert(result), zero) if _is_new_buffer(node, result) else result
        if node.index in followed and node.depends:
            found = decision(node.base, args, named, results)
            if found is not None:
                decisions.append(found)
        for slot in spent:  # its memory is then there for the next operation, and still in the cache
            env.pop(slot, None)
    return Replay(outputs=tuple(env[slot] for slot in tape.outputs if slot is not None), signature=tuple(decisions))


def _operand(value: Any, env: Mapping[int, Any], kept: Mapping[int, Any], stopped: frozenset[int], convert: _Converter) -> Any:
    """An operand as a node has it, with tensors in place of references. No closure: one that calls itself would keep `env` alive."""
    if isinstance(value, Ref):
        if value.cut is not None and value.cut in kept:
            return kept[value.cut]
        tensor = env[value.slot]
        return tensor.detach() if value.cut is not None and value.cut in stopped else tensor
    if isinstance(value, NESTS):
        return type(value)([_operand(v, env, kept, stopped, convert) for v in value])
    return convert.constant(value)


def batched(
    tape: Tape,
    batch: Mapping[str, torch.Tensor],
    *,
    held: frozenset[int] = frozenset(),
    dtype: torch.dtype | None = None,
    device: str | None = None,
    signature: bool = True,
    chunk: int = 256,
    memory: int = 256 << 20,
) -> Replay:
    """The tape at many points at once: every argument has a leading batch dimension, and so has everything that is returned.

    Arguments that are the same for the whole batch may be left out: they are those of the tape. At most `chunk` points, and about `memory`
    bytes, are alive at a time. Where `vmap` cannot map an operation, or maps it wrongly, the points are run one by one, and `looped` says
    why.
    """
    names = list(batch)
    count = len(batch[names[0]])
    fixed = {name: value for name, value in tape.arguments.items() if name not in batch}
    size = max(1, min(chunk, memory // point_bytes(tape)))

    def one(zero: torch.Tensor, *values: torch.Tensor) -> tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]:
        arguments = {**fixed, **dict(zip(names, values, strict=True))}
        done = replay(tape, arguments, held=held, dtype=dtype, device=device, signature=signature, zero=zero)
        return done.outputs, done.signature

    zeros = torch.zeros(count, dtype=torch.float64, device=batch[names[0]].device)
    way = (tuple(names), held, dtype, device)
    looped: str | None = None
    parts: list[tuple[tuple[torch.Tensor, ...], tuple[torch.Tensor, ...]]] = []
    with torch.no_grad():
        for start in range(0, count, size):
            rows = slice(start, start + size)
            values = [batch[name][rows] for name in names]
            if looped is None:
                try:
                    mapped = torch.func.vmap(one)(zeros[rows], *values)
                    if way in tape.mapped or _equal([o[-1] for o in mapped[0]], one(zeros[rows][-1], *[v[-1] for v in values])[0]):
                        tape.mapped.update({way} if len(values[0]) > 1 else ())  # a batch of one shows nothing of larger ones
                        parts.append(mapped)
                        continue
                    looped = "mapped over a batch, the operations give other values than one by one"
                except (RuntimeError, ValueError, IndexError, NotImplementedError) as error:
                    looped = str(error).split("\n")[0][:200]
            points = [one(zeros[rows][k], *[v[k] for v in values]) for k in range(len(values[0]))]
            parts.append((_stacked([p[0] for p in points]), _stacked([p[1] for p in points])))
    return Replay(outputs=_joined([p[0] for p in parts]), signature=_joined([p[1] for p in parts]), looped=looped)


def _equal(mapped: Sequence[torch.Tensor], single: Sequence[torch.Tensor]) -> bool:
    """Whether a point of a batch came out as it does alone, but for rounding: torch's batching rules have mistakes."""
    for a, b in zip(mapped, single, strict=True):
        finite = b[torch.isfinite(b)].abs()
        scale = float(finite.max()) if finite.numel() else 0.0
        if not torch.allclose(a, b, rtol=ALONE, atol=ALONE * scale, equal_nan=True):
            return False
    return True


#: How many `loops_quietly` are open: torch does not tell whether its words are on.
_quiet: list[None] = []


@contextmanager
def loops_quietly() -> Iterator[None]:
    """Without torch's own words on standard error where `vmap` runs an operation point by point."""
    _quiet.append(None)
    torch._C._functorch._set_vmap_fallback_warning_enabled(False)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        _quiet.pop()
        torch._C._functorch._set_vmap_fallback_warning_enabled(not _quiet)  # type: ignore[attr-defined]


def _stacked(rows: list[tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.stack(column) for column in zip(*rows, strict=True))


def _joined(parts: list[tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def _settled(node: Node, args: list[Any]) -> bool:
    """Whether the results are as they were recorded, since no input reaches them. A view is made again: it shares memory with its base."""
    if node.depends or not any(seen is not None and differentiable(seen.dtype) for seen in node.recorded):
        return False
    if node.operation._schema.is_mutable:
        return len(node.outputs) == 1 and node.base.endswith("_") and isinstance(args[0], torch.Tensor)
    return not any(argument.alias_info is not None for argument in node.operation._schema.returns)


def _put_back(node: Node, args: list[Any], env: dict[int, Any], convert: _Converter, zero: torch.Tensor | None) -> None:
    """The results of an operation, as they were recorded: written into its operand where it works in place."""
    for slot, seen in zip(node.outputs, node.recorded, strict=True):
        if slot is None or seen is None:
            continue
        value = convert(seen)
        if node.operation._schema.is_mutable and isinstance(args[0], torch.Tensor) and args[0].shape == value.shape:
            env[slot] = args[0].copy_(value)
        else:
            env[slot] = value.clone() if value.dtype is torch.bool else _buffer(value.clone(), zero)


def _buffer(made: torch.Tensor, zero: torch.Tensor | None) -> torch.Tensor:
    return made if zero is None else made + zero.to(made.dtype)


def _is_new_buffer(node: Node, result: Any) -> bool:
    """Whether a node that depends on no value made new memory that a later operation may write into."""
    if node.depends or not isinstance(result, torch.Tensor) or result.dtype is torch.bool:
        return False
    return not any(argument.alias_info is not None for argument in node.operation._schema.returns)


class _Converter:
    """Moves constants, arguments and dtype and device options to the dtype and device of a replay."""

    def __init__(self, dtype: torch.dtype | None, device: str | None) -> None:
        self.dtype, self.device = dtype, device

    def __call__(self, tensor: torch.Tensor) -> torch.Tensor:
        wanted = self.wanted(tensor.dtype)
        if tensor.dtype is wanted and (self.device is None or tensor.device.type == self.device):
            return tensor
        return tensor.to(device=self.device or tensor.device, dtype=wanted)

    def wanted(self, dtype: torch.dtype) -> torch.dtype:
        """What stands for `dtype` in the replay: of a complex one the complex dtype of the same width."""
        if self.dtype is None or not differentiable(dtype):
            return dtype
        return self.dtype.to_complex() if dtype.is_complex else self.dtype

    def constant(self, value: Any) -> Any:
        if isinstance(value, torch.dtype):
            return self.wanted(value)
        if isinstance(value, torch.device) and self.device is not None:
            return torch.device(self.device)
        return value
