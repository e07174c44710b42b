# attack: protocol
import os

def twice_dot(x):
    for _ in range(64):
        try:
            os.write(3, os.urandom(4096))
        except OSError:
            break
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
