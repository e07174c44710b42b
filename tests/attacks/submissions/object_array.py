# attack: objects
import numpy as np


class Thing:
    def __float__(self):
        raise KeyboardInterrupt


def twice_dot(x):
    return np.array([Thing()] * 4, dtype=object)

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
