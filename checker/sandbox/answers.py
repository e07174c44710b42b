"""What stands behind the names of the exercises, and how each form of answer is asked.

Comes in: modules that have run, names, calls.  Goes out: answers, and the arrays that they return, with labels.  Why: students write
gradients in several shapes, and all but the shape is the same question.

A label is a place in a tuple ("0", "2"), a key of a dict, or, for an operation, the name of an input. None is left out and keeps its place.

**Arrays or tensors.** Where torch is mounted, a function is asked with tensors if the nearest library named is torch, and with arrays if
it is NumPy: first in the function and those of the submission that it calls, then in its program. Where that raises, the other is tried.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from checker.sandbox.calling import call_with
from checker.sandbox.frames import Array
from checker.sandbox.messages import ARRAYS, NAME, Call, Upstream
from checker.sandbox.programs import Submission, is_of
from checker.sandbox.values import Form, Found, Kind, Reason, Stopped, Trouble

_CACHE = "cache"
_ASKED = "return an array, or several as a tuple in the order of the inputs or as a dict by name"

Result = list[tuple[str, Array]]


class NoArray(Exception):
    """What was returned is no array of numbers: the sentence names what it is."""


class Answer:
    """One answer, of one form. `functions` are what its name stands for: one, or the two of a pair."""

    def __init__(self, form: Form, functions: Sequence[Callable[..., Any]], kind: Kind) -> None:
        self.form = form
        self._functions = functions
        self._libraries = _libraries(functions, kind)
        self._kept: Any = None  # of the last forward: a cache, or the inputs and outputs of an operation

    def ask(self, call: Call) -> Result:
        """Answer one call. Each attempt gets arguments of its own, so that work in place harms nothing.

        Raises:
            NoArray: what came back is no array of numbers.
            Exception: whatever the student's code raises with the library tried first.
        """
        first: BaseException | None = None
        for library in list(self._libraries):
            try:
                result = self._ask(call, library)
            except Exception as error:
                first = first or error
            else:
                self._libraries = [library]
                return result
        assert first is not None
        raise first

    def _ask(self, call: Call, library: str) -> Result:
        convert = partial(_given, library)
        arguments = {name: convert(array) for name, array in call.arguments.items()}
        upstream = _each(convert, call.upstream)
        match self.form, call.verb:
            case Form.GRADIENT, "gradient":
                return labelled(call_with(self._functions[0], arguments, upstream), len(arguments))
            case Form.PAIR, "forward":
                returned = call_with(self._functions[0], arguments)
                if not isinstance(returned, tuple) or len(returned) != 2:
                    raise NoArray(f"{call.name}_forward returned {_named(returned)}, where its value and a cache are asked")
                value, self._kept = returned
                return labelled(value)
            case Form.PAIR, "backward":
                return labelled(call_with(self._functions[1], {_CACHE: self._kept}, upstream, upstream_first=True))
            case Form.OPERATION, "forward":
                return self._apply(arguments)
            case Form.OPERATION, "backward":
                return self._pull_back(upstream)
            case Form.STEP, "step":
                batch = {name: convert(array) for name, array in (call.batch or {}).items()}
                return labelled(self._functions[0](arguments, batch))
        raise Stopped(Trouble(reason=Reason.PROTOCOL, text=f"{self.form} was asked for {call.verb}"))

    def _apply(self, arguments: dict[str, Any]) -> Result:
        """The value of an operation. What it was made from is kept for the backward pass; it is given clones, as it may work in place."""
        inputs = {name: tensor.requires_grad_() if tensor.is_floating_point() else tensor for name, tensor in arguments.items()}
        returned = self._functions[0](*(tensor.clone() for tensor in inputs.values()))
        outputs = returned if isinstance(returned, tuple) else (returned,)
        self._kept = inputs, outputs
        return labelled(returned)

    def _pull_back(self, upstream: Any) -> Result:
        """The gradients of an operation by the names of its inputs, as autograd asks its backward for them."""
        import torch

        inputs, outputs = self._kept
        upstreams = upstream if isinstance(upstream, tuple) else (upstream,)
        pairs = [(out, up) for out, up in zip(outputs, upstreams, strict=False) if up is not None and isinstance(out, torch.Tensor)]
        wanted = {name: tensor for name, tensor in inputs.items() if tensor.requires_grad}
        outs, ups = ([pair[place] for pair in pairs] for place in (0, 1))
        gradients = torch.autograd.grad(outs, list(wanted.values()), ups, allow_unused=True, retain_graph=True)
        return [(name, array(gradient)) for name, gradient in zip(wanted, gradients, strict=True) if gradient is not None]


def find(submission: Submission, names: Sequence[str], kind: Kind) -> tuple[dict[str, Answer], dict[str, Found], list[Trouble]]:
    """The answers that the modules hold, by exercise: to be asked, to be told of, and what stands behind a name but is none.

    Behind `name` may stand a text, a dict of texts, a function, or an autograd.Function; else `name_forward` and `name_backward`;
    else `name_step`. Where two programs have the name, the first counts. What a library itself calls so, as `from numpy import *`
    brings it, is none.
    """
    answers, found, troubles = {}, {}, []
    names_of = [vars(module) for module in submission.modules]

    def held(name: str) -> Any:
        values = (values.get(name) for values in names_of)
        return next((v for v in values if v is not None and v is not ... and not _of_library(name, v, submission.modules)), None)

    for name in names:
        try:
            value = held(name)
            forward, backward, step = (held(name + ending) for ending in ("_forward", "_backward", "_step"))
            formulas = _formulas(value)
            if formulas is not None:
                found[name] = Found(form=Form.FORMULA, formulas=formulas)
            elif _is_operation(value):
                answers[name] = Answer(Form.OPERATION, (value.apply,), kind)
            elif callable(value) and not isinstance(value, type):
                answers[name] = Answer(Form.GRADIENT, (value,), kind)
            elif callable(forward) and callable(backward):
                answers[name] = Answer(Form.PAIR, (forward, backward), kind)
            elif callable(step):
                answers[name] = Answer(Form.STEP, (step,), kind)
            elif value is not None:
                troubles.append(Trouble(reason=Reason.KIND, text=f"{name} is {_named(value)}, which is no form of answer"))
        except Exception as error:  # of a hostile object that is looked at
            troubles.append(Trouble(reason=Reason.KIND, text=f"{name} cannot be looked at: {type(error).__name__}"))
    found |= {name: Found(form=answer.form) for name, answer in answers.items()}
    return answers, found, troubles


def labelled(returned: Any, arguments: int = 1) -> Result:
    """What a student's function returned, as labelled arrays.

    A list is several arrays if it holds arrays, or one thing for each of two or more arguments; otherwise it is an array itself.
    """
    if dataclasses.is_dataclass(returned) and not isinstance(returned, type):
        returned = {field.name: getattr(returned, field.name) for field in dataclasses.fields(returned)}
    if isinstance(returned, Mapping):
        pairs = [(key if isinstance(key, str) else str(key), value) for key, value in returned.items()]
    elif isinstance(returned, tuple) or (isinstance(returned, list) and (1 < arguments == len(returned) or any(map(_is_array, returned)))):
        pairs = [(str(place), value) for place, value in enumerate(returned)]
    else:
        pairs = [("0", returned)]
    given = [(label[:NAME], value) for label, value in pairs if value is not None]
    if len(given) > ARRAYS:
        raise NoArray(f"{len(given)} arrays were returned, {ARRAYS} is the most")
    return [(label, array(value)) for label, value in given]


def array(value: Any) -> Array:
    """`value` as an array of float64, float32, int64 or bool.

    Raises:
        NoArray: it is none.
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().resolve_conj().resolve_neg()
        value = value.to_dense() if value.layout is not torch.strided else value
        value = value.float() if value.dtype in (torch.float16, torch.bfloat16) else value
        value = value.numpy()
    made: Array = np.array(_plain(value))  # a copy, of exactly this type
    if made.dtype == object:  # such as fractions
        with suppress(TypeError, ValueError):
            made = np.array([float(one) for one in made.flat]).reshape(made.shape)
    wide = {"f": np.float32 if made.dtype.itemsize <= 4 else np.float64, "i": np.int64, "b": np.bool_, "u": np.int64}.get(made.dtype.kind)
    if wide is None or made.dtype == np.uint64:
        what = f"{_named(value)} of {made.dtype}" if _is_array(value) else _named(value)
        advice = "return its real part" if made.dtype.kind == "c" else _ASKED
        raise NoArray(f"{what} was returned, where real numbers are asked: {advice}")
    return made.astype(wide)


def _plain(value: Any) -> Any:
    """`value`, with arrays for the tensors in lists."""
    if isinstance(value, (list, tuple)):
        return [array(one) if _is_array(one) and one is not None else _plain(one) for one in value]
    return value


def _given(library: str, value: Array) -> Any:
    """A copy of `value`, as an array or as a tensor."""
    if library == "numpy":
        return value.copy()
    import torch

    return torch.from_numpy(value.copy())


def _each(convert: Callable[[Array], Any], upstream: Upstream | None) -> Any:
    if upstream is None or isinstance(upstream, np.ndarray):
        return upstream if upstream is None else convert(upstream)
    return tuple(None if one is None else convert(one) for one in upstream)


def _formulas(value: Any) -> dict[str, str] | None:
    """The formulas that `value` is, by argument; None where it is none."""
    if isinstance(value, str):
        return {"": str(value)}
    if isinstance(value, dict) and value and all(isinstance(key, str) and isinstance(text, str) for key, text in value.items()):
        return {str(key): str(text) for key, text in value.items()}
    return None


def _is_operation(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, type) and issubclass(value, torch.autograd.Function)


def _of_library(name: str, value: Any, own: Sequence[ModuleType]) -> bool:
    """Whether `value` is what a module that is none of the submission's `own` calls so."""
    if not callable(value) or (isinstance(value, FunctionType) and any(value.__globals__ is vars(module) for module in own)):
        return False
    others = (module for module in list(sys.modules.values()) if isinstance(module, ModuleType) and module not in own)
    return any(vars(module).get(name) is value for module in others)


def _is_array(value: Any) -> bool:
    """Or None, which stands for one."""
    torch = sys.modules.get("torch")
    return value is None or isinstance(value, np.ndarray) or (torch is not None and isinstance(value, torch.Tensor))


def _named(value: Any) -> str:
    """What a person calls it: "something of type str"."""
    if isinstance(value, type):
        return "a class"
    return "an array" if isinstance(value, np.ndarray) else f"something of type {type(value).__name__}"


def _libraries(functions: Sequence[Callable[..., Any]], kind: Kind) -> list[str]:
    """What to ask with, in order."""
    if kind == "numpy":
        return ["numpy"]
    for near in (list(_named_by(functions)), [value for f in functions for value in list(getattr(f, "__globals__", {}).values())]):
        if any(is_of(value, "torch") for value in near):
            return ["torch", "numpy"]
        if any(is_of(value, "numpy") for value in near):
            return ["numpy", "torch"]
    return ["torch", "numpy"]


def _named_by(functions: Sequence[Callable[..., Any]]) -> Iterator[Any]:
    """The globals that are named in functions and in the functions of their module that they call."""
    waiting, seen = [f for f in functions if isinstance(f, FunctionType)], set()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        for name in _names(function.__code__):
            value = function.__globals__.get(name)
            yield value
            if isinstance(value, FunctionType) and value.__globals__ is function.__globals__:
                waiting.append(value)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
