# attack: rights; only stopped by: privileges
import os

def twice_dot(x):
    if 0 in (*os.getresuid(), *os.getresgid()):
        print("BREACH: this is root")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
