"""Operations that the user brought along, noted while a function is recorded.

Comes in: calls of `autograd.Function.apply`, of operators of `torch.library`, of compiled functions.  Goes out: one `Custom` each, with
the inputs of its first call.  Why: what torch did not write, torch did not test; each can then be examined alone, where it was called.

A declared estimator takes the place of a function's derivative here: `y` becomes `y.detach() + s − s.detach()`, whose value is that of y
and whose derivative is that of the surrogate s.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import keystr, tree_flatten_with_path, tree_leaves, tree_map_only, tree_unflatten

from checker.errors import ExerciseError
from checker.tape.lines import frame_of, user_line
from checker.tape.nature import nature

#: The function of torch in which compiled functions are called, and its file.
COMPILED = ("compile_wrapper", "torch/_dynamo/eval_frame.py")

#: By class of `autograd.Function`: the function whose derivative is meant in place of its own.
Estimators = Mapping[Any, Callable[..., Any]]


@dataclass(frozen=True, kw_only=True)
class Custom:
    """An operation of the user's and its first call: `inputs` as given there (tensors copied, without history; an operator's lists and
    keywords flattened), `names` of them, `wanted` the places among them of the tensors that require a gradient, `line` and `code` where the
    call stands. Called with such inputs it runs the operation again."""

    kind: Literal["autograd.Function", "torch.library", "torch.compile"]
    name: str
    target: Any  #: the class, the operator (`OpOverload`), or the function that was compiled
    names: tuple[str, ...] = ()
    inputs: tuple[Any, ...] = ()
    form: Any = None  #: of an operator the pytree of its arguments and keywords
    wanted: tuple[int, ...] = ()
    line: str = ""
    code: str = ""

    def given(self, inputs: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments and keywords, of inputs in order."""
        return (tuple(inputs), {}) if self.form is None else tree_unflatten(inputs, self.form)

    def __call__(self, *inputs: Any) -> Any:
        arguments, named = self.given(inputs)
        return (self.target.apply if self.kind == "autograd.Function" else self.target)(*arguments, **named)


class Customs:
    """The custom operations of one recording, by what they are."""

    def __init__(self, estimators: Estimators, cut: Callable[[torch.Tensor], None]) -> None:
        self.estimators = estimators
        self._cut = cut  #: called with each tensor at which an estimator stops the gradient
        self.found: dict[Any, Custom] = {}
        self.depth = 0  #: how deep we are inside `autograd.Function.apply`, whosever
        self.entered = 0  #: how often we went inside
        self._within = 0  #: the same of the user's alone
        self.compiles = compiles()  #: whether any function here may be a compiled one

    @contextmanager
    def noticed(self) -> Iterator[None]:
        """Notice every `autograd.Function` that is applied; compiled functions run as they were written.

        `square = Square.apply` may have been written long before: so not `apply` itself is wrapped, but the one of the class above, which
        it calls.
        """
        above: Any = torch.autograd.function._SingleLevelFunction
        customs = self

        def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
            own = cls.__module__.startswith("torch.")
            if not own and not customs._within:
                customs._note("autograd.Function", cls.__name__, cls, _parameters(cls, len(args)), args)
            surrogate = customs.estimators.get(cls) if not customs.depth else None
            with customs.inside(own=own):
                result = super(above, cls).apply(*args, **kwargs)  # type: ignore[misc]
            return result if surrogate is None else customs._estimated(cls, result, surrogate(*args))

        above.apply = classmethod(apply)
        try:
            with as_written():
                yield
        finally:
            del above.apply

    @contextmanager
    def inside(self, *, own: bool = False) -> Iterator[None]:
        """While an operation runs: torch's `own`, or one of the user's, whose inner ones are part of it."""
        self.entered += self.depth == 0
        self.depth, self._within = self.depth + 1, self._within + (not own)
        try:
            yield
        finally:
            self.depth, self._within = self.depth - 1, self._within - (not own)

    def operator(self, func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Notice an operator that is about to run."""
        if not nature(func).own and not self._within and func not in self.found:
            leaves, form = tree_flatten_with_path((args, dict(kwargs)))
            arguments = [argument.name for argument in func._schema.arguments]
            names = tuple(_leaf(arguments, path) for path, _ in leaves)
            self._note("torch.library", str(func._overloadpacket), func, names, tuple(value for _, value in leaves), form)
        if self.compiles and not self._within:
            self._compiled()

    def _compiled(self) -> None:
        """Notice the compiled function that is running, if one is: its caller in torch holds it as `fn`."""
        frame = frame_of(*COMPILED)
        target = frame.f_locals.get("fn") if frame is not None else None
        if target is not None and target not in self.found:
            named = getattr(target, "__self__", target)  # of a module it is a method that is compiled
            name = getattr(named, "__name__", type(named).__name__)
            line, code = user_line(frame)
            self.found[target] = Custom(kind="torch.compile", name=name, target=target, line=line, code=code)

    def _estimated(self, cls: Any, result: Any, surrogate: Any) -> Any:
        """The values of `result` with the derivatives of `surrogate`.

        Raises:
            ExerciseError: they are not of the same shapes.
        """
        if isinstance(result, tuple):
            return tuple(self._estimated(cls, y, s) for y, s in zip(result, surrogate, strict=True))
        if result.shape != surrogate.shape:
            raise ExerciseError(
                f"the estimator of {cls.__name__} gives shape {tuple(surrogate.shape)}, {cls.__name__} itself {tuple(result.shape)}.",
                advice="It must be a function of the same inputs that gives the same shape.",
            )
        value, fixed = result.detach(), surrogate.detach()
        self._cut(value)
        self._cut(fixed)
        return value + (surrogate - fixed)

    def _note(self, kind: Any, name: str, target: Any, names: tuple[str, ...], args: tuple[Any, ...], form: Any = None) -> None:
        if target in self.found:
            return
        wanted = tuple(k for k, value in enumerate(args) if isinstance(value, torch.Tensor) and value.requires_grad)
        line, code = user_line()
        with _disable_current_modes():
            inputs = tree_map_only(torch.Tensor, lambda t: t.detach().clone(), args)
        self.found[target] = Custom(
            kind=kind, name=name, target=target, names=names, inputs=inputs, form=form, wanted=wanted, line=line, code=code
        )  # fmt: skip


def _parameters(cls: Any, count: int) -> tuple[str, ...]:
    """The names of what `forward` takes, as many as were given; `ctx` is none of them."""
    parameters = inspect.signature(cls.forward).parameters.values()
    named = [p.name for p in parameters if p.kind is not p.VAR_POSITIONAL]
    split = cls.setup_context is not torch.autograd.Function.setup_context
    named = named if split else named[1:]
    return tuple(named[k] if k < len(named) else f"input {k}" for k in range(count))


def _leaf(arguments: Sequence[str], path: Any) -> str:
    """`x` for an operator's argument, `xs[1]` for one in a list, the keyword for one that was named."""
    positional, first, *inner = path
    return f"{arguments[first.idx] if positional.idx == 0 else first.key}{keystr(tuple(inner))}"


def compiles() -> bool:
    """Whether anything in this process was given to `torch.compile`."""
    dynamo = sys.modules.get("torch._dynamo.eval_frame")
    return dynamo is not None and any(dynamo.cached_backends.values())


@contextmanager
def as_written() -> Iterator[None]:
    """While compiled functions run as they were written."""
    with torch.compiler.set_stance("force_eager") if compiles() else nullcontext():
        yield


@contextmanager
def of_the_same_draws() -> Iterator[None]:
    """While what is compiled draws its random numbers as the function that was written does, and not by a generator of the compiler's."""
    if not compiles():
        yield
        return
    from torch._inductor import config

    with config.patch(fallback_random=True):
        yield


def implementation(func: Any) -> Callable[..., Any] | None:
    """The Python function that a `torch.library.custom_op` runs on the CPU, so that its own operations can be recorded; None of others."""
    if nature(func).own:
        return None
    definition = torch._library.custom_ops.OPDEFS.get(f"{func.namespace}::{func._opname}")
    if definition is None or func._schema.is_mutable or "cpu" in definition._backend_fns:
        return None
    return definition._init_fn  # type: ignore[no-any-return]


def without_forward_mode(custom: Custom) -> bool:
    """Whether forward mode takes the derivative of an operator for zero, without a word, since nobody wrote a rule for it."""
    if custom.kind != "torch.library" or not custom.wanted:
        return False
    with torch.autograd.forward_ad.dual_level():
        given = [_dual(value) if place in custom.wanted else value for place, value in enumerate(custom.inputs)]
        try:
            outputs = tree_leaves(custom(*given))
        except Exception:  # a rule that fails is one, and torch says so
            return False
        tensors = [output for output in outputs if isinstance(output, torch.Tensor)]
        return all(torch.autograd.forward_ad.unpack_dual(tensor).tangent is None for tensor in tensors)  # type: ignore[no-untyped-call]


def _dual(x: torch.Tensor) -> torch.Tensor:
    return torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))  # type: ignore[no-untyped-call, no-any-return]
