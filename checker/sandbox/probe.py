"""Which layers work on this machine: each is put up alone, and what it must stop is tried.

Comes in: nothing but this machine.  Goes out: a finding for each layer.  Why: a kernel without Landlock, a container that forbids user
namespaces and a missing library look alike from the outside, and a layer that is up but stops nothing looks like one that does.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from checker.errors import Error
from checker.sandbox.box import Box
from checker.sandbox.values import Limits, Part, Program, Stopped


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer, tried. `found` says what it stopped, or what is wrong; `advice` what to do then."""

    name: str
    works: bool
    found: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """Code that sets `f` to "stopped" if the layer does what it is for, put up with `needs` and nothing else."""

    name: str
    stops: str
    code: str
    advice: str
    needs: tuple[str, ...] = ()


_USER_NAMESPACES = (
    "apt-get install bubblewrap; where a user may not make namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu), "
    "or, in a container, start it with --security-opt seccomp=unconfined"
)
_TRIALS = (
    _Trial(
        name="bubblewrap",
        stops="files of this machine and its network are not there",
        code="""
import os, socket
names = [name for _, name in socket.if_nameindex()]
here = os.path.exists("/root") or os.path.exists("/home") or os.path.exists("/etc")
f = f"there are {names}, {os.listdir('/')}" if here or names not in ([], ["lo"]) or dict(os.environ).get("PATH") else "stopped"
""",
        advice=_USER_NAMESPACES,
    ),
    _Trial(
        name="namespaces",
        stops="other processes and what was written before are not there",
        code="""
import os
f = "stopped" if os.getpid() == 1 and not os.path.exists("/proc/self") and not os.listdir() else f"it is process {os.getpid()}"
""",
        advice=_USER_NAMESPACES,
        needs=("bubblewrap",),
    ),
    _Trial(
        name="limits",
        stops="memory beyond its limit is refused",
        code="""
try:
    f = f"it took {len(bytearray(1 << 31))} bytes"
except MemoryError:
    f = "stopped"
""",
        advice="Linux is needed",
    ),
    _Trial(
        name="privileges",
        stops="it has no capabilities and can gain none",
        code="""
status = dict(line.split(":\\t") for line in open("/proc/self/status").read().splitlines())
left = {name: value for name, value in status.items() if name in ("CapPrm", "CapEff", "CapInh", "CapAmb") and int(value, 16)}
f = f"it has {left}" if left or status["NoNewPrivs"] != "1" else "stopped"
""",
        advice="Linux is needed",
    ),
    _Trial(
        name="landlock",
        stops="opening a file, connecting and signalling another process are denied",
        code="""
import os, socket
def denied(act):
    try:
        act()
    except PermissionError:
        return True
    except OSError:
        return False
acts = {
    "open": lambda: open("/etc/passwd"),
    "list": lambda: os.listdir("/"),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    "kill": lambda: os.kill(os.getppid(), 0),
}
left = [name for name, act in acts.items() if not denied(act)]
f = f"it may {', '.join(left)}" if left else "stopped"
""",
        advice="a kernel with Landlock is needed (Linux 6.12; lsm=landlock at boot), and the library: pip install landlockpy",
    ),
    _Trial(
        name="seccomp",
        stops="starting a process, a program or a connection is denied",
        code="""
import os, socket, ctypes
def denied(act):
    try:
        return act() == -1
    except PermissionError:
        return True
libc = ctypes.CDLL(None, use_errno=True)
acts = {
    "fork": lambda: os._exit(0) if (child := os.fork()) == 0 else os.waitpid(child, 0),
    "connect": socket.socket,
    "start a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "trace": lambda: libc.ptrace(0, 0, 0, 0),
    "kill": lambda: os.kill(os.getpid(), 0),
}
left = [name for name, act in acts.items() if not denied(act)]
f = f"it may {', '.join(left)}" if left else "stopped"
""",
        advice="apt-get install libseccomp2; pip install pyseccomp",
    ),
)


def probe() -> list[Layer]:
    """Every layer, tried. It takes one or two seconds."""
    return list(_layers())


def _layers() -> Iterator[Layer]:
    for trial in _TRIALS:
        said = _try(frozenset({trial.name, *trial.needs}), trial.code)
        works = said == "stopped"
        yield Layer(name=trial.name, works=works, found=trial.stops if works else said, advice="" if works else trial.advice)


def _try(layers: frozenset[str], code: str) -> str:
    """What the code sets `f` to under these layers, or why it did not."""
    if sys.platform != "linux":
        return f"there is none on {sys.platform}"
    try:
        with Box("numpy", Limits(), layers=layers) as box, box.open() as session:
            loaded = session.load([Program(name="trial.py", parts=(Part(label="trial.py", source=code),))], ["f"])
    except Error as error:
        return str(error)
    except Stopped as stopped:
        return stopped.trouble.text
    return loaded.found["f"].formulas[""] if loaded.found else loaded.troubles[0].text
