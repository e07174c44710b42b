"""Where untrusted code runs: a server of children behind the layers, and the one child that it has at a time.

Comes in: a kind, limits, layers.  Goes out: sessions.  Why: starting Python and torch behind a wall costs seconds, so it is done once, and
every submission gets a fresh fork.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from checker.errors import CheckerError
from checker.sandbox import root, wall, zygote
from checker.sandbox.session import End, Session
from checker.sandbox.values import ALL, Kind, Limits
from checker.sandbox.wall import SandboxUnavailable

_START = 120.0  # seconds for a server to load torch on a busy machine
_REPLY = 30.0  # and for it to fork, or to end a child


class _Gone(Exception):
    """The server of children does not answer."""


class Box:
    """A server of children for one kind of answer, started at once. It is a context manager; `close` ends it.

    `layers` may leave some out, for tests, or "bubblewrap" and "namespaces" where the system does not have them. `trusted` puts up none and
    runs on any system with fork. `libraries` are distributions that answers may import beside NumPy and torch. A box ends with the thread
    that made it.

    Raises:
        SandboxUnavailable: a layer cannot be put up here.
        UsageError: a library is not installed.
    """

    def __init__(
        self,
        kind: Kind,
        limits: Limits | None = None,
        *,
        layers: frozenset[str] = ALL,
        trusted: bool = False,
        libraries: Sequence[str] = (),
    ) -> None:
        self.kind: Kind = kind
        self.limits = limits or Limits()
        self.layers = frozenset() if trusted else frozenset(layers)
        self._libraries = tuple(libraries)
        self._busy = False
        self._server = _Server(self.kind, self.layers, self._libraries)

    def __enter__(self) -> Box:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the server, and with it everything that it started."""
        self._server.close()

    @contextmanager
    def open(self, limits: Limits | None = None) -> Iterator[Session]:
        """A fresh child, which ends with the block. A box has one child at a time. `limits` are the box's where none are given.

        Raises:
            CheckerError: no child could be made, twice.
        """
        if self._busy:
            raise CheckerError("a box has one child at a time")
        self._busy, limits = True, limits or self.limits
        try:
            try:
                session = self._server.open(limits)
            except _Gone:
                self._server.close()
                self._server = _Server(self.kind, self.layers, self._libraries)
                session = self._server.open(limits)
            try:
                yield session
            finally:
                session.finish()
        except _Gone as error:
            raise CheckerError(f"the sandbox has stopped: {error}") from error
        finally:
            self._busy = False


class _Server:
    """A running zygote, as the host sees it."""

    def __init__(self, kind: Kind, layers: frozenset[str], libraries: Sequence[str]) -> None:
        bubblewrap = "bubblewrap" in layers
        if "namespaces" in layers and not bubblewrap and os.geteuid() != 0:
            raise SandboxUnavailable("A child has namespaces of its own only inside bubblewrap, or where root starts it.")
        plan = {
            "kind": kind,
            "layers": sorted(layers),
            "readable": root.readable_inside() if bubblewrap else root.readable(kind, libraries),
            "user": wall.NOBODY if bubblewrap and os.geteuid() == 0 else None,
        }
        python = wall.command(kind, libraries) if bubblewrap else [sys.executable]
        self._control, theirs = socket.socketpair()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the server
        with theirs:
            self._process = subprocess.Popen(
                [*python, "-B", "-m", "checker.sandbox.zygote", str(theirs.fileno()), json.dumps(plan)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                env=root.environment(bubblewrap),
                cwd="/",
                start_new_session=True,
            )
        self._control.settimeout(_START)
        try:
            self._hear(len(zygote.READY))
        except _Gone as error:
            said = self.close()
            raise SandboxUnavailable(
                f"The sandbox does not start: {said or 'it says nothing'}. `checker doctor` says what to do."
            ) from error
        self._control.settimeout(_REPLY)

    def open(self, limits: Limits) -> Session:
        """Fork a child, and wait until its layers are up."""
        ours, channel = socket.socketpair()
        printing, output = os.pipe()
        try:
            with channel:
                socket.send_fds(self._control, [zygote.request(zygote.Ask.OPEN, limits)], [channel.fileno(), output])
            self._hear(zygote.REPLY.size)
        except (OSError, _Gone) as error:
            ours.close()
            os.close(printing)
            raise _Gone(str(error)) from error
        finally:
            os.close(output)
        session = Session(ours, printing, limits, self._end)
        failed = session.expect_ready(_REPLY)
        if failed is not None:
            session.finish()
            raise SandboxUnavailable(f"A layer of the sandbox cannot be put up: {failed}. `checker doctor` says what to do.")
        return session

    def _end(self, hung_up: bool) -> End:
        """End the child. One that hung up is given a moment to end by itself, so that it can be told how it ended."""
        try:
            self._control.sendall(zygote.request(zygote.Ask.AWAIT if hung_up else zygote.Ask.END))
        except OSError as error:
            raise _Gone(str(error)) from error
        _, status, processor, lived = zygote.REPLY.unpack(self._hear(zygote.REPLY.size))
        return End(status=status, processor=processor, lived=lived)

    def close(self) -> str:
        """Hang up, upon which the server ends; kill it where it does not. What it had to complain of."""
        self._control.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._complaints.closed:
            return ""
        with self._complaints:
            self._complaints.seek(0)
            return self._complaints.read().decode("utf-8", "replace").strip()[-600:]

    def _hear(self, count: int) -> bytes:
        try:
            data = self._control.recv(count, socket.MSG_WAITALL)
        except OSError as error:
            raise _Gone(str(error)) from error
        if len(data) != count:
            raise _Gone("it hung up")
        return data
