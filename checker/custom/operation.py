"""A custom operation alone: called at the inputs of its first call, and differentiated under conditions of our choosing.

Comes in: a `Custom`.  Goes out: `Operation`, whose `vjp` is one backward pass, and `Observation`, what was seen of that pass.  Why: each
check asks the same operation the same question under one other condition.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from checker.authoring import Exercise, flatten_output, locate
from checker.draws import seeded
from checker.inputs import Input, Kind
from checker.realform import parts, real_form
from checker.tape.customs import Custom
from checker.tape.lines import place_of
from checker.values import Case

Tensors = tuple[torch.Tensor, ...]


@dataclass
class Observation:
    """What a backward pass showed to one who stood by: the gradients it returned, by input, and which of the tensors it had saved were
    no longer what they had been."""

    returned: tuple[Any, ...] = ()
    changed: tuple[int, ...] = ()
    saved: dict[int, tuple[Any, ...]] = field(default_factory=dict)  #: id of a context -> copies of what it saved


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A custom operation and the inputs of its first call, complex ones in real form. `names` are those of its inputs; `wanted` are the
    places of those that are differentiated; `line` is where its backward is written."""

    custom: Custom
    names: tuple[str, ...]
    inputs: tuple[Any, ...]
    wanted: tuple[int, ...]
    seed: int
    line: str
    exercise: Exercise  #: the operation as a function of its tensors, for the judges of gradients

    @classmethod
    def of(cls, custom: Custom, case: Case) -> Operation:
        """The operation alone, with the cuts, estimators and tolerance that the exercise declares."""
        names = custom.names
        taken = {names[k]: v for k, v in enumerate(custom.inputs) if isinstance(v, torch.Tensor)}

        def call(values: Mapping[str, torch.Tensor]) -> Tensors:
            given = [values.get(n, v) for n, v in zip(names, custom.inputs, strict=True)]
            return flatten_output(custom(*[v.clone() if isinstance(v, torch.Tensor) else v for v in given]))

        kinds: dict[str, Kind] = {n: "complex" if t.is_complex() else "real" for n, t in taken.items()}
        declared = tuple(Input(n, tuple(t.shape), kinds[n], differentiated=names.index(n) in custom.wanted) for n, t in taken.items())
        file, line, _ = locate(custom.target)
        dtype = parts(custom.inputs[custom.wanted[0]]).dtype if custom.wanted else torch.float64
        exercise = Exercise(
            name=custom.name,
            function=custom,
            call=real_form(call, [name for name, kind in kinds.items() if kind == "complex"]),
            inputs=declared,
            file=Path(file).name if file else "",
            line=line,
            dtypes=(str(dtype).removeprefix("torch."),),
            cuts=case.exercise.cuts,
            estimators=case.exercise.estimators,
            tolerance=case.exercise.tolerance,
        )
        return cls(
            custom=custom,
            names=names,
            inputs=tuple(parts(v) if isinstance(v, torch.Tensor) else v for v in custom.inputs),
            wanted=custom.wanted,
            seed=case.seed,
            line=place_of(_backward(custom)) or custom.line,
            exercise=exercise,
        )

    @property
    def arguments(self) -> dict[str, torch.Tensor]:
        """Its tensors by name."""
        return {n: v for n, v in zip(self.names, self.inputs, strict=True) if isinstance(v, torch.Tensor)}

    @property
    def estimated(self) -> bool:
        """Whether the exercise declares another derivative than that of its values."""
        return self.custom.target in self.exercise.estimators

    def name(self, place: int) -> str:
        return self.names[place]

    def has(self, rule: str) -> bool:
        """Whether its author wrote this rule: a method of an `autograd.Function`, or a registration with an operator."""
        if self.custom.kind == "autograd.Function":
            return getattr(self.custom.target, rule) is not getattr(torch.autograd.Function, rule)
        return getattr(_definition(self.custom), rule, None) is not None

    def widened(self) -> Operation | None:
        """The operation at the same inputs in float64, or None where it does not take them."""
        inputs = tuple(v.double() if isinstance(v, torch.Tensor) and v.is_floating_point() else v for v in self.inputs)
        wide = replace(self, inputs=inputs)
        try:
            _, outputs = wide.run()
        except Exception:  # it may refuse a dtype in any way
            return None
        return wide if all(o.dtype is torch.float64 for o in outputs if o.is_floating_point()) else None

    def __call__(self, *inputs: Any) -> Tensors:
        """Every tensor that the operation gives, under its draws, in real form as its inputs."""
        pairs = zip(inputs, self.custom.inputs, strict=True)
        given = [torch.complex(v[..., 0], v[..., 1]) if isinstance(w, torch.Tensor) and w.is_complex() else v for v, w in pairs]
        with seeded(self.seed):
            return tuple(parts(output) for output in flatten_output(self.custom(*given)))

    def run(self, wanted: Sequence[int] | None = None) -> tuple[list[torch.Tensor], Tensors]:
        """The leaves at `wanted` (all that are differentiated, if not given) and the outputs computed from copies of them."""
        places = self.wanted if wanted is None else tuple(wanted)
        leaves = {k: self.inputs[k].detach().clone().requires_grad_() for k in places}
        given = [leaves[k].clone() if k in leaves else v.clone() if isinstance(v, torch.Tensor) else v for k, v in enumerate(self.inputs)]
        with torch.enable_grad():
            return list(leaves.values()), self(*given)

    def unmarked(self) -> str:
        """The name of an input that its forward writes into without giving it back, as `mark_dirty` would have it; empty where there is
        none."""
        given = [v.clone() if isinstance(v, torch.Tensor) else v for v in self.custom.inputs]
        with torch.no_grad(), seeded(self.seed):
            outputs = flatten_output(self.custom(*given))
        for name, before, now in zip(self.names, self.custom.inputs, given, strict=True):
            if isinstance(now, torch.Tensor) and not _same(before, now) and not any(output is now for output in outputs):
                return name
        return ""

    def upstream(self) -> tuple[torch.Tensor | None, ...]:
        """A random v for each output that can be differentiated."""
        generator = torch.Generator().manual_seed(self.seed)
        _, outputs = self.run()
        return tuple(
            torch.randn(o.shape, generator=generator, dtype=torch.float64).float().to(o.dtype) if o.requires_grad else None for o in outputs
        )

    def vjp(self, upstream: Sequence[torch.Tensor | None], wanted: Sequence[int] | None = None) -> dict[int, torch.Tensor]:
        """Jᵀv by one backward pass, by place; zero where there is no way to an input.

        Raises:
            Exception: whatever the operation raises.
        """
        leaves, outputs = self.run(wanted)
        places = self.wanted if wanted is None else tuple(wanted)
        return dict(zip(places, gradients(leaves, outputs, upstream), strict=True))

    @contextmanager
    def observed(self) -> Iterator[Observation]:
        """Stand by while its backward runs."""
        seen = Observation()
        owner, name = _holder(self.custom)
        if owner is None:
            yield seen
            return
        backward, save = getattr(owner, name), torch.autograd.function.FunctionCtx.save_for_backward

        def saving(ctx: Any, *tensors: Any) -> None:
            seen.saved[id(ctx)] = tuple(t.detach().clone() if isinstance(t, torch.Tensor) else None for t in tensors)
            save(ctx, *tensors)

        def watching(ctx: Any, *upstream: Any) -> Any:
            pairs = zip(seen.saved.get(id(ctx), ()), ctx.saved_tensors, strict=False)
            seen.changed = tuple(k for k, (before, now) in enumerate(pairs) if before is not None and not _same(before, now))
            result = backward(ctx, *upstream)
            seen.returned = tuple(tree_leaves(result))
            return result

        own = name in vars(owner)
        kept = vars(owner).get(name)
        setattr(owner, name, staticmethod(watching) if inspect.isclass(owner) else watching)
        torch.autograd.function.FunctionCtx.save_for_backward = saving  # type: ignore[assignment,method-assign]
        try:
            yield seen
        finally:
            torch.autograd.function.FunctionCtx.save_for_backward = save  # type: ignore[method-assign]
            if own:
                setattr(owner, name, kept)
            else:
                delattr(owner, name)


def gradients(
    leaves: Sequence[torch.Tensor], outputs: Sequence[torch.Tensor], upstream: Sequence[torch.Tensor | None], **options: bool
) -> list[torch.Tensor]:
    """Jᵀv for every leaf, zero where nothing leads to it."""
    pairs = [(o, v) for o, v in zip(outputs, upstream, strict=True) if v is not None and o.requires_grad]
    if not pairs:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad([o for o, _ in pairs], leaves, [v for _, v in pairs], allow_unused=True, **options)
    return [torch.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, found, strict=True)]


def _definition(custom: Custom) -> Any:
    """What `torch.library.custom_op` made, or None of an operator that was registered otherwise."""
    return torch._library.custom_ops.OPDEFS.get(f"{custom.target.namespace}::{custom.target._opname}")


def _holder(custom: Custom) -> tuple[Any, str]:
    """The object that holds the backward, and under which name; (None, "") where it cannot be seen."""
    if custom.kind == "autograd.Function":
        return (custom.target, "vjp" if custom.target.backward is torch.autograd.Function.backward else "backward")
    definition = _definition(custom)
    return (definition, "_backward_fn") if definition is not None and definition._backward_fn is not None else (None, "")


def _backward(custom: Custom) -> Any:
    if custom.kind == "torch.compile":
        return custom.target
    owner, name = _holder(custom)
    return getattr(owner, name, None) or getattr(_definition(custom), "_init_fn", None) if owner is not None else None


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and bool(torch.equal(torch.nan_to_num(a), torch.nan_to_num(b.detach())))
