# attack: processes
import os
import time

def twice_dot(x):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            print("BREACH: a daemon")
            time.sleep(60)
        os._exit(0)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
