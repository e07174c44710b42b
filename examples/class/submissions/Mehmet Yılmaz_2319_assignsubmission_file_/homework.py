# Homework 1, it worked yesterday
import numpy as np


def twice_dot(x):
    return 4 * x


def squares(x, upstream):
    return 2 * x * upstream


def matrix_product(a, b, upstream):
    return upstream @ b.T, a.T @ upstream


def doubling(a)
    b = 2 * a
    while abs(b) < 1000:
        b = 2 * b
    return (b if b > 0 else 100 * b) / a
