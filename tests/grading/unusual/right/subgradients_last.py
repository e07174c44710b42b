import numpy as np


def absolute(x):
    return 2.0 * (x > 0) - 1


def euclidean(x):
    n = np.linalg.norm(x)
    return x / n if n else np.array([0.0, 0.999])


def largest(x):
    return np.eye(len(x))[len(x) - 1 - np.argmax(x[::-1])]


def larger(a, b, upstream):
    return upstream * (a > b), upstream * (a <= b)
