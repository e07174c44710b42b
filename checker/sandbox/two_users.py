"""A program: `python two_users.py COMMAND…` runs a command in a user namespace of two users, root and one other. Only root can start it.

Comes in: a command.  Goes out: the command, in place of this program.  Why: bubblewrap alone maps one user. Started by root that is root,
whom the limit on processes does not bind, and who has nobody else to become. Here root (0) reads the installation wherever it lies, and
the other (1000, outside: nobody) runs the answers.

It imports the standard library alone and is run by its path, before anything else of the sandbox exists.
"""

from __future__ import annotations

import ctypes
import os
import sys

_NEW_USERS = 0x1000_0000  # CLONE_NEWUSER
_USERS = "0 0 1\n1000 65534 1\n"


def main(command: list[str]) -> None:
    """Make the namespace, then become `command`."""
    parent, (reading, writing) = os.getpid(), os.pipe()
    helper = os.fork()
    if helper == 0:  # stays outside, where it may say who is who inside
        os.read(reading, 1)
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{parent}/{name}", "w", encoding="ascii") as file:
                file.write(_USERS)
        os._exit(0)
    if ctypes.CDLL(None, use_errno=True).unshare(_NEW_USERS) != 0:
        number = ctypes.get_errno()
        sys.exit(f"a user namespace cannot be made: {os.strerror(number)}")
    os.write(writing, b"\0")
    _, status = os.waitpid(helper, 0)
    if status != 0:
        sys.exit("the users of a namespace cannot be named")
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
