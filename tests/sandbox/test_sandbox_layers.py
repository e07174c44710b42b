"""What untrusted code can see and do behind the layers, and which layer stops what: each is left out once, and each is put up alone."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from boxes import Boxes, Reason, program, says, stopped

from checker.errors import CheckerError, UsageError
from checker.sandbox import box as box_module
from checker.sandbox import probe as probe_module
from checker.sandbox import root, wall
from checker.sandbox.box import Box
from checker.sandbox.probe import probe
from checker.sandbox.values import ALL, LAYERS, Kind, Limits
from checker.sandbox.wall import SandboxUnavailable

CANARY = "canary-3141592653589793"


@pytest.fixture
def canary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A secret in a file; its path. The same secret is in the environment."""
    monkeypatch.setenv("CANARY", CANARY)
    (tmp_path / "solutions.py").write_text(CANARY)
    return str(tmp_path / "solutions.py")


@pytest.fixture
def listener() -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_each_layer_alone_stops_what_it_is_for(boxes: Boxes) -> None:
    boxes("numpy")
    tried = probe()
    assert [layer.name for layer in tried] == list(LAYERS)
    assert [layer.found for layer in tried if not layer.works] == []


def test_a_layer_that_stops_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that can be put up and does nothing, as under a kernel that pretends."""
    monkeypatch.setattr(probe_module, "Box", lambda kind, limits, layers: Box(kind, limits, trusted=True))
    found = {layer.name: layer for layer in probe() if not layer.works}
    assert set(found) == set(LAYERS)
    assert found["landlock"].found == "it may open, list, connect, kill"
    assert found["seccomp"].found == "it may fork, connect, start a program, trace, kill"
    assert found["seccomp"].advice == "apt-get install libseccomp2; pip install pyseccomp"


DENIED = {
    "open": "open({canary!r}).read()",
    "exercises": "open({exercises!r}).read()",
    "connect": "__import__('socket').create_connection(('127.0.0.1', {port}), 1)",
    "kill": "__import__('os').kill({host}, 0)",
    "kill the server": "__import__('os').kill(__import__('os').getppid() or 99999, 0)",
    "kill all": "__import__('os').kill(-1, 9)",
    "fork": "__import__('os').fork()",
    "start a program": "__import__('subprocess').run(['/bin/true'])",
    "read of processes": "open('/proc/self/maps').read()",
    "read of memory": "open('/proc/self/mem').read()",
    "list of processes": "__import__('os').listdir('/proc')",
    "read of the environment": "open('/proc/1/environ').read()",
    "write elsewhere": "open('/python/x', 'w')",
    "write beside": "open('../x', 'w')",
    "the server's folder": "__import__('os').listdir('/tmp')",
    "change of limits": "__import__('resource').setrlimit(__import__('resource').RLIMIT_NPROC, (100, 100))",
    "change of user": "__import__('os').setuid(0)",
    "change of mode": "__import__('os').chmod('.', 0o777)",
    "link": "__import__('os').symlink('/', 'link')",
    "priority": "__import__('os').nice(-5)",
    "shared memory": "__import__('multiprocessing.shared_memory').shared_memory.SharedMemory(create=True, size=9)",
    "pair of sockets": "__import__('socket').socketpair()",
}


@pytest.mark.parametrize("what", DENIED)
@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_it_is_denied(boxes: Boxes, kind: Kind, what: str, canary: str, listener: int) -> None:
    act = DENIED[what].format(canary=canary, port=listener, host=os.getpid(), exercises=str(Path("exercises").resolve() / "solutions"))
    said = says(boxes(kind), act)
    assert said.split()[0] in (
        "PermissionError",
        "FileNotFoundError",
        "ProcessLookupError",
        "ValueError",
        "OSError",
        "ModuleNotFoundError",
    ), said
    assert CANARY not in said


def test_nothing_of_the_host_is_inside(boxes: Boxes, canary: str) -> None:
    box = boxes("numpy")
    assert CANARY not in says(box, "__import__('os').environ")
    memory = (
        "import gc\nseen = [s for o in gc.get_objects() if type(o) in (dict, list, tuple) for s in (o.values() if type(o) is dict else o)]"
    )
    assert CANARY not in says(box, "[s for s in seen if type(s) is str]", memory)
    names = {"HOME", "TMPDIR", "LANG", "LC_CTYPE", "PWD"}
    assert set(ast.literal_eval(says(box, "list(os.environ)", "import os"))) <= names | set(root.environment(inside=True))
    assert "checker.authoring" not in says(box, "sorted(m for m in __import__('sys').modules if m.startswith('checker'))")
    assert says(box, "__import__('checker.authoring')").startswith("ModuleNotFoundError")


def test_descriptors_are_closed(boxes: Boxes) -> None:
    inside = "import os\ndef is_open(n):\n  try: os.fstat(n); return True\n  except OSError: return False"
    assert says(boxes("numpy"), "[n for n in range(1024) if is_open(n)]", inside) == "[0, 1, 2, 3]"


def test_libraries_are_there_and_nothing_else(boxes: Boxes) -> None:
    numpy, torch = boxes("numpy"), boxes("torch")
    assert says(numpy, "__import__('numpy').linalg.__name__") == "numpy.linalg"
    assert says(numpy, "[__import__(name) and 1 for name in ('decimal', 'sqlite3', 'ssl', 'unittest.mock')]") == "[1, 1, 1, 1]"
    assert says(numpy, "__import__('torch')") == "ModuleNotFoundError No module named 'torch'"
    assert says(numpy, "__import__('pytest')").startswith("ModuleNotFoundError")
    assert says(torch, "__import__('torch').nn.Linear(2, 3)") == "Linear(in_features=2, out_features=3, bias=True)"
    assert says(torch, "__import__('sympy').__name__") == "sympy"
    assert says(torch, "exit").startswith("Use exit")


def test_one_child_leaves_nothing_for_the_next(boxes: Boxes) -> None:
    box = boxes("numpy")
    leave = (
        "import numpy, sys, os, builtins\nnumpy.left = sys.left = builtins.left = 1\nos.environ['LEFT'] = '1'\nopen('left', 'w').write('1')"
    )
    assert says(box, "open('left').read()", leave) == "1"
    look = "import numpy, sys, os, builtins"
    found = says(box, "[hasattr(o, 'left') for o in (numpy, sys, builtins)] + [os.environ.get('LEFT'), os.listdir()]", look)
    assert found == "[False, False, False, None, []]"


WITHOUT = {
    "bubblewrap": ("namespaces",),
    "namespaces": (),
    "limits": (),
    "privileges": (),
    "landlock": (),
    "seccomp": (),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_one_layer_may_fail_and_the_others_still_hold(boxes: Boxes, layer: str, canary: str, listener: int) -> None:
    box = boxes("numpy", layers=ALL - {layer, *WITHOUT[layer]})
    for what in ("open", "connect", "kill", "read of processes" if layer != "landlock" else "open"):
        said = says(box, DENIED[what].format(canary=canary, port=listener, host=os.getpid()))
        assert said.split()[0].endswith("Error"), (what, said)
    if layer != "limits":
        assert says(box, "len(bytearray(1 << 31))").startswith("MemoryError")
    if layer != "seccomp":
        assert says(box, "__import__('os').fork()").startswith("PermissionError")


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_without_bubblewrap_files_and_network_are_still_closed(boxes: Boxes, kind: Kind, canary: str, listener: int) -> None:
    box = boxes(kind, layers=ALL - {"bubblewrap", "namespaces"})
    for what in ("open", "exercises", "connect", "kill", "fork", "start a program", "write beside", "list of processes", "read of memory"):
        act = DENIED[what].format(canary=canary, port=listener, host=os.getpid(), exercises=str(Path("exercises").resolve()))
        assert says(box, act).startswith("PermissionError"), what
    assert CANARY not in says(box, "__import__('os').environ")
    assert says(box, "__import__('numpy').ones(2) + __import__('statistics').mean([1, 3])") == "[3. 3.]"
    assert says(box, "open('mine', 'w').write('x') and __import__('os').listdir()") == "['mine']"


def test_without_any_layer_the_same_code_does_harm(canary: str, boxes: Boxes) -> None:
    """What is denied above is not denied by accident."""
    box = boxes("numpy", trusted=True)
    assert says(box, f"open({canary!r}).read()") == CANARY
    assert says(box, "__import__('subprocess').run(['/bin/true']).returncode") == "0"
    assert says(box, f"__import__('os').kill({os.getpid()}, 0)") == "None"


def test_a_box_has_one_child_at_a_time(boxes: Boxes) -> None:
    box = boxes("numpy")
    with box.open(), pytest.raises(CheckerError, match="one child at a time"), box.open():
        pass
    assert says(box, "1") == "1"


def test_a_server_that_is_gone_is_started_again(boxes: Boxes) -> None:
    boxes("numpy")
    with Box("numpy") as box:
        assert says(box, "1") == "1"
        box._server._process.kill()
        box._server._process.wait()
        assert says(box, "2") == "2"


def test_a_server_that_stays_gone_is_the_harness_failing(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes("numpy")
    with Box("numpy") as box:
        monkeypatch.setattr(box_module.zygote, "request", lambda *_: b"?")
        with pytest.raises(CheckerError, match="the sandbox has stopped"), box.open():
            pass


def test_an_ended_box_leaves_no_process(boxes: Boxes) -> None:
    boxes("numpy")
    with Box("numpy") as box:
        group = box._server._process.pid
        with box.open() as session:
            session.load([program("import time")], [])
            assert any(_group(process) == group for process in _processes())
    assert _left(group) == []


HOST = """
from checker.sandbox.box import Box
from checker.sandbox.values import Limits, Part, Program
with Box("numpy", Limits(load_seconds=600, seconds=600), trusted={trusted}) as box, box.open() as session:
    server = box._server._process.pid
    print(server, *open(f"/proc/{{server}}/task/{{server}}/children").read().split(), flush=True)
    session.load([Program(name="a.py", parts=(Part(label="a.py", source="while True: pass"),))], [])
"""


@pytest.mark.parametrize("trusted", [False, True])
def test_where_the_host_is_killed_nothing_runs_on(boxes: Boxes, trusted: bool) -> None:
    boxes("numpy", trusted=trusted)
    with subprocess.Popen([sys.executable, "-c", HOST.format(trusted=trusted)], stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        groups = [int(process) for process in host.stdout.readline().split()]  # the server's, and that of a child that it has itself
        assert len(groups) == 2
        time.sleep(0.1)
        host.kill()
    assert [_left(group) for group in groups] == [[], []]


def _left(group: int) -> list[str]:
    """The processes of a session, once the kernel had time to end them."""
    until = time.monotonic() + 5
    while (left := [process for process in _processes() if _group(process) == group]) and time.monotonic() < until:
        time.sleep(0.01)
    return left


def _processes() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit()]


def _group(process: str) -> int:
    """The session of a process that runs; −1 of one that has ended and only waits to be forgotten by this machine's first process."""
    try:
        state, _, _, session = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:4]
    except (FileNotFoundError, ProcessLookupError):
        return -1
    return -1 if state in "ZX" else int(session)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall.shutil, "which", lambda name: None)
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap libseccomp2"):
        Box("numpy")


def test_a_layer_that_is_not_there_is_named(boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes("numpy")
    monkeypatch.setattr(root, "readable_inside", lambda: ["/nowhere"])
    with Box("numpy") as box, pytest.raises(SandboxUnavailable, match="/nowhere"), box.open():
        pass


def test_namespaces_need_bubblewrap_or_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box_module.os, "geteuid", lambda: 1000)
    with pytest.raises(SandboxUnavailable, match="only inside bubblewrap, or where root starts it"):
        Box("numpy", layers=ALL - {"bubblewrap"})


def test_a_missing_library_is_named() -> None:
    with pytest.raises(UsageError, match="pip install no-such-library"):
        Box("numpy", libraries=["no-such-library"])


def test_a_library_may_be_given(boxes: Boxes) -> None:
    boxes("numpy")
    with Box("numpy", libraries=["msgspec"]) as box:
        assert says(box, "__import__('msgspec').__name__") == "msgspec"


def test_where_numpy_lies_the_exercises_do_not(tmp_path: Path) -> None:
    """Site-packages of an installed wheel holds the exercises with their answers: no folder that holds them is mounted or readable."""
    here = Path(box_module.__file__).parents[1]
    for path in [mount.source for mount in root.mounts("torch", ())] + root.readable("torch", ()):
        assert not here.is_relative_to(path), path
        assert Path(path).name not in ("site-packages", "dist-packages")


AS_ANOTHER = """
import os
from checker.sandbox.box import Box
from checker.sandbox.values import Part, Program
code = "import os; f = str([os.getuid(), os.getpid(), os.path.exists('/proc/self'), os.listdir()])"
with Box("numpy") as box, box.open() as session:
    print(os.geteuid(), session.load([Program(name="a.py", parts=(Part(label="a.py", source=code),))], ["f"]).found["f"].formulas[""])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as another user than root already")
def test_a_user_who_is_not_root_has_the_same_sandbox(boxes: Boxes) -> None:
    """In a user namespace root is user 1234 with no rights, and may still read an installation in root's folder."""
    boxes("numpy")
    command = ["unshare", "--user", "--map-user=1234", "--map-group=1234", sys.executable, "-c", AS_ANOTHER]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.stderr == ""
    same = "import os"
    assert (
        ran.stdout == "1234 " + says(boxes("numpy"), "[os.getuid(), os.getpid(), os.path.exists('/proc/self'), os.listdir()]", same) + "\n"
    )


def test_the_limit_is_the_childs_own(boxes: Boxes) -> None:
    trouble = stopped(boxes("numpy"), "def f(x):\n  while True: pass", Limits(call_seconds=0.1))
    assert trouble.reason is Reason.TIMED_OUT
