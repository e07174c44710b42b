import numpy as np


def twice_dot(x):
    return tuple(4 * entry for entry in x)


def squares(x, upstream):
    n = len(x)
    return (*(2 * x[i] * upstream[i] for i in range(n - 1)), 2 * x[-1] * upstream[-1])


def length_of_4x(x):
    n = np.linalg.norm(x)
    return 4 * x / n, 4 * n  # the value as well


def softmax(x, upstream):
    rows = []
    for row, v in zip(x, upstream):
        s = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        rows.append(s * (v - s @ v))
    return rows


def mean_of_products(x, z):
    return np.stack([0.75 * (z + 5), 0.75 * (x + 2)])


def larger(a, b, upstream):
    return upstream * np.stack([a > b, a <= b])


def cross_entropy(logits, labels):
    rows = [np.exp(row - row.max()) / np.exp(row - row.max()).sum() / 3 for row in logits]
    for row, label in zip(rows, labels):
        row[label] -= 1 / 3
    return rows


def thermometer(w, b, t_u, t_c):
    r = w * t_u + b - t_c
    return np.array([2 * (r * t_u).mean(), 2 * r.mean()])


def relu_at_zero(x, upstream):
    return [max(v, 0) if p > 0 else 0 for p, v in zip(x, np.maximum(upstream, 0))] + np.where(x > 0, np.minimum(upstream, 0), 0)
