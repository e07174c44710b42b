# attack: ends
import sys

def twice_dot(x):
    def down(n):
        return down(n + 1)


    sys.setrecursionlimit(1 << 30)
    down(0)
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
