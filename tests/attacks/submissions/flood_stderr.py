# attack: output
import sys

def twice_dot(x):
    while True:
        sys.stderr.write("y" * 65536)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
