import numpy as np


def twice_dot(x):
    return np.longdouble(4) * x.astype(np.longdouble)


def squares(x, upstream):
    return np.ma.masked_array(2 * x * upstream, mask=False)


def vector_sum(x):
    return np.ones(x.shape, dtype=np.int8)


def length_of_4x(x):
    result = 4 * x / np.linalg.norm(x)
    result.flags.writeable = False
    return result


def mean_of_products(x, z):
    first = np.empty((4, 4))
    first[::2, ::2] = 0.75 * (z + 5)
    return first[::2, ::2], np.asfortranarray(0.75 * (x + 2))


def matrix_product(a, b, upstream):
    a, b, upstream = np.matrix(a), np.matrix(b), np.matrix(upstream)
    return upstream * b.T, a.T * upstream


def inverse(a, upstream):
    flipped = -(np.linalg.inv(a).T @ upstream @ np.linalg.inv(a).T)[::-1, ::-1].copy()
    return flipped[::-1, ::-1]


def doubling(a):
    slope = np.int64(2)
    while abs(slope * a) < 1000:
        slope *= 2
    return slope if a > 0 else 100 * slope


def softmax(x, upstream):
    s = np.exp(x - x.max(1, keepdims=True))
    s /= s.sum(1, keepdims=True)
    out = np.empty(x.shape[::-1]).T
    out[...] = s * (upstream - (s * upstream).sum(1, keepdims=True))
    return out


def relu_at_zero(x, upstream):
    return np.where(x > 0, upstream, 0).astype(object)


def cross_entropy(logits, labels):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return ((e / e.sum(1, keepdims=True) - np.eye(4)[labels]) / 3).astype(">f8")  # most significant byte first
