"""The assignment file.

Comes in: `assignment.toml`, or targets as on the command line.  Goes out: `Assignment`: exercises, points, due date, limits, credit.  Why:
everything that a course decides about grading stands in one file, and whatever is wrong with it is said at once, before anything runs.

`File` is the form of that file: each key with its type, its range, its default and its sentence; `docs/assignment.md` is generated from it.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Meta

from checker import catalogue
from checker.authoring import Exercise
from checker.content import exercises_folder
from checker.errors import ExerciseError, UsageError
from checker.grading.book.terms import Attempts, Due, Late, Minutes, Positive, Share, Terms, minutes
from checker.grading.grades import ExerciseHead, Kind
from checker.provenance import versions
from checker.sandbox.values import Limits
from checker.transcribe import text_of

Points = Annotated[float, Meta(ge=0, le=1e6, description="a number from 0 to 1,000,000")]
Text = Annotated[str, Meta(min_length=1, max_length=200, description="a text of 1 to 200 characters in quotation marks")]
Targets = Annotated[list[str], Meta(min_length=1, description='a list of targets, such as ["vectors.py", "layers.py::affine"]')]
Packages = Annotated[list[str], Meta(description='a list of packages, such as ["einops"]')]
Names = Annotated[list[str], Meta(description='a list of names, such as ["twice_dot"]')]


def _from(low: float, high: float, unit: str) -> Meta:
    return Meta(ge=low, le=high, description=f"{unit} from {low:g} to {high:,}")


class LimitsTable(msgspec.Struct, frozen=True, kw_only=True):
    """What one submission may use."""

    load_seconds: Annotated[float, _from(0.1, 600, "a number of seconds")] = Limits.load_seconds  #: for running its code once
    call_seconds: Annotated[float, _from(0.01, 600, "a number of seconds")] = Limits.call_seconds  #: for one answer at one point
    seconds: Annotated[float, _from(0.1, 3600, "a number of seconds")] = Limits.seconds  #: in all
    memory_mib: Annotated[int, _from(32, 65536, "a whole number of MiB")] = Limits.memory_mib  #: memory beyond the interpreter's own
    output_kib: Annotated[int, _from(1, 16384, "a whole number of KiB")] = Limits.output_kib  #: of what it prints, so much is kept
    result_mib: Annotated[int, _from(1, 1024, "a whole number of MiB")] = Limits.result_mib  #: the largest array that it may return
    processes: Annotated[int, _from(1, 1024, "a whole number")] = Limits.processes  #: threads and processes at the same time
    disk_mib: Annotated[int, _from(1, 4096, "a whole number of MiB")] = Limits.disk_mib  #: of temporary files


class File(msgspec.Struct, frozen=True, kw_only=True):
    """`assignment.toml`."""

    title: Text = "Assignment"  #: names the assignment in the gradebook, on pages and in exports
    exercises: Targets  #: files, folders or `file.py::name`, beside this file or built in
    points: dict[str, Points] = {}  #: what an exercise is worth, by its name; default: what its author wrote
    due: Due | None = None  #: when it is due; none: never
    late: Late = Late()  #: what lateness takes
    attempts: Attempts = Attempts()  #: which attempt counts
    limits: LimitsTable = LimitsTable()  #: what one submission may use
    credit: dict[Kind, Share] = {}  #: the share of a part's points that a kind of mistake still earns
    by_hand: Names = []  #: exercises whose answers run where torch cannot be imported
    libraries: Packages = []  #: further packages of this Python that answers may import
    coarse_after: Positive = 5  #: after so many attempts feedback says only right or wrong


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """Exercises, and what the course decided about grading them. `points`, `fingerprints` and `by_hand` go by the exercise's name."""

    title: str
    exercises: tuple[Exercise, ...]
    points: Mapping[str, float]
    fingerprints: Mapping[str, str] = field(repr=False)  #: of the exercises as they were loaded
    due: datetime | None = None
    late: Late = field(default_factory=Late)
    attempts: Attempts = field(default_factory=Attempts)
    limits: Limits = field(default_factory=Limits)
    credit: Mapping[Kind, float] = field(default_factory=dict)
    by_hand: frozenset[str] = frozenset()
    libraries: tuple[str, ...] = ()
    coarse_after: int = 5
    sandboxed: bool = True  #: false where its submissions are run without a sandbox, which no file can ask for

    @property
    def terms(self) -> Terms:
        """What the gradebook keeps of it."""
        heads = [
            ExerciseHead(
                id=one.id,
                name=one.name,
                title=text_of(one.title),
                statement=text_of(one.statement),
                points=self.points[one.name],
                parts=list(one.differentiated),
            )
            for one in self.exercises
        ]
        return Terms(
            exercises=heads, due=self.due, late=self.late, attempts=self.attempts, coarse_after=self.coarse_after, versions=versions()
        )


def read(path: Path) -> Assignment:
    """The assignment at `path`. Its exercises are imported, and so run, as the user.

    Raises:
        UsageError: the file cannot be read, or is wrong: every problem, a line each.
        ExerciseError: only exercises are, by their author's fault.
    """
    problems: list[str] = []
    values = _filled(File, _table(path), problems)
    found = catalogue.find([_beside(path.parent, target) for target in values["exercises"]]) if "exercises" in values else catalogue.Found()
    faults = _faults(found)
    if found.exercises:
        names = [one.name for one in found.exercises]
        for key in ("points", "by_hand"):
            problems += [_unknown(f"{key}: there is no exercise", name, names) for name in values.get(key, ()) if name not in names]
    if problems:
        raise UsageError("\n".join([f"the assignment {path} cannot be used:", *(f"  {one}" for one in (*problems, *faults))]))
    if faults:
        raise ExerciseError("\n".join(faults))
    return _assignment(File(**values), found.exercises)


def plain(targets: Sequence[str] = ()) -> Assignment:
    """An assignment without a file: the exercises that `targets` name, everything else as it is by default.

    Raises:
        ExerciseError: some of them cannot be used.
    """
    found = catalogue.find(targets)
    if faults := _faults(found):
        raise ExerciseError("\n".join(faults))
    return _assignment(File(title=", ".join(targets) or "Built-in exercises", exercises=list(targets)), found.exercises)


def fingerprint(exercise: Exercise) -> str:
    """SHA-256 of the exercise's name and of the whole file that it stands in, in hexadecimal: of all that can change how it is judged.

    An exercise without a file goes by its own text. What its file imports from other files is not seen.
    """
    path = Path(exercise.path)
    source = path.read_bytes() if exercise.path and path.is_file() else exercise.text.encode()
    return hashlib.sha256(exercise.name.encode() + b"\0" + source).hexdigest()


def conditions(assignment: Assignment, exercise: Exercise) -> str:
    """SHA-256 of what in the assignment can change a result of `exercise`, in hexadecimal: limits, imports, the sandbox; never points."""
    parts = (assignment.limits, exercise.name in assignment.by_hand, assignment.libraries, assignment.sandboxed)
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _assignment(file: File, exercises: tuple[Exercise, ...]) -> Assignment:
    return Assignment(
        title=file.title,
        exercises=exercises,
        points={one.name: file.points.get(one.name, one.points) for one in exercises},
        fingerprints={one.name: fingerprint(one) for one in exercises},
        due=file.due,
        late=file.late,
        attempts=file.attempts,
        limits=Limits(**msgspec.structs.asdict(file.limits)),
        credit=file.credit,
        by_hand=frozenset(file.by_hand),
        libraries=tuple(file.libraries),
        coarse_after=file.coarse_after,
    )


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the assignment {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"the assignment {path} is not UTF-8: save it as UTF-8.") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"the assignment {path} is not TOML: {error}.") from None


def _beside(folder: Path, target: str) -> str:
    """`target` as seen from the assignment's own folder; what is not there is one of the built-in exercises, or a module's function."""
    file, _, name = target.partition("::")
    for place in (folder / file, exercises_folder() / file):
        if place.exists():
            return f"{place}::{name}" if name else str(place)
    return target


def _faults(found: catalogue.Found) -> list[str]:
    """A sentence for each target that cannot be used, and for each name that two exercises share: an answer goes by the name alone."""
    faults = [str(ExerciseError(f"{one.what}: {one.message}", file=one.file, line=one.line, advice=one.advice)) for one in found.refusals]
    by_name: dict[str, str] = {}
    for one in found.exercises:
        first = by_name.setdefault(one.name, one.id)
        if first != one.id:
            faults.append(f"{first} and {one.id} have the same name, by which students answer: rename one of them.")
    return faults


def _filled(form: type[msgspec.Struct], table: Mapping[str, Any], problems: list[str], within: str = "") -> dict[str, Any]:
    """The values of `table` that fit `form`, by key; a sentence for each of the others joins `problems`."""
    fields = {one.name: one for one in msgspec.structs.fields(form)}
    problems += [_unknown("there is no key", within + key, [within + name for name in fields]) for key in table if key not in fields]
    problems += [
        f"{within}{name} is missing: write {wanted(one.type, name)}." for name, one in fields.items() if one.required and name not in table
    ]
    values = {name: _value(fields[name].type, value, problems, within + name) for name, value in table.items() if name in fields}
    return {name: value for name, value in values.items() if value is not None}


def _value(kind: Any, value: Any, problems: list[str], key: str) -> Any:
    """`value` as `kind`, or None and a sentence that says what to write."""
    table = get_args(kind) if get_origin(kind) is dict else ()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        return kind(**_filled(kind, value, problems, f"{key}."))
    if table and isinstance(value, dict):
        kinds = [one.value for one in Kind if one is not Kind.RIGHT] if table[0] is Kind else list(value)
        problems += [_unknown(f"{key}: there is no kind of mistake", name, kinds) for name in value if name not in kinds]
        entries = {name: _value(table[1], one, problems, f"{key}.{name}") for name, one in value.items()}
        return {table[0](name): one for name, one in entries.items() if name in kinds and one is not None}
    try:
        return msgspec.convert(minutes(value) if Minutes in (kind, *get_args(kind)) else value, kind)
    except msgspec.ValidationError:
        problems.append(f"{key} is {_shown(value)}: write {wanted(kind, key)}.")
        return None


def wanted(kind: Any, key: str) -> str:
    """What `key`, which has this type, takes: in words, after "write"."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"a table, [{key}]"
    said = next(one.description for part in (kind, *get_args(kind)) for one in getattr(part, "__metadata__", ()))
    return f"a table, [{key}], with {said} for each" if get_origin(kind) is dict else said


def _shown(value: object) -> str:
    """What was written, as TOML has it, in at most sixty characters."""
    text = value.isoformat() if isinstance(value, (date, time)) else json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:60]}…"


def _unknown(what: str, name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"{what} {name!r}. " + (f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(names)}.")
