"""What the signature of an exercise declares.

Comes in: a function or class, and the options that name its inputs.  Goes out: its parameters, and an `Input` for each.  Why: shapes, kinds
and letters stand in jaxtyping annotations, and an author may get each of them wrong.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch

from checker.authoring import Call, Example
from checker.errors import ExerciseError
from checker.inputs import Domain, Input, missing_letters, parse_dims, real
from checker.modules import module_call


def is_a(target: Any, kind: type) -> bool:
    """Whether `target` is a class, and of this kind."""
    return inspect.isclass(target) and issubclass(target, kind)


def parts_of(target: Any) -> tuple[list[inspect.Parameter], Call | None, Callable[[int], Mapping[str, torch.Tensor]] | None]:
    """The parameters that are inputs; of a module also its call and a function that draws what it learns.

    Raises:
        ExerciseError: `target` cannot be an exercise at all.
    """
    if not callable(target) or (inspect.isclass(target) and not hasattr(target, "forward")):
        advice = "Put @exercise before a function, an nn.Module class or an autograd.Function class."
        raise ExerciseError(f"{target!r} cannot be differentiated.", advice=advice)
    call, parameters = None, None
    if is_a(target, torch.nn.Module):
        try:
            call, parameters = module_call(target)
        except Exception as error:  # an author's __init__ may fail in any way
            message = f"making a {target.__name__} failed: {type(error).__name__}: {error}."
            raise ExerciseError(message, advice="Its __init__ must need no arguments.") from error
    try:
        signature = inspect.signature(getattr(target, "forward", target))
    except (TypeError, ValueError):
        raise ExerciseError(f"{target!r} does not tell its inputs.", advice="Wrap it in a function of your own.") from None
    found = list(signature.parameters.values())
    return found[1:] if inspect.isclass(target) and not _without_context(target) else found, call, parameters


def _without_context(target: Any) -> bool:
    """Whether a class is an `autograd.Function` whose forward takes no `ctx`, since `setup_context` does."""
    return is_a(target, torch.autograd.Function) and "setup_context" in vars(target)


def declared(
    target: Any,
    parameters: Sequence[inspect.Parameter],
    sizes: dict[str, int],
    fixed: set[str],
    options: Mapping[str, Any],
    problems: list[str],
) -> tuple[Input, ...]:
    """The inputs that the annotations declare; `sizes` is completed from the examples.

    A parameter with a default value and without a jaxtyping annotation keeps its default, and so do those behind it.
    """
    try:
        hints = typing.get_type_hints(getattr(target, "forward", target), include_extras=True)
    except Exception as error:  # any name in an annotation may fail in any way
        problems.append(f"an annotation cannot be read: {type(error).__name__}: {error}")
        return ()
    constant, chosen = set(options.get("constant") or ()), options.get("differentiate")
    inputs: list[Input] = []
    for place, parameter in enumerate(parameters):
        name, annotated = parameter.name, hasattr(hints.get(parameter.name), "dim_str")
        if not annotated and parameter.default is not parameter.empty:
            problems += [
                f"the input {later.name!r} comes after {name!r}, which has no jaxtyping annotation: change their order"
                for later in parameters[place + 1 :]
                if hasattr(hints.get(later.name), "dim_str")
            ]
            break
        if parameter.kind not in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            problems.append(f"the input {name!r} cannot be passed by position: name every input, without * before it")
        elif not annotated:
            problems.append(f'the input {name!r} has no jaxtyping annotation: write {name}: Float[Tensor, "n"]')
        else:
            wanted = name not in constant and (name in chosen if chosen is not None else name not in fixed)
            inputs += _input(name, hints[name], sizes, name in fixed, wanted, options, problems)
    for name in sorted((constant | set(chosen or ())) - {parameter.name for parameter in parameters}):
        problems.append(f"{name!r} is no input")
    return tuple(inputs)


def _input(
    name: str, hint: Any, sizes: dict[str, int], fixed: bool, wanted: bool, options: Mapping[str, Any], problems: list[str]
) -> list[Input]:
    """The input that one annotation declares, or none where there is a problem with it."""
    try:
        shape = parse_dims(hint.dim_str)
    except ValueError as error:
        problems.append(f"the annotation of {name!r}: {error}")
        return []
    kind = _kind(hint.dtypes)
    if kind is None:
        problems.append(f"the input {name!r} is {hint.__name__}: use Float, Complex, Int or Bool")
        return []
    for example in options.get("examples") or ():
        if isinstance(example, Example):
            _sizes_from(shape, example.inputs.get(name), sizes)
    if not fixed:
        problems += [
            f"the shape letter {letter!r} of {name!r} has no size: add sizes={{{letter!r}: 4}}, or an example that gives {name}"
            for letter in missing_letters(shape, sizes)
        ]
    domains: Mapping[str, Domain] = options.get("domains") or {}
    return [Input(name, shape, kind, domains.get(name, real), wanted and kind in ("real", "complex"))]


def _sizes_from(shape: Sequence[int | str], value: Any, sizes: dict[str, int]) -> None:
    """Sizes of plain letters, read off an example's value, where `sizes` does not give them."""
    if value is not None and np.ndim(value) == len(shape):
        for dim, size in zip(shape, np.shape(value), strict=True):
            if isinstance(dim, str) and dim.isidentifier():
                sizes.setdefault(dim, size)


def _kind(dtypes: Any) -> Literal["real", "complex", "integer", "boolean"] | None:
    names = set(dtypes) if isinstance(dtypes, list | tuple) else {str(dtypes)}
    if "float32" in names:
        return "real"
    if names & {"complex64", "complex128"}:
        return "complex"
    if names & {"int64", "int32"}:
        return "integer"
    return "boolean" if any(n.startswith("bool") for n in names) and len(names) <= 2 else None


def fixed_names(values: Any, problems: list[str]) -> set[str]:
    """Names of the fixed values. A function that draws them is called once, for the names only."""
    if not callable(values):
        return set(values or ())
    try:
        return set(values(torch.Generator().manual_seed(0)))
    except Exception as error:  # an author's function may fail in any way
        problems.append(f"drawing `values` failed: {type(error).__name__}: {error}")
        return set()
