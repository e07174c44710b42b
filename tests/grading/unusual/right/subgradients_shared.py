import numpy as np


def absolute(x):
    return np.where(x < 0, -1.0, 1.0)


def euclidean(x):
    n = np.linalg.norm(x)
    return x / n if n else np.array([0.6, -0.8])


def largest(x):
    best = x == x.max()
    return best / best.sum()


def larger(a, b, upstream):
    share = np.heaviside(a - b, 0.5)
    return share * upstream, (1 - share) * upstream
