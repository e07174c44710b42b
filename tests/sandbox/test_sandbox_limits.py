"""What untrusted code may use, and how it is told that it used more. Every case costs its own limit and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from boxes import POINT, Boxes, gradient, load, says, stopped

from checker.sandbox.values import Kind, Limits, Reason, Stopped

SHORT = Limits(load_seconds=0.5, call_seconds=0.3)
F = "\ndef f(x): return x"


@pytest.mark.parametrize("source", ["while True: pass" + F, "def f(x):\n    while True: pass"])
def test_an_endless_loop_is_ended(boxes: Boxes, source: str) -> None:
    started = time.monotonic()
    trouble = stopped(boxes("numpy"), source, SHORT)
    assert trouble.reason is Reason.TIMED_OUT
    assert 0.2 < time.monotonic() - started < 2


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        "import signal\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except Exception: pass\nwhile True: pass",
        "def f(x): return 9 ** 9 ** 9",
        "import time\ntime.sleep(100)",
        "def f(x): open('/dev/urandom', 'rb').read()",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
        "import re\ndef f(x): re.match('(a+)+b', 'a' * 50)",
    ],
)
def test_nothing_outlasts_its_time(boxes: Boxes, source: str) -> None:
    assert stopped(boxes("numpy"), source, SHORT).reason in (Reason.TIMED_OUT, Reason.MEMORY)


def test_the_whole_is_limited_beside_its_parts(boxes: Boxes) -> None:
    with boxes("numpy").open(Limits(seconds=0.5)) as session:
        load(session, "import time\ndef f(x): time.sleep(0.2); return x")
        session.call("f", "gradient", {"x": POINT})
        session.call("f", "gradient", {"x": POINT})
        for _ in range(2):  # and what is gone stays gone
            with pytest.raises(Stopped) as raised:
                session.call("f", "gradient", {"x": POINT})
            assert raised.value.trouble.reason is Reason.TIMED_OUT
        assert 0.4 < session.seconds < 1


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("numpy", "def f(x): return bytearray(1 << 30)"),
        ("numpy", "import numpy as np\ndef f(x): return np.ones(1 << 28)"),
        ("numpy", "hoard = []\nwhile True: hoard.append(' ' * 1_000_000)"),
        ("torch", "import torch\ndef f(x): return torch.ones(1 << 28)"),
        ("torch", "import torch\ndef f(x):\n  hoard = []\n  while True: hoard.append(torch.ones(1 << 20))"),
    ],
)
def test_memory_is_limited(boxes: Boxes, kind: Kind, source: str) -> None:
    with boxes(kind).open(Limits(memory_mib=256)) as session:
        try:
            loaded = load(session, source)
            trouble = loaded.troubles[0] if loaded.troubles else None
            if trouble is None:
                session.call("f", "gradient", {"x": POINT})
        except Stopped as error:
            trouble = error.trouble
    assert trouble is not None
    assert trouble.reason is Reason.MEMORY


def test_within_its_memory_code_is_left_alone(boxes: Boxes) -> None:
    with boxes("numpy").open(Limits(memory_mib=256)) as session:
        assert gradient(session, "import numpy as np\ndef f(x): return np.ones(1 << 24).sum()")["0"] == 1 << 24


@pytest.mark.parametrize(
    "source",
    [
        "while True: print('x' * 1000)" + F,
        "import os\ndef f(x):\n    while True: os.write(2, b'x' * 65536)",
        "import os\ndef f(x):\n    os.write(1, b'x' * 5_000_000)\n    return x",
    ],
)
def test_a_flood_of_output_ends_a_child(boxes: Boxes, source: str) -> None:
    assert stopped(boxes("numpy"), source).reason is Reason.OUTPUT


def test_of_much_output_the_beginning_is_kept(boxes: Boxes) -> None:
    with boxes("numpy").open(Limits(output_kib=1)) as session:
        gradient(session, "def f(x):\n    print('abcd' * 1000); return x")
        assert session.output == "abcd" * 256


def test_a_result_is_limited(boxes: Boxes) -> None:
    with boxes("numpy").open(Limits(result_mib=1)) as session:
        load(session, "import numpy as np\ndef f(x): return np.zeros(int(x[0]))")
        assert session.call("f", "gradient", {"x": np.array([1e5])})[0][1].size == 100_000
        with pytest.raises(Stopped) as raised:
            session.call("f", "gradient", {"x": np.array([1 << 17])})
    assert raised.value.trouble.reason is Reason.OUTPUT
    # 2²⁰ bytes of entries; before them a count (4), a label (4 + 1), dtype and dimensions (2), a dimension (8)
    assert raised.value.trouble.text == "1,048,595 bytes were returned, 1 MiB is the most"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("import os; os._exit(0)", "it ended Python, with status 0"),
        ("import os\ndef f(x): os._exit(7)", "it ended Python, with status 7"),
        ("import ctypes\ndef f(x): ctypes.string_at(0)", "Python itself crashed (SIGSEGV)"),
        ("import sys\nsys.setrecursionlimit(10**9)\ndef f(x): return sorted([x], key=f)", "Python itself crashed (SIGSEGV)"),
        ("import os\nos.abort()", "Python itself crashed (SIGSEGV)"),
        ("import faulthandler\nfaulthandler._fatal_error_c_thread()", "Python itself crashed (SIGSEGV)"),
    ],
)
def test_the_end_of_the_interpreter_is_told_in_words(boxes: Boxes, source: str, text: str) -> None:
    trouble = stopped(boxes("numpy"), source)
    assert (trouble.reason, trouble.text) == (Reason.DIED, text)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("def f(x): return f(x)", "RecursionError: maximum recursion depth exceeded"),
        ("import sys\ndef f(x): sys.exit(3)", "SystemExit: 3"),
        ("def f(x): raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(x): raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})", "an exception that cannot be shown"),
        ("def f(x): raise ValueError('y' * 10_000)", f"ValueError: {'y' * 1988}"),
        ("def f(x): input()", "EOFError: EOF when reading a line"),
    ],
)
def test_an_exception_is_told(boxes: Boxes, source: str, text: str) -> None:
    trouble = stopped(boxes("numpy"), source)
    assert (trouble.reason, trouble.text) == (Reason.RAISED, text)


def test_threads_are_limited(boxes: Boxes) -> None:
    start = "threading.Thread(target=time.sleep, args=(9,)).start()"
    threads = f"import threading, time\nn = 0\ntry:\n  for n in range(1000): {start}\nexcept RuntimeError: pass"
    assert int(says(boxes("numpy"), "n", threads, Limits(processes=8, memory_mib=4096))) < 8


def test_a_few_threads_are_welcome(boxes: Boxes) -> None:
    pool = "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool: n = sum(pool.map(int, '1234'))"
    assert says(boxes("numpy"), "n", pool) == "10"


def test_processes_are_limited_even_where_they_may_be_started(boxes: Boxes) -> None:
    """Without the filter of system calls a fork is possible. The limit holds, also for a box that root started."""
    box = boxes("numpy", layers=frozenset({"bubblewrap", "namespaces", "limits", "privileges", "landlock"}))
    forks = "import os, time\nn = 0\ntry:\n  for n in range(1000):\n    if os.fork() == 0: time.sleep(9); os._exit(0)\nexcept OSError: pass"
    assert int(says(box, "n", forks, Limits(processes=8))) < 8


@pytest.mark.parametrize(
    "fill", ["open('big', 'wb').write(bytes(64 << 20))", "[open(f'{n}', 'wb').write(bytes(1 << 20)) for n in range(64)]"]
)
def test_files_are_limited_and_gone_afterwards(boxes: Boxes, fill: str) -> None:
    box = boxes("numpy")
    assert says(box, fill, limits=Limits(disk_mib=4)).startswith("OSError")
    assert says(box, "__import__('os').listdir()") == "[]"
    assert says(box, "open('mine', 'w').write('x') and open('mine').read()") == "x"
    assert says(box, "__import__('tempfile').TemporaryFile().write(b'x')") == "1"


def test_a_child_leaves_nothing_behind(boxes: Boxes) -> None:
    """After many children, most of them ended badly: no process, no descriptor, no file is left."""
    box = boxes("numpy")

    def left() -> tuple[int, int]:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        return len(children), len(os.listdir("/proc/self/fd"))

    says(box, "1")
    before = left()
    for n in range(200):
        with box.open(Limits(call_seconds=0.02 if n % 4 == 3 else 5.0)) as session:
            if n % 4 == 0:
                load(session, "import os; print(os.getpid())")
            elif n % 4 == 1:
                gradient(session, "import threading, time\nthreading.Thread(target=time.sleep, args=(9,)).start()" + F)
            else:
                with pytest.raises(Stopped):
                    gradient(session, "import os\nopen('mine', 'w')\ndef f(x): os._exit(1)" if n % 4 == 2 else "def f(x):\n  while 1: pass")
    assert left() == before
    assert says(box, "__import__('os').listdir('..')") == "PermissionError [Errno 13] Permission denied: '..'"
