"""Points at which an exercise is checked.

Comes in: an exercise, a seed, a dtype.  Goes out: `Case` values.  Why: a gradient is proved at points, so the points must lie in the
declared domains, be reproducible from a logged seed, and be the same for every dtype.

Sampled entries are rounded to float32 (to the case's dtype where that is narrower), so that float64 and float32 cases share one exact
binary point and therefore one truth.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from checker.arguments import fixed_values
from checker.authoring import Example, Exercise
from checker.draws import seeded
from checker.errors import ExerciseError, Unsupported
from checker.hooks import values
from checker.inputs import Domain, Input, resolve
from checker.memory import share
from checker.realform import numbers, parts
from checker.tape.customs import as_written
from checker.values import Case, Mode, Settings


def case_seed(exercise: Exercise, settings: Settings, number: int) -> int:
    """A seed for one point, derived from the run's seed and the exercise's name, so that one exercise's draws do not move another's."""
    text = f"{settings.seed}/{exercise.id}/{number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big")


def sample(exercise: Exercise, settings: Settings, number: int, dtype: str, *, scale: float = 1.0, origin: str = "sampled") -> Case:
    """The exercise at a fresh point drawn from its inputs' domains.

    Raises:
        ExerciseError: an input cannot be drawn (an integer without a bound), or a fixed value has another shape than declared.
    """
    seed = case_seed(exercise, settings, number)
    generator = torch.Generator().manual_seed(seed)
    fixed = fixed_values(exercise.values, generator)
    parameters = exercise.parameters(seed) if exercise.parameters is not None else {}
    arguments = {}
    for declared in exercise.inputs:
        if declared.kind == "parameter":
            arguments[declared.name] = parameters[declared.name]
        elif declared.name in fixed:
            arguments[declared.name] = _fixed(declared, fixed[declared.name])
        else:
            arguments[declared.name] = _draw(exercise, declared, generator, scale)
    return complete(exercise, arguments, settings, number=number, dtype=dtype, seed=seed, origin=origin, generator=generator)


def at_example(exercise: Exercise, example: Example, settings: Settings, number: int, dtype: str) -> Case:
    """The exercise at a published point; inputs that the example does not give are fixed values or drawn."""
    seed = case_seed(exercise, settings, number)
    drawn = sample(exercise, settings, number, "float64").arguments
    given = {name: _published(exercise.input(name), value) for name, value in example.inputs.items()}
    upstream = None if example.upstream is None else torch.as_tensor(numbers(example.upstream))
    return complete(exercise, {**drawn, **given}, settings, number=number, dtype=dtype, seed=seed, origin="example", upstream=upstream)


def complete(
    exercise: Exercise,
    arguments: Mapping[str, torch.Tensor],
    settings: Settings,
    *,
    number: int,
    dtype: str,
    seed: int,
    origin: str,
    generator: torch.Generator | None = None,
    upstream: torch.Tensor | tuple[torch.Tensor | None, ...] | None = None,
) -> Case:
    """A case from arguments: cast to `dtype`, with an upstream for every floating output.

    With `generator` the upstream of a non-scalar output is drawn from it, otherwise it is ones, as textbooks and `y.sum().backward()`
    have it.

    Raises:
        ExerciseError: no output can be differentiated, or an input is complex in half precision.
        Unsupported: an argument is sparse.
    """
    if exercise.complex and dtype not in ("float32", "float64"):
        message = f"{exercise.name} has complex inputs, and PyTorch has no complex arithmetic in {dtype}."
        raise ExerciseError(message, file=exercise.path or None, line=exercise.line or None, advice="Ask for float64 or float32.")
    for name, t in arguments.items():
        if t.layout is not torch.strided:
            raise Unsupported(
                name, f"a tensor of layout {t.layout} has no gradient here: pass it dense, and make it sparse in the function"
            )
    wanted: torch.dtype = getattr(torch, dtype)
    cast = {name: t.to(wanted) if t.is_floating_point() else t for name, t in arguments.items()}
    with seeded(seed), as_written(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are noted when the case is looked at
        outputs = values(exercise.call, cast)
    _refuse(outputs)
    if isinstance(upstream, torch.Tensor):
        upstream = (upstream,) * len(outputs)
    given = upstream or (None,) * len(outputs)
    vectors = tuple(_upstream(o, g, generator, wanted) for o, g in zip(outputs, given, strict=True))
    differentiated = tuple(name for name in exercise.differentiated if cast[name].is_floating_point())
    entries = sum(cast[name].numel() for name in differentiated)
    mode = settings.mode or (Mode.PROJECTION if entries > settings.projection_above else Mode.VJP)
    return Case(
        exercise=exercise,
        number=number,
        arguments=cast,
        differentiated=differentiated,
        upstream=vectors,
        dtype=dtype,
        seed=seed,
        origin=origin,
        mode=mode if entries else Mode.VJP,  # no entry has a row of J, and no direction leads anywhere
        memory=settings.memory or share(1),
    )


def cases(exercise: Exercise, settings: Settings) -> Iterator[Case]:
    """Every published point, then `settings.points` fresh ones, each in every dtype."""
    dtypes = settings.dtypes or exercise.dtypes
    number = 0
    points = {repr(sorted((k, repr(v)) for k, v in e.inputs.items())) + repr(e.upstream): e for e in exercise.examples}
    for example in points.values():
        for dtype in dtypes:
            yield at_example(exercise, example, settings, number, dtype)
        number += 1
    for _ in range(settings.points if exercise.sampled else 0):
        for dtype in dtypes:
            yield sample(exercise, settings, number, dtype)
        number += 1


def _refuse(outputs: Sequence[torch.Tensor]) -> None:
    """Raise where no gradient is asked for: without an upstream every method would agree on nothing."""
    if not any(output.is_floating_point() for output in outputs):
        raise ExerciseError(
            "the function returns no floating tensor: there is nothing to differentiate.", advice="Return a floating tensor."
        )


def _published(declared: Input, value: Any) -> torch.Tensor:
    """A published value: whole numbers of a real input are real. A real tensor of a complex input is in real form already."""
    if declared.kind == "complex":
        return _fixed(declared, value)
    tensor = torch.as_tensor(value)
    return tensor if declared.kind in ("integer", "boolean") or tensor.is_floating_point() else tensor.double()


def _fixed(declared: Input, value: Any) -> torch.Tensor:
    if declared.kind == "complex" and not (isinstance(value, torch.Tensor) and value.is_floating_point()):
        return parts(torch.as_tensor(value, dtype=torch.complex128))
    return torch.as_tensor(value)


def inside(domain: Domain, x: torch.Tensor) -> torch.Tensor:
    """Which entries of `x` lie in `domain`."""
    return (x > domain.low) & (x < domain.high) & (x.abs() >= domain.margin)


def _draw(exercise: Exercise, declared: Input, generator: torch.Generator, scale: float) -> torch.Tensor:
    try:
        shape = resolve(declared.shape or (), exercise.sizes)
    except ValueError as error:
        raise ExerciseError(f"input {declared.name!r}: {error}.", file=exercise.file, line=exercise.line) from None
    domain = declared.domain
    if declared.kind == "complex":
        shape = (*shape, 2)
    if declared.kind == "boolean":
        return torch.randint(0, 2, shape, generator=generator).bool()
    if declared.kind == "integer":
        if domain.below is None:
            raise ExerciseError(
                f"the integer input {declared.name!r} has no bound.",
                file=exercise.file,
                line=exercise.line,
                advice=f"Add domains={{{declared.name!r}: below(10)}}, or fix it by values={{{declared.name!r}: …}}.",
            )
        return torch.randint(0, domain.below, shape, generator=generator)
    normal = torch.randn(shape, generator=generator, dtype=torch.float64)
    if math.isfinite(domain.low) and math.isfinite(domain.high):
        drawn = domain.low + (domain.high - domain.low) * (0.01 + 0.98 * torch.rand(shape, generator=generator, dtype=torch.float64))
    elif math.isfinite(domain.low):
        drawn = domain.low + scale * torch.exp(0.7 * normal)
    elif math.isfinite(domain.high):
        drawn = domain.high - scale * torch.exp(0.7 * normal)
    else:
        drawn = scale * normal
    if domain.margin:
        drawn = torch.where(drawn.abs() < domain.margin, torch.copysign(domain.margin + drawn.abs(), drawn), drawn)
    return drawn.float().double()


def _upstream(
    output: torch.Tensor, given: torch.Tensor | None, generator: torch.Generator | None, dtype: torch.dtype
) -> torch.Tensor | None:
    if not output.is_floating_point():
        return None
    if given is not None:
        return given.to(output.dtype).expand_as(output).clone()
    if output.dim() == 0 or generator is None:
        return torch.ones_like(output)
    return torch.randn(output.shape, generator=generator, dtype=torch.float64).float().to(dtype).to(output.dtype)
