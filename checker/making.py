"""From what an author wrote to an `Exercise`.

Comes in: a function or class and the options of `@exercise`.  Goes out: an `Exercise`, or one error with every problem in it.  Why: an
author should see all that is wrong with an exercise at once, and before anything is computed.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from checker.authoring import Call, Example, Exercise, flatten_output, locate
from checker.errors import ExerciseError, FormulaError
from checker.formula import parse
from checker.inputs import Domain, Input, missing_letters, parse_dims, real
from checker.modules import module_call
from checker.realform import real_form
from checker.values import Verdict

OPTIONS = (
    *("answer", "examples", "descent", "sizes", "domains", "values", "constant", "differentiate", "title", "statement", "points"),
    *("source", "expects", "cuts", "estimators", "dtypes", "tolerance", "sampled"),
    "second_order",
)
HALF = ("float16", "bfloat16")
PARTS = {"complex128": "float64", "complex64": "float32"}
DTYPES = ("float64", "float32", *HALF, *PARTS)
CUTS = ("item", "float()", "tolist", "numpy", "data", "tensor", "mark_non_differentiable", "history", "hook", "draw")


def make(target: Any, options: Mapping[str, Any]) -> Exercise:
    """The exercise that `target` with these options is.

    Raises:
        ExerciseError: with everything that is wrong, and where.
    """
    file, line, text = locate(target)
    problems: list[str] = []
    try:
        forward, call, learned = _callable(target)
    except ExerciseError as error:
        raise ExerciseError(error.message, file=file or None, line=line or None, advice=error.advice) from error.__cause__
    problems += [f"unknown option {name!r}; known are {', '.join(OPTIONS)}" for name in sorted(options.keys() - set(OPTIONS))]
    _check_choices(options, {parameter.name for parameter in forward}, problems)
    sizes = dict(options.get("sizes") or {})
    inputs = _inputs(target, forward, sizes, _fixed_names(options.get("values"), problems), options, problems)
    parameters = learned(0) if learned else {}
    complexes = [name for name, p in parameters.items() if p.is_complex()]
    problems += [f"the parameter {name!r} is complex: hold its real and imaginary parts" for name in complexes]
    inputs += tuple(Input(name, tuple(p.shape), "parameter", real) for name, p in parameters.items())
    answer = _answer(options.get("answer"), inputs, problems)
    dtypes = _dtypes(options.get("dtypes"), inputs, problems)
    if problems:
        raise ExerciseError("; ".join(problems) + ".", file=file or None, line=line or None)
    return Exercise(
        name=target.__name__,
        function=target.apply if _is(target, torch.autograd.Function) else target,
        call=real_form(call or positional_call(target, [i.name for i in inputs]), [i.name for i in inputs if i.kind == "complex"]),
        inputs=inputs,
        file=Path(file).name if file else "",
        path=file,
        line=line,
        text=text,
        title=_text(options.get("title"), target.__name__.replace("_", " ")),
        statement=_text(options.get("statement"), inspect.cleandoc(target.__doc__ or "")),
        origin=options.get("source", ""),
        theme=Path(file).stem if file else "",
        points=float(options.get("points", 1.0)),
        sizes=sizes,
        values=options.get("values"),
        answer=answer,
        examples=tuple(options.get("examples") or ()),
        sampled=bool(options.get("sampled", True)),
        expects=Verdict(options.get("expects", Verdict.AGREES)),
        cuts=frozenset(options.get("cuts") or ()),
        estimators=dict(options.get("estimators") or {}),
        dtypes=dtypes,
        descent=options.get("descent"),
        tolerance=options.get("tolerance"),
        second_order=bool(options.get("second_order", False)),
        parameters=learned,
    )


def positional_call(target: Any, names: Sequence[str]) -> Call:
    """A `Call` that passes the named tensors in order to `target` (or to `target.apply`)."""
    function = getattr(target, "apply", target) if inspect.isclass(target) else target

    def call(arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        return flatten_output(function(*[arguments[name] for name in names]))

    return call


def _is(target: Any, kind: type) -> bool:
    return inspect.isclass(target) and issubclass(target, kind)


def _callable(target: Any) -> tuple[list[inspect.Parameter], Call | None, Callable[[int], Mapping[str, torch.Tensor]] | None]:
    """The parameters that are inputs; of a module also its call and a function that draws what it learns.

    Raises:
        ExerciseError: `target` cannot be an exercise at all.
    """
    if not callable(target) or (inspect.isclass(target) and not hasattr(target, "forward")):
        advice = "Put @exercise before a function, an nn.Module class or an autograd.Function class."
        raise ExerciseError(f"{target!r} cannot be differentiated.", advice=advice)
    call, parameters = None, None
    if _is(target, torch.nn.Module):
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
    return _is(target, torch.autograd.Function) and "setup_context" in vars(target)


def _inputs(
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


def _fixed_names(values: Any, problems: list[str]) -> set[str]:
    """Names of the fixed values. A function that draws them is called once, for the names only."""
    if not callable(values):
        return set(values or ())
    try:
        return set(values(torch.Generator().manual_seed(0)))
    except Exception as error:  # an author's function may fail in any way
        problems.append(f"drawing `values` failed: {type(error).__name__}: {error}")
        return set()


def _answer(given: Any, inputs: Sequence[Input], problems: list[str]) -> dict[str, str]:
    """Formulas by differentiated input; each is read, so that a misspelt one is found here."""
    differentiated = [i.name for i in inputs if i.differentiated]
    if isinstance(given, str):
        if len(differentiated) != 1:
            problems.append(f"`answer` is one formula, but {len(differentiated)} inputs are differentiated: give a dict by name")
        given = dict.fromkeys(differentiated[:1], given)
    answer = dict(given or {})
    if answer and any(i.kind == "complex" for i in inputs):
        problems.append("`answer` is a formula of real numbers, and an input is complex: leave it out")
    for name, text in answer.items():
        if name not in differentiated:
            problems.append(f"`answer` names {name!r}, which is not differentiated; differentiated are {', '.join(differentiated)}")
        try:
            parse(text, [i.name for i in inputs])
        except FormulaError as error:
            problems.append(f"the answer for {name!r}: {error}".rstrip("."))
    return answer


def _dtypes(given: Any, inputs: Sequence[Input], problems: list[str]) -> tuple[str, ...]:
    """The floating dtypes that are asked for; a complex one is named by that of its parts."""
    asked = tuple(given or ("float64", "float32"))
    if any(i.kind == "complex" for i in inputs):
        asked = tuple(PARTS.get(name, name) for name in asked)
        problems += [f"`dtypes` names {name!r}, in which PyTorch has no complex arithmetic" for name in asked if name in HALF]
    else:
        problems += [f"`dtypes` names {name!r}, but no input is complex" for name in asked if name in PARTS]
    return asked


def _check_choices(options: Mapping[str, Any], names: set[str], problems: list[str]) -> None:
    """Options that choose among names."""
    choices: tuple[tuple[str, Sequence[str], Sequence[str]], ...] = (
        ("expects", [options.get("expects", Verdict.AGREES)], list(Verdict)),
        ("dtypes", options.get("dtypes") or (), DTYPES),
        ("cuts", options.get("cuts") or (), CUTS),
        ("domains", list(options.get("domains") or ()), sorted(names)),
    )
    for option, chosen, known in choices:
        problems += [f"`{option}` names {name!r}; known are {', '.join(known)}" for name in chosen if name not in known]
    if not all(_is(kind, torch.autograd.Function) and callable(meant) for kind, meant in dict(options.get("estimators") or {}).items()):
        problems.append("`estimators` must map classes of autograd.Function to functions: {Round: lambda x: x}")
    if not all(isinstance(example, Example) for example in options.get("examples") or ()):
        problems.append("`examples` must be a list of Example(…)")


def _text(given: str | Mapping[str, str] | None, english: str) -> dict[str, str]:
    """A text by language: what the author gave, and `english` where that says nothing in English."""
    return {"en": english} | ({"en": given} if isinstance(given, str) else dict(given or {}))
