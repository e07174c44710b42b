"""Where in the user's code an operation came from.

Comes in: the running Python stack.  Goes out: ("net.py:12", "y = z.norm()").  Why: a cut, a decision and a mistake are explained by
the line that a person wrote, not by the line of torch that carried it out.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import os
import sys
import sysconfig
from pathlib import Path
from types import FrameType
from typing import Any

import torch

_TORCH = str(Path(torch.__file__).parent) + os.sep
_HERE = str(Path(__file__).parents[1]) + os.sep
_TAPE, _BORDER = _HERE + "tape" + os.sep, _HERE + "realform.py"
_CONTENT = str(Path(__file__).parents[1] / "_content") + os.sep
_STANDARD = sysconfig.get_paths()["stdlib"] + os.sep
_SITE = ("site-packages", "dist-packages")


@functools.lru_cache(maxsize=4096)
def _internal(filename: str) -> bool:
    """Torch, this package (its exercises excepted) and the standard library are not the user's code."""
    if filename.startswith("<frozen"):
        return True
    if filename.startswith(_TORCH):
        return True
    if filename.startswith(_HERE):
        return not filename.startswith(_CONTENT)
    return filename.startswith(_STANDARD) and not any(part in filename for part in _SITE)


def user_line(frame: FrameType | None = None) -> tuple[str, str]:
    """The innermost line of the user's code on the stack, or outside of `frame`, as (place, text); empty strings where there is none.

    What this package itself does at the border of a function of complex tensors is nobody's line.
    """
    frame, inside = frame or sys._getframe(1), True
    while frame is not None:
        filename = frame.f_code.co_filename
        if not _internal(filename):
            return f"{filename.rpartition(os.sep)[2]}:{frame.f_lineno}", linecache.getline(filename, frame.f_lineno).strip()
        if inside and filename.startswith(_HERE) and not filename.startswith(_TAPE):
            if filename == _BORDER:
                break
            inside = False
        frame = frame.f_back
    return "", ""


def frame_of(function: str, file: str) -> FrameType | None:
    """The innermost frame on the stack of the function so named in `file` (the end of its path), or None where there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not (frame.f_code.co_name == function and frame.f_code.co_filename.endswith(file)):
        frame = frame.f_back
    return frame


def place_of(function: Any) -> str:
    """Where a Python function is written, "net.py:12"; the empty string where it is none."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{os.path.basename(code.co_filename)}:{code.co_firstlineno}" if code is not None else ""
