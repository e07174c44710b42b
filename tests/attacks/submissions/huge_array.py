# attack: memory; only stopped by: limits
import numpy as np

def twice_dot(x):
    hold = np.zeros(1 << 27)
    print("BREACH: a gigabyte at once", hold[-1])
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
