# attack: rights
import ctypes
import os

def twice_dot(x):
    libc = ctypes.CDLL(None, use_errno=True)
    for name in ("x", "/tmp/x"):
        try:
            with open(name, "wb") as file:
                file.write(b"#!/bin/sh\necho BREACH: executed\n")
            libc.chmod(name.encode(), 0o755)
            os.execv(name, [name])
        except OSError:
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
