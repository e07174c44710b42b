"""How much memory there is, and how sizes are written.

Comes in: a size such as "2GiB", or the machine.  Goes out: bytes.  Why: batches of points are as large as memory allows and no larger, and
a message that says how much something would take must be read by people.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path

from checker.asked import LEAST_MEMORY
from checker.errors import UsageError

_UNITS = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {f"{letter}iB": 1 << 10 * power for power, letter in enumerate("KMGT", start=1)}

#: Below this a batch would hold too few points to be worth making; a machine that does not say what it has left is given it too.
LEAST = 64 << 20
MOST = 1 << 30  #: batches gain nothing from more
SHARE = 8  #: of what is left, one part for batches: what is made of a batch comes on top


def parse(text: str) -> int:
    """Bytes of "2GiB", "500MB", "1.5G" or "1048576": K, M, G and T are powers of 1024, as in Linux's own tools; kB, MB, GB and TB of 1000.

    Raises:
        UsageError: it is no size, or below 16 MiB.

    >>> parse("2GiB"), parse("1.5G"), parse("500MB")
    (2147483648, 1610612736, 500000000)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([A-Za-z]*)\s*", text)
    if found is None or found[2] not in _UNITS:
        raise UsageError(f"--memory {text}: give a size such as 2GiB, 500MB or 1.5G.")
    size = int(float(found[1]) * _UNITS[found[2]])
    if size < LEAST_MEMORY:
        raise UsageError(f"--memory {text}: give at least {LEAST_MEMORY >> 20}MiB.")
    return size


def written(size: float) -> str:
    """A size for people, of two or three digits.

    >>> written(80e9), written(4e6), written(10)
    ('74.5 GiB', '3.81 MiB', '10 bytes')
    """
    for letter, unit in (("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if size >= unit:
            return f"{size / unit:.3g} {letter}iB" if size < 1000 * unit else f"{size / unit:,.0f} {letter}iB"
    return f"{size:.0f} bytes"


def asked_for(error: BaseException) -> str | None:
    """What an error that means "no memory" says to people; None of any other.

    >>> asked_for(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 80000000000 bytes. Error code 12"))
    'it asked for 74.5 GiB of memory, which there is not'
    """
    found = re.search(r"allocate memory: you tried to allocate (\d+) bytes", str(error))
    if found is None and not isinstance(error, MemoryError):
        return None
    return f"it asked for {written(int(found[1]))} of memory, which there is not" if found else "it ran out of memory"


def left() -> int:
    """Bytes that this process may still take: of the machine and of its control group (cgroup v2), whichever leaves less."""
    return min(_left(), default=SHARE * LEAST)


@functools.cache
def share(jobs: int) -> int:
    """Bytes for the batches of each of `jobs` exercises that run at the same time, where nobody said how many."""
    return max(LEAST, min(MOST, left() // (SHARE * max(1, jobs))))


def _left() -> Iterator[int]:
    try:
        words = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        yield int(words["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):
        pass
    try:
        group = Path("/sys/fs/cgroup")
        yield int((group / "memory.max").read_text()) - int((group / "memory.current").read_text())
    except (OSError, ValueError):
        pass
