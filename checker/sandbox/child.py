"""The life of a child: run a submission's code, find its answers, and ask them.

Comes in: frames from the host.  Goes out: frames to the host.  Why: everything that touches a student's objects happens here, where it can
do no harm. Even an exception's text is made here, since making it may run the student's code.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
from collections.abc import Callable
from typing import NoReturn

from checker.sandbox import messages
from checker.sandbox.answers import Answer, find
from checker.sandbox.frames import HEADER, Malformed, Type, frame
from checker.sandbox.programs import Submission, trouble
from checker.sandbox.returned import NoArray
from checker.sandbox.values import Kind, Limits, Loaded, Reason, Stopped, Trouble

_CHUNK = 1 << 20


def live(channel: int, kind: Kind, limits: Limits) -> NoReturn:
    """Load once, then answer one call after another, until the host ends this process."""
    submission = Submission((), kind)
    answers: dict[str, Answer] = {}
    random.seed(0)  # as NumPy's and torch's are, so that grading again gives the same grade; Python's own is drawn anew at a fork
    while True:
        asked, sequence, payload = _receive(channel)
        if asked is Type.LOAD:
            programs, names = messages.read_load(payload)
            submission = Submission(programs, kind)
            submission.run()
            answers, found, troubles = find(submission, names, kind)
            loaded = Loaded(found=found, troubles=(*submission.troubles, *troubles), imports_torch=submission.imports_torch)
            reply = frame(Type.LOADED, sequence, messages.write_loaded(loaded))
        else:
            reply = _answer(messages.read_call(payload), answers, submission, sequence, limits)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        _send(channel, reply)


def _answer(call: messages.Call, answers: dict[str, Answer], submission: Submission, sequence: int, limits: Limits) -> bytes:
    """The frame that answers `call`."""
    try:
        result = answers[call.name].ask(call)
        payload = messages.write_result(result)
        if len(payload) > limits.result_mib << 20:
            raise Stopped(Trouble(reason=Reason.OUTPUT, text=f"{len(payload):,} bytes were returned, {limits.result_mib} MiB is the most"))
        return frame(Type.RESULT, sequence, payload)
    except Stopped as stopped:
        found = stopped.trouble
    except (NoArray, Malformed) as error:
        found = Trouble(reason=Reason.KIND, text=str(error))
    except BaseException as error:
        found = trouble(error, submission.labels)
    return frame(Type.TROUBLE, sequence, messages.write_trouble(found))


def _receive(channel: int) -> tuple[Type, int, bytes]:
    asked, sequence, length = HEADER.unpack(_exactly(channel, HEADER.size))
    return Type(asked), sequence, _exactly(channel, length)


def _exactly(channel: int, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = os.read(channel, min(count - len(data), _CHUNK))
        if not piece:
            os._exit(0)
        data += piece
    return bytes(data)


def _send(channel: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(channel, rest) :]


def warm_up_torch() -> None:
    """Load torch with one thread, and run once what answers use. With more threads operations would wait for ever after a fork."""
    import torch
    import torch.autograd.functional
    import torch.func
    import torch.nn.functional
    import torch.utils.checkpoint

    torch.set_num_threads(1)
    x = torch.ones(2, 2, requires_grad=True)
    (x @ x).sum().backward()  # type: ignore[no-untyped-call]
    square: Callable[[torch.Tensor], torch.Tensor] = lambda t: (t * t).sum()  # noqa: E731
    torch.func.vmap(torch.func.jacrev(torch.sin))(torch.ones(2, 2))
    torch.func.jacfwd(torch.sin)(torch.ones(2))
    torch.func.grad(square)(torch.ones(2))
    torch.autograd.functional.jacobian(torch.sin, torch.ones(2))  # type: ignore[no-untyped-call]
    torch.utils.checkpoint.checkpoint(square, x, use_reentrant=False).backward()

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(context, x):  # type: ignore[no-untyped-def]
            return 2 * x

        @staticmethod
        def backward(context, upstream):  # type: ignore[no-untyped-def]
            return 2 * upstream

    torch.autograd.grad(Double.apply(x), x, torch.ones(2, 2))  # type: ignore[no-untyped-call]
    torch.ones(2).numpy()
    torch.manual_seed(0)
