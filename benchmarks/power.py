"""What a gradient checker sees: how often it misses a flipped sign, the smallest change it catches, how often it cries wolf.

Comes in: a tool, a size and a dtype.  Goes out: `Power`.  Why: a checker that accepts everything is the fastest of all, so time is never
shown without this. The function is Σ sin(x)·exp(−x²); one visible entry of its gradient is altered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from planted import Dtype, Mistake, visible, wave
from tools import Tool

#: Relative changes of one entry, from coarse to fine.
CHANGES = tuple(10.0**-k for k in range(1, 16))
#: How often a change must be caught to count as caught.
SURE = 3
#: `scipy.differentiate` holds a matrix of all points, and the others of their kind call the function point by point.
MOST_OF_SUM = {"scipy.differentiate": 100, "numdifftools": 1000, "checker, jacobian": 1000, "gradcheck, slow mode": 1000}


@dataclass(frozen=True, kw_only=True)
class Power:
    """What was found of one tool at one size in one dtype. `smallest` is the least relative change that was caught every time; None where
    not even a tenth was. `cannot` says why nothing was found."""

    tool: str
    n: int
    dtype: Dtype
    missed: int = 0
    flips: int = 0
    alarms: int = 0
    right: int = 0
    smallest: float | None = None
    cannot: str = ""


def power(tool: Tool, n: int, dtype: Dtype, *, trials: int, seconds: float) -> Power:
    """Up to `trials` of each kind, at least `SURE`, for about `seconds`."""
    cannot = _cannot(tool, n, dtype)
    if cannot:
        return Power(tool=tool.name, n=n, dtype=dtype, cannot=cannot)
    tool.accepts(wave(n, dtype=dtype, summed=True))  # what is slow at first use
    right = _within(lambda trial: tool.accepts(wave(n, dtype=dtype, summed=True, seed=trial)), trials, seconds / 3)
    flips = _within(lambda trial: _caught(tool, n, dtype, trial, 2.0), trials, seconds / 3)
    return Power(
        tool=tool.name,
        n=n,
        dtype=dtype,
        missed=flips.count(False),
        flips=len(flips),
        alarms=right.count(False),
        right=len(right),
        smallest=_smallest(tool, n, dtype) if any(right) else None,
    )


def _cannot(tool: Tool, n: int, dtype: Dtype) -> str:
    if dtype not in tool.dtypes:
        return "float64 only"
    return "takes minutes" if n > MOST_OF_SUM.get(tool.name, tool.most) else ""


def _within(trial: object, trials: int, seconds: float) -> list[bool]:
    end, found = time.perf_counter() + seconds, list[bool]()
    while len(found) < trials and (len(found) < SURE or time.perf_counter() < end):
        found.append(trial(len(found)))  # type: ignore[operator]
    return found


def _caught(tool: Tool, n: int, dtype: Dtype, trial: int, change: float) -> bool:
    function = wave(n, dtype=dtype, summed=True, seed=trial)
    return not tool.accepts(replace(function, mistake=Mistake(entry=visible(function, trial), factor=1.0 - change)))


def _smallest(tool: Tool, n: int, dtype: Dtype) -> float | None:
    """Bisection over the decades, where a smaller change is never easier to see."""
    low, high = -1, len(CHANGES)
    while high - low > 1:
        middle = (low + high) // 2
        if all(_caught(tool, n, dtype, trial, CHANGES[middle]) for trial in range(SURE)):
            low = middle
        else:
            high = middle
    return CHANGES[low] if low >= 0 else None
