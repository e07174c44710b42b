"""Exercises: one ordinary PyTorch function each, with everything that is known about it.

Comes in: a function, an `nn.Module` class or an `autograd.Function` class, with jaxtyping annotations.  Goes out: a frozen `Exercise`.
Why: the author writes the function as a textbook would and nothing twice; everything else is derived from it.

torch is imported when an exercise is made, not when this module is: `import checker` stays light.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from checker.errors import ExerciseError
from checker.inputs import Domain, Input, missing_letters, parse_dims, real
from checker.values import Verdict

if TYPE_CHECKING:
    import torch

#: Takes every tensor by name and returns every tensor of the result, flattened.
Call = Callable[[Mapping[str, "torch.Tensor"]], "tuple[torch.Tensor, ...]"]

#: Fixed values of inputs by name, or a function that draws them.
Values = Callable[["torch.Generator"], Mapping[str, Any]] | Mapping[str, Any] | None


@dataclass(frozen=True)
class Example:
    """Published numbers. `inputs` gives values by name (parameters of a module by their dotted name).

    `upstream` defaults to ones. `decimals` says to how many places the numbers were published; None: to rounding of float32.
    `passes` is how many backward passes ran before the published gradient was read, without `zero_()` between them.
    `quotients` maps a step h to the published forward quotient (f(x+h) − f(x))/h, and `tangent` is (slope, intercept), both for one scalar.
    """

    inputs: Mapping[str, Any]
    _: KW_ONLY
    value: Any = None
    gradient: Mapping[str, Any] | None = None
    upstream: Any = None
    decimals: int | None = None
    passes: int = 1
    quotients: Mapping[float, float] = field(default_factory=dict)
    tangent: tuple[float, float] | None = None
    dtype: str = "float32"


@dataclass(frozen=True, kw_only=True)
class Waypoint:
    """What a training run must have reached after `step` steps: `value` (the loss) and `inputs` (parameters by name).

    Numbers are met to `decimals` places; a pair (low, high) in place of a number is a range.
    """

    step: int
    value: Any = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    decimals: int | None = None


@dataclass(frozen=True, kw_only=True)
class Descent:
    """Gradient descent on the exercise's scalar value, walked by reverse mode; other methods are compared at `logged` waypoints.

    `start` gives the differentiated inputs' first values. `batch` rows at a time of the inputs named in `batched`, reshuffled every pass
    from the case's seed; None: all rows at every step. `zero_grad=False` is the classic mistake: gradients accumulate.

    `values` are the walk's own data, in the form of the exercise's `values`: for more rows than the points need that are checked.
    """

    start: Mapping[str, Any]
    rate: float
    steps: int
    values: Values = None
    optimizer: Literal["sgd", "adam"] = "sgd"
    batch: int | None = None
    batched: tuple[str, ...] = ()
    zero_grad: bool = True
    dtype: str = "float32"
    logged: int = 4
    reaches: tuple[Waypoint, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """A function to differentiate and all that is known about it. Still callable, as the function itself."""

    name: str
    function: Callable[..., Any]
    call: Call = field(repr=False)
    inputs: tuple[Input, ...]
    file: str = ""  #: relative to the folder it was found in
    path: str = ""  #: where the file lies, for messages
    line: int = 0
    text: str = field(default="", repr=False)
    title: Mapping[str, str] = field(default_factory=dict)
    statement: Mapping[str, str] = field(default_factory=dict, repr=False)
    origin: str = ""
    theme: str = ""
    points: float = 1.0
    sizes: Mapping[str, int] = field(default_factory=dict)
    values: Values = None
    answer: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    sampled: bool = True  #: random points are drawn in addition to the examples
    expects: Verdict = Verdict.AGREES
    cuts: frozenset[str] = frozenset()
    dtypes: tuple[str, ...] = ("float64", "float32")
    descent: Descent | None = None
    tolerance: float | None = None
    required: tuple[str, ...] = ("reverse",)
    parameters: Callable[[int], Mapping[str, torch.Tensor]] | None = field(default=None, repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def id(self) -> str:
        """`file.py::name`, the exercise's name in records and on the command line."""
        return f"{self.file}::{self.name}" if self.file else self.name

    @property
    def differentiated(self) -> tuple[str, ...]:
        return tuple(i.name for i in self.inputs if i.differentiated)

    def input(self, name: str) -> Input:
        return next(i for i in self.inputs if i.name == name)


def exercise(target: Any = None, /, **options: Any) -> Any:
    """Turn a function, an `nn.Module` class or an `autograd.Function` class into an `Exercise`.

    Used bare (`@exercise`) or with options:

    - `answer`: the gradient as a formula, or a dict of formulas by argument; `upstream` and `value` may be used in it.
    - `examples`: published numbers. `descent`: a training run.
    - `sizes`: shape letters to sizes, e.g. `{"n": 4}`; those not given are read off the first example. `domains`: input name to domain.
    - `values`: fixed values of inputs (data): a dict, or a function of a `torch.Generator` that returns one.
    - `constant`: names of floating inputs that are not differentiated; those with `values` are constant anyway unless named in:
    - `differentiate`: names of the inputs that are; default: every floating input without `values`.
    - `title`, `statement`: text, or `{"en": …, "zh": …}`; in English the title defaults to the name, the statement to the docstring.
    - `points`, `source`, `expects` (a verdict), `cuts` (mechanisms declared as meant, such as "item"), `dtypes`, `tolerance`.
    - `sampled=False`: only the examples are checked, no random points.

    Raises:
        ExerciseError: an annotation that cannot be read, a letter without size, an unknown option or name; with file and line.
    """
    if target is None:
        return lambda function: exercise(function, **options)
    try:
        return _make(target, options)
    except ExerciseError as error:
        problems = _collected.get()
        if problems is None:
            raise
        problems.append(error)
        return target


OPTIONS = (
    *("answer", "examples", "descent", "sizes", "domains", "values", "constant", "differentiate", "title", "statement", "points"),
    *("source", "expects", "cuts", "dtypes", "tolerance", "sampled"),
)

#: Problems found so far in the file that is being loaded; None outside of loading.
_collected: ContextVar[list[ExerciseError] | None] = ContextVar("collected", default=None)


@contextmanager
def collected() -> Iterator[list[ExerciseError]]:
    """While this lasts, `exercise` puts its errors on the list that is given and goes on, so that a file shows all of them at once."""
    problems: list[ExerciseError] = []
    token = _collected.set(problems)
    try:
        yield problems
    finally:
        _collected.reset(token)


def _make(target: Any, options: dict[str, Any]) -> Exercise:
    import torch

    file, line, text = locate(target)
    problems: list[str] = []

    for name in sorted(options.keys() - set(OPTIONS)):
        problems.append(f"unknown option {name!r}; known are {', '.join(OPTIONS)}")
    signature_of: Callable[..., Any] = target
    skip, parameters = 0, None
    call: Call | None = None
    if inspect.isclass(target) and issubclass(target, torch.nn.Module):
        from checker.modules import module_call

        signature_of, skip = target.forward, 1
        call, parameters = module_call(target)
    elif inspect.isclass(target) and issubclass(target, torch.autograd.Function):
        signature_of = target.forward
        first = next(iter(inspect.signature(signature_of).parameters), "")
        skip = 1 if "setup_context" not in vars(target) or first == "ctx" else 0
    elif not callable(target):
        raise ExerciseError(f"{target!r} is not a function, nn.Module class or autograd.Function class.", file=file, line=line)

    sizes, domains = dict(options.get("sizes") or {}), dict(options.get("domains") or {})
    values = options.get("values")
    fixed = set(values) if isinstance(values, Mapping) else _names_of(values)
    examples = tuple(options.get("examples") or ())
    inputs = _inputs(signature_of, skip, sizes, domains, fixed, examples, options, problems)
    if parameters is not None:
        inputs += tuple(Input(name, tuple(p.shape), "parameter", real) for name, p in parameters(0).items())
    names = [i.name for i in inputs]
    answer = options.get("answer") or {}
    differentiated = [i.name for i in inputs if i.differentiated]
    if isinstance(answer, str):
        if len(differentiated) != 1:
            problems.append(f"`answer` is one formula, but {len(differentiated)} inputs are differentiated: give a dict by name")
        answer = dict.fromkeys(differentiated[:1], answer)
    for what, given in (("domains", domains), ("answer", answer)):
        for name in set(given) - set(names):
            problems.append(f"`{what}` names {name!r}, which is no input; inputs are {', '.join(names)}")
    if problems:
        raise ExerciseError("; ".join(problems) + ".", file=file, line=line)
    return Exercise(
        name=target.__name__,
        function=target.apply if inspect.isclass(target) and issubclass(target, torch.autograd.Function) else target,
        call=call or positional_call(target, tuple(names)),
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
        values=values,
        answer=dict(answer),
        examples=examples,
        sampled=bool(options.get("sampled", True)),
        expects=Verdict(options.get("expects", Verdict.AGREES)),
        cuts=frozenset(options.get("cuts") or ()),
        dtypes=tuple(options.get("dtypes") or ("float64", "float32")),
        descent=options.get("descent"),
        tolerance=options.get("tolerance"),
        parameters=parameters,
    )


def positional_call(target: Any, names: Sequence[str]) -> Call:
    """A `Call` that passes the named tensors in order to `target` (or to `target.apply`)."""
    function = getattr(target, "apply", target) if inspect.isclass(target) else target

    def call(arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        return flatten_output(function(*[arguments[name] for name in names]))

    return call


def flatten_output(result: Any) -> tuple[torch.Tensor, ...]:
    """Every tensor of a result, in the order of PyTorch's pytrees.

    Raises:
        ExerciseError: there is none.
    """
    import torch
    from torch.utils._pytree import tree_leaves

    tensors = tuple(leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor))
    if not tensors:
        raise ExerciseError(f"the function returned {type(result).__name__}, not a tensor.", advice="Return a tensor, or a tuple of them.")
    return tensors


def locate(target: Any) -> tuple[str, int, str]:
    """File, first line and source text of a function or class; empty where Python does not know them."""
    try:
        lines, line = inspect.getsourcelines(inspect.unwrap(target) if callable(target) else target)
        return inspect.getsourcefile(target) or "", line, "".join(lines)
    except (OSError, TypeError):
        return "", 0, ""


def relocated(found: Exercise, file: str, required: Sequence[str] = ()) -> Exercise:
    """`found` with the file name it is known by, and the methods that the folder's matrix requires of it."""
    return replace(found, file=file, required=tuple(required) or found.required)


def _inputs(
    function: Callable[..., Any],
    skip: int,
    sizes: dict[str, int],
    domains: Mapping[str, Domain],
    fixed: set[str],
    examples: Sequence[Example],
    options: Mapping[str, Any],
    problems: list[str],
) -> tuple[Input, ...]:
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # any name in an annotation may fail in any way
        problems.append(f"an annotation cannot be read: {type(error).__name__}: {error}")
        return ()
    constant = set(options.get("constant") or ())
    chosen = options.get("differentiate")
    inputs: list[Input] = []
    for name in list(inspect.signature(function).parameters)[skip:]:
        hint = hints.get(name)
        dims = getattr(hint, "dim_str", None)
        if dims is None:
            problems.append(f'the input {name!r} has no jaxtyping annotation: write {name}: Float[Tensor, "n"]')
            continue
        try:
            shape = parse_dims(dims)
        except ValueError as error:
            problems.append(f"the annotation of {name!r}: {error}")
            continue
        kind = _kind(typing.cast(Any, hint).dtypes)
        if kind is None:
            problems.append(f"the input {name!r} has dtype {typing.cast(Any, hint).__name__}: use Float, Int or Bool")
            continue
        for example in examples:
            _sizes_from(shape, example.inputs.get(name), sizes)
        for letter in missing_letters(shape, sizes):
            if name not in fixed:
                problems.append(f"the shape letter {letter!r} of {name!r} has no size: add sizes={{{letter!r}: 4}}, or an example")
        wanted = kind == "real" and name not in constant and (name in chosen if chosen is not None else name not in fixed)
        inputs.append(Input(name, shape, kind, domains.get(name, real), wanted))
    for name in (constant | set(chosen or ())) - {i.name for i in inputs}:
        problems.append(f"{name!r} is no input")
    return tuple(inputs)


def _sizes_from(shape: Sequence[int | str], value: Any, sizes: dict[str, int]) -> None:
    """Sizes of plain letters, read off an example's value, where `sizes` does not give them."""
    import numpy as np

    if value is not None and np.ndim(value) == len(shape):
        for dim, size in zip(shape, np.shape(value), strict=True):
            if isinstance(dim, str) and dim.isidentifier():
                sizes.setdefault(dim, size)


def _kind(dtypes: Any) -> Literal["real", "integer", "boolean"] | None:
    names = set(dtypes) if isinstance(dtypes, list | tuple) else {str(dtypes)}
    if "float32" in names:
        return "real"
    if names & {"int64", "int32"}:
        return "integer"
    return "boolean" if any(n.startswith("bool") for n in names) and len(names) <= 2 else None


def _names_of(values: Any) -> set[str]:
    """Names that a `values` function gives: it is called once with a generator, for the names only."""
    if values is None:
        return set()
    import torch

    return set(values(torch.Generator().manual_seed(0)))


def _text(given: str | Mapping[str, str] | None, english: str) -> dict[str, str]:
    """A text by language: what the author gave, and `english` where that says nothing in English."""
    return {"en": english} | ({"en": given} if isinstance(given, str) else dict(given or {}))
