"""What can be asked of a run.

Comes in: the settings of a run, by name.  Goes out: nothing, or an error that says which cannot be had and what can.  Why: a name that is
not known or a number that makes no sense is told where it is written, on the command line and in the library alike, before anything is
computed.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from checker.errors import UsageError

DTYPES = ("float64", "float32", "float16", "bfloat16")  #: of complex tensors, that of their parts
DEVICES = ("cpu", "cuda")
MODES = ("vjp", "jacobian", "projection")

#: Bytes below which a batch holds no points worth the name.
LEAST_MEMORY = 16 << 20


class Impossible(UsageError):
    """`setting` cannot be `value`; `advice` says what it can be."""

    def __init__(self, setting: str, value: Any, advice: str) -> None:
        self.setting, self.value, self.advice = setting, value, advice
        super().__init__(f"{setting} {value!r}: {advice}")


def whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def real(value: Any) -> bool:
    return whole(value) or isinstance(value, float)


#: Of every number: whether a value can be had, and what to give instead.
NUMBERS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "points": (lambda n: whole(n) and n >= 1, "give a whole number of points, 1 or more."),
    "paths": (lambda n: whole(n) and n >= 1, "give a whole number of paths, 1 or more."),
    "seed": (lambda n: whole(n) and n >= 0, "give a whole number, 0 or more."),
    "jobs": (lambda n: whole(n) and n >= 0, "give a whole number of exercises at a time, or 0 for one a core."),
    "time_limit": (lambda s: real(s) and s > 0, "give a number of seconds above 0."),
    "tolerance": (lambda t: t is None or (real(t) and 0 <= t < math.inf), "give a relative error such as 1e-6, or None."),
    "projection_above": (lambda n: whole(n) and n >= 0, "give a whole number of entries, 0 or more."),
    "memory": (lambda n: whole(n) and (n == 0 or n >= LEAST_MEMORY), f"give bytes, at least {LEAST_MEMORY} (16 MiB), or 0 for a share."),
    "second_order": (lambda b: isinstance(b, bool), "give True or False."),
    "strict": (lambda b: isinstance(b, bool), "give True or False."),
}
#: Of every tuple of names: what one is called, and which there are.
NAMES = {"dtypes": ("dtype", DTYPES), "devices": ("device", DEVICES)}
TUPLES = ("methods", "devices", "dtypes", "at")


def refuse(settings: Mapping[str, Any]) -> None:
    """Raise of the first setting that cannot be had. Names of methods are looked up where methods are.

    Raises:
        Impossible: naming the setting, its value and what can be asked.
    """
    for trouble in _troubles(settings):
        raise trouble


def _troubles(settings: Mapping[str, Any]) -> Iterator[Impossible]:
    for setting in TUPLES:
        given = settings[setting]
        if not isinstance(given, tuple):
            meant = tuple(given) if isinstance(given, list | set | frozenset) else (given,)
            yield Impossible(setting, given, f"give a tuple, such as {meant!r}.")
    for setting, (what, known) in NAMES.items():
        yield from (Impossible(setting, name, unknown(name, what, known)) for name in settings[setting] if name not in known)
    if not settings["devices"]:
        yield Impossible("devices", (), f"give at least one of {', '.join(DEVICES)}.")
    if settings["mode"] is not None and settings["mode"] not in MODES:
        yield Impossible("mode", settings["mode"], unknown(settings["mode"], "mode", MODES))
    for setting, (possible, advice) in NUMBERS.items():
        if not possible(settings[setting]):
            yield Impossible(setting, settings[setting], advice)


def unknown(name: Any, what: str, known: Sequence[str]) -> str:
    """What is said of a name that is not known: the one that was meant, if there is one near, and else all there are."""
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"there is no such {what}. " + (f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}.")
