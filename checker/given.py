"""Points that a person gives: `--at "x=[1, 2/3], w=0"` or `--at point.npz`.

Comes in: the text of an option.  Goes out: an `Example` with the values by name, and an exercise's cases at it.  Why: "is it right
*here*?" is the first question about a kink, a branch or a number that a training run printed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from checker.arguments import sizes, tensors
from checker.authoring import Example, Exercise
from checker.errors import FormulaError, UsageError
from checker.formula import parse
from checker.sampling import at_example
from checker.values import Case, Settings

ADVICE = 'Write --at "x=[1, 2.5], w=3", with lists in lists for a matrix, or name a file of arrays that numpy.savez wrote.'


def point(text: str) -> Example:
    """The values in `text`: assignments joined by commas, or the path of an `.npz` file. `upstream` may be given beside the inputs.

    A number may be computed: `1000/1024`, `-pi/2`, `sqrt(2)`; `inf` and `nan` are numbers here.

    Raises:
        UsageError: it cannot be read.
    """
    values = _file(Path(text)) if text.endswith(".npz") else _assignments(text)
    return Example({name: value for name, value in values.items() if name != "upstream"}, upstream=values.get("upstream"))


def given(exercise: Exercise, settings: Settings) -> Iterator[Case]:
    """The exercise at every point of `settings.at`, in every dtype. Inputs that a point does not name are fixed values, or drawn.

    Raises:
        ExerciseError: a name that is no input, or a shape that does not fit.
    """
    for number, example in enumerate(settings.at):
        inputs = tensors(exercise, "--at", example.inputs, torch.float64)
        sized = replace(exercise, sizes={**exercise.sizes, **sizes(exercise, "--at", inputs)})
        for dtype in settings.dtypes or exercise.dtypes:
            yield replace(at_example(sized, replace(example, inputs=inputs), settings, number, dtype), origin="given")


def _assignments(text: str) -> dict[str, Any]:
    try:
        call = ast.parse(f"at({text})", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise UsageError(f"--at {text!r} cannot be read. {ADVICE}") from None
    if not isinstance(call, ast.Call) or call.args or not call.keywords or any(k.arg is None for k in call.keywords):
        raise UsageError(f"--at {text!r} gives no value to a name. {ADVICE}")
    names = [str(keyword.arg) for keyword in call.keywords]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UsageError(f"--at {text!r} gives {twice[0]} two values. Give each point an --at of its own.")
    return {name: _value(keyword.value) for name, keyword in zip(names, call.keywords, strict=True)}


def _value(node: ast.expr) -> Any:
    """Numbers in lists, each by the grammar of formulas."""
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item) for item in items]
        case ast.Constant(value=bool() | int() | float() as number):
            return number
        case ast.Name(id="inf" | "nan" as name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf")):
            return -math.inf
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
    if any(isinstance(part, ast.Constant) and isinstance(part.value, complex) for part in ast.walk(node)):
        return _complex(node)
    try:
        return parse(ast.unparse(node), ())({}).tolist()
    except FormulaError as error:
        raise UsageError(f"--at: {error}") from None


def _complex(node: ast.expr) -> complex:
    """A complex number as Python writes it, `1 - 2.5j`: formulas know only real ones."""
    try:
        return complex(ast.literal_eval(node))
    except ValueError:
        raise UsageError(f"--at: {ast.unparse(node)!r} is no complex number. Write it out, as in 1 - 2.5j.") from None


def _file(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except FileNotFoundError:
        raise UsageError(f"--at {path}: there is no such file.") from None
    except Exception as error:  # whatever a file that is not NumPy's makes of its reader
        raise UsageError(f"--at {path} holds no arrays that can be read ({type(error).__name__}). {ADVICE}") from None
