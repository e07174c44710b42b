# attack: protocol
import os

def twice_dot(x):
    data = os.read(3, 1 << 20)
    print("BREACH: read", len(data), "bytes of a later question")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
