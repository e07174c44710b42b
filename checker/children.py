"""Running something in a child of this process.

Comes in: a function that returns bytes, and how long it may take.  Goes out: its bytes, or how the child ended.  Why: an author's function
may crash Python, never end or print what it likes, and must take nothing else with it.

A child is a fork: it starts in milliseconds with torch already loaded, and an exercise, which is a Python function, needs no copying.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

#: Whether children exist here. Windows has no fork: there everything runs in this process, one after another and without a time limit.
CAN_FORK = hasattr(os, "fork")

_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)
_HEADER = 8  # bytes that hold the length of what follows
_LONGEST = 1e9  # seconds, some thirty years: no timer takes many more


@dataclass(eq=False)
class Child:
    """A running child. It leads a session of its own, so that whatever it starts ends with it."""

    pid: int
    limit: float  #: wall seconds
    pipe: int
    started: float = field(default_factory=time.monotonic)
    received: bytearray = field(default_factory=bytearray)

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self.started

    def message(self) -> bytes | None:
        """What the child returned, once all of it is here."""
        length = int.from_bytes(self.received[:_HEADER], "big")
        whole = len(self.received) >= _HEADER and len(self.received) - _HEADER == length
        return bytes(self.received[_HEADER:]) if whole else None


@dataclass(frozen=True, kw_only=True)
class End:
    """How a child ended: with `data`, by the time limit, by a `signal`, or with an exit `status` and nothing said."""

    data: bytes | None = None
    timed_out: bool = False
    signal: int | None = None
    status: int | None = None
    seconds: float = 0.0


def start(job: Callable[[], bytes], limit: float, memory: int | None = None) -> Child:
    """Fork a child that returns what `job()` returns. Nothing that it prints is seen, and it reads nothing.

    It may take `memory` bytes more than this process has: what asks for more gets an error, and takes nothing else with it.
    """
    reading, writing = os.pipe()
    with uninterrupted():
        pid = os.fork()
        if pid == 0:
            _live(job, writing, limit, memory)
        os.close(writing)
        os.set_blocking(reading, False)
        return Child(pid, limit, reading)


def ended(children: Iterable[Child], patience: float = 0.1) -> Iterator[tuple[Child, End]]:
    """Those of `children` that have ended, after waiting at most about `patience` seconds for one. Each is given once."""
    children = list(children)
    _listen(children, patience)
    for child in children:
        end = _end(child)
        if end is not None:
            yield child, end


def kill(child: Child) -> None:
    """End the child, and all that it started, at once."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # it may not lead its own session yet
        os.kill(child.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(child.pid, 0)
    with contextlib.suppress(OSError):
        os.close(child.pipe)


def keep_forkable() -> None:
    """Let torch ask the driver, and not CUDA itself, whether there is a GPU: a process that has used CUDA cannot be forked any more."""
    os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """While this lasts, SIGTERM raises `KeyboardInterrupt` as Ctrl-C does. Only the main thread can say so; in another nothing changes."""

    def interrupt(signum: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """While this lasts, torch computes on one thread: the cores are busy with other children, and a fork copies no thread pool.
    A child of a process whose torch has computed on several threads waits for them for ever."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _live(job: Callable[[], bytes], writing: int, limit: float, memory: int | None) -> NoReturn:
    """The child's whole life. It never returns into the parent's code, whatever happens."""
    status = 1
    try:
        os.setsid()
        if memory is not None:
            _bound(memory)
        faulthandler.disable()  # it would write where the parent shows its progress
        for number in (*_INTERRUPTIONS, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTIONS)
        signal.setitimer(signal.ITIMER_REAL, min(limit, _LONGEST) + 10)  # should the parent be killed, nothing goes on for ever
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        sys.stdin, sys.stdout, sys.stderr = (open(n, mode, closefd=False) for n, mode in ((0, "r"), (1, "w"), (2, "w")))  # noqa: SIM115
        data = job()
        with open(writing, "wb") as pipe:
            pipe.write(len(data).to_bytes(_HEADER, "big") + data)
        status = 0
    finally:
        os._exit(status)


def _bound(memory: int) -> None:
    """Let this process have so many bytes more (Linux). Should the machine run out all the same, the kernel ends it before its parent."""
    import resource

    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/self/statm", encoding="ascii") as pages:
            taken = int(pages.read().split()[5]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_DATA, (taken + memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write("1000")


def _listen(children: list[Child], patience: float) -> None:
    """Take in what the children have written, after waiting at most `patience` seconds for some of it."""
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child.pipe, selectors.EVENT_READ, child)
        for key, _ in selector.select(patience):
            _receive(key.data)


def _receive(child: Child) -> None:
    """Take in what is in the pipe now."""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(child.pipe, 1 << 20):
            child.received += part


def _end(child: Child) -> End | None:
    """How `child` ended, or None where it still lives. Its pipe's end alone says nothing: a grandchild may hold it open."""
    seconds = child.seconds
    data = child.message()
    if data is None:
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid == 0 and seconds < child.limit:
            return None
        _receive(child)  # it may have written and ended since we listened
        data = child.message()
        if pid and data is None:
            kill(child)
            code = os.waitstatus_to_exitcode(status)
            return End(signal=-code if code < 0 else None, status=code if code >= 0 else None, seconds=seconds)
    kill(child)
    return End(data=data, timed_out=data is None, seconds=seconds)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Keep an interruption waiting, so that it is never raised in a child nor between a fork and its being known."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTIONS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
