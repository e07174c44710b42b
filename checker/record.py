"""The record: what is written as JSON, and the only thing that reports are made from.

Comes in: nothing.  Goes out: msgspec structs.  Why: a report can be made again at any time without running anything, and other programs
can rely on its form. Each field has its sentence here; `docs/record.md` is generated from them. `record_file.py` writes and reads it.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from checker.values import Array, Comparison, Number, Verdict, number

#: Raised by one whenever a field changes its meaning or disappears. Readers refuse what they do not know.
SCHEMA = "gradient-checker/record/1"

#: Arrays longer than this are written with their first entries, their norm and how many were left out.
LONGEST = 512


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the record: immutable, named fields only."""


class Numbers(_Part, frozen=True, kw_only=True):
    """An array. `values` is flat, in row-major order, of at most 512 entries; `omitted` counts those left out; `norm` is ‖·‖₂ of all."""

    shape: tuple[int, ...]  #: the array's shape; `[]` is a single number
    values: list[Number]  #: the entries, row by row
    omitted: int = 0  #: how many entries were left out
    norm: Number = 0.0  #: the Euclidean norm of all entries

    @classmethod
    def of(cls, array: Array) -> Numbers:
        flat = np.asarray(array, dtype=np.float64).ravel()
        with np.errstate(all="ignore"):
            norm = float(np.linalg.norm(flat))
        return cls(
            shape=tuple(np.shape(array)),
            values=flat[:LONGEST].tolist() if np.isfinite(norm) else [number(v) for v in flat[:LONGEST]],
            omitted=max(0, flat.size - LONGEST),
            norm=number(norm),
        )


class Text(_Part, frozen=True, kw_only=True):
    """A sentence for people: English, and Simplified Chinese where there is one. Markdown, with mathematics between dollars."""

    en: str  #: English
    zh: str | None = None  #: Simplified Chinese


class ProblemRecord(_Part, frozen=True, kw_only=True):
    """Why something did not arrive: a verdict's name, a sentence, and the user's line ("file.py:12") where one is known."""

    verdict: Verdict  #: what kind of problem it is
    message: str  #: one sentence
    line: str | None = None  #: the user's line, "net.py:12"


class DerivationRecord(_Part, frozen=True, kw_only=True):
    """What one method said about one case.

    `seconds` is wall time. `gradients` and `error` (bound or estimate, absolute) are per argument. `details` holds what a method adds
    for its plots: of `differences`, "steps": {"h": [...], "error": [...], "chosen": h} (relative error of the directional derivative).
    """

    method: str  #: the method's name
    device: str  #: "cpu" or "cuda"
    dtype: str  #: the dtype the method worked in
    seconds: float  #: wall time
    value: list[Numbers] = []  #: the function's floating outputs
    gradients: dict[str, Numbers] = {}  #: Jᵀv by argument; J itself in the mode "jacobian", a row for each entry of the outputs
    error: dict[str, Numbers] = {}  #: the method's own absolute error bound or estimate, by argument
    problem: ProblemRecord | None = None  #: why nothing arrived, where nothing did
    details: dict[str, Any] = {}  #: what the method adds for its plots


class ReferenceRecord(_Part, frozen=True, kw_only=True):
    """The truth of one case: `kind` is "certified" or "differences"; `gradients`, the `radius` they are known to, the `allowed` error, and
    in `origin` where that comes from."""

    kind: str  #: "certified" (balls) or "differences"
    origin: str  #: how the truth and the allowed error were found
    gradients: dict[str, Numbers]  #: the true gradient, rounded to float64, by argument
    radius: dict[str, Numbers]  #: how far the truth itself may be from that
    allowed: dict[str, Numbers]  #: how far a correct program may be from it, entry by entry


class CutRecord(_Part, frozen=True, kw_only=True):
    """A place where the gradient stops: mechanism, line, text of the line, whether it is `explicit` (detach, no_grad), `declared` by the
    exercise, `baked` (the value left the tape), and in `uncut` the gradient as it would be with this and every other cut open."""

    how: str  #: the mechanism, such as "detach" or "item": those of `tape.Cut`
    line: str  #: the user's line
    code: str  #: the text of that line
    explicit: bool  #: taken as meant (detach, no_grad)
    declared: bool  #: declared as meant by the exercise
    baked: bool  #: the value left the tape for Python
    uncut: dict[str, Numbers] = {}  #: the gradient with every cut open, by argument


class PathRecord(_Part, frozen=True, kw_only=True):
    """An execution path: its `signature` (a short hash of the decisions), the `conditions` under which it is taken, in words of Python
    and as LaTeX, and the lines on which Python decided."""

    signature: str  #: eight hexadecimal digits that name the path
    conditions: list[str] = []  #: when it is taken, in words of Python
    latex: list[str] = []  #: the same as LaTeX
    lines: list[str] = []  #: the lines on which Python decided


class StepRecord(_Part, frozen=True, kw_only=True):
    """One operation of the tape for the computation graph: ATen name, line, shapes, and the operands' and result's slots."""

    operation: str  #: the ATen operation, "aten.mul"
    line: str  #: the user's line
    code: str  #: the text of that line
    operands: list[int]  #: slots that were read
    results: list[int]  #: slots that were made or written
    shape: tuple[int, ...]  #: shape of the first result


class CurveRecord(_Part, frozen=True, kw_only=True):
    """Points for a plot. Kinds: "tangent" (x, y of the function; `extra`: point, value, slope), "contour" (x, y axes and z row-major,
    a row per y; `extra`: names, point, gradient)."""

    kind: str  #: "tangent" or "contour"
    argument: str = ""  #: the argument along the x axis
    x: list[Number] = []  #: abscissas
    y: list[Number] = []  #: ordinates
    z: list[Number] = []  #: values, one row per y
    extra: dict[str, Any] = {}  #: the point, value, slope or gradient, and names


class SecondOrderRecord(_Part, frozen=True, kw_only=True):
    """The second derivatives of a case whose gradient is right: the Hessian H of ⟨v, f⟩, or its products H u with random directions u.

    `rows` names the directions: the entry that moves ("x[0]"), or a random direction and its seed. In `reference` and `derivations` the
    gradient of an argument has a row for each of them, which says how it moves along that direction.
    """

    verdict: Verdict  #: the worst of the comparisons
    explanation: str  #: what was found, in one sentence
    rows: list[str] = []  #: the directions
    reference: ReferenceRecord | None = None  #: the truth, where there is one
    derivations: list[DerivationRecord] = []  #: what reverse over reverse, forward over reverse and differences of gradients said
    comparisons: list[Comparison] = []  #: each of them against the truth, by argument


class CaseRecord(_Part, frozen=True, kw_only=True):
    """An exercise at one point: its `arguments`, what every method derived, and what the comparisons mean together.

    `origin`: "example", "sampled", "new path", "given" or "waypoint". `mode`: "vjp", "jacobian" or "projection". `explanation` is one
    sentence. `stochastic` stands beside the verdict, it is not one.
    """

    number: int  #: counts the points of the exercise
    origin: str  #: where the point comes from
    dtype: str  #: the dtype under test
    mode: str  #: "vjp", "jacobian" or "projection"
    seed: int  #: of the point and of the function's random draws
    verdict: Verdict  #: the worst of the comparisons
    explanation: str  #: what was found, in one sentence
    arguments: dict[str, Numbers]  #: the point, by argument
    upstream: list[Numbers | None]  #: v, one per output; null where an output is not floating
    value: list[Numbers]  #: the function's outputs
    complex_outputs: list[int] = []  #: which of them are complex: a last dimension of 2 holds the real and the imaginary part
    path: PathRecord  #: the execution path
    reference: ReferenceRecord | None  #: the truth, where there is one
    derivations: list[DerivationRecord]  #: what every method said
    comparisons: list[Comparison]  #: every method's gradient of every argument against the truth
    second: SecondOrderRecord | None = None  #: the second derivatives, where they were asked for and the gradient is right
    cuts: list[CutRecord] = []  #: where the gradient stops
    curves: list[CurveRecord] = []  #: points for plots
    steps: list[StepRecord] = []  #: the operations, where they are few
    stochastic: bool = False  #: the function draws random numbers


class MathematicsRecord(_Part, frozen=True, kw_only=True):
    """The symbolic reading of one path, as LaTeX: the function, the gradient of each argument, the path condition; `formula` is the
    author's `answer` per argument, as written, once it was proved equal. `note` says why something is missing."""

    path: str  #: the path's signature
    function: str = ""  #: the function
    gradients: dict[str, str] = {}  #: its gradient, by argument
    condition: list[str] = []  #: when the path is taken
    formula: dict[str, str] = {}  #: the author's answers that were proved equal, by argument
    note: str = ""  #: why something is missing


class PublishedRecord(_Part, frozen=True, kw_only=True):
    """A published number and what was found: `what` names it ("gradient of x at [1]"), `within` is the tolerance it was published to."""

    what: str  #: which number
    published: Number  #: as the exercise gives it
    found: Number  #: as PyTorch computes it
    within: float  #: the tolerance it was published to
    reproduced: bool  #: whether they meet


class DescentRecord(_Part, frozen=True, kw_only=True):
    """A training run: logged steps, the loss there, and each parameter's entries there (`parameters[name][k]` belongs to `steps[k]`)."""

    optimizer: str  #: "sgd" or "adam"
    rate: float  #: learning rate
    total: int  #: number of steps
    steps: list[int]  #: the steps that were logged
    loss: list[Number]  #: the loss at each of them
    parameters: dict[str, list[list[Number]]]  #: the entries of each parameter at each of them
    seconds: float = 0.0  #: wall time


class SourceRecord(_Part, frozen=True, kw_only=True):
    """The function as written: file name, first line (1-based), text, and the SHA-256 of that text."""

    file: str  #: the file's name
    line: int  #: first line
    text: str  #: the source text
    sha256: str  #: of that text


class InputRecord(_Part, frozen=True, kw_only=True):
    """An input as declared: shape in letters ("n 3"), kind ("real", "complex", "integer", "boolean", "parameter"), domain in
    words. The tensors of a complex input are real, with a last dimension of 2 more: the real and the imaginary part."""

    name: str  #: the input's name
    shape: str  #: in letters, "n 3"
    kind: str  #: "real", "complex", "integer", "boolean" or "parameter"
    domain: str  #: where its entries may lie, in words
    differentiated: bool  #: whether a gradient with respect to it is checked


class Record(_Part, frozen=True, kw_only=True):
    """One exercise: its verdict and expected outcome, its cases, and all that a page about it shows."""

    exercise: str  #: "file.py::name"
    title: Text  #: the exercise's title
    statement: Text  #: what students read
    verdict: Verdict  #: the worst of the cases
    expected: Verdict  #: the outcome that the exercise declares
    as_expected: bool  #: whether that is what was found, and every required method arrived
    explanation: str  #: what was found, in one sentence
    theme: str = ""  #: the file's stem, for grouping
    origin: str = ""  #: where the exercise comes from (the author's `source`)
    points: float = 1.0  #: what the exercise is worth
    seconds: float = 0.0  #: wall time
    seed: int = 0  #: the run's seed
    stochastic: bool = False  #: the function draws random numbers
    required: list[str] = []  #: methods that must arrive
    missing: list[str] = []  #: required methods that did not
    inputs: list[InputRecord] = []  #: the inputs as declared
    source: SourceRecord | None = None  #: the function as written
    published: list[PublishedRecord] = []  #: published numbers, and what was found
    cases: list[CaseRecord] = []  #: the points that were checked
    paths: list[PathRecord] = []  #: the execution paths that were seen
    mathematics: list[MathematicsRecord] = []  #: the symbolic reading of each path
    descent: DescentRecord | None = None  #: the training run, where there is one
    operations: list[OperationRecord] = []  #: the custom operations that it uses
    notes: list[str] = []  #: what else a reader should know, such as "path unseen"


class CheckRecord(_Part, frozen=True, kw_only=True):
    """One question that was asked of a custom operation. What stands `beside` the verdict is not about its first derivative, and does not
    make the exercise wrong."""

    name: str  #: "backward", "repeated", "needs_input_grad", "upstream", "outputs", "double backward", "forward mode", "vmap", "opcheck …"
    verdict: Verdict  #: what was found; "unsupported" where the operation does not offer it
    message: str  #: one sentence
    beside: bool = False  #: does not count in the exercise's verdict


class OperationRecord(_Part, frozen=True, kw_only=True):
    """An operation that torch did not write, examined alone at the inputs of its first call."""

    name: str  #: the class, "Square", or the operator, "mylib.square"
    kind: str  #: "autograd.Function", "torch.library" or "torch.compile"
    line: str  #: where its backward is written, "net.py:12"
    called: str  #: where it is called
    checks: list[CheckRecord] = []  #: what was asked of it


class Refusal(_Part, frozen=True, kw_only=True):
    """An exercise or file that could not be used: `fault` is "author", "usage" or "harness"."""

    what: str  #: the target or exercise
    fault: str  #: whose fault it is
    message: str  #: one sentence
    file: str | None = None  #: the file
    line: int | None = None  #: the line
    advice: str = ""  #: what to do


class Provenance(_Part, frozen=True, kw_only=True):
    """Where and how a run was made. Times are UTC, ISO 8601; `seconds` is wall time."""

    started: str  #: UTC, ISO 8601
    seconds: float  #: wall time
    command: str  #: the command line
    platform: str  #: operating system and processor
    python: str  #: version
    versions: dict[str, str]  #: of the libraries that take part
    devices: list[str]  #: the devices that torch sees
    processors: int  #: processors that could be used
    seed: int  #: every random draw derives from it


class Document(_Part, frozen=True, kw_only=True):
    """A record file: `{"schema": …, "records": […], …}`. `complete` is false when the run was interrupted."""

    records: list[Record]  #: one per exercise, in the order of the targets
    schema: str = SCHEMA  #: the form of this document
    complete: bool = True  #: false when the run was interrupted
    provenance: Provenance | None = None  #: where and how it was made
    refusals: list[Refusal] = []  #: what could not be used
