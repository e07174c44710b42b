"""The values that travel through the checker, in the order in which they are made. Read this file first.

Comes in: nothing.  Goes out: frozen value types.  Why: every verb of the package (sample, derive, compare, judge, record, render) takes
one of these and gives the next.

    Exercise → Case → Derivation → Comparison → Verdict → Record → report

`Exercise` lives in `authoring.py`, `Record` in `record.py`. Importing this module loads NumPy but neither torch nor sympy.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
import numpy as np

from checker import asked

if TYPE_CHECKING:
    import torch

    from checker.authoring import Example, Exercise
    from checker.tape.tape import Tape

Array = np.ndarray[Any, np.dtype[Any]]

# JSON has no NaN or infinity: a non-finite number is written as its name.
Number = float | Literal["nan", "inf", "-inf"]


def number(value: float) -> Number:
    """`value` as the record writes it: a finite float, or `"nan"`, `"inf"`, `"-inf"`."""
    value = float(value)
    if np.isnan(value):
        return "nan"
    return value if np.isfinite(value) else ("inf" if value > 0 else "-inf")


#: The built-in methods, in the order in which they run and are shown.
METHODS = ("certified", "symbolic", "formula", "differences", "reverse", "forward", "cuda")


class Verdict(enum.StrEnum):
    """What was found. The first seven are of a comparison, the others of a derivation that did not arrive."""

    AGREES = "agrees"  #: within the allowed error of the reference
    SUBGRADIENT = "subgradient"  #: not differentiable here; inside the convex hull of the adjacent branches' gradients (Clarke)
    INCONCLUSIVE = "inconclusive"  #: the allowed error exceeds the entry, or exact arithmetic leaves the float's path
    UNDEFINED = "undefined"  #: no finite value here, or an infinite one-sided slope
    JUMP = "jump"  #: discontinuous here: no gradient exists
    WRONG = "wrong"  #: outside the allowed error
    UNSUPPORTED = "unsupported"  #: an operation has no rule in this method; named
    NOT_AVAILABLE = "not_available"  #: what the method needs is not on this machine
    WRONG_SHAPE = "wrong_shape"
    MUTATED_INPUT = "mutated_input"
    TIMED_OUT = "timed_out"
    CRASHED = "crashed"


#: From best to worst. A record's verdict is the worst of its cases; `unsupported` and `not_available` count only for required methods.
SEVERITY: tuple[Verdict, ...] = (
    Verdict.AGREES,
    Verdict.SUBGRADIENT,
    Verdict.NOT_AVAILABLE,
    Verdict.UNSUPPORTED,
    Verdict.INCONCLUSIVE,
    Verdict.UNDEFINED,
    Verdict.JUMP,
    Verdict.MUTATED_INPUT,
    Verdict.WRONG_SHAPE,
    Verdict.TIMED_OUT,
    Verdict.CRASHED,
    Verdict.WRONG,
)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The most severe of `verdicts`; `agrees` of none."""
    return max(verdicts, key=SEVERITY.index, default=Verdict.AGREES)


class Mode(enum.StrEnum):
    """How a case is judged."""

    VJP = "vjp"  #: every entry of Jᵀv, for one upstream v
    JACOBIAN = "jacobian"  #: every entry of J = ∂fᵢ/∂xⱼ
    PROJECTION = "projection"  #: ⟨u, Jᵀv⟩ along random directions u: for thousands to millions of entries


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked of a run. Every field has a sensible default.

    Raises:
        UsageError: a name that is not known, or a number that makes no sense; it says what can be asked.
    """

    methods: tuple[str, ...] = ()  #: names of methods to run; empty: all
    devices: tuple[str, ...] = ("cpu", "cuda")  #: devices on which autograd is run; a missing one is recorded with its reason
    dtypes: tuple[str, ...] = ()  #: overrides the exercise's dtypes; empty: what the exercise asks for
    at: tuple[Example, ...] = ()  #: check at these points only
    points: int = 3  #: points drawn per exercise and dtype, before those added for unseen paths
    paths: int = 6  #: at most so many execution paths are followed per exercise
    seed: int = 0  #: every random draw derives from it
    jobs: int = 0  #: exercises checked at the same time; 0: one per core
    time_limit: float = 60.0  #: wall seconds for one exercise
    tolerance: float | None = None  #: relative; replaces the computed allowed error when given
    mode: Mode | None = None  #: how cases are judged, or its name; None: by the upstream, by projection where there are too many entries
    projection_above: int = 4096  #: total differentiated entries above which a case is judged by projection
    memory: int = 0  #: bytes that the batches of one exercise may take; 0: a share of what the machine has left
    second_order: bool = False  #: judge second derivatives too, of every exercise
    strict: bool = False  #: also fail on inconclusive or unsupported

    def __post_init__(self) -> None:
        asked.refuse(vars(self))
        if self.mode is not None:
            object.__setattr__(self, "mode", Mode(self.mode))


@dataclass(frozen=True, kw_only=True)
class Case:
    """An exercise at one concrete point.

    `arguments` holds every tensor input by name, in `dtype` where it is floating, on the CPU, without `requires_grad`.
    `upstream` has one tensor of the output's shape for each floating output (the gradient is Jᵀv), None for the others.
    """

    exercise: Exercise
    number: int
    arguments: Mapping[str, torch.Tensor]
    differentiated: tuple[str, ...]
    upstream: tuple[torch.Tensor | None, ...]
    dtype: str  #: "float64", "float32", "float16", "bfloat16"
    seed: int
    origin: str  #: "example", "sampled", "new path", "given", "waypoint"
    mode: Mode = Mode.VJP
    memory: int = 1 << 30  #: bytes that a batch of points may take

    @property
    def shown_dtype(self) -> str:
        """The dtype as people know it: `complex64` for parts in float32."""
        complexes = {"float64": "complex128", "float32": "complex64"}
        return complexes.get(self.dtype, self.dtype) if self.exercise.complex else self.dtype

    @property
    def pictured(self) -> bool:
        """Whether plots are made of this case: of the first point, in the first dtype."""
        return self.number == 0 and self.dtype == self.exercise.dtypes[0]


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a derivation did not arrive: a verdict and one sentence, with the user's line where one is known."""

    verdict: Verdict
    message: str
    line: str | None = None


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """What a method said about one case: value and gradients, or the problem that stopped it.

    Arrays are float64 and hold the method's own results exactly (float16, bfloat16 and float32 widen without loss).
    In the mode `jacobian` a gradient holds J itself, of shape (outputs, *argument): a row for each entry of the floating outputs.
    `error` is the method's own absolute error bound or estimate, entry by entry, where it has one.
    """

    method: str
    device: str = "cpu"
    dtype: str = "float64"
    seconds: float = 0.0  #: wall time
    value: tuple[Array, ...] = ()
    gradients: Mapping[str, Array] = field(default_factory=dict)
    error: Mapping[str, Array] = field(default_factory=dict)
    problem: Problem | None = None
    details: Mapping[str, Any] = field(default_factory=dict)  #: JSON-ready extras, such as `steps` of the difference plot


@dataclass(frozen=True, kw_only=True)
class Slope:
    """⟨v, J u⟩ along one random direction u of all differentiated arguments, in float64, to within `error` (infinite at a kink).

    `forward`: forward mode met the difference quotient within its error, and took its place, for it is known to rounding.
    """

    seed: int  #: u is drawn from it
    u: Mapping[str, torch.Tensor] = field(repr=False)
    value: float
    error: float
    forward: bool


@dataclass(frozen=True, kw_only=True)
class Rows:
    """J u along one random direction u of all differentiated arguments, in float64 and to rounding: one number a row of the Jacobian."""

    seed: int  #: u is drawn from it
    u: Mapping[str, Array] = field(repr=False)  #: flat, by argument
    slopes: Array = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The truth about one case, against which every method is judged.

    The true gradient of an argument is `high + low`, an unevaluated sum of two float64 (about 106 bits), known to `radius`. Where a case
    is judged by projection there are `slopes` in place of gradients, and where a Jacobian has very many entries `rows`.
    `allowed` is how far a correct program in the case's dtype may be from it, entry by entry, and `origin` says how that was found.
    """

    kind: Literal["certified", "differences"]
    slopes: tuple[Slope, ...] = ()
    rows: Rows | None = None
    high: Mapping[str, Array]
    low: Mapping[str, Array]
    radius: Mapping[str, Array]
    allowed: Mapping[str, Array]
    origin: str
    value: tuple[Array, ...] = ()
    value_allowed: tuple[Array, ...] = ()
    unproved: str = ""  #: why the truth could only be estimated, where it was
    other_order: Mapping[str, Array] = field(default_factory=dict)  #: what forward mode may differ by beside `allowed`, where known
    uncancelled: Mapping[str, Array] = field(default_factory=dict)  #: Σ|path|: a gradient that did not cancel, where known
    seconds: float = 0.0  #: wall time spent on finding it


class Worst(msgspec.Struct, frozen=True, kw_only=True):
    """The entry of a gradient that is furthest outside (or nearest to the edge of) what was allowed."""

    index: tuple[int, ...]  #: place in the gradient
    got: Number  #: the method's entry
    expected: Number  #: the true entry, rounded to float64
    absolute: Number  #: |got − expected|
    relative: Number  #: the same over |expected|
    ulp: Number  #: the same in units in the last place of the dtype under test
    allowed: Number  #: how large |got − expected| may be


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One method's gradient of one argument against the reference.

    `ulp` is measured in units in the last place of the case's dtype at the true entry; `normwise` is ‖g − g*‖₂ / ‖g*‖₂.
    `conditioning` is the largest allowed error, normwise relative, over the unit roundoff: how much rounding this point amplifies.
    """

    method: str  #: who said it
    argument: str  #: the gradient of what
    verdict: Verdict  #: what it means
    against: str  #: kind of the reference
    absolute: Number = 0.0  #: largest absolute error
    relative: Number = 0.0  #: largest relative error
    ulp: Number | None = None  #: largest error in ULP, where single entries are known
    normwise: Number = 0.0  #: ‖g − g*‖₂ / ‖g*‖₂
    conditioning: Number = 0.0  #: ‖allowed‖₂ / ‖g*‖₂ over the unit roundoff
    worst: Worst | None = None  #: the entry nearest to or furthest beyond what is allowed
    allowed_from: str = ""  #: where the allowed error comes from
    message: str = ""  #: one sentence


class Method(Protocol):
    """A way of differentiating. Built-in methods and plugins satisfy this alike; they enter by the entry point `checker.methods`."""

    name: str

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        """Why this method cannot take this case, or None where it can."""

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        """Differentiate `case`. `tape` is None where recording failed; `reference` is None where none could be made."""
