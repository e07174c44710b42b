# shapes confuse me, numpy is happy with all of these though
import numpy as np


def twice_dot(x):
    return (4 * x).reshape(1, -1)


def squares(x, upstream):
    return np.sum(2 * x * upstream)


def row_plus_column(row, column, upstream):
    return upstream, upstream.sum(axis=1)


def matrix_product(a, b, upstream):
    da = b @ upstream.T
    db = upstream.T @ a
    return da, db


def doubling(a):
    b = 2 * a
    while np.abs(b) < 1000:
        b = 2 * b
    return np.array([b / a if b > 0 else 100 * b / a])


def cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return (p - np.eye(4)[labels]).mean(axis=0)


def relu_at_zero(x, upstream):
    return np.outer(upstream, x > 0)


def distance(p, q):
    unit = (p - q) / np.linalg.norm(p - q)
    return unit[:, None], -unit


def thermometer_step(params, batch):
    r = params["w"] * batch["t_u"] + params["b"] - batch["t_c"]
    return {"w": params["w"] - 2e-4 * (r * batch["t_u"]), "b": params["b"] - 2e-4 * r}
