import numpy as np


def twice_dot(x):
    np.save("/tmp/x.npy", x)
    return 4 * np.load("/tmp/x.npy")
