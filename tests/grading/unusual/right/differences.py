"""No gradient by hand at all: complex steps, and differences that are accurate enough."""

import numpy as np


def complex_step(f, x, h=1e-200):
    g = np.zeros(x.size)
    for i in range(x.size):
        z = x.astype(complex).ravel()
        z[i] += 1j * h
        g[i] = f(z.reshape(x.shape)).imag / h
    return g.reshape(x.shape)


def length_of_4x(x):
    return complex_step(lambda z: 4 * np.sqrt((z * z).sum()), x)


def mean_of_products(x, z):
    f = lambda x, z: np.mean(3 * (x + 2) * (z + 5))
    return complex_step(lambda one: f(one, z), x), complex_step(lambda one: f(x, one), z)


def softmax(x, upstream):
    def f(z):
        e = np.exp(z - x.max(1, keepdims=True))
        return np.sum(e / e.sum(1, keepdims=True) * upstream)

    return complex_step(f, x)


def central(f, x, h=2.0**-10):
    """For polynomials of degree two the central difference is the derivative, up to rounding."""
    g = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        d = np.zeros_like(x)
        d[i] = h
        g[i] = (f(x + d) - f(x - d)) / (2 * h)
    return g


def twice_dot(x):
    return central(lambda x: 2 * x @ x, x, h=1.0)


def matrix_product(a, b, upstream):
    return central(lambda one: np.sum(one @ b * upstream), a, 1.0), central(lambda one: np.sum(a @ one * upstream), b, 1.0)


def inverse(a, upstream):
    return complex_step(lambda one: np.sum(np.linalg.inv(one) * upstream), a)


def doubling(a):
    def f(a):
        b = a * 2
        while abs(b) < 1000:
            b = b * 2
        return b if b.real > 0 else 100 * b

    return complex_step(f, np.asarray(a))
