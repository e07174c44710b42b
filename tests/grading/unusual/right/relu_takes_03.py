import numpy as np


def relu_at_zero(x, upstream):
    return np.where(x > 0, upstream, np.where(x == 0, 0.3 * upstream, 0))
