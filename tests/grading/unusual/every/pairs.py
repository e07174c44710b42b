"""A pass forward and one back, as courses on backpropagation teach it: caches of every kind."""

import numpy as np


def parabola_forward(x):
    return 3 * x**2 - 4 * x, x


def parabola_backward(upstream, cache):
    return upstream * (6 * cache - 4)


def squared_quotient_forward(a):
    q = 3 * a / (a - 1)
    return np.sum(q * q), {"a": a, "q": q}


def squared_quotient_backward(upstream, cache):
    return upstream * 2 * cache["q"] * (-3 / (cache["a"] - 1) ** 2)


def doubling_forward(a):
    factor = 2
    while abs(factor * a) < 1000:
        factor = factor * 2
    factor = factor if a > 0 else factor * 100
    return factor * a, factor


def doubling_backward(upstream, cache):
    return cache * upstream


def concatenation_forward(a, b):
    joined = np.concatenate((a, b, a), axis=1)
    return (joined**2).sum(), (joined, a.shape[1], b.shape[1])


def concatenation_backward(dout, cache):
    joined, m, k = cache
    left, middle, right = np.split(2 * joined * dout, [m, m + k], axis=1)
    return {"da": left + right, "db": middle}


def flatten_forward(image):
    return image.reshape(len(image), -1), image.shape


def flatten_backward(dout, cache):
    return dout.reshape(cache)


def Linear_forward(x, w, b):
    return x.dot(w.T) + b, (x, w, b)


def Linear_backward(dout, cache):
    x, w, b = cache
    return dout.dot(w), dout.T.dot(x), np.sum(dout, axis=0)


def relu_forward(x):
    mask = x > 0
    return mask * x, mask


def relu_backward(dout, cache):
    dx = dout.copy()
    dx[~cache] = 0
    return dx


def relu_at_zero_forward(x):
    return np.maximum(0, x), x


def relu_at_zero_backward(dout, cache):
    dx = np.array(dout)
    dx[cache < 0] = 0
    return dx


def softmax_forward(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    s = e / np.sum(e, axis=-1, keepdims=True)
    return s, s


def softmax_backward(dout, s):
    return s * dout - s * np.sum(s * dout, axis=-1, keepdims=True)


def mean_squared_error_forward(y_hat, y):
    r = y_hat - y
    return np.mean(r * r), r


def mean_squared_error_backward(upstream, r):
    return upstream * 2 / len(r) * r


def cross_entropy_forward(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    n = len(labels)
    return -log_p[np.arange(n), labels].sum() / n, (np.exp(log_p), labels)


def cross_entropy_backward(upstream, cache):
    p, labels = cache
    p[np.arange(len(p)), labels] -= 1
    return p / len(p) * upstream


def matrix_product_forward(a, b):
    return a @ b, (a, b)


def matrix_product_backward(upstream, cache):
    a, b = cache
    return upstream @ b.T, a.T @ upstream


def inverse_forward(a):
    return (np.linalg.inv(a),) * 2


def inverse_backward(upstream, cache):
    return -(cache.T @ upstream @ cache.T)


class _Tape:
    def __init__(self):
        self.kept = []


def dot_product_forward(a, b):
    tape = _Tape()
    tape.kept += [b, a]
    return float(sum(p * q for p, q in zip(a, b))), tape


def dot_product_backward(upstream, tape):
    return tuple(upstream * one for one in tape.kept)


def squares_forward(x):
    return x**2, lambda upstream: 2 * x * upstream


def squares_backward(upstream, cache):
    return cache(upstream)


def twice_dot_forward(x):
    return [2 * x.dot(x)][0], x


def twice_dot_backward(cache, upstream):
    return 4 * upstream * cache


def length_of_z_forward(z):
    n = np.linalg.norm(z)
    return n, (z, n)


def length_of_z_backward(upstream, cache):
    z, n = cache
    return upstream * (z / n)


def row_plus_column_forward(row, column):
    return row + column, None


def row_plus_column_backward(upstream, cache):
    return upstream.sum(0, keepdims=True), upstream.sum(1, keepdims=True)


def mean_of_products_forward(x, z):
    return np.mean(3 * (x + 2) * (z + 5)), (x, z)


def mean_of_products_backward(upstream, cache):
    x, z = cache
    return upstream * 0.75 * (z + 5), upstream * 0.75 * (x + 2)


def five_points_forward(inputs, target, w):
    return np.sum((inputs @ w - target) ** 2), (inputs, target, w)


def five_points_backward(upstream, cache):
    inputs, target, w = cache
    return None, None, upstream * 2 * inputs.T @ (inputs @ w - target)


def thermometer_forward(w, b, t_u, t_c):
    r = w * t_u + b - t_c
    return (r * r).mean(), (r, t_u)


def thermometer_backward(upstream, cache):
    r, t_u = cache
    return upstream * 2 * (r * t_u).mean(), upstream * 2 * r.mean(), None, None


def one_layer_forward(x, y, w, b):
    z = x @ w + b
    return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-abs(z)))), (x, y, z)


def one_layer_backward(upstream, cache):
    x, y, z = cache
    dz = upstream * (0.5 * (1 + np.tanh(z / 2)) - y) / len(y)
    return np.outer(x, dz), dz


def max_pooling_forward(image):
    windows = image.reshape(1, 1, 2, 2, 2, 2)
    out = windows.max(axis=(3, 5))
    return out, windows == out[:, :, :, None, :, None]


def max_pooling_backward(upstream, cache):
    return (cache * upstream[:, :, :, None, :, None]).reshape(1, 1, 4, 4)
