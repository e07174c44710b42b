"""What a child may say: the one frame that was asked for, and nothing that costs the host more than its length."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable

import numpy as np
import pytest
from boxes import POINT, Boxes, load, stopped
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from checker.sandbox import messages
from checker.sandbox.frames import HEADER, Array, Malformed, Reader, Type, Writer, frame
from checker.sandbox.messages import Call
from checker.sandbox.session import End, Session
from checker.sandbox.values import Form, Found, Limits, Loaded, Reason, Stopped, Trouble

RESULT = messages.write_result([("0", POINT)])


def answered_by(answer: Callable[[int], bytes], *, hang_up: bool = False) -> Stopped | list[tuple[str, Array]]:
    """What a session makes of the bytes that `answer` gives for a sequence number."""
    ours, theirs = socket.socketpair()
    reading, writing = os.pipe()
    os.close(writing)
    session = Session(ours, reading, Limits(call_seconds=0.5, result_mib=1), lambda hung_up: End(status=9, processor=0.0, lived=True))

    def child() -> None:
        _, sequence, length = HEADER.unpack(theirs.recv(HEADER.size, socket.MSG_WAITALL))
        theirs.recv(length, socket.MSG_WAITALL)
        with contextlib.suppress(OSError):  # the host has hung up, as it should
            theirs.sendall(answer(sequence))
        if hang_up:
            theirs.close()

    thread = threading.Thread(target=child)
    thread.start()
    try:
        return session.call("f", "gradient", {"x": POINT})
    except Stopped as stopped:
        return stopped
    finally:
        session.finish()
        thread.join()
        theirs.close()


def test_the_awaited_frame_is_taken() -> None:
    result = answered_by(lambda sequence: frame(Type.RESULT, sequence, RESULT))
    assert isinstance(result, list)
    assert result[0][1].tolist() == POINT.tolist()


def pieces(*values: int | str | bytes) -> bytes:
    """Numbers of 4 bytes, texts with their length, and bytes as they are."""
    return b"".join(
        struct.pack("<I", one) if isinstance(one, int) else struct.pack("<I", len(one)) + one.encode() if isinstance(one, str) else one
        for one in values
    )


FORGED: dict[str, tuple[Callable[[int], bytes], Reason]] = {
    "another number": (lambda n: frame(Type.RESULT, n ^ 1, RESULT), Reason.PROTOCOL),
    "another type": (lambda n: frame(Type.LOADED, n, RESULT), Reason.PROTOCOL),
    "no type": (lambda n: HEADER.pack(200, n, 0), Reason.PROTOCOL),
    "twice": (lambda n: frame(Type.RESULT, n, RESULT) * 2, Reason.PROTOCOL),
    "a byte more": (lambda n: frame(Type.RESULT, n, RESULT) + b"x", Reason.PROTOCOL),
    "a byte less": (lambda n: frame(Type.RESULT, n, RESULT[:-1]), Reason.PROTOCOL),
    "nothing": (lambda n: b"", Reason.TIMED_OUT),
    "half a header": (lambda n: b"\6", Reason.TIMED_OUT),
    "a length that never comes": (lambda n: HEADER.pack(Type.RESULT, n, 1000), Reason.TIMED_OUT),
    "too long": (lambda n: HEADER.pack(Type.RESULT, n, 1 << 21), Reason.OUTPUT),
    "very much too long": (lambda n: HEADER.pack(Type.RESULT, n, (1 << 64) - 1), Reason.OUTPUT),
    "empty": (lambda n: frame(Type.RESULT, n), Reason.PROTOCOL),
    "65 arrays": (lambda n: frame(Type.RESULT, n, messages.write_result([("0", POINT)] * 65)), Reason.PROTOCOL),
    "4 billion arrays": (lambda n: frame(Type.RESULT, n, pieces(0xFFFF_FFFF)), Reason.PROTOCOL),
    "a long label": (lambda n: frame(Type.RESULT, n, messages.write_result([("0" * 801, POINT)])), Reason.PROTOCOL),
    "an unknown dtype": (lambda n: frame(Type.RESULT, n, pieces(1, "0", b"\x09\0")), Reason.PROTOCOL),
    "nine dimensions": (
        lambda n: frame(Type.RESULT, n, pieces(1, "0", b"\1\x09" + struct.pack("<9Q", *[1] * 9) + bytes(8))),
        Reason.PROTOCOL,
    ),
    "a huge shape": (lambda n: frame(Type.RESULT, n, pieces(1, "0", b"\1\2" + struct.pack("<2Q", 1 << 63, 1 << 63))), Reason.PROTOCOL),
    "a huge and a zero": (lambda n: frame(Type.RESULT, n, pieces(1, "0", b"\1\2" + struct.pack("<2Q", 1 << 62, 0))), Reason.PROTOCOL),
    "a shape that wraps": (
        lambda n: frame(Type.RESULT, n, pieces(1, "0", b"\1\2" + struct.pack("<2Q", 1 << 32, 1 << 32))),
        Reason.PROTOCOL,
    ),
    "nested brackets": (lambda n: frame(Type.RESULT, n, b"[" * 500_000), Reason.PROTOCOL),
    "a pickle": (lambda n: frame(Type.RESULT, n, b"cos\nsystem\n(S'true'\ntR."), Reason.PROTOCOL),
    "an unknown reason": (lambda n: frame(Type.TROUBLE, n, pieces(99, "", "", 0)), Reason.PROTOCOL),
    "a long trouble": (lambda n: frame(Type.TROUBLE, n, pieces(0, "x" * 8001, "", 0)), Reason.PROTOCOL),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_frames(name: str) -> None:
    forged, reason = FORGED[name]
    result = answered_by(forged)
    assert isinstance(result, Stopped)
    assert result.trouble.reason is reason


def test_a_child_that_hangs_up_is_not_waited_for() -> None:
    result = answered_by(lambda n: b"", hang_up=True)
    assert isinstance(result, Stopped)
    assert result.trouble == Trouble(reason=Reason.PROTOCOL, text="it closed its connection")


FORGE = "import os, sys\nsys.path.insert(0, '/checker')\nfrom checker.sandbox.frames import *\n"


@pytest.mark.parametrize(
    "source",
    [
        FORGE + "os.write(3, frame(Type.LOADED, 0, b''))",
        FORGE + "def f(x): os.write(3, frame(Type.RESULT, 0, b'')); return x",
        FORGE + "os.write(3, b'junk')",
        FORGE + "def f(x): os.close(3); return x",
        FORGE + "import socket\ndef f(x): os.close(3); os.dup2(1, 3); return x",
        FORGE + "def f(x):\n  for fd in range(3, 64):\n    try: os.write(fd, bytes(100))\n    except OSError: pass\n  return x",
        # what a child can know it may say: it reads the number of the question from its own stack, answers, and answers again
        FORGE + "def f(x):\n  frame_ = sys._getframe()\n  while 'sequence' not in frame_.f_locals: frame_ = frame_.f_back\n"
        "  os.write(3, frame(Type.RESULT, frame_.f_locals['sequence'], bytes(4)) * 2)\n  return x",
    ],
)
def test_a_child_cannot_speak_out_of_turn(boxes: Boxes, source: str) -> None:
    assert stopped(boxes("numpy"), source).reason in (Reason.PROTOCOL, Reason.DIED)


def test_what_is_said_between_questions_counts(boxes: Boxes) -> None:
    late = "import os, threading, time\ndef later(): time.sleep(0.05); os.write(3, b'late')\n"
    with boxes("numpy").open() as session:
        load(session, late + "threading.Thread(target=later).start()\ndef f(x): time.sleep(0.2); return x")
        with pytest.raises(Stopped) as raised:
            session.call("f", "gradient", {"x": POINT})
    assert raised.value.trouble.reason is Reason.PROTOCOL


@pytest.mark.parametrize(
    "patch",
    [
        "import checker.sandbox.messages as m; m.write_result = lambda result: b'[' * 500_000",
        "import numpy as np; np.array = lambda *a, **k: 1 / 0",
        "import builtins; builtins.isinstance = lambda *a: True",
        "import os; os.write = None",
        "import sys; sys.modules.clear()",
        "import sys; sys.stdout = sys.stderr = None",
        "import gc; [o.clear() for o in gc.get_objects() if type(o) is dict and 'ask' in o]",
    ],
)
def test_a_child_that_patches_itself_harms_only_itself(boxes: Boxes, patch: str) -> None:
    box = boxes("numpy")
    with box.open() as session:
        try:
            load(session, patch + "\ndef f(x): return x")
            session.call("f", "gradient", {"x": POINT})
        except Stopped:
            pass
    with box.open() as session:
        load(session, "def f(x): return x")
        assert session.call("f", "gradient", {"x": POINT})[0][1].tolist() == POINT.tolist()


READERS: tuple[Callable[[bytes], object], ...] = (
    lambda payload: messages.read_loaded(payload, ("f", "g")),
    messages.read_result,
    messages.read_trouble,
)


@given(st.binary(max_size=300), st.sampled_from(READERS))
def test_no_bytes_do_more_than_not_fit(payload: bytes, read: Callable[[bytes], object]) -> None:
    with contextlib.suppress(Malformed):
        read(payload)


@given(st.data(), st.sampled_from(READERS))
def test_no_change_of_a_message_does_more_than_not_fit(data: st.DataObject, read: Callable[[bytes], object]) -> None:
    loaded = Loaded(
        found={"f": Found(form=Form.FORMULA, formulas={"": "4*x"})}, troubles=(Trouble(reason=Reason.RAISED, text="é", line=3),)
    )
    payloads = {READERS[0]: messages.write_loaded(loaded), READERS[1]: RESULT, READERS[2]: messages.write_trouble(loaded.troubles[0])}
    changed = bytearray(payloads[read])
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed):
        read(bytes(changed))


DTYPES = st.sampled_from([np.float64, np.float32, np.int64, np.bool_])


@example(np.zeros((0, 2, 2, 2, 3, 3, 3, 3)))  # empty, and wide in every other dimension
@given(arrays.arrays(DTYPES, arrays.array_shapes(min_dims=0, max_dims=8, min_side=0, max_side=3)))
def test_arrays_arrive_as_they_were_sent(array: Array) -> None:
    writer = Writer()
    writer.array(array)
    reader = Reader(writer.payload())
    read = reader.array()
    reader.end()
    assert read.dtype == array.dtype
    assert read.shape == array.shape
    assert read.tobytes() == array.tobytes()
    assert read.flags.writeable
    assert read.flags.aligned


def test_a_byte_that_is_no_bool_becomes_one() -> None:
    assert Reader(b"\4\1" + struct.pack("<Q", 2) + b"\x07\x00").array().view(np.uint8).tolist() == [1, 0]


@pytest.mark.parametrize("array", [np.zeros(1, complex), np.zeros(1, np.float16), np.array(["x"]), np.array([None]), np.zeros(1, np.int32)])
def test_other_arrays_are_refused_by_name(array: Array) -> None:
    with pytest.raises(Malformed, match=str(array.dtype)):
        Writer().array(array)


def test_messages_arrive_as_they_were_sent() -> None:
    loaded = Loaded(
        found={"f": Found(form=Form.FORMULA, formulas={"x": "4·x", "": "‖x‖"}), "g": Found(form=Form.PAIR)},
        troubles=(Trouble(reason=Reason.RAISED, text="é", label="cell 3", line=3), Trouble(reason=Reason.KIND)),
        imports_torch=True,
    )
    assert messages.read_loaded(messages.write_loaded(loaded), ["f", "g"]) == loaded


@pytest.mark.parametrize("upstream", [None, POINT, (POINT, None), ()])
def test_an_upstream_gradient_arrives_as_it_was_sent(upstream: messages.Upstream | None) -> None:
    call = messages.read_call(messages.write_call(Call(name="f", verb="backward", upstream=upstream, batch={"rate": POINT})))
    assert repr(call.upstream) == repr(upstream)
    assert repr(call.batch) == repr({"rate": POINT})


def test_half_a_character_is_no_obstacle() -> None:
    trouble = Trouble(reason=Reason.RAISED, text="\ud800")
    assert messages.read_trouble(messages.write_trouble(trouble)).text == "?"
