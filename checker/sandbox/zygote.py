"""The server that every child is a fork of: it has loaded NumPy, and perhaps torch, so that a child starts in milliseconds.

Comes in: on a socket from the host, "open" with the ends of a channel and of a pipe for output, and "close".  Goes out: a child, and later
how it ended.  Why: loading torch takes seconds, forking takes none, and what is forked has seen no other student's code.

It trusts the host and reads nothing that a child writes. It has one child at a time.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import gc
import json
import os
import shutil
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np

from checker.sandbox import child, layers, pages
from checker.sandbox.frames import Type, frame
from checker.sandbox.values import Kind, Limits

#: What the host asks for (see `Ask`), and the limits of the child to open.
REQUEST = struct.Struct("<B3d5q")
#: What it is told: after "open" the child's number; after "close" also its status (`os.waitpid`), processor seconds, whether it still ran.
REPLY = struct.Struct("<qid?")
READY = b"\1"
#: The descriptor of the channel in a child.
CHANNEL = 3

_MOMENT = 1.0  # seconds


class Ask(enum.IntEnum):
    """What the host asks for."""

    OPEN = 0  #: a child
    END = 1  #: its end, now
    AWAIT = 2  #: the same, but it has hung up: give it a moment to end by itself, so that it can be told how


def request(ask: Ask, limits: Limits | None = None) -> bytes:
    """Asks for something."""
    return REQUEST.pack(ask, *astuple(limits or Limits()))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How children are made."""

    kind: Kind
    layers: frozenset[str]
    readable: tuple[str, ...]  #: what Landlock lets a child read
    user: int | None  #: whom a child becomes


def serve(control: socket.socket, plan: Plan) -> None:
    """Load everything, say so, and make children until the host hangs up."""
    _warm_up(plan.kind)
    if "landlock" in plan.layers:
        import landlockpy

        landlockpy.abi_version()  # finds the C library, which a child would do anew
    program = layers.seccomp_program() if "seccomp" in plan.layers else b""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY) if "namespaces" in plan.layers else -1
    already_mapped = layers.mapped() if "limits" in plan.layers else 0
    if "privileges" in plan.layers:
        layers.hide()
    gc.collect()
    gc.freeze()
    pages.collapse()
    control.sendall(READY)
    while opened := _opened(control):
        limits, channel, output = opened
        folder = tempfile.mkdtemp()
        os.chmod(folder, 0o777)  # a child may be another user, and nobody else can reach it
        if own >= 0:
            layers.new_process_namespace(own)
        number = os.fork()
        if number == 0:
            try:
                descriptors = _only(channel, output)
                _protect(plan, limits, folder, already_mapped, program, descriptors)
                child.live(descriptors, plan.kind, limits)
            finally:
                os._exit(0)
        os.close(channel)
        os.close(output)
        control.sendall(REPLY.pack(number, 0, 0.0, True))
        message = control.recv(REQUEST.size, socket.MSG_WAITALL)
        ended = _ended(number, patience=_MOMENT if message[:1] == bytes([Ask.AWAIT]) else 0.0)
        shutil.rmtree(folder, ignore_errors=True)
        if not message:
            break
        control.sendall(REPLY.pack(number, *ended))


def _ended(number: int, patience: float) -> tuple[int, float, bool]:
    """End a child: its status, its processor seconds, and whether it was still running after `patience` seconds."""
    until = time.monotonic() + patience
    while not (found := os.wait4(number, os.WNOHANG))[0] and time.monotonic() < until:
        time.sleep(0.001)
    reaped, status, used = found
    for end in (os.kill, os.killpg):  # the second for what it may have started, where no namespace ends that with it
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(number, signal.SIGKILL)
    if not reaped:
        _, status, used = os.wait4(number, 0)
    return status, used.ru_utime + used.ru_stime, not reaped


def _opened(control: socket.socket) -> tuple[Limits, int, int] | None:
    """The limits, channel and output of the child to make; None where the host hung up."""
    message, descriptors, _, _ = socket.recv_fds(control, REQUEST.size, 2)
    if len(message) != REQUEST.size or len(descriptors) != 2:
        return None
    _, *numbers = REQUEST.unpack(message)
    channel, output = descriptors
    return Limits(**dict(zip((field.name for field in fields(Limits)), numbers, strict=True))), channel, output


def _only(channel: int, output: int) -> int:
    """Close every descriptor but the channel, which becomes number 3, and the output, which becomes 1 and 2. Standard input is empty."""
    channel, output = (fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10) for descriptor in (channel, output))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((nothing, 0), (output, 1), (output, 2), (channel, CHANNEL)):
        os.dup2(descriptor, number, inheritable=False)
    os.closerange(CHANNEL + 1, 1024)
    return CHANNEL


def _protect(plan: Plan, limits: Limits, folder: str, already_mapped: int, program: bytes, channel: int) -> None:
    """Put up the layers, and tell the host that they are up, or which one is not."""
    try:
        os.setsid()
        if "namespaces" in plan.layers:
            layers.own_mounts(folder, limits)
        if "limits" in plan.layers:
            layers.limit(limits, already_mapped)
        if "privileges" in plan.layers:
            layers.die_with_parent()
            layers.drop_privileges(plan.user)
        os.chdir(folder)
        os.environ["HOME"] = os.environ["TMPDIR"] = tempfile.tempdir = folder
        if "landlock" in plan.layers:
            layers.landlock(plan.readable, folder)
        if "seccomp" in plan.layers:
            layers.filter_calls(program)
    except BaseException as error:
        os.write(channel, frame(Type.FAILED, 0, str(error).encode()))
        raise
    os.write(channel, frame(Type.READY, 0))


def _warm_up(kind: Kind) -> None:
    """Load what answers use, and run it once: what a first use prepares costs seconds, in every child anew."""
    np.linalg.inv(np.eye(2))
    np.random.default_rng(0).normal(size=2)
    np.random.seed(0)  # noqa: NPY002 - students' code draws from it
    if kind == "torch":
        child.warm_up_torch()


def main(arguments: Sequence[str]) -> None:
    """Serve on the socket whose descriptor is the first argument; the second is the plan as JSON."""
    plan = json.loads(arguments[1])
    serve(
        socket.socket(fileno=int(arguments[0])),
        Plan(kind=plan["kind"], layers=frozenset(plan["layers"]), readable=tuple(plan["readable"]), user=plan["user"]),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
