"""Processes that grade.

Comes in: a grader that is prepared, tasks.  Goes out: an answer to each task.  Why: a worker may die, or never answer, by a fault of
ours or of the machine; that costs its submission one more try, and the class nothing.

Workers are forks of this process, which has loaded torch and the exercises; each has sandboxes of its own.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NoReturn

import msgspec

from checker import children
from checker.authoring import Exercise
from checker.errors import Error
from checker.grading.grader import Grader
from checker.grading.grades import Result
from checker.grading.submission import Submission

#: Seconds that a worker may take beyond what its submission's limits allow: to start a sandbox, and to find the truths of new exercises.
PATIENCE = 120.0
#: Seconds that an idle worker has to end its sandbox.
LEAVE = 3.0
#: A submission that ended its worker is tried once more in a fresh one.
TRIES = 2
_PR_SET_PDEATHSIG = 1


@dataclass(eq=False, kw_only=True)
class Task:
    """One content, and what is missing of it. `submissions` are all that have this content: it runs once."""

    submissions: list[Submission]
    exercises: tuple[Exercise, ...]
    tries: int = 0


class Answer(msgspec.Struct):
    """What a worker says of one task: its results, or why the harness failed."""

    results: list[Result] = []
    failure: str = ""


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    until: float = 0.0  #: when it is given up, on the monotonic clock


class Pool:
    """Worker processes, each with one task at a time. They live while this is entered."""

    def __init__(self, grader: Grader, count: int) -> None:
        self.grader, self.count = grader, count
        self.workers: list[_Worker] = []

    def __enter__(self) -> Pool:
        try:
            for _ in range(self.count):
                self.workers.append(self._start())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        """End every worker, and with it its sandbox: the idle ones by themselves, the others at once."""
        for worker in self.workers:
            worker.pipe.close()
        for worker in self.workers:
            worker.process.join(0.0 if worker.task else LEAVE)
            worker.process.kill()
            worker.process.join()

    def run(self, tasks: deque[Task]) -> Iterator[tuple[Task, Answer]]:
        """Every task with its answer, as they come. `tasks` is used up."""
        while tasks or any(worker.task for worker in self.workers):
            for worker in self.workers:
                if worker.task is None and tasks:
                    self._give(worker, tasks.popleft())
            yield from self._answers(tasks)

    def _give(self, worker: _Worker, task: Task) -> None:
        limits = self.grader.assignment.limits
        worker.task, task.tries = task, task.tries + 1
        worker.until = time.monotonic() + (limits.seconds + limits.load_seconds) * (len(task.exercises) + 1) + PATIENCE
        with contextlib.suppress(OSError):  # it has died since: its pipe's end will say so
            worker.pipe.send((task.submissions[0], [exercise.id for exercise in task.exercises]))

    def _answers(self, tasks: deque[Task]) -> Iterator[tuple[Task, Answer]]:
        """Those that come within a second. A task whose worker is no more, or has had all its time, goes back to `tasks` once."""
        busy = {worker.pipe: worker for worker in self.workers if worker.task}
        ready = multiprocessing.connection.wait(list(busy), 1.0)
        for pipe, worker in busy.items():
            task = worker.task
            assert task is not None
            if pipe in ready:
                try:
                    answer = msgspec.msgpack.decode(pipe.recv_bytes(), type=Answer)
                except (EOFError, OSError):
                    worker.process.join(LEAVE)
                    failure = f"the grader ended ({_ending(worker.process.exitcode)})"
                else:
                    worker.task = None
                    if tasks:  # it works while the answer is kept
                        self._give(worker, tasks.popleft())
                    yield task, answer
                    continue
            elif time.monotonic() > worker.until:
                failure = "the grader took longer than all limits together"
            else:
                continue
            self._replace(worker)
            if task.tries < TRIES:
                tasks.appendleft(task)
            else:
                yield task, Answer(failure=failure)

    def _replace(self, worker: _Worker) -> None:
        worker.pipe.close()
        worker.process.kill()
        worker.process.join()
        self.workers[self.workers.index(worker)] = self._start()

    def _start(self) -> _Worker:
        ours, theirs = multiprocessing.Pipe()
        inherited = [ours, *(worker.pipe for worker in self.workers if not worker.pipe.closed)]
        process = multiprocessing.get_context("fork").Process(target=self._live, args=(theirs, inherited, os.getpid()), daemon=True)
        with children.uninterrupted():  # or a child would be interrupted that does not know yet what it is
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _live(self, pipe: Connection, inherited: Sequence[Connection], parent: int) -> NoReturn:
        """A worker's whole life: it ends with the parent, whose ends of the pipes it must not hold open."""
        _end_with(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal goes to every process; the parent decides
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
        for other in inherited:
            other.close()
        status = 0
        try:
            with self.grader:
                while True:
                    submission, wanted = pipe.recv()
                    pipe.send_bytes(_answer(self.grader, submission, wanted))
        except (EOFError, OSError):
            pass  # the parent has closed its end
        except BaseException as error:
            print(f"checker: a grader failed: {type(error).__name__}: {error}", file=sys.stderr)
            status = 1
        os._exit(status)


def _answer(grader: Grader, submission: Submission, wanted: Sequence[str]) -> bytes:
    """What a worker sends: an `Answer`."""
    try:
        return msgspec.msgpack.encode(Answer(results=grader.results(submission, wanted)))
    except Error as error:
        failure = str(error)
    except Exception as error:  # a fault of ours must not end the class, nor look like the student's
        failure = f"{type(error).__name__}: {error}"
    return msgspec.msgpack.encode(Answer(failure=failure.encode("utf-8", "replace").decode()))


def _end_with(parent: int) -> None:
    """Be killed when the parent is, where the system can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)


def _ending(code: int | None) -> str:
    return f"by signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"with status {code}"
