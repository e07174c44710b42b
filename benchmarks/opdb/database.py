"""PyTorch's own operator database, as cases that the checker can be asked about.

Comes in: the operators of `torch.testing._internal.common_methods_invocations.op_db` and a dtype.  Goes out: one `Case` a sample.  Why: its
samples were chosen by those who wrote the operators, to reach every option that has a derivative of its own; nobody here chose them.

An operator is asked as its own gradient tests ask it: through the database's `gradcheck_wrapper` (which keeps a matrix symmetric where the
operator reads one half of it) and `output_process_fn_grad` (which makes a result of eigenvectors independent of their gauge). Complex
results are read as pairs of reals. Results that need no gradient are left out.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from checker.authoring import Exercise
from checker.draws import seeded
from checker.errors import Unsupported
from checker.inputs import Input
from checker.sampling import complete
from checker.values import Case, Settings

SEED = 0


@dataclass(frozen=True)
class Operator:
    """An entry of the database: `name` tells its variant too, as in `max (reduction_with_dim)`."""

    name: str
    entry: Any = field(repr=False, compare=False)

    @property
    def plain(self) -> str:
        """The name without the variant."""
        return str(self.entry.name)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The samples of an operator by their number: those that make a case, those that the checker refuses, and those that ask nothing."""

    cases: Mapping[int, Case]
    unsupported: Mapping[int, str] = field(default_factory=dict)
    unusable: Mapping[int, str] = field(default_factory=dict)


@functools.cache
def operators() -> Mapping[str, Operator]:
    """Every differentiable operator that takes float64 on the CPU, by name, in alphabetical order."""
    # the database freezes torch's global flags, for its own tests
    with warnings.catch_warnings(), mock.patch.object(torch.backends, "disable_global_flags"):
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    found = [Operator(_name(entry), entry) for entry in op_db if _differentiable(entry)]
    return {operator.name: operator for operator in sorted(found, key=lambda operator: operator.name.lower())}


def asked(operator: Operator, dtype: str = "float64", numbers: Iterable[int] | None = None) -> Asked:
    """The samples of `operator` in `dtype` as cases: all of them, or those with the given numbers.

    The database seeds every sample by itself, so they are the same on every machine with the same version of torch.
    """
    cases: dict[int, Case] = {}
    unsupported: dict[int, str] = {}
    unusable: dict[int, str] = {}
    with seeded(SEED), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            samples = list(operator.entry.sample_inputs("cpu", getattr(torch, dtype), requires_grad=True))
        except Exception as error:  # the database needs more than torch for some
            return Asked(cases={}, unusable={0: f"the database gives no samples: {_first(error)}"})
        for number in range(len(samples)) if numbers is None else numbers:
            try:
                cases[number] = _case(operator, samples[number], number, dtype)
            except Unsupported as reason:
                unsupported[number] = str(reason)
            except _Unusable as reason:
                unusable[number] = str(reason)
    return Asked(cases=cases, unsupported=unsupported, unusable=unusable)


class _Unusable(Exception):
    """Why a sample makes no case."""


def _case(operator: Operator, sample: Any, number: int, dtype: str) -> Case:
    leaves, spec = tree_flatten({"input": sample.input, "args": sample.args, "kwargs": sample.kwargs})
    places = {_place(k, leaves): k for k, leaf in enumerate(leaves) if isinstance(leaf, torch.Tensor) and leaf.requires_grad}
    arguments = {name: leaves[k].detach() for name, k in places.items()}
    if not arguments:
        raise _Unusable("no input of the sample requires a gradient")

    def outputs(values: Mapping[str, torch.Tensor]) -> list[torch.Tensor]:
        filled = tree_unflatten(_filled(leaves, places, values, getattr(torch, dtype)), spec)
        result = operator.entry.gradcheck_wrapper(operator.entry.get_op(), filled["input"], *filled["args"], **filled["kwargs"])
        found = tree_leaves(sample.output_process_fn_grad(result))
        return [torch.view_as_real(o.resolve_conj()) if o.is_complex() else o for o in found if isinstance(o, torch.Tensor)]

    try:
        with seeded(SEED), torch.enable_grad():
            first = outputs({name: t.clone().requires_grad_() for name, t in arguments.items()})
    except Exception as error:
        raise _Unusable(f"the operator refuses copies of the sample's inputs: {_first(error)}") from error
    kept = [k for k, output in enumerate(first) if output.requires_grad and output.is_floating_point()]
    if not kept:
        raise _Unusable("no output needs a gradient")

    def call(values: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        found = outputs(values)
        return tuple(found[k] for k in kept)

    exercise = Exercise(
        name=operator.name,
        function=operator.entry.get_op(),
        call=call,
        inputs=tuple(Input(name, tuple(t.shape)) for name, t in arguments.items()),
        dtypes=(dtype,),
    )
    generator = torch.Generator().manual_seed(SEED)
    # numbers from 1 on: the first point is pictured, and nobody looks at these pictures
    return complete(
        exercise, arguments, Settings(), number=number + 1, dtype=dtype, seed=SEED, origin="given", generator=generator
    )  # fmt: skip


def _filled(leaves: list[Any], places: Mapping[str, int], values: Mapping[str, torch.Tensor], dtype: torch.dtype) -> list[Any]:
    """The leaves with `values` in their places. The others are held: copied every time, since some operators write into them (the running
    means of a batch norm), and in the dtype of the values, for the function is also evaluated in a wider one."""
    wider = next(iter(values.values())).dtype
    held = [leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf for leaf in leaves]
    held = [leaf.to(wider) if isinstance(leaf, torch.Tensor) and leaf.dtype is dtype else leaf for leaf in held]
    for name, k in places.items():
        held[k] = values[name]
    return held


def _place(k: int, leaves: list[Any]) -> str:
    """What a leaf is called: its place among the sample's tensors."""
    return f"input {sum(isinstance(leaf, torch.Tensor) for leaf in leaves[:k])}"


def _name(entry: Any) -> str:
    return f"{entry.name} ({entry.variant_test_name})" if entry.variant_test_name else str(entry.name)


def _differentiable(entry: Any) -> bool:
    return bool(entry.supports_autograd) and torch.float64 in entry.supported_dtypes("cpu")


def _first(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no message').splitlines()[0]}"[:160]
