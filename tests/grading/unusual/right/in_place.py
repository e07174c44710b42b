import numpy as np


def twice_dot(x):
    x *= 4  # on the argument itself
    return x


def squares(x, upstream):
    np.multiply(x, upstream, out=upstream)
    upstream += upstream
    return upstream


def vector_sum(x):
    x[:] = 1
    return x


def mean_of_products(x, z):
    x, z = z, x
    x += 5
    z += 2
    x *= 0.75
    z *= 0.75
    return x, z


def softmax(x, upstream):
    x -= x.max(axis=1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=1, keepdims=True)
    upstream -= (x * upstream).sum(axis=1, keepdims=True)
    x *= upstream
    return x


def relu_at_zero(x, upstream):
    upstream[x <= 0] = 0
    return upstream


def cross_entropy(logits, labels):
    logits -= logits.max(axis=1)[:, None]
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1)[:, None]
    logits[np.arange(3), labels] -= 1
    logits /= 3
    return logits


def inverse(a, upstream):
    a[:] = np.linalg.inv(a).T
    return np.negative(a @ upstream @ a, out=upstream)
