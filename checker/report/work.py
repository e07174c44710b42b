"""Pages made in several processes.

Comes in: pieces of work.  Goes out: what each gave, as it is finished.  Why: a class has thousands of pages, and a catalogue's have plots.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Protocol, TypeVar

from checker.garbage import frozen, loading

#: Below this many pieces, starting worker processes costs more than it saves.
_FEW = 4


Done = TypeVar("Done", covariant=True)


class Work(Protocol[Done]):
    """One piece, which any process can do."""

    def done(self) -> Done:
        """Do it, and say what was done."""


def each(work: Sequence[Work[Done]], jobs: int, prepare: Callable[[], None]) -> Iterator[Done]:
    """Do all the work, in forked processes where there is enough of it; yields what each piece says as it is finished.

    `jobs` is the number of processes, 0 for one per core. `prepare` is called before processes are forked: it loads what they share.
    """
    jobs = min(jobs or os.cpu_count() or 1, len(work))
    if jobs <= 1 or len(work) < _FEW:
        yield from (one.done() for one in work)
        return
    with loading():
        prepare()
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
    with frozen(), ProcessPoolExecutor(jobs, mp_context=context, initializer=_deaf) as pool:
        try:
            yield from (future.result() for future in as_completed([pool.submit(one.done) for one in work]))
        finally:
            pool.shutdown(cancel_futures=True)


def _deaf() -> None:
    """Ctrl-C is the first process's to answer: it takes the others down."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
