"""The record: what is written as JSON, and the only thing that reports are made from.

Comes in: nothing.  Goes out: msgspec structs, `encode` and `decode`.  Why: a report can be made again at any time without running
anything, and other programs can rely on its form. Each field has its sentence here; `docs/record.md` is generated from them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from checker.errors import UsageError
from checker.values import Array, Comparison, Number, Verdict, number

#: Raised by one whenever a field changes its meaning or disappears. Readers refuse what they do not know.
SCHEMA = "gradient-checker/record/1"

#: Arrays longer than this are written with their first entries, their norm and how many were left out.
LONGEST = 512


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the record: immutable, named fields only."""


class Numbers(_Part, frozen=True, kw_only=True):
    """An array. `values` is flat, in row-major order, of at most 512 entries; `omitted` counts those left out; `norm` is ‖·‖₂ of all."""

    shape: tuple[int, ...]
    values: list[Number]
    omitted: int = 0
    norm: Number = 0.0

    @classmethod
    def of(cls, array: Array) -> Numbers:
        flat = np.asarray(array, dtype=np.float64).ravel()
        with np.errstate(all="ignore"):
            norm = number(float(np.linalg.norm(flat)))
        return cls(
            shape=tuple(np.shape(array)),
            values=[number(v) for v in flat[:LONGEST]],
            omitted=max(0, flat.size - LONGEST),
            norm=norm,
        )


class Text(_Part, frozen=True, kw_only=True):
    """A sentence for people: English, and Simplified Chinese where there is one. Markdown, with mathematics between dollars."""

    en: str
    zh: str | None = None


class ProblemRecord(_Part, frozen=True, kw_only=True):
    """Why something did not arrive: a verdict's name, a sentence, and the user's line ("file.py:12") where one is known."""

    verdict: Verdict
    message: str
    line: str | None = None


class DerivationRecord(_Part, frozen=True, kw_only=True):
    """What one method said about one case.

    `seconds` is wall time. `gradients` and `error` (bound or estimate, absolute) are per argument. `details` holds what a method adds
    for its plots: of `differences`, "steps": {"h": [...], "error": [...], "chosen": h} (relative error of the directional derivative).
    """

    method: str
    device: str
    dtype: str
    seconds: float
    value: list[Numbers] = []
    gradients: dict[str, Numbers] = {}
    error: dict[str, Numbers] = {}
    problem: ProblemRecord | None = None
    details: dict[str, Any] = {}


class ReferenceRecord(_Part, frozen=True, kw_only=True):
    """The truth of one case: `kind` is "certified" or "differences"; `gradients`, the `radius` they are known to, the `allowed` error, and
    in `origin` where that comes from."""

    kind: str
    origin: str
    gradients: dict[str, Numbers]
    radius: dict[str, Numbers]
    allowed: dict[str, Numbers]


class CutRecord(_Part, frozen=True, kw_only=True):
    """A place where the gradient stops: mechanism, line, text of the line, whether it is `explicit` (detach, no_grad), `declared` by the
    exercise, `baked` (the value left the tape), and in `uncut` the gradient as it would be with this and every other cut open."""

    how: str
    line: str
    code: str
    explicit: bool
    declared: bool
    baked: bool
    uncut: dict[str, Numbers] = {}


class PathRecord(_Part, frozen=True, kw_only=True):
    """An execution path: its `signature` (a short hash of the decisions), the `conditions` under which it is taken, in words of Python
    and as LaTeX, and the lines on which Python decided."""

    signature: str
    conditions: list[str] = []
    latex: list[str] = []
    lines: list[str] = []


class StepRecord(_Part, frozen=True, kw_only=True):
    """One operation of the tape for the computation graph: ATen name, line, shapes, and the operands' and result's slots."""

    operation: str
    line: str
    code: str
    operands: list[int]
    results: list[int]
    shape: tuple[int, ...]


class CurveRecord(_Part, frozen=True, kw_only=True):
    """Points for a plot. Kinds: "tangent" (x, y of the function; `extra`: point, value, slope), "contour" (x, y axes and z row-major,
    a row per y; `extra`: names, point, gradient), "path" (x: step, y: loss; `extra`: one list per parameter entry)."""

    kind: str
    argument: str = ""
    x: list[Number] = []
    y: list[Number] = []
    z: list[Number] = []
    extra: dict[str, Any] = {}


class CaseRecord(_Part, frozen=True, kw_only=True):
    """An exercise at one point: its `arguments`, what every method derived, and what the comparisons mean together.

    `origin`: "example", "sampled", "new path", "given" or "waypoint". `mode`: "vjp" or "projection". `explanation` is one sentence.
    `stochastic` stands beside the verdict, it is not one.
    """

    number: int
    origin: str
    dtype: str
    mode: str
    seed: int
    verdict: Verdict
    explanation: str
    arguments: dict[str, Numbers]
    upstream: list[Numbers | None]
    value: list[Numbers]
    path: PathRecord
    reference: ReferenceRecord | None
    derivations: list[DerivationRecord]
    comparisons: list[Comparison]
    cuts: list[CutRecord] = []
    curves: list[CurveRecord] = []
    steps: list[StepRecord] = []
    stochastic: bool = False


class MathematicsRecord(_Part, frozen=True, kw_only=True):
    """The symbolic reading of one path, as LaTeX: the function, the gradient of each argument, the path condition; `formula` is the
    author's `answer` per argument, as written, once it was proved equal. `note` says why something is missing."""

    path: str
    function: str = ""
    gradients: dict[str, str] = {}
    condition: list[str] = []
    formula: dict[str, str] = {}
    note: str = ""


class PublishedRecord(_Part, frozen=True, kw_only=True):
    """A published number and what was found: `what` names it ("gradient of x at [1]"), `within` is the tolerance it was published to."""

    what: str
    published: Number
    found: Number
    within: float
    reproduced: bool


class DescentRecord(_Part, frozen=True, kw_only=True):
    """A training run: logged steps, the loss there, and each parameter's entries there (`parameters[name][k]` belongs to `steps[k]`)."""

    optimizer: str
    rate: float
    total: int
    steps: list[int]
    loss: list[Number]
    parameters: dict[str, list[list[Number]]]
    seconds: float = 0.0


class SourceRecord(_Part, frozen=True, kw_only=True):
    """The function as written: file name, first line (1-based), text, and the SHA-256 of that text."""

    file: str
    line: int
    text: str
    sha256: str


class InputRecord(_Part, frozen=True, kw_only=True):
    """An input as declared: shape in letters ("n 3"), kind ("real", "integer", "boolean", "parameter"), domain in words."""

    name: str
    shape: str
    kind: str
    domain: str
    differentiated: bool


class Record(_Part, frozen=True, kw_only=True):
    """One exercise: its verdict and expected outcome, its cases, and all that a page about it shows."""

    exercise: str  #: "file.py::name"
    title: Text
    statement: Text
    verdict: Verdict
    expected: Verdict
    as_expected: bool
    explanation: str  #: what was found, in one sentence
    theme: str = ""  #: the file's stem, for grouping
    origin: str = ""  #: where the exercise comes from (the author's `source`)
    points: float = 1.0
    seconds: float = 0.0
    seed: int = 0
    stochastic: bool = False
    required: list[str] = []  #: methods that must arrive
    missing: list[str] = []  #: required methods that did not
    inputs: list[InputRecord] = []
    source: SourceRecord | None = None
    published: list[PublishedRecord] = []
    cases: list[CaseRecord] = []
    paths: list[PathRecord] = []
    mathematics: list[MathematicsRecord] = []
    descent: DescentRecord | None = None
    notes: list[str] = []  #: what else a reader should know, such as "path unseen"


class Refusal(_Part, frozen=True, kw_only=True):
    """An exercise or file that could not be used: `fault` is "author", "usage" or "harness"."""

    what: str
    fault: str
    message: str
    file: str | None = None
    line: int | None = None
    advice: str = ""


class Provenance(_Part, frozen=True, kw_only=True):
    """Where and how a run was made. Times are UTC, ISO 8601; `seconds` is wall time."""

    started: str
    seconds: float
    command: str
    platform: str
    python: str
    versions: dict[str, str]
    devices: list[str]
    processors: int
    seed: int


class Document(_Part, frozen=True, kw_only=True):
    """A record file: `{"schema": …, "records": […], …}`. `complete` is false when the run was interrupted."""

    records: list[Record]
    schema: str = SCHEMA
    complete: bool = True
    provenance: Provenance | None = None
    refusals: list[Refusal] = []


def encode(document: Document) -> bytes:
    """The record file's bytes: JSON, indented by one space so that a difference of two files can be read."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def decode(data: bytes, *, name: str = "record") -> Document:
    """Read a record file.

    Raises:
        UsageError: the bytes are not a record, or one of another schema.
    """
    try:
        schema = msgspec.json.decode(data, type=dict[str, Any]).get("schema")
    except msgspec.DecodeError as error:
        raise UsageError(f"{name} is not a record file: {error}. Make one with `checker check --record FILE`.") from None
    if schema != SCHEMA:
        raise UsageError(f"{name} has schema {schema!r}; this version reads {SCHEMA!r}. Check again to make a new record.")
    try:
        return msgspec.json.decode(data, type=Document)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} is not a valid record: {error}.") from None


def read(path: Path) -> Document:
    """Read the record file at `path`.

    Raises:
        UsageError: it cannot be read, or is not a record.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    return decode(data, name=str(path))


def write(path: Path, document: Document) -> None:
    """Write the record file at `path`: whole, or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        temporary.write_bytes(encode(document))
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"the record cannot be written to {path}: {error.strerror}. Give another file with --record.") from None
    finally:
        temporary.unlink(missing_ok=True)
