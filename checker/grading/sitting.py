"""A submission's code in one kind of sandbox.

Comes in: a box, programs, the names of exercises.  Goes out: what loading them gave, a session to ask, what was printed.  Why: code is
loaded when it is first needed, and again only after an answer that ended its child: an endless loop costs its own exercise and no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from checker.sandbox.box import Box
from checker.sandbox.session import Session
from checker.sandbox.values import Loaded, Program, Reason, Stopped, Trouble


class Sitting:
    """Programs in a box, in one child after another. Together these may take the seconds that one may."""

    def __init__(self, box: Box, programs: Sequence[Program], names: Sequence[str]) -> None:
        self._box, self._programs, self._names = box, programs, names
        self._session: Session | None = None
        self._loaded = Loaded()
        self._stopped: Stopped | None = None
        self._seen = 0
        self._opened = ExitStack()

    @property
    def session(self) -> Session:
        """The session that `loaded` has opened."""
        assert self._session is not None
        return self._session

    def loaded(self) -> Loaded:
        """What the code gave, with a child that can be asked.

        Raises:
            Stopped: it could not be loaded. That is not tried twice.
        """
        if self._stopped is None and (self._session is None or not self._session.alive):
            try:
                self._loaded = self._load()
            except Stopped as stopped:
                self._stopped = stopped
        if self._stopped is not None:
            raise self._stopped
        return self._loaded

    def _load(self) -> Loaded:
        left = self._session.left if self._session is not None else self._box.limits.seconds
        if left <= 0:
            raise Stopped(Trouble(reason=Reason.TIMED_OUT, text="all answers together took longer than their limit"))
        self.close()
        self._session = self._opened.enter_context(self._box.open(replace(self._box.limits, seconds=left)))
        self._seen = 0
        return self._session.load(self._programs, self._names)

    def printed(self) -> str:
        """What the code has printed since this was asked last."""
        if self._session is None:
            return ""
        text = self._session.output
        new, self._seen = text[self._seen :], len(text)
        return new

    def close(self) -> None:
        """End the child."""
        self._opened.close()
