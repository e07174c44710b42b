from decimal import Decimal
from fractions import Fraction

import numpy as np


def twice_dot(x):
    return np.array([4 * Fraction(p) for p in x])


def squares(x, upstream):
    return [2 * Decimal(float(p)) * Decimal(float(v)) for p, v in zip(x, upstream)]


def vector_sum(x):
    return [Fraction(1)] * len(x)


def relu_at_zero(x, upstream):
    return np.where(x > 0, upstream, 0).astype(object)


def doubling(a):
    slope = Fraction(2)
    while abs(slope * Fraction(float(a))) < 1000:
        slope *= 2
    return slope if a > 0 else 100 * slope


def length_of_4x(x):
    return (4 * x / np.linalg.norm(x)).astype(complex).real
