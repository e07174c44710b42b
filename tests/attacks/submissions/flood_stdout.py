# attack: output
import os

def twice_dot(x):
    while True:
        os.write(1, b"x" * 65536)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
