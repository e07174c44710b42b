# attack: time
import re

def twice_dot(x):
    re.match(r"(a+)+$", "a" * 64 + "b")
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
