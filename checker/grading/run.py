"""A whole class, graded by several processes into one gradebook.

Comes in: an assignment, submissions, an open gradebook.  Goes out: the gradebook, filled; what was done and what could not be.  Why:
thousands of submissions take minutes, and a run may be killed in any of them. Each submission is kept in one transaction as soon as it is
graded, and what is kept already is not run again.

The workers are forks of this process, which has loaded torch and the exercises; each has a sandbox of its own. Only this process writes.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NoReturn

import msgspec

from checker import children
from checker.authoring import Exercise
from checker.errors import CheckerError, UsageError
from checker.grading.assignment import Assignment
from checker.grading.gradebook import Gradebook
from checker.grading.grader import Grader, Protection
from checker.grading.grades import Result
from checker.grading.submission import Submission
from checker.provenance import cores

#: Seconds that a worker may take beyond what its submission's limits allow: to start a sandbox, and to find the truths of new exercises.
PATIENCE = 120.0
#: A submission that ended its worker is tried once more in a fresh one.
TRIES = 2
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A submission that the harness could not grade. It costs the student nothing: the next run tries again."""

    submission: Submission
    message: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run did: how many submissions were graded now, how many were unchanged, and which failed by the harness's own fault."""

    graded: int
    unchanged: int
    failures: tuple[Failure, ...]
    seconds: float  #: wall time
    complete: bool = True  #: false where it was interrupted


class _Answer(msgspec.Struct):
    """What a worker says of one submission: its results, or why the harness failed."""

    results: list[Result] = []
    failure: str = ""


@dataclass(eq=False)
class _Task:
    submission: Submission
    exercises: tuple[Exercise, ...]
    tries: int = 0


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: _Task | None = None
    until: float = 0.0
    ended: bool = field(default=False)


def grade(
    assignment: Assignment,
    submissions: Sequence[Submission],
    book: Gradebook,
    *,
    workers: int = 0,
    protection: Protection = Protection.FULL,
    preview: bool = False,
    on_done: Callable[[Submission], None] = lambda submission: None,
) -> Outcome:
    """Grade every submission that the gradebook has no results for, and bring all grades up to date; with `preview`, no grade changes.

    `workers` processes work at the same time (0: one a core). `on_done` is called in this process, for unchanged submissions too.

    Raises:
        UsageError: the sandbox cannot be had here; the gradebook cannot be written.
    """
    if not children.CAN_FORK:
        raise UsageError(f"grading needs processes that can be forked, which {sys.platform} does not have: use Linux.")
    started = time.monotonic()
    book.enrol(assignment, submissions)
    tasks: deque[_Task] = deque()
    unchanged = 0
    for submission in submissions:
        missing = book.missing(assignment, submission)
        if missing:
            tasks.append(_Task(submission, tuple(missing)))
        else:
            unchanged += 1
            on_done(submission)
    graded, failures, complete = 0, [], True
    if tasks:
        with (
            children.one_thread(),
            children.frozen(),
            _Pool(Grader(assignment, book.secret, protection=protection), min(workers or cores(), len(tasks))) as pool,
        ):
            try:
                for task, answer in pool.run(tasks):
                    if answer.failure:
                        failures.append(Failure(submission=task.submission, message=answer.failure))
                    else:
                        book.save(assignment, task.submission, answer.results)
                        graded += 1
                    on_done(task.submission)
            except KeyboardInterrupt:
                complete = False
    if not preview:
        book.regrade(assignment)
    return Outcome(graded=graded, unchanged=unchanged, failures=tuple(failures), seconds=time.monotonic() - started, complete=complete)


class _Pool:
    """Worker processes, each with one task at a time."""

    def __init__(self, grader: Grader, count: int) -> None:
        self.grader = grader
        self.workers: list[_Worker] = []
        for _ in range(count):
            self.workers.append(self._start())

    def run(self, tasks: deque[_Task]) -> Iterator[tuple[_Task, _Answer]]:
        """Every task with its answer, as they come."""
        while tasks or any(worker.task for worker in self.workers):
            for worker in self.workers:
                if worker.task is None and tasks:
                    self._give(worker, tasks.popleft())
            yield from self._answers(tasks)

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        """End every worker, and with it its sandbox."""
        for worker in self.workers:
            worker.pipe.close()
            worker.process.join(5.0)
            if worker.process.is_alive():
                worker.process.kill()
            worker.process.join()

    def _give(self, worker: _Worker, task: _Task) -> None:
        limits = self.grader.assignment.limits
        worker.task, task.tries = task, task.tries + 1
        worker.until = time.monotonic() + (limits.seconds + limits.load_seconds) * (len(task.exercises) + 1) + PATIENCE
        with contextlib.suppress(OSError):  # it has died since: its pipe's end will say so
            worker.pipe.send((task.submission, [exercise.id for exercise in task.exercises]))

    def _answers(self, tasks: deque[_Task]) -> Iterator[tuple[_Task, _Answer]]:
        busy = {worker.pipe: worker for worker in self.workers if worker.task}
        for pipe in multiprocessing.connection.wait(list(busy), 1.0):
            worker = busy[pipe]  # type: ignore[index]
            task = worker.task
            assert task is not None
            try:
                answer = msgspec.msgpack.decode(worker.pipe.recv_bytes(), type=_Answer)
                worker.task = None
                yield task, answer
            except (EOFError, OSError):
                worker.process.join()
                yield from self._again(worker, tasks, f"the grader ended ({_ending(worker.process.exitcode)})")
        for worker in self.workers:
            if worker.task and time.monotonic() > worker.until:
                worker.process.kill()
                worker.process.join()
                yield from self._again(worker, tasks, "the grader took longer than all limits together")

    def _again(self, worker: _Worker, tasks: deque[_Task], message: str) -> Iterator[tuple[_Task, _Answer]]:
        """Replace a worker that is no more, and try its task once more."""
        task = worker.task
        assert task is not None
        worker.pipe.close()
        self.workers[self.workers.index(worker)] = self._start()
        if task.tries < TRIES:
            tasks.appendleft(task)
        else:
            yield task, _Answer(failure=message)

    def _start(self) -> _Worker:
        ours, theirs = multiprocessing.Pipe()
        inherited = [worker.pipe for worker in self.workers if not worker.pipe.closed]
        process = multiprocessing.get_context("fork").Process(
            target=self._live, args=(theirs, [ours, *inherited], os.getpid()), daemon=True
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _live(self, pipe: Connection, inherited: Sequence[Connection], parent: int) -> NoReturn:
        """A worker's whole life: it ends with the parent, whose ends of the other pipes it must not hold open."""
        _end_with(parent)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)  # the parent decides
        for other in inherited:
            other.close()
        status = 0
        try:
            with self.grader:
                while True:
                    submission, wanted = pipe.recv()
                    pipe.send_bytes(msgspec.msgpack.encode(_answer(self.grader, submission, wanted)))
        except (EOFError, OSError):
            pass  # the parent has closed its end
        except BaseException as error:
            print(f"checker: a grader failed: {type(error).__name__}: {error}", file=sys.stderr)
            status = 1
        os._exit(status)


def _answer(grader: Grader, submission: Submission, wanted: Sequence[str]) -> _Answer:
    try:
        return _Answer(results=grader.results(submission, wanted))
    except (CheckerError, UsageError) as error:
        return _Answer(failure=str(error))
    except Exception as error:  # a fault of ours must not end the class, nor look like the student's
        return _Answer(failure=f"{type(error).__name__}: {error}")


def _end_with(parent: int) -> None:
    """Be killed when the parent is, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)


def _ending(code: int | None) -> str:
    return f"by signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"with status {code}"
