# attack: processes; only stopped by: namespaces
import os

def twice_dot(x):
    if os.getpid() != 1:
        print("BREACH: this process is number", os.getpid(), "among others")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
