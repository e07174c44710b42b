"""The library: check a function, or assert that its gradients are right.

Comes in: any function and its inputs.  Goes out: a `Record`, or an assertion error that names the wrong entry.  Why: an engineer with
a custom operation has no exercise, only a function and a point; what works for `torch.autograd.gradcheck` should work here.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.utils._pytree import keystr, tree_flatten_with_path, tree_unflatten

from checker.authoring import Call, Exercise, flatten_output, locate
from checker.errors import Error, ExerciseError, GradientMismatch, UsageError
from checker.examine import examine_at
from checker.inputs import Input
from checker.modules import of_module
from checker.realform import parts, real_form
from checker.record import CaseRecord, Record
from checker.sampling import complete
from checker.values import Mode, Settings, Verdict

#: From widest to narrowest: mixed inputs are checked in the widest dtype among them.
_WIDTHS = ("float64", "float32", "bfloat16", "float16")


def check(
    function: Callable[..., Any],
    /,
    *inputs: Any,
    settings: Settings | None = None,
    mode: Mode | str | None = None,
    second_order: bool = False,
    **named: Any,
) -> Record:
    """Check the gradients of `function` at the given inputs by every method, and return what was found.

    `inputs` are passed by position and `named` by name; a single tuple is taken as all positional inputs, as `gradcheck` does. Inputs
    may be pytrees (tuples, lists, dicts) of tensors; a leaf is named by its path, such as `params['w']`. Every floating or complex tensor
    is differentiated, and so is every parameter where `function` is an `nn.Module`. The function runs on the CPU, in the inputs' dtype
    unless `settings` says else; for a result that is not a scalar the gradient is the vector–Jacobian product with a seeded random
    upstream; with `mode="jacobian"` it is the whole Jacobian, of which the wrong entry is named, and with `mode="projection"` it is judged
    along random directions, as happens by itself where there are very many entries. With
    `second_order` the derivative of the gradient is judged too, entry by entry.

    Raises:
        UsageError: no floating or complex tensor was given; a setting that there is not, or that is for exercises only; a Jacobian too
            large for the memory.
        ExerciseError: the function returns no tensor, fails at the given inputs, or calls `exit`.

    >>> import torch
    >>> check(lambda x: (4 * x).norm(), torch.ones(2)).verdict.value
    'agrees'
    """
    settings = settings or Settings()
    asked: dict[str, Any] = {"mode": mode} if mode is not None else {}
    if asked or second_order:
        settings = replace(settings, second_order=settings.second_order or second_order, **asked)
    if settings.at:
        raise UsageError("at: `check` is given its point as arguments; leave it out of the settings.")
    if len(inputs) == 1 and isinstance(inputs[0], tuple):
        inputs = inputs[0]
    exercise, arguments = _adopted(function, inputs, named)
    try:
        return _checked(exercise, arguments, settings)
    except SystemExit as error:
        message, advice = f"the function called exit({error.code!r}).", "Let it return a tensor."
        raise ExerciseError(message, file=exercise.file, line=exercise.line, advice=advice) from error


def assert_gradients(
    function: Callable[..., Any],
    /,
    *inputs: Any,
    settings: Settings | None = None,
    mode: Mode | str | None = None,
    second_order: bool = False,
    **named: Any,
) -> None:
    """Raise unless every gradient of `function` at the given inputs is right; arguments as in `check`.

    Valid subgradients pass.

    Raises:
        GradientMismatch: naming the argument, the entry and the line; its `record` holds all that was found.
    """
    record = check(function, *inputs, settings=settings, mode=mode, second_order=second_order, **named)
    if record.verdict not in (Verdict.AGREES, Verdict.SUBGRADIENT):
        raise GradientMismatch(_explained(record), record)


def _checked(exercise: Exercise, arguments: Mapping[str, torch.Tensor], settings: Settings) -> Record:
    """The record of the exercise at the one point that was given, in every dtype that is asked for."""
    dtypes = settings.dtypes or (next(w for w in _WIDTHS if any(t.dtype is getattr(torch, w) for t in arguments.values())),)
    exercise, points, seed = replace(exercise, dtypes=dtypes), [], settings.seed % 2**63  # more than torch's generators take
    for dtype in dtypes:
        generator = torch.Generator().manual_seed(seed)
        try:
            points.append(complete(exercise, arguments, settings, number=0, dtype=dtype, seed=seed, origin="given", generator=generator))
        except Error:
            raise
        except Exception as error:  # the function under test may raise anything
            message = f"the function fails at the given inputs in {dtype}: {type(error).__name__}: {error}"
            raise ExerciseError(message, file=exercise.file, line=exercise.line) from error
    return examine_at(exercise, points, settings)


def _adopted(function: Callable[..., Any], inputs: Sequence[Any], named: Mapping[str, Any]) -> tuple[Exercise, dict[str, torch.Tensor]]:
    """An exercise made of any function at all, and its tensors by name."""
    module = function if isinstance(function, torch.nn.Module) else None
    names = _positional_names(module.forward if module is not None else function, len(inputs))
    tree = {**dict(zip(names, inputs, strict=True)), **named}
    leaves, spec = tree_flatten_with_path(tree)
    called = [_leaf_name(path) for path, _ in leaves]
    given = {name: leaf.detach().cpu() for name, (_, leaf) in zip(called, leaves, strict=True) if isinstance(leaf, torch.Tensor)}
    call: Call
    if module is None:

        def call(values: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
            filled = tree_unflatten([values.get(name, leaf) for name, (_, leaf) in zip(called, leaves, strict=True)], spec)
            return flatten_output(function(*[filled[n] for n in names], **{n: filled[n] for n in named}))
    else:
        call = of_module(module.cpu(), list(given))
        given |= {name: p.detach() for name, p in module.named_parameters()}
    for name, tensor in given.items():
        if tensor.dtype is torch.complex32:
            raise UsageError(f"{name} is complex32, in which PyTorch has no arithmetic on the CPU: pass it as complex64.")
    if not any(t.is_floating_point() or t.is_complex() for t in given.values()):
        raise UsageError("there is nothing to differentiate: pass at least one floating or complex tensor.")
    subject = _subject(function)
    file, line, text = locate(subject)
    kinds = {name: _kind(t) for name, t in given.items()}
    declared = tuple(Input(n, tuple(t.shape), kinds[n], differentiated=kinds[n] in ("real", "complex")) for n, t in given.items())
    name = getattr(subject, "__name__", type(subject).__name__)
    exercise = Exercise(
        name=name,
        function=function,
        call=real_form(call, [name for name, kind in kinds.items() if kind == "complex"]),
        inputs=declared,
        file=os.path.basename(file),
        line=line,
        text=text,
        title={"en": name},
    )
    return exercise, {name: parts(t) for name, t in given.items()}


def _positional_names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        parameters = [p for p in inspect.signature(function).parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        parameters = []
    return [p.name for p in parameters[:count]] + [f"input {k}" for k in range(len(parameters), count)]


def _subject(function: Callable[..., Any]) -> Any:
    """What a person names and wrote: of a module its class, of `Square.apply` the `autograd.Function` class `Square`."""
    owner = getattr(function, "__self__", None)
    if inspect.isclass(owner) and issubclass(owner, torch.autograd.Function):
        return owner
    return type(function) if isinstance(function, torch.nn.Module) else function


def _leaf_name(path: tuple[Any, ...]) -> str:
    """`x` for a tensor given as `x`, `params['w']` for one inside a dict given as `params`."""
    return f"{path[0].key}{keystr(path[1:])}"


def _kind(tensor: torch.Tensor) -> Any:
    if tensor.is_complex():
        return "complex"
    return "real" if tensor.is_floating_point() else "boolean" if tensor.dtype is torch.bool else "integer"


def _explained(record: Record) -> str:
    """What a failed assertion prints: the sentence, then every comparison that is not right."""
    lines = [f"{record.exercise}: {record.verdict}: {record.explanation}"]
    for case in record.cases:
        lines += [f"  {case.dtype} {line}" for line in _wrong(case)]
    return "\n".join(lines)


def _wrong(case: CaseRecord) -> list[str]:
    every = [*case.comparisons, *(case.second.comparisons if case.second is not None else ())]
    shown = [c for c in every if c.verdict not in (Verdict.AGREES, Verdict.SUBGRADIENT)]
    return [f"{c.method}: {c.message} ({c.ulp:.3g} ULP)" if isinstance(c.ulp, float) else f"{c.method}: {c.message}" for c in shown]
