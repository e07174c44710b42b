"""Boxes for tests: started once, shared by all, and skipped with the reason where this machine cannot have one.

    def test_something(boxes):
        with boxes("numpy").open() as session:
            ...

`boxes(kind, layers=…, trusted=…)` gives the same box for the same arguments; limits are given to `open`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import numpy as np
import pytest

from checker.sandbox.box import Box
from checker.sandbox.frames import Array
from checker.sandbox.session import Session
from checker.sandbox.values import ALL, Kind, Limits, Loaded, Part, Program, Reason, Stopped, Trouble
from checker.sandbox.wall import SandboxUnavailable

Boxes = Callable[..., Box]

POINT = np.array([1.0, 2.0, 3.0])


@pytest.fixture(scope="session")
def boxes() -> Iterator[Boxes]:
    made: dict[tuple[object, ...], Box] = {}
    with ExitStack() as stack:

        def box(kind: Kind = "numpy", *, layers: frozenset[str] = ALL, trusted: bool = False) -> Box:
            key = (kind, layers, trusted)
            if key not in made:
                try:
                    made[key] = stack.enter_context(Box(kind, layers=layers, trusted=trusted))
                except SandboxUnavailable as error:
                    pytest.skip(str(error))
            return made[key]

        yield box


def program(source: str, name: str = "answers.py") -> Program:
    """A file of one part."""
    return Program(name=name, parts=(Part(label=name, source=source),))


def load(session: Session, source: str, *names: str) -> Loaded:
    return session.load([program(source)], names or ("f",))


def gradient(session: Session, source: str, **arguments: Array) -> Mapping[str, Array]:
    """What `f` of `source` returns, by label; at (1, 2, 3) where no arguments are given."""
    load(session, source)
    return dict(session.call("f", "gradient", arguments or {"x": POINT}))


def stopped(box: Box, source: str, limits: Limits | None = None) -> Trouble:
    """Why `f` of `source` gives no answer, in loading or at a call."""
    with box.open(limits) as session, pytest.raises(Stopped) as raised:
        gradient(session, source)
    return raised.value.trouble


def says(box: Box, expression: str, before: str = "", limits: Limits | None = None) -> str:
    """What `expression` is inside, as text, or the type of what it raises: for looking at what untrusted code can see and do."""
    source = f"{before}\ntry:\n    f = str({expression})\nexcept BaseException as error:\n    f = type(error).__name__ + ' ' + str(error)"
    with box.open(limits) as session:
        return load(session, source).found["f"].formulas[""]


__all__ = ["POINT", "Boxes", "Reason", "boxes", "gradient", "load", "program", "says", "stopped"]
