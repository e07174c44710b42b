"""The outer wall: bubblewrap, with namespaces of its own and a root that holds a Python and nothing else.

Comes in: what answers need.  Goes out: the words that start a Python behind the wall.  Why: what is not there cannot be read, reached or
signalled.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable

from checker.errors import UsageError
from checker.sandbox import root
from checker.sandbox.values import Kind

#: Whom a child is, inside. Where root started the wall it must become that first, see `two_users.py`: no limit on processes binds root.
NOBODY = 1000

_TEMPORARY = 1 << 20  # bytes for the server's own temporary files; each child has a file system of its own


class SandboxUnavailable(UsageError):
    """Untrusted code cannot be held here: the sentence says what is missing and how it comes."""


def command(kind: Kind, libraries: Iterable[str]) -> list[str]:
    """What to put before a Python's arguments.

    Raises:
        SandboxUnavailable: bubblewrap is not installed.
        UsageError: a library is not installed.
    """
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        raise SandboxUnavailable("Untrusted code runs inside bubblewrap, which is not installed: apt-get install bubblewrap libseccomp2")
    is_root = os.geteuid() == 0
    # what the server needs for its children's namespaces, and to become the other user and end it; a child has none of it
    rights = ["SYS_ADMIN", "SETPCAP", *(("SETUID", "SETGID", "KILL") if is_root else ())]
    mounts = root.mounts(kind, libraries)
    return [
        *((sys.executable, "-I", "-S", os.path.join(os.path.dirname(__file__), "two_users.py")) if is_root else ()),
        bubblewrap,
        *("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "box"),
        *(() if is_root else ("--unshare-user", "--uid", str(NOBODY), "--gid", str(NOBODY))),
        *("--die-with-parent", "--cap-drop", "ALL"),
        *(word for right in rights for word in ("--cap-add", f"CAP_{right}")),
        *(word for folder in root.folders(mounts) for word in ("--perms", "0755", "--dir", folder)),
        *("--size", str(_TEMPORARY), "--tmpfs", "/tmp", "--proc", "/proc"),
        *(word for device in root.DEVICES for word in ("--dev-bind", device, device)),
        *(word for mount in mounts for word in ("--ro-bind", mount.source, mount.target)),
        *(word for folder in root.hidden() for word in ("--tmpfs", folder, "--remount-ro", folder)),
        *("--remount-ro", "/", "--chdir", "/tmp"),
        root.interpreter().target,
    ]
