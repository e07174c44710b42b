"""Published numbers, found again.

Comes in: an exercise with examples.  Goes out: one `PublishedRecord` per number.  Why: an exercise that contradicts its own textbook is not
the textbook's exercise. Published numbers are PyTorch's, right or wrong, so they are looked for with PyTorch's reverse mode alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from checker.arguments import at_example
from checker.authoring import Example, Exercise
from checker.draws import seeded
from checker.errors import ExerciseError
from checker.inputs import Input
from checker.realform import numbers
from checker.record import PublishedRecord
from checker.values import Array, number

#: How many roundings may lie between two float32 programs that compute the same number: eight operations in each. The unit roundoff of
#: float32 is 2⁻²⁴, relative to the largest number of the array, since sums round at the size of what they add.
ROUNDINGS = 16 * 2.0**-24


def reproduce(exercise: Exercise) -> list[PublishedRecord]:
    """Look for every number of every example: values, gradients, difference quotients and tangents, in the example's dtype.

    A gradient is what `.grad` holds after `passes` backward passes with the example's upstream gradient.

    Raises:
        ExerciseError: an example that does not fit the function, or at which the function fails.
    """
    return [entry for example in exercise.examples for entry in _reproduce(exercise, example)]


def contradiction(exercise: Exercise, published: Sequence[PublishedRecord]) -> ExerciseError | None:
    """The error of an exercise that does not reproduce its published numbers, naming the first of them; None where it reproduces all."""
    missed = [entry for entry in published if not entry.reproduced]
    if not missed:
        return None
    first = missed[0]
    more = f" So do {len(missed) - 1} more of its {len(published)} published numbers." if len(missed) > 1 else ""
    return ExerciseError(
        f"{exercise.name}: the {first.what} is published as {float(first.published):.10g}, but PyTorch finds {float(first.found):.10g}"
        f" (allowed is ± {first.within:.2g}).{more}",
        file=exercise.path or None,
        line=exercise.line or None,
        advice="Correct the number, or the function.",
    )


def compare(
    what: str, published: Any, found: Array, decimals: int | None, of: Input | None = None
) -> Iterator[PublishedRecord]:  # fmt: skip
    """One record per entry of `published`: a number, nested lists of numbers, or with a pair (low, high) in place of every number.

    A pair's number is its middle, met to half its width. Of others, `decimals` allows half a unit of the last published place, else the
    rounding of float32. Entries of what is `of` an input are called as its own are.
    """
    array = np.asarray(numbers(published), dtype=np.float64)
    if array.shape == (*found.shape, 2):
        array, within = array.mean(axis=-1), np.ptp(array, axis=-1) / 2
    else:
        scale = np.max(np.abs(array), initial=0.0)
        within = np.full(array.shape, 0.5 * 10.0**-decimals + np.spacing(scale) if decimals is not None else ROUNDINGS * scale)
    for index in np.ndindex(array.shape):
        place = f" at {list(index)}" if index else ""
        yield PublishedRecord(
            what=what + place if of is None else f"{what} {of.at(index)}",
            published=number(float(array[index])),
            found=number(float(found[index])),
            within=float(within[index]),
            reproduced=bool(abs(found[index] - array[index]) <= within[index]),
        )


def _reproduce(exercise: Exercise, example: Example) -> Iterator[PublishedRecord]:
    dtype = getattr(torch, example.dtype)
    arguments = at_example(exercise, example, 0, dtype)
    leaves = {name: arguments[name].requires_grad_() for name in exercise.differentiated}
    outputs = _called(exercise, arguments)
    if example.value is not None:
        yield from _entries(exercise, "value", example.value, outputs[0], example)
    if example.gradient is not None or example.tangent is not None:
        gradients = _accumulated(outputs, leaves, example)
        for name, published in (example.gradient or {}).items():
            if name not in leaves:
                raise _error(exercise, f"an example publishes a gradient of {name!r}, which is not differentiated.")
            yield from _entries(exercise, "gradient of", published, gradients[name], example, exercise.input(name))
    if example.quotients or example.tangent is not None:
        yield from _geometry(exercise, example, arguments)


def _entries(
    exercise: Exercise, what: str, published: Any, found: torch.Tensor | None, example: Example, of: Input | None = None
) -> Iterator[PublishedRecord]:
    shape = np.shape(numbers(published))
    array = np.full(shape, np.nan) if found is None else found.detach().double().numpy()
    if array.shape != shape:
        name = f"{what} {of.name}" if of is not None else what
        raise _error(exercise, f"an example publishes the {name} with shape {shape}, but it has shape {array.shape}.")
    return compare(what, published, array, example.decimals, of)


def _accumulated(outputs: tuple[torch.Tensor, ...], leaves: Mapping[str, torch.Tensor], example: Example) -> dict[str, torch.Tensor | None]:
    """`.grad` of every leaf after the example's backward passes; None where no gradient arrived."""
    output = outputs[0]
    upstream = torch.ones_like(output) if example.upstream is None else torch.as_tensor(numbers(example.upstream), dtype=output.dtype)
    for _ in range(example.passes if output.requires_grad else 0):
        torch.autograd.backward(output, upstream.expand_as(output), retain_graph=True)
    return {name: leaf.grad for name, leaf in leaves.items()}


def _geometry(exercise: Exercise, example: Example, arguments: Mapping[str, torch.Tensor]) -> Iterator[PublishedRecord]:
    """Difference quotients and the tangent of a function of one number."""
    names = exercise.differentiated
    if len(names) != 1 or arguments[names[0]].dim():
        raise _error(exercise, "an example publishes a tangent or quotients, which are for functions of one number.")
    leaf = arguments[names[0]]
    x = leaf.detach()

    def f(at: torch.Tensor) -> torch.Tensor:
        return _called(exercise, {**arguments, names[0]: at})[0].detach()

    for h, published in example.quotients.items():
        yield from _entries(exercise, f"difference quotient at h = {h:g}", published, (f(x + h) - f(x)) / h, example)
    if example.tangent is not None:
        slope = leaf.grad
        intercept = None if slope is None else f(x) - slope * x
        yield from _entries(exercise, "slope of the tangent", example.tangent[0], slope, example)
        yield from _entries(exercise, "intercept of the tangent", example.tangent[1], intercept, example)


def _called(exercise: Exercise, arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    with seeded(0):
        try:
            return exercise.call(arguments)
        except Exception as error:  # an author's function may fail in any way
            raise _error(exercise, f"the function fails at an example: {type(error).__name__}: {error}.") from error


def _error(exercise: Exercise, message: str) -> ExerciseError:
    return ExerciseError(
        f"{exercise.name}: {message}",
        file=exercise.path or None,
        line=exercise.line or None,
        advice="Correct the example, or the function.",
    )
