"""The garbage collector, kept from what is no garbage.

Comes in: nothing.  Goes out: `with` blocks.  Why: torch and what belongs to it are half a million objects that all stay. To look
through them for garbage takes a fifth of the time of loading them; in a forked process it writes to every one, and so copies it. What a
check makes goes by itself, and to look through that takes a fifth of a small check.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """While this lasts, nothing is looked through; what is there when it ends is not either, until a `frozen` block ends."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """While this lasts, what was there when it began is not looked through, here and in processes that are forked from this one."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


#: So many objects more than were let go of, before garbage is looked for.
OBJECTS = 50_000


@contextlib.contextmanager
def seldom() -> Iterator[None]:
    """While this lasts, garbage is looked for less often than Python does: what a look makes is let go of by counting references."""
    often = gc.get_threshold()
    gc.set_threshold(max(OBJECTS, often[0]) if often[0] else 0, *often[1:])
    try:
        yield
    finally:
        gc.set_threshold(*often)
