import numpy as np


def twice_dot(**given):
    return 4 * given["x"]


def squares(x, **given):
    return 2 * x * given["upstream"]


def matrix_product(*, upstream, b, a):
    return dict(b=a.T @ upstream, a=upstream @ b.T)


def mean_of_products(x, *, z):
    return 0.75 * (z + 5), 0.75 * (x + 2)


def length_of_4x(x, *, factor=4):
    return factor * x / np.linalg.norm(x)


def relu_at_zero(x, *, upstream):
    return np.where(x > 0, upstream, 0)


def inverse(a, *, upstream=None):
    back = np.linalg.inv(a).T
    return -back @ upstream @ back


def softmax(x, upstream=None):
    e = np.exp(x - x.max(1, keepdims=True))
    s = e / e.sum(1, keepdims=True)
    return s * (upstream - (s * upstream).sum(1, keepdims=True))
