import numpy as np


def absolute(x):
    return np.sign(x)


def euclidean(x):
    n = np.linalg.norm(x)
    return x / n if n else np.zeros_like(x)


def largest(x):
    return np.eye(len(x))[np.argmax(x)]


def larger(a, b, upstream):
    return np.where(a >= b, upstream, 0), np.where(a < b, upstream, 0)
