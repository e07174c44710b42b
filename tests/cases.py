"""Cases made of a function and numbers, for tests of methods and of the judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from checker.authoring import exercise
from checker.values import Case, Mode


def case_of(function: Callable[..., Any], dtype: str = "float64", mode: Mode = Mode.VJP, seed: int = 1, **options: Any) -> Case:
    """A case of `function` at the points given by name, with upstream gradients of ones; `domains` and `cuts` go to the exercise."""
    known = {key: options.pop(key) for key in ("domains", "cuts") if key in options}
    arguments = {n: torch.as_tensor(v, dtype=torch.float64).to(getattr(torch, dtype)) for n, v in options.items()}

    def call(*args: Tensor) -> Any:
        return function(*args)

    call.__annotations__ = {n: Float[Tensor, " ".join(map(str, v.shape))] for n, v in arguments.items()}
    call.__signature__ = _signature(list(arguments))  # type: ignore[attr-defined]
    found = exercise(call, **known)
    outputs = found.call(arguments)
    return Case(
        exercise=found,
        number=0,
        arguments=arguments,
        differentiated=tuple(arguments),
        upstream=tuple(torch.ones_like(o) if o.is_floating_point() else None for o in outputs),
        dtype=dtype,
        seed=seed,
        origin="given",
        mode=mode,
    )


def _signature(names: list[str]) -> Any:
    import inspect

    return inspect.Signature([inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in names])
