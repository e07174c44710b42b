"""A conversation with one child, held by the host: code goes in once, then questions one at a time.

Comes in: programs, names, arguments.  Goes out: what was found, arrays; or `Stopped`, which says why there is no answer.  Why: the host
believes nothing. It waits no longer than the limits, keeps no more than the limits, and takes only the frame that it asked for.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from typing import NoReturn, TypeVar

from checker.sandbox import messages
from checker.sandbox.frames import HEADER, Array, Malformed, Type, frame
from checker.sandbox.messages import Call, Upstream
from checker.sandbox.values import Limits, Loaded, Program, Reason, Stopped, Trouble, Verb

_T = TypeVar("_T")

_CHUNK = 1 << 18
_FLOOD = 64  # so many times the output that is kept ends a child


@dataclass(frozen=True, kw_only=True)
class End:
    """How a child ended."""

    status: int  #: of `os.waitpid`
    processor: float  #: seconds
    lived: bool  #: it was still running, and the host ended it


class Session:
    """One child. Made by `Box.open`.

    A child that says itself why it has no answer (it raised, or returned no array) lives on and may be asked again. Otherwise it is gone
    after a `Stopped`, and every later call raises the same.
    """

    def __init__(self, channel: socket.socket, output: int, limits: Limits, end: Callable[[bool], End]) -> None:
        self.seconds = 0.0  #: wall time that was spent waiting for the child
        self._channel, self._limits, self._end_child = channel, limits, end
        self._received, self._printed, self._kept = bytearray(), 0, bytearray()
        self._trouble: Trouble | None = None
        self._end: End | None = None
        self._names: tuple[str, ...] = ()
        channel.setblocking(False)
        os.set_blocking(output, False)
        self._printing = FileIO(output)

    @property
    def alive(self) -> bool:
        """Whether the child can still be asked."""
        return self._end is None

    @property
    def left(self) -> float:
        """Seconds of wall time that its answers may still take together."""
        return self._limits.seconds - self.seconds

    @property
    def output(self) -> str:
        """What the code printed so far, up to the limit. Untrusted."""
        return self._kept.decode("utf-8", "replace")

    def load(self, programs: Sequence[Program], names: Sequence[str]) -> Loaded:
        """Run the programs, and look for answers to the exercises called `names`.

        Raises:
            Stopped: the code took the child down, or took too long.
        """
        self._names = tuple(names)
        _, payload = self._ask(Type.LOAD, messages.write_load(programs, names), self._limits.load_seconds, (Type.LOADED,))
        return self._read(lambda: messages.read_loaded(payload, self._names))

    def call(
        self,
        name: str,
        verb: Verb,
        arguments: Mapping[str, Array],
        *,
        upstream: Upstream | None = None,
        batch: Mapping[str, Array] | None = None,
    ) -> list[tuple[str, Array]]:
        """Ask the answer to exercise `name` one question, with arrays of float64, float32, int64 or bool.

        "gradient" asks a gradient function: `upstream` goes last. "forward" asks a pair or an operation for its value, and "backward",
        with `upstream` and no arguments, for the gradients at the point of the last "forward". "step" asks for the parameters (`arguments`)
        after one step on `batch`. What is returned is labelled by its place in the tuple ("0", "2"), by its key in the dict, or, for an
        operation's gradients, by the name of the input.

        Raises:
            Stopped: there is no answer.
        """
        question = messages.write_call(Call(name=name, verb=verb, arguments=arguments, upstream=upstream, batch=batch))
        kind, payload = self._ask(Type.CALL, question, self._limits.call_seconds, (Type.RESULT, Type.TROUBLE))
        if kind is Type.TROUBLE:
            raise Stopped(self._read(lambda: messages.read_trouble(payload)))
        return self._read(lambda: messages.read_result(payload))

    def expect_ready(self, seconds: float) -> str | None:
        """Wait for the layers: None once they are up, otherwise what stopped them, in our own words, since no student's code has run."""
        try:
            kind, payload = self._receive(0, time.monotonic() + seconds, (Type.READY, Type.FAILED), b"")
        except Stopped as stopped:
            return stopped.trouble.text
        return None if kind is Type.READY else payload.decode("utf-8", "replace")

    def finish(self, *, hung_up: bool = False) -> End:
        """End the child, unless it has ended, and take what it still printed. `hung_up` says that it closed its connection."""
        if self._end is None:
            try:
                self._end = self._end_child(hung_up)
                self._take_output()
            finally:
                self._channel.close()
                self._printing.close()
        return self._end

    def _ask(self, kind: Type, payload: bytes, seconds: float, awaited: tuple[Type, ...]) -> tuple[Type, bytes]:
        """Send one frame and wait for the one that answers it."""
        if self._trouble is not None:
            raise Stopped(self._trouble)
        started = time.monotonic()
        sequence = secrets.randbits(32)
        seconds = min(seconds, self._limits.seconds - self.seconds)
        try:
            self._take_bytes()
            if self._received:
                self._stop(Reason.PROTOCOL, "it sent something that it was not asked for")
            return self._receive(sequence, started + seconds, awaited, frame(kind, sequence, payload))
        finally:
            self.seconds += time.monotonic() - started

    def _receive(self, sequence: int, deadline: float, awaited: tuple[Type, ...], sending: bytes) -> tuple[Type, bytes]:
        """The frame of this sequence number, while sending `sending`."""
        rest = memoryview(sending)
        poll = select.poll()
        poll.register(self._printing, select.POLLIN)
        alive = True
        while (found := self._frame(sequence, awaited)) is None:
            if not alive:
                self._died()
            left = deadline - time.monotonic()
            if left <= 0:
                self._stop(Reason.TIMED_OUT, "it took longer than its limit")
            poll.register(self._channel, select.POLLIN | (select.POLLOUT if rest else 0))
            for descriptor, event in poll.poll(left * 1000 + 1):
                if descriptor == self._printing.fileno():
                    if not self._take_output():
                        poll.unregister(self._printing)
                    if self._flooded:
                        self._stop(Reason.OUTPUT, f"it printed more than {self._limits.output_kib * _FLOOD} KiB")
                    continue
                if event & select.POLLOUT:
                    try:
                        rest = rest[self._channel.send(rest[:_CHUNK]) :]
                    except BlockingIOError:
                        pass
                    except OSError:
                        rest = rest[:0]
                if event & ~select.POLLOUT:
                    alive = self._take_bytes()
        return found

    def _frame(self, sequence: int, awaited: tuple[Type, ...]) -> tuple[Type, bytes] | None:
        """The one frame that is awaited, once all of it is here; nothing else may be."""
        if len(self._received) < HEADER.size:
            return None
        kind, numbered, length = HEADER.unpack_from(self._received)
        if numbered != sequence or kind not in awaited:
            self._stop(Reason.PROTOCOL, "it sent a frame that it was not asked for")
        if length > self._most:
            self._stop(Reason.OUTPUT, f"it returned more than {self._limits.result_mib} MiB")
        extra = len(self._received) - HEADER.size - length
        if extra > 0:
            self._stop(Reason.PROTOCOL, "it sent more than one frame")
        if extra < 0:
            return None
        payload = bytes(self._received[HEADER.size :])
        self._received.clear()
        return Type(kind), payload

    @property
    def _most(self) -> int:
        return self._limits.result_mib << 20

    def _read(self, reading: Callable[[], _T]) -> _T:
        """What a payload holds. One that holds nothing sensible ends the child."""
        try:
            return reading()
        except Malformed as error:
            self._stop(Reason.PROTOCOL, f"its answer cannot be read: {error}")

    def _take_bytes(self) -> bool:
        """Take what the child sent, without waiting. False once there can be no more."""
        while len(self._received) <= HEADER.size + self._most:
            try:
                data = self._channel.recv(_CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            self._received += data
        return True

    def _take_output(self) -> bool:
        """Take what the child printed, without waiting. False once there can be no more."""
        room = self._limits.output_kib << 10
        while not self._flooded:
            data = self._printing.read(_CHUNK)
            if not data:
                return data is None  # none yet; empty: never again
            self._printed += len(data)
            self._kept += data[: max(room - len(self._kept), 0)]
        return False

    @property
    def _flooded(self) -> bool:
        return self._printed > self._limits.output_kib * _FLOOD << 10

    def _stop(self, reason: Reason, text: str) -> NoReturn:
        """End the child, for this reason."""
        self._trouble = Trouble(reason=reason, text=text)
        self.finish()
        raise Stopped(self._trouble)

    def _died(self) -> NoReturn:
        """The child ended by itself, or hung up. It is told by how it ended."""
        end = self.finish(hung_up=True)
        code = os.waitstatus_to_exitcode(end.status)
        if end.lived:
            reason, text = Reason.PROTOCOL, "it closed its connection"
        elif code == -signal.SIGXCPU or (code == -signal.SIGKILL and end.processor >= self._limits.seconds):
            reason, text = Reason.TIMED_OUT, "it used more processor time than its limit"
        elif code == -signal.SIGKILL:
            reason, text = Reason.MEMORY, "it was ended for the memory that it took"
        elif code < 0:
            reason, text = Reason.DIED, f"Python itself crashed ({signal.Signals(-code).name})"
        else:
            reason, text = Reason.DIED, f"it ended Python, with status {code}"
        self._stop(reason, text)
