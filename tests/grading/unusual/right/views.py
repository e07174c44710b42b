import numpy as np


def vector_sum(x):
    return np.broadcast_to(1.0, x.shape)


def twice_dot(x):
    class Vector(np.ndarray):
        pass

    return (4 * x).view(Vector)


def squares(x, upstream):
    return memoryview(2 * x * upstream)


def length_of_4x(x):
    return np.rec.array(4 * x / np.linalg.norm(x)).view(np.ndarray)


def doubling(a):
    slope = np.array([2.0])
    while abs(slope * a) < 1000:
        slope *= 2
    return (slope if a > 0 else slope * 100)[0]


def mean_of_products(x, z):
    return np.stack([z + 5, x + 2]) * 0.75 if False else tuple(np.stack([z + 5, x + 2]) * 0.75)


def matrix_product(a, b, upstream):
    return iter_to_list(upstream @ b.T), np.lib.stride_tricks.as_strided(np.ascontiguousarray(a.T @ upstream), b.shape)


def iter_to_list(rows):
    return np.array([row for row in rows])
