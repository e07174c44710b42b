# Sorry for being late! Formulas straight from the slides.
import numpy as np


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def twice_dot(x):
    return 4 * x


def squares(x, upstream):
    return 2 * x**2 / x * upstream


def row_plus_column(row, column, upstream):
    return upstream.sum(axis=0, keepdims=True), upstream.sum(axis=1, keepdims=True)


def matrix_product(a, b, upstream):
    return upstream @ b.T, a.T @ upstream


def doubling(a):
    b = 2 * a
    while np.sqrt(b**2) < 1000:
        b = 2 * b
    return (b if b > 0 else 100 * b) / a


def cross_entropy(logits, labels):
    return (softmax(logits) - np.eye(4)[labels]) / len(labels)


def relu_at_zero(x, upstream):
    return 0.5 * (1 + x / abs(x)) * upstream


def distance(p, q):
    d = p - q
    return d / np.sqrt(d @ d), -d / np.sqrt(d @ d)


def thermometer_step(params, batch):
    r = params["w"] * batch["t_u"] + params["b"] - batch["t_c"]
    return {"w": params["w"] - 1e-2 * 2 * np.mean(r * batch["t_u"]), "b": params["b"] - 1e-2 * 2 * np.mean(r)}
