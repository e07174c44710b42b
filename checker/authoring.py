"""Exercises: one ordinary PyTorch function each, with everything that is known about it.

Comes in: a function, an `nn.Module` class or an `autograd.Function` class, with jaxtyping annotations.  Goes out: a frozen `Exercise`.
Why: the author writes the function as a textbook would and nothing twice; everything else is derived from it.

torch is imported when an exercise is made, not when this module is: `import checker` stays light.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from checker.errors import ExerciseError
from checker.inputs import Input
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

    `value` is that of the first output. `upstream` defaults to ones, of a complex output 1 + i. `decimals` says to how many places the
    numbers were published; None: to rounding of float32.
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
    """What a training run must have reached in its `step`-th step (the first is 1), as training loops print it.

    `value` is the loss of all rows that the step computed, before its update; `inputs` are parameters by name, after it. Numbers are met to
    `decimals` places; with a pair (low, high) in place of every number, to a range.
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
    estimators: Mapping[Any, Callable[..., Any]] = field(default_factory=dict)
    dtypes: tuple[str, ...] = ("float64", "float32")
    descent: Descent | None = None
    tolerance: float | None = None
    second_order: bool = False  #: second derivatives are judged too
    required: tuple[str, ...] = ("reverse",)
    parameters: Callable[[int], Mapping[str, torch.Tensor]] | None = field(default=None, repr=False)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def id(self) -> str:
        """`file.py::name`, the exercise's name in records and on the command line."""
        return f"{self.file}::{self.name}" if self.file else self.name

    @property
    def complex(self) -> bool:
        """Whether an input is complex: then `call` is in real form, as `realform.py` has it."""
        return any(i.kind == "complex" for i in self.inputs)

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
    - `estimators`: a class of `autograd.Function` to the function whose derivative its backward is meant to be, such as
      `{Round: lambda x: x}` of a straight-through estimator.
    - `sampled=False`: only the examples are checked, no random points.
    - `second_order=True`: where the gradient is right, its own derivative is judged too, every entry of the Hessian of ⟨v, f⟩.

    Raises:
        ExerciseError: an annotation that cannot be read, a letter without size, an unknown option or name; with file and line.
    """
    if target is None:
        return lambda function: exercise(function, **options)
    from checker.making import make

    try:
        return make(target, options)
    except ExerciseError as error:
        problems = _collected.get()
        if problems is None:
            raise
        problems.append(error)
        return target


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


def flatten_output(result: Any) -> tuple[torch.Tensor, ...]:
    """Every tensor of a result, in the order of PyTorch's pytrees.

    Raises:
        ExerciseError: there is none.
    """
    import torch

    if isinstance(result, torch.Tensor):
        return (result,)
    from torch.utils._pytree import tree_leaves

    tensors = tuple(leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor))
    if not tensors:
        raise ExerciseError(f"the function returned {type(result).__name__}, not a tensor.", advice="Return a tensor, or a tuple of them.")
    return tensors


def locate(target: Any) -> tuple[str, int, str]:
    """File, first line and source text of a function or class; empty where Python does not know them."""
    target = inspect.unwrap(target) if callable(target) else target
    code = getattr(target, "__code__", None)
    return _located(code, code.co_filename) if inspect.iscode(code) else _located.__wrapped__(target, "")


@functools.lru_cache(maxsize=1024)
def _located(target: Any, file: str) -> tuple[str, int, str]:
    """`locate`, once a code object: those of two files may be equal."""
    try:
        lines, line = inspect.getsourcelines(target)
        return inspect.getsourcefile(target) or "", line, "".join(lines)
    except (OSError, TypeError):
        return "", 0, ""
