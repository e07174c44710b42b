"""The runner: every way in which an exercise can end, and what is left when the run is interrupted."""

from __future__ import annotations

import inspect
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from checker import Descent, Exercise, ExerciseError, Record, Settings, UsageError, Verdict, children, exercise
from checker.record import Refusal, Text
from checker.record_file import decode, encode
from checker.runner import LONG, run

SETTINGS = Settings(jobs=2, time_limit=20)


def square(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """Differentiate the square."""
    return x * x


def named(*names: str) -> list[Exercise]:
    made = exercise(square, source="a book")
    return [replace(made, name=name, file="squares.py", path="/exercises/squares.py") for name in names]


def record_of(exercise: Exercise, verdict: Verdict = Verdict.AGREES, explanation: str = "") -> Record:
    return Record(
        exercise=exercise.id,
        title=Text(en=""),
        statement=Text(en=""),
        verdict=verdict,
        expected=exercise.expects,
        as_expected=verdict == exercise.expects,
        explanation=explanation,
    )


def behave(exercise: Exercise, settings: Settings) -> Record:
    """A stand-in for `examine` that does what the exercise's name says."""
    match exercise.name:
        case "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(7)
        case "sys_exit":
            raise SystemExit("bye")
        case "endless":
            while True:
                time.sleep(1)
        case "fault":
            json.loads(b"an internal file is empty")
        case "function":
            exec(compile("\n\nweights['bias']", exercise.path, "exec"), {"weights": {}})
        case "author":
            raise ExerciseError("the example contradicts the function.", line=12, advice="Correct one of them.")
        case "usage":
            raise UsageError("the method 'jax' is not installed.")
        case "noisy":
            print("to standard output " * 10_000)
            os.write(1, b"to descriptor 1")
            os.write(2, b"to descriptor 2")
            assert not input_there()
        case "large":
            return record_of(exercise, explanation="x" * 5_000_000)
        case "invalid":
            return replace_unchecked(record_of(exercise))
        case "slow":
            time.sleep(0.3)
    return record_of(exercise)


def input_there() -> bool:
    return os.read(0, 1) != b""


def replace_unchecked(record: Record) -> Record:
    import msgspec

    return msgspec.structs.replace(record, points=float("nan"))  # JSON has no NaN


def test_records_keep_the_order_of_the_exercises() -> None:
    document = run(named("slow", "b", "c", "d"), SETTINGS, examine=behave)
    assert [record.exercise for record in document.records] == [f"squares.py::{name}" for name in ("slow", "b", "c", "d")]
    assert document.complete
    assert document.refusals == []


def test_each_result_is_told_as_it_comes() -> None:
    told: list[str] = []
    run(
        named("slow", "quick"),
        SETTINGS,
        examine=behave,
        on_done=lambda done: told.append(done.exercise if isinstance(done, Record) else done.what),
    )
    assert told == ["squares.py::quick", "squares.py::slow"]


@pytest.mark.parametrize(
    ("name", "verdict", "explanation"),
    [
        ("segfault", Verdict.CRASHED, "Python was ended by SIGSEGV."),
        (
            "killed",
            Verdict.CRASHED,
            "Python was ended by SIGKILL. Most often the machine had no memory left: try smaller sizes, or --jobs 1.",
        ),
        ("exit", Verdict.CRASHED, "Python ended with exit status 7 and without a result."),
        ("function", Verdict.CRASHED, "The function failed: KeyError: 'bias' (squares.py:3)."),
        ("sys_exit", Verdict.CRASHED, "The function called exit('bye'). Let it return a tensor."),
    ],
)
def test_a_child_that_dies_is_a_crash_and_the_others_go_on(name: str, verdict: Verdict, explanation: str) -> None:
    document = run(named("a", name, "b"), SETTINGS, examine=behave)
    assert [record.verdict for record in document.records] == [Verdict.AGREES, verdict, Verdict.AGREES]
    crashed = document.records[1]
    assert crashed.explanation == explanation
    assert not crashed.as_expected
    assert crashed.missing == ["reverse"]
    assert crashed.source is not None
    assert crashed.source.text.startswith("def square")
    assert crashed.statement.en == "Differentiate the square."
    assert crashed.origin == "a book"


def test_an_exercise_that_never_ends_is_ended() -> None:
    start = time.monotonic()
    document = run(named("endless", "b"), replace(SETTINGS, time_limit=0.5), examine=behave)
    assert time.monotonic() - start < 5
    timed_out, other = document.records
    assert timed_out.verdict is Verdict.TIMED_OUT
    assert timed_out.explanation == "Still running after 0.5 s. Does a loop here never end? If it only takes long, raise --time-limit."
    assert 0.5 <= timed_out.seconds < 3
    assert other.verdict is Verdict.AGREES


@pytest.mark.parametrize("limit", [1e12, float("inf")])
def test_a_limit_longer_than_any_timer_is_no_crash(limit: float) -> None:
    (record,) = run(named("a"), replace(SETTINGS, time_limit=limit), examine=behave).records
    assert record.verdict is Verdict.AGREES


@pytest.mark.parametrize(
    ("name", "fault", "message"),
    [
        ("fault", "harness", "JSONDecodeError: Expecting value"),
        ("invalid", "harness", "its record is not valid: "),
        ("author", "author", "the example contradicts the function."),
        ("usage", "usage", "the method 'jax' is not installed."),
    ],
)
def test_whose_fault_it_was_is_kept_and_the_others_go_on(name: str, fault: str, message: str) -> None:
    first = Refusal(what="other.py", fault="author", message="cannot be read")
    document = run(named("a", name, "b"), SETTINGS, refusals=[first], examine=behave)
    assert len(document.records) == 2
    kept, refusal = document.refusals
    assert kept == first
    assert refusal.what == f"squares.py::{name}"
    assert refusal.fault == fault
    assert message in refusal.message
    assert refusal.file == "/exercises/squares.py"


def test_the_line_of_an_authors_fault_is_kept() -> None:
    (refusal,) = run(named("author"), SETTINGS, examine=behave).refusals
    assert (refusal.line, refusal.advice) == (12, "Correct one of them.")


def test_what_an_exercise_prints_is_nowhere_and_it_reads_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    document = run(named("noisy"), SETTINGS, examine=behave)
    assert document.records[0].verdict is Verdict.AGREES
    assert capfd.readouterr() == ("", "")


def test_a_record_larger_than_a_pipe_arrives_whole() -> None:
    (record,) = run(named("large"), SETTINGS, examine=behave).records
    assert len(record.explanation) == 5_000_000


def test_training_runs_start_first() -> None:
    plain, training = named("plain", "training")
    training = replace(training, descent=Descent(start={"x": 1.0}, rate=0.1, steps=1000))
    told: list[str] = []
    document = run(
        [plain, training],
        replace(SETTINGS, jobs=1),
        examine=behave,
        on_done=lambda done: told.append(getattr(done, "exercise", "")),
    )
    assert told == ["squares.py::training", "squares.py::plain"]
    assert [record.exercise for record in document.records] == ["squares.py::plain", "squares.py::training"]


def test_of_equally_long_training_runs_the_one_with_data_of_its_own_starts_first() -> None:
    few, many = named("few", "many")
    descent = Descent(start={"x": 1.0}, rate=0.1, steps=1000)
    told: list[str] = []
    run(
        [replace(few, descent=descent), replace(many, descent=replace(descent, values={"x": 2.0}))],
        replace(SETTINGS, jobs=1),
        examine=behave,
        on_done=lambda done: told.append(getattr(done, "exercise", "")),
    )
    assert told == ["squares.py::many", "squares.py::few"]


@pytest.mark.parametrize(("jobs", "first"), [(1, 0), (2, 1), (3, 2), (9, 2)])
def test_long_exercises_run_while_the_others_are_prepared(jobs: int, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, long, longer = named("plain", "long", "longer")
    descent = Descent(start={"x": 1.0}, rate=0.1, steps=LONG)
    longs = [replace(long, descent=descent), replace(longer, descent=replace(descent, steps=LONG + 1))]
    start, happened = children.start, list[str]()

    def noted(job: Callable[[], bytes], limit: float, memory: int | None) -> children.Child:
        happened.append("start")
        return start(job, limit, memory)

    monkeypatch.setattr(children, "start", noted)
    monkeypatch.setattr("checker.runner.prepare", lambda: happened.append("prepare"))
    document = run([plain, *longs], replace(SETTINGS, jobs=jobs), examine=behave)
    assert happened == ["start"] * first + ["prepare"] + ["start"] * (3 - first)
    assert len(document.records) == 3


def test_nothing_is_prepared_where_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    (long,) = named("long")
    monkeypatch.setattr("checker.runner.prepare", lambda: pytest.fail("nobody needs it"))
    document = run([replace(long, descent=Descent(start={"x": 1.0}, rate=0.1, steps=LONG))], SETTINGS, examine=behave)
    assert document.complete
    assert len(document.records) == 1


@pytest.mark.parametrize("interruption", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_what_was_finished(interruption: signal.Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    start, started = children.start, list[int]()

    def noted(job: Callable[[], bytes], limit: float, memory: int | None) -> children.Child:
        child = start(job, limit, memory)
        started.append(child.pid)
        return child

    monkeypatch.setattr(children, "start", noted)

    def interrupt(done: object) -> None:
        threading.Timer(0.2, os.kill, (os.getpid(), interruption)).start()

    document = run(named("a", "endless"), SETTINGS, examine=behave, on_done=interrupt)
    assert not document.complete
    assert [record.exercise for record in document.records] == ["squares.py::a"]
    assert decode(encode(document)) == document
    assert signal.getsignal(signal.SIGTERM) == before
    assert len(started) == 2
    for pid in started:
        with pytest.raises(ChildProcessError):  # it has ended, and was waited for
            os.waitpid(pid, os.WNOHANG)


def test_provenance_says_how_the_run_was_made() -> None:
    made = run(named("a"), replace(SETTINGS, seed=3), examine=behave, command="checker check a.py").provenance
    assert made is not None
    assert made.command == "checker check a.py"
    assert made.seed == 3
    assert made.versions["torch"].startswith("2.")
    assert made.devices[0].startswith("cpu: ")
    assert made.started.endswith("+00:00")


def test_without_fork_everything_runs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.children.CAN_FORK", False)
    pids: set[int] = set()

    def here(exercise: Exercise, settings: Settings) -> Record:
        pids.add(os.getpid())
        return behave(exercise, settings)

    document = run(named("a", "fault", "b"), SETTINGS, examine=here)
    assert pids == {os.getpid()}
    assert [len(document.records), len(document.refusals)] == [2, 1]


def test_an_exercise_that_takes_all_memory_gets_an_error_and_nothing_else_ends() -> None:
    def hoard() -> bytes:
        kept = []
        try:
            while len(kept) < 64:
                kept.append(bytearray(16 << 20))
        except MemoryError:
            return b"an error after %d MiB" % (16 * len(kept))
        return b"no error"

    child = children.start(hoard, limit=20, memory=256 << 20)
    ((_, end),) = list(children.ended([child], patience=20))
    assert end.data is not None
    assert end.data.startswith(b"an error after ")
    assert 100 <= int(end.data.split()[-2]) <= 512  # what the parent had freed may be taken as well


def greedy(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    return x * torch.ones(1 << 45).sum()


def test_memory_that_is_not_there_is_told_with_the_line() -> None:
    (record,) = run([replace(exercise(greedy), path=__file__)], SETTINGS).records
    assert record.verdict is Verdict.CRASHED
    line = inspect.getsourcelines(greedy)[1] + 1
    assert record.explanation == f"The function failed: it asked for 128 TiB of memory, which there is not (test_runner.py:{line})."
