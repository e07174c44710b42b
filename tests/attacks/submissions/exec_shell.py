# attack: processes
import os

def twice_dot(x):
    os.execv("/bin/sh", ["sh", "-c", "echo BREACH: a shell"])
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
