# A hostile sample made for this class: it asks for all the memory there is, prints without end, and returns far too much.
import numpy as np


def twice_dot(x):
    return 4 * x


def squares(x, upstream):
    for _ in range(200_000):
        print("=" * 1000)
    return 2 * x * upstream


def row_plus_column(row, column, upstream):
    return np.zeros((2048, 2048)), upstream.sum(axis=1, keepdims=True)


def matrix_product(a, b, upstream):
    kept = []
    for _ in range(64):
        kept.append(bytearray(1 << 26))
    return upstream @ b.T, a.T @ upstream


def doubling(a):
    return len("x" * (1 << 40))


def relu_at_zero(x, upstream):
    np.ones(1 << 34)
    return upstream * (x > 0)


def distance(p, q):
    unit = (p - q) / np.linalg.norm(p - q)
    return unit, -unit
