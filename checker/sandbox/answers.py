"""What stands behind the names of the exercises, and how each form of answer is asked.

Comes in: modules that have run, names, calls.  Goes out: answers, and the arrays that they return, with labels.  Why: students write
gradients in several shapes, and all but the shape is the same question.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from checker.sandbox.asking import given, libraries, upstream_given
from checker.sandbox.calling import call_with
from checker.sandbox.messages import Call
from checker.sandbox.programs import Submission
from checker.sandbox.returned import NoArray, Result, array, labelled, named
from checker.sandbox.values import Form, Found, Kind, Reason, Stopped, Trouble

_CACHE = "cache"


class Answer:
    """One answer, of one form. `functions` are what its name stands for: one, or the two of a pair."""

    def __init__(self, form: Form, functions: Sequence[Callable[..., Any]], kind: Kind) -> None:
        self.form = form
        self._functions = functions
        self._libraries = libraries(functions, kind)
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
        convert = partial(given, library)
        arguments = {name: convert(array) for name, array in call.arguments.items()}
        upstream = upstream_given(library, call.upstream)
        match self.form, call.verb:
            case Form.GRADIENT, "gradient":
                return labelled(call_with(self._functions[0], arguments, upstream), len(arguments))
            case Form.PAIR, "forward":
                returned = call_with(self._functions[0], arguments)
                if not isinstance(returned, tuple) or len(returned) != 2:
                    raise NoArray(f"{call.name}_forward returned {named(returned)}, where its value and a cache are asked")
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
                troubles.append(Trouble(reason=Reason.KIND, text=f"{name} is {named(value)}, which is no form of answer"))
        except Exception as error:  # of a hostile object that is looked at
            troubles.append(Trouble(reason=Reason.KIND, text=f"{name} cannot be looked at: {type(error).__name__}"))
    found |= {name: Found(form=answer.form) for name, answer in answers.items()}
    return answers, found, troubles


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
