"""What an author wrote as numbers, as tensors.

Comes in: an exercise with its examples, fixed values and starts.  Goes out: arguments by name, in a dtype.  Why: a list of the wrong
shape, a name that is no input or an input without a value must be a sentence about the exercise, wherever the numbers are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from checker.errors import ExerciseError
from checker.inputs import Input, resolve
from checker.realform import parts

if TYPE_CHECKING:
    from checker.authoring import Descent, Example, Exercise, Values


def at_example(exercise: Exercise, example: Example, seed: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Every argument at an example. What it does not name is the exercise's fixed value or, of a module, initialised under `seed`.

    Raises:
        ExerciseError: a name that is no input, a shape that does not fit, an input without a value.
    """
    return _completed(
        exercise, "an example", {**fixed_values(exercise.values, torch.Generator().manual_seed(seed)), **example.inputs}, seed, dtype
    )


def at_start(exercise: Exercise, plan: Descent, seed: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Every argument at the start of a descent; data are the descent's own, or else the exercise's fixed values.

    Raises:
        ExerciseError: as above.
    """
    data = fixed_values(exercise.values if plan.values is None else plan.values, torch.Generator().manual_seed(seed))
    return _completed(exercise, "the start of the descent", {**data, **plan.start}, seed, dtype)


def tensors(exercise: Exercise, what: str, given: Mapping[str, Any], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """Values by name as tensors of their inputs' kinds: in `dtype` where those are real. `what` says where the numbers stand.

    Raises:
        ExerciseError: a name that is no input, or a value that is no tensor.
    """
    names = [i.name for i in exercise.inputs]
    for name in given:
        if name not in names:
            raise _error(exercise, f"{what} names {name!r}, which is no input; inputs are {', '.join(names)}.", "Correct the name.")
    return {name: _tensor(exercise, what, exercise.input(name), value, dtype) for name, value in given.items()}


def sizes(exercise: Exercise, what: str, given: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """The sizes that shape letters have in the given arguments.

    Raises:
        ExerciseError: a shape that does not fit the declared one.
    """
    found: dict[str, int] = {}
    for name, tensor in given.items():
        _check_shape(exercise, what, exercise.input(name), tuple(tensor.shape), found)
    return found


def fixed_values(values: Values, generator: torch.Generator) -> Mapping[str, Any]:
    """Fixed values: as they stand, or drawn from `generator`."""
    return values(generator) if callable(values) else values or {}


def _completed(exercise: Exercise, what: str, given: Mapping[str, Any], seed: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """`given` as tensors, completed by a module's initial parameters, in the order of the inputs. `what` says where the numbers stand."""
    arguments = {name: p.to(dtype) for name, p in exercise.parameters(seed).items()} if exercise.parameters else {}
    arguments |= tensors(exercise, what, given, dtype)
    missing = [i.name for i in exercise.inputs if i.name not in arguments]
    if missing:
        raise _error(exercise, f"{what} gives no value for {', '.join(missing)}.", "Add it there, or to `values`.")
    arguments = {i.name: arguments[i.name] for i in exercise.inputs}
    sizes(exercise, what, arguments)
    return arguments


def _tensor(exercise: Exercise, what: str, declared: Input, value: Any, dtype: torch.dtype) -> torch.Tensor:
    wanted = {"integer": torch.int64, "boolean": torch.bool}.get(declared.kind, dtype)
    try:
        if declared.kind == "complex":
            return parts(torch.as_tensor(value, dtype=dtype.to_complex()).detach().clone())
        return value.detach().to(wanted, copy=True) if isinstance(value, torch.Tensor) else torch.tensor(value, dtype=wanted)
    except (TypeError, ValueError, RuntimeError) as error:
        raise _error(exercise, f"{what} gives {declared.name} a value that is no tensor: {error}.", "Write numbers, in lists.") from None


def _check_shape(exercise: Exercise, what: str, declared: Input, shape: tuple[int, ...], sizes: dict[str, int]) -> None:
    """Refuse a shape that does not fit the declared one; a letter has the size that it met first."""
    if declared.shape is None:
        return
    shape = shape[:-1] if declared.kind == "complex" else shape
    fits = len(shape) == len(declared.shape)
    if fits:
        for dim, size in zip(declared.shape, shape, strict=True):
            if isinstance(dim, str) and dim.isidentifier():
                sizes.setdefault(dim, size)
        fits = resolve(declared.shape, {**exercise.sizes, **sizes}) == shape
    if not fits:
        known = ", ".join(f"{letter} = {size}" for letter, size in sizes.items() if letter in declared.letters)
        raise _error(
            exercise,
            f'{what} gives {declared.name} the shape {shape}; declared is "{declared.letters}"{f" with {known}" if known else ""}.',
            "Correct the one or the other.",
        )


def _error(exercise: Exercise, message: str, advice: str) -> ExerciseError:
    return ExerciseError(f"{exercise.name}: {message}", file=exercise.path or None, line=exercise.line or None, advice=advice)
