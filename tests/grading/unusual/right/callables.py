import functools
import operator

import numpy as np


class Gradient:
    """An object that is called."""

    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x


twice_dot = Gradient(4)

vector_sum = np.ones_like  # a function of the library

squares = functools.partial(lambda factor, x, upstream: factor * x * upstream, 2)


class Tools:
    @staticmethod
    def unit(x):
        return x / np.linalg.norm(x)

    @classmethod
    def length_of_4x(cls, x):
        return 4 * cls.unit(x)

    def mean_of_products(self, x, z):
        return self.share * (z + 5), self.share * (x + 2)

    share = 0.75


length_of_4x = Tools.length_of_4x
mean_of_products = Tools().mean_of_products


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@traced
def inverse(upstream, a):  # in another order, by the right names
    back = np.linalg.inv(a).T
    return -back @ upstream @ back


def counting(function):
    calls = 0

    def wrapper(*given):
        nonlocal calls
        calls += 1
        return function(*given)

    return wrapper


@counting
def matrix_product(a, b, v):
    return v @ b.T, a.T @ v


def by_steps(a):
    slope = 2.0
    while True:
        yield slope
        slope *= 2


doubling = lambda a: next(s for s in by_steps(a) if abs(s * a) >= 1000) * (1 if a > 0 else 100)


@functools.lru_cache
def _identity(k):
    return np.identity(k)


def cross_entropy(logits, labels):
    rows = (np.exp(row - row.max()) for row in logits)
    return np.array([row / row.sum() for row in rows]) / 3 - functools.reduce(operator.matmul, [_identity(3), _identity(4)[labels]]) / 3
