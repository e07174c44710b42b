"""From what an answer turned out to be, to what a class record says: the values of grading.

Comes in: nothing.  Goes out: msgspec structs.  Why: the gradebook keeps them, pages and exports are made from them alone, and no
other shape of a grade exists.

    Submission → Result (what is right or wrong, no points) → Grade (points) → ClassRecord (everyone)

A `Finding` is all that a student is told about a part; it never holds a true value. `comparisons` do, and are the instructor's.
"""

from __future__ import annotations

import enum

import msgspec

from checker.record import Text
from checker.sandbox.values import Form
from checker.values import Comparison, Number

SCHEMA = "gradient-checker/class/1"


class Kind(enum.StrEnum):
    """What was found about one part of an answer. All but the first are mistakes, the plain ones first."""

    RIGHT = "right"
    SIGN = "sign"  #: the negative of the gradient
    FACTOR = "factor"  #: a constant times the gradient; `factor` names it
    MEAN = "mean"  #: a mean where a sum was asked, or the reverse; `factor` is the number of terms
    TRANSPOSED = "transposed"  #: the transpose of the gradient
    BROADCAST = "broadcast"  #: another shape that broadcasts to the right one, with right values
    UNSUMMED = "unsummed"  #: right once it is summed over the axes along which the argument is broadcast
    SHAPE = "shape"  #: another shape
    SOME_ENTRIES = "some_entries"  #: right in some entries only
    CHAIN = "chain"  #: right but for one step of the chain rule; `detail` names it
    UPSTREAM = "upstream"  #: the upstream gradient was not used
    SINGLE = "single"  #: right to float32 only, where float64 is asked
    UNSTABLE = "unstable"  #: right at ordinary inputs, not at large ones
    NOT_FINITE = "not_finite"  #: NaN or infinity where the gradient is finite
    WRONG = "wrong"  #: wrong, and no plain mistake
    MISSING = "missing"  #: nothing was returned for this argument
    ABSENT = "absent"  #: the exercise has no answer in this submission
    UNREADABLE = "unreadable"  #: a formula that cannot be read, or a file
    FORBIDDEN = "forbidden"  #: torch was needed where the exercise forbids it
    RETURNED = "returned"  #: what was returned is no array of numbers
    RAISED = "raised"  #: an exception
    TIMED_OUT = "timed_out"  #: it took longer than its limit
    MEMORY = "memory"  #: it asked for more memory than its limit
    OUTPUT = "output"  #: it printed, or returned, more than its limit
    DIED = "died"  #: the interpreter ended
    PROTOCOL = "protocol"  #: what it sent is no answer


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What was found about one part of an answer: the gradient of an argument, the value ("forward"), a parameter after a step, or, with an
    empty `part`, the whole answer. All text is plain and untrusted; `detail` is in English, or the student's own program's words."""

    part: str
    kind: Kind
    index: tuple[int, ...] | None = None  #: the first wrong entry
    got: Number | None = None  #: the student's value there
    wrong: int = 0  #: how many entries are wrong
    entries: int = 0  #: of how many
    factor: str = ""  #: "2", "1/2", "−1", "1/n (n = 4)"
    shape: tuple[int, ...] | None = None  #: what was returned
    expected_shape: tuple[int, ...] | None = None  #: what was asked, which is the argument's
    detail: str = ""  #: more words: an exception's, a formula's error
    label: str = ""  #: the student's file or cell
    line: int | None = None  #: and line in it
    forward: bool = False  #: judged by differences of the student's own forward, which is wrong
    update: bool = False  #: of a parameter's update by a training step, and not of a gradient


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer turned out to be. Points are no part of it, so that a change of points runs nothing again."""

    exercise: str  #: "file.py::name"
    form: Form | None  #: None where there is no answer
    findings: list[Finding]  #: one a part, in the order of the exercise's inputs; one with an empty part where nothing can be told apart
    comparisons: list[Comparison] = []  #: with the true values: for instructors only
    suspicions: list[str] = []  #: why a person should look at it
    output: str = ""  #: what the code printed, bounded, untrusted
    seconds: float = 0.0  #: wall time of its calls
    sandboxed: bool = True  #: false only with --i-trust-these-files


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """Points that a person gave in place of the computed ones. `when` is UTC, ISO 8601."""

    exercise: str
    earned: float
    who: str
    when: str
    why: str


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """A result with points. `credit` is the share earned by each part; `earned` is what counts, an override included."""

    result: Result
    points: float  #: what the exercise is worth
    earned: float
    credit: dict[str, float] = {}
    override: Override | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One submission of a student, graded. `counts` marks the attempt that the total comes from. Times are ISO 8601 with their zone."""

    number: int
    content: str  #: SHA-256 of what was handed in
    source: str  #: where it was found
    submitted: str | None
    late_days: float  #: started days after the due date, 0 where in time
    deduction: float  #: the share of the points that lateness takes
    earned: float  #: after the deduction
    grades: list[Grade]
    problems: list[str] = []  #: files that could not be read
    counts: bool = False
    coarse: bool = False  #: so many attempts were made before that the student is told only right or wrong


class StudentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One student: `earned` is that of the attempt that counts."""

    id: str
    name: str
    earned: float
    attempts: list[Attempt]

    @property
    def counted(self) -> Attempt | None:
        """The attempt that counts; none where there is no attempt."""
        return next((attempt for attempt in self.attempts if attempt.counts), None)


class ExerciseHead(msgspec.Struct, frozen=True, kw_only=True):
    """What pages need to know of an exercise; never its answer."""

    id: str
    name: str
    title: Text
    statement: Text
    points: float
    parts: list[str] = []  #: its differentiated arguments


class ClassRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Everyone's grades in one assignment. Pages and exports are made from this alone."""

    title: str
    points: float  #: the most that can be earned
    exercises: list[ExerciseHead]
    students: list[StudentRecord]
    schema: str = SCHEMA
    due: str | None = None  #: ISO 8601 with its zone
    graded: str = ""  #: when it was last graded, UTC
    versions: dict[str, str] = {}
