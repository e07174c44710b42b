# attack: reading; only stopped by: landlock
import os

def twice_dot(x):
    print("BREACH: the root holds", os.listdir("/"))
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
