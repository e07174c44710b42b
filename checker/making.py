"""From what an author wrote to an `Exercise`.

Comes in: a function or class and the options of `@exercise`.  Goes out: an `Exercise`, or one error with every problem in it.  Why: an
author should see all that is wrong with an exercise at once, and before anything is computed.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from checker.authoring import Call, Example, Exercise, flatten_output, locate
from checker.errors import ExerciseError, FormulaError
from checker.formula import parse
from checker.inputs import Input, real
from checker.realform import real_form
from checker.signatures import declared, fixed_names, is_a, parts_of
from checker.values import Verdict

OPTIONS = (
    *("answer", "examples", "descent", "sizes", "domains", "values", "constant", "differentiate", "title", "statement", "points"),
    *("source", "expects", "cuts", "estimators", "dtypes", "tolerance", "sampled"),
    "second_order",
)
HALF = ("float16", "bfloat16")
PARTS = {"complex128": "float64", "complex64": "float32"}
DTYPES = ("float64", "float32", *HALF, *PARTS)
CUTS = ("item", "float()", "int()", "tolist", "numpy", "data", "tensor", "mark_non_differentiable", "history", "hook", "draw")


def make(target: Any, options: Mapping[str, Any]) -> Exercise:
    """The exercise that `target` with these options is.

    Raises:
        ExerciseError: with everything that is wrong, and where.
    """
    file, line, text = locate(target)
    problems: list[str] = []
    try:
        forward, call, learned = parts_of(target)
    except ExerciseError as error:
        raise ExerciseError(error.message, file=file or None, line=line or None, advice=error.advice) from error.__cause__
    problems += [f"unknown option {name!r}; known are {', '.join(OPTIONS)}" for name in sorted(options.keys() - set(OPTIONS))]
    _check_choices(options, {parameter.name for parameter in forward}, problems)
    sizes = dict(options.get("sizes") or {})
    inputs = declared(target, forward, sizes, fixed_names(options.get("values"), problems), options, problems)
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
        function=target.apply if is_a(target, torch.autograd.Function) else target,
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
    if not all(is_a(kind, torch.autograd.Function) and callable(meant) for kind, meant in dict(options.get("estimators") or {}).items()):
        problems.append("`estimators` must map classes of autograd.Function to functions: {Round: lambda x: x}")
    if not all(isinstance(example, Example) for example in options.get("examples") or ()):
        problems.append("`examples` must be a list of Example(…)")


def _text(given: str | Mapping[str, str] | None, english: str) -> dict[str, str]:
    """A text by language: what the author gave, and `english` where that says nothing in English."""
    return {"en": english} | ({"en": given} if isinstance(given, str) else dict(given or {}))
