"""What the function under test warns about.

Comes in: a block in which it is called.  Goes out: what was warned of, each once.  Why: an author should know what Python says of the
function, and nothing of what the harness's own arithmetic meets at the same points.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

#: Warnings that are for the author of a library, and what a checkpoint says where values alone are computed.
UNSHOWN = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)
OF_VALUES = "None of the inputs have requires_grad=True"

#: NumPy says of floats that overflow, or of ∞ − ∞, in this category, in the name of whoever computed with it.
OF_FLOATS = RuntimeWarning
HARNESS, NUMPY = f"{Path(__file__).parent}/", f"{Path(np.__file__).parent}/"


@contextmanager
def noted() -> Iterator[dict[str, None]]:
    """While this lasts, warnings are not printed. Those that are the function's are the keys, in the order in which they came."""
    said: dict[str, None] = {}

    def note(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if issubclass(category, UNSHOWN) or OF_VALUES in str(message) or (issubclass(category, OF_FLOATS) and _ours(sys._getframe(1))):
            return
        said[": ".join([category.__name__, *str(message).splitlines()[:1]])] = None

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        yield said


def _ours(frame: FrameType | None) -> bool:
    """Whether it was the harness that computed with NumPy: it is the innermost that is not NumPy or Python's own warning machinery."""
    while frame is not None and (frame.f_code.co_filename.startswith(NUMPY) or frame.f_code.co_filename == warnings.__file__):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename.startswith(HARNESS)
