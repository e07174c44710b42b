"""What crosses the border between the trusted host and the sandbox, in words.

Comes in: nothing.  Goes out: frozen value types.  Why: both sides of the border import this file, and the inner side has neither
the checker's other modules nor its dependencies: the standard library and NumPy only.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: What is mounted for an answer: NumPy alone, or NumPy and torch. Code that must not use autograd runs where torch is not there.
Kind = Literal["numpy", "torch"]

#: What is asked of an answer: its gradient; the value and then the gradient of a pair or an operation; the parameters after a step.
Verb = Literal["gradient", "forward", "backward", "step"]

#: What stands between untrusted code and the machine; `layers.py` says what each stops. Tests leave one out at a time.
LAYERS = ("bubblewrap", "namespaces", "limits", "privileges", "landlock", "seccomp")
ALL = frozenset(LAYERS)


class Form(enum.StrEnum):
    """How an answer was written, which decides how it is asked."""

    FORMULA = "formula"  #: a text, or a dict of texts by argument
    GRADIENT = "gradient"  #: a function that returns the gradient
    PAIR = "pair"  #: `<name>_forward` and `<name>_backward`
    OPERATION = "operation"  #: a `torch.autograd.Function`
    STEP = "step"  #: `<name>_step(params, batch)`, one step of training


class Reason(enum.StrEnum):
    """Why untrusted code gave no answer."""

    RAISED = "raised"  #: a Python exception
    TIMED_OUT = "timed_out"  #: it took longer than its limit
    MEMORY = "memory"  #: it asked for more memory than its limit
    OUTPUT = "output"  #: it wrote, or returned, more than its limit
    DIED = "died"  #: the interpreter ended: a crash, an exit, a signal
    PROTOCOL = "protocol"  #: what it sent is no answer: a forged, malformed or unasked frame
    KIND = "kind"  #: what it returned is no array of numbers: named


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one submission may use. An assignment may set each."""

    load_seconds: float = 10.0  #: wall time for running its code once, slow imports included
    call_seconds: float = 5.0  #: wall time for one answer at one point
    seconds: float = 60.0  #: wall time in all
    memory_mib: int = 512  #: memory beyond the interpreter's own
    output_kib: int = 64  #: of what it prints, so much is kept; 64 times as much ends it
    result_mib: int = 16  #: the largest array that it may return
    processes: int = 32  #: threads and processes at the same time
    disk_mib: int = 16  #: of temporary files


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of a program that is run by itself: a whole file, or one cell of a notebook. `label` is shown to the student ("cell 3")."""

    label: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Program:
    """A file of a submission as code. Its parts run in order in one module; one that raises does not take the others down.

    `name` is the file's name; `answers.py` can be imported by the submission's other programs as `answers`.
    """

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Why something failed, as far as a student may be told: `text` is the code's own and untrusted, bounded to 2,000 characters."""

    reason: Reason
    text: str = ""
    label: str = ""  #: the part it happened in
    line: int | None = None  #: 1-based, within that part


@dataclass(frozen=True, kw_only=True)
class Found:
    """What stands behind a name that was asked for. Formulas are texts by argument; the key "" means the only argument."""

    form: Form
    formulas: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What running a submission's code gave: the answers found, by exercise name, and the parts that failed."""

    found: Mapping[str, Found] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    imports_torch: bool = False  #: some part failed only because torch is not there, or torch was loaded


class Stopped(Exception):
    """Untrusted code gave no answer: `trouble` says why. Never the harness's fault."""

    def __init__(self, trouble: Trouble) -> None:
        self.trouble = trouble
        super().__init__(trouble.reason.value, trouble.text)
