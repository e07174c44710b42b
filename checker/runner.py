"""Examining many exercises, each in a child of its own.

Comes in: exercises and settings.  Goes out: a `Document`.  Why: one exercise that crashes, never ends or meets a fault of this program must
cost the others nothing, and an interrupted run must keep what it has found.
"""

from __future__ import annotations

import functools
import importlib
import math
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from checker import children
from checker.api import check
from checker.authoring import Exercise
from checker.catalogue import shown
from checker.errors import ExerciseError, UsageError
from checker.examine import examine
from checker.garbage import frozen, loading
from checker.memory import asked_for, left, share
from checker.methods.failures import absent
from checker.provenance import cores, provenance
from checker.record import Document, Record, Refusal
from checker.transcribe import inputs_of, source_of, text_of
from checker.values import Settings, Verdict

#: Everything about one exercise, in this process.
Examine = Callable[[Exercise, Settings], Record]

#: What takes long to load and only some exercises ask for: those at kinks, and those that forward mode multiplies by a constant.
SLOW = ("scipy.optimize", "torch._dynamo")

#: From this effort on an exercise takes so long that it may as well load for itself what the others find loaded.
LONG = 5000


class _Outcome(msgspec.Struct, frozen=True):
    """What a child sends back."""

    found: Record | None = None
    refused: Refusal | None = None


def run(
    exercises: Sequence[Exercise],
    settings: Settings,
    *,
    refusals: Sequence[Refusal] = (),
    command: str = "",
    on_done: Callable[[Record | Refusal], None] = lambda _: None,
    examine: Examine = examine,
) -> Document:
    """Examine `exercises`, at most `settings.jobs` at a time, and put the records together in the order of `exercises`.

    `refusals` are those that were met while finding the exercises; they go first. `on_done` is called with each result as it comes.
    Ctrl-C or SIGTERM ends the run early: the document is then not `complete` and holds what was finished.
    """
    children.keep_forkable()
    settings = replace(settings, memory=settings.memory or share(min(settings.jobs or cores(), len(exercises))))
    started, start = datetime.now(UTC), time.monotonic()
    one = functools.partial(_outcome, examine)
    outcomes: dict[int, _Outcome] = {}
    complete = True
    try:
        with children.terminated_as_interrupted(), children.one_thread(), frozen():
            for number, outcome in (_forked if children.CAN_FORK else _here)(one, exercises, settings):
                outcomes[number] = outcome
                on_done(outcome.found or outcome.refused)  # type: ignore[arg-type]  # one of them is there
    except KeyboardInterrupt:
        complete = len(outcomes) == len(exercises)
    found = [outcomes[number] for number in sorted(outcomes)]
    return Document(
        records=[outcome.found for outcome in found if outcome.found],
        refusals=[*refusals, *(outcome.refused for outcome in found if outcome.refused)],
        complete=complete,
        provenance=provenance(started=started, seconds=time.monotonic() - start, command=command, seed=settings.seed),
    )


def prepare() -> None:
    """Do once what each child would do again for itself: loading, and the first use of what is slow at first use.

    Autograd's backward stays out of this process: where there is a GPU, one that has used it cannot be forked.
    """
    import torch

    settings = Settings(methods=("certified", "symbolic", "differences", "forward"), devices=("cpu",))
    with loading(), children.one_thread():
        for module in SLOW:
            importlib.import_module(module)
        check(lambda x: torch.ones(2) * torch.square(x), torch.ones(2), settings=settings)


def stopped(exercise: Exercise, settings: Settings, *, verdict: Verdict, explanation: str, seconds: float) -> Record:
    """The record of an exercise whose examination did not come to its end."""
    return Record(
        exercise=exercise.id,
        title=text_of(exercise.title),
        statement=text_of(exercise.statement),
        verdict=verdict,
        expected=exercise.expects,
        as_expected=verdict == exercise.expects,
        explanation=explanation,
        theme=exercise.theme,
        origin=exercise.origin,
        points=exercise.points,
        seconds=seconds,
        seed=settings.seed,
        required=list(exercise.required),
        missing=list(exercise.required),
        inputs=inputs_of(exercise),
        source=source_of(exercise),
    )


def _forked(
    one: Callable[[Exercise, Settings], bytes], exercises: Sequence[Exercise], settings: Settings
) -> Iterator[tuple[int, _Outcome]]:
    """Outcomes by the exercise's number, as they come. The longest start first; the long ones while this process, alone, yet prepares."""
    jobs = settings.jobs or cores()
    waiting = deque(sorted(range(len(exercises)), key=lambda number: -_effort(exercises[number])))
    running: dict[children.Child, int] = {}

    def start() -> None:
        job = functools.partial(one, exercises[waiting[0]], settings)
        running[children.start(job, settings.time_limit, left())] = waiting.popleft()

    try:
        while waiting and len(running) < jobs - 1 and _effort(exercises[waiting[0]]) >= LONG:
            start()
        if waiting:
            prepare()
        while waiting or running:
            while waiting and len(running) < jobs:
                start()
            for child, end in children.ended(running):
                number = running.pop(child)
                yield number, _read(exercises[number], settings, end)
    finally:
        for child in running:
            children.kill(child)


def _here(one: Callable[[Exercise, Settings], bytes], exercises: Sequence[Exercise], settings: Settings) -> Iterator[tuple[int, _Outcome]]:
    """The same in this process, where there is no fork."""
    for number, exercise in enumerate(exercises):
        start = time.monotonic()
        data = one(exercise, settings)
        yield number, _read(exercise, settings, children.End(data=data, seconds=time.monotonic() - start))


def _effort(exercise: Exercise) -> int:
    """What makes an exercise long, roughly: the steps of its training run, twice where that has data of its own, which are many; and a
    network's parameters by the hundred."""
    parameters = sum(math.prod(i.shape) for i in exercise.inputs if i.kind == "parameter" and i.shape)  # type: ignore[arg-type, misc]
    steps = exercise.descent.steps * (1 if exercise.descent.values is None else 2) if exercise.descent else 0
    return steps + parameters // 100


def _outcome(examine: Examine, exercise: Exercise, settings: Settings) -> bytes:
    """Examine one exercise; whatever goes wrong becomes a sentence. The bytes are JSON, so that what arrives can also be written."""
    start = time.monotonic()
    try:
        outcome = _Outcome(found=examine(exercise, settings))
    except SystemExit as error:
        explanation = f"The function called exit({error.code!r}). Let it return a tensor."
        seconds = time.monotonic() - start
        outcome = _Outcome(found=stopped(exercise, settings, verdict=Verdict.CRASHED, explanation=explanation, seconds=seconds))
    except ExerciseError as error:
        outcome = _Outcome(refused=_refusal(exercise, "author", error.message, advice=error.advice, line=error.line))
    except UsageError as error:
        outcome = _Outcome(refused=_refusal(exercise, "usage", str(error)))
    except Exception as error:  # of the exercise's function, or a fault of this program
        line = _raised_by(exercise, error)
        if line is None:
            outcome = _Outcome(refused=_fault(exercise, "\n".join(traceback.format_exception(error)[-4:]).strip()))
        else:
            said = asked_for(error) or f"{type(error).__name__}: {error}"
            explanation = f"The function failed: {said} ({Path(exercise.path).name}:{line})."
            lacking, seconds = absent(error), time.monotonic() - start
            if lacking:
                explanation = f"{lacking[0].upper()}{lacking[1:]}. {explanation}"
            verdict = Verdict.NOT_AVAILABLE if lacking else Verdict.CRASHED
            outcome = _Outcome(found=stopped(exercise, settings, verdict=verdict, explanation=explanation, seconds=seconds))
    return msgspec.json.encode(outcome)


def _raised_by(exercise: Exercise, error: Exception) -> int | None:
    """The line of the exercise's file that `error` comes from; None where it comes from this program.

    An exercise that its own file calls, be it by itself without end, only passes the call on.
    """
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == exercise.path:
            return frame.lineno
        if Path(frame.filename).is_relative_to(Path(__file__).parent) and frame.name != Exercise.__call__.__name__:
            return None
    return None


def _read(exercise: Exercise, settings: Settings, end: children.End) -> _Outcome:
    """What the way in which a child ended says about its exercise."""
    if end.data is not None:
        try:
            return msgspec.json.decode(end.data, type=_Outcome)
        except msgspec.DecodeError as error:
            return _Outcome(refused=_fault(exercise, f"its record is not valid: {error}"))
    verdict, explanation = Verdict.CRASHED, f"Python ended with exit status {end.status} and without a result."
    if end.timed_out:
        verdict = Verdict.TIMED_OUT
        explanation = (
            f"Still running after {settings.time_limit:g} s. Does a loop here never end? If it only takes long, raise --time-limit."
        )
    elif end.signal is not None:
        explanation = f"Python was ended by {_signal_name(end.signal)}."
        if end.signal == signal.SIGKILL:
            explanation += " Most often the machine had no memory left: try smaller sizes, or --jobs 1."
    return _Outcome(found=stopped(exercise, settings, verdict=verdict, explanation=explanation, seconds=end.seconds))


def _fault(exercise: Exercise, message: str) -> Refusal:
    advice = "This is a fault of checker, not of the exercise: please report it with these lines."
    return _refusal(exercise, "harness", message, advice=advice)


def _refusal(exercise: Exercise, fault: str, message: str, *, advice: str = "", line: int | None = None) -> Refusal:
    file = shown(Path(exercise.path)) if exercise.path else None
    return Refusal(what=exercise.id, fault=fault, message=message, file=file, line=line or exercise.line or None, advice=advice)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
