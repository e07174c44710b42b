"""gradient-checker: write one PyTorch function; get its gradient proved.

Comes in: nothing.  Goes out: the public names, each loaded when it is first used.  Why: `import checker` and `checker --help` must not
wait for torch, sympy or matplotlib.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from checker.api import assert_gradients, check
    from checker.authoring import Descent, Example, Exercise, Waypoint, exercise
    from checker.errors import CheckerError, Error, ExerciseError, GradientMismatch, Unsupported, UsageError
    from checker.inputs import away_from_zero, below, interval, positive, real
    from checker.record import Record
    from checker.values import Settings, Verdict

__version__ = "0.1.0"

_HOMES = {
    "checker.api": ("assert_gradients", "check"),
    "checker.errors": ("CheckerError", "Error", "ExerciseError", "GradientMismatch", "Unsupported", "UsageError"),
    "checker.authoring": ("Descent", "Example", "Exercise", "Waypoint", "exercise"),
    "checker.inputs": ("away_from_zero", "below", "interval", "positive", "real"),
    "checker.record": ("Record",),
    "checker.values": ("Settings", "Verdict"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "CheckerError",
    "Descent",
    "Error",
    "Example",
    "Exercise",
    "ExerciseError",
    "GradientMismatch",
    "Record",
    "Settings",
    "Unsupported",
    "UsageError",
    "Verdict",
    "Waypoint",
    "assert_gradients",
    "away_from_zero",
    "below",
    "check",
    "exercise",
    "interval",
    "positive",
    "real",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'checker' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
