# 第二部分，用 NumPy（还有几个错误没有找到）
import numpy as np


def squares(x, upstream):
    return 2 * x[i] * upstream[i]


def row_plus_column(row, column, upstream):
    return str(upstream.sum(axis=0)), str(upstream.sum(axis=1))


def matrix_product(a, b, upstream):
    return upstream @ b, a @ upstream


def doubling(a):
    return doubling(2 * a)


def cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return (p - np.eye(4)[labels]) / len(labels)


def relu_at_zero(x, upstream):
    g = upstream * (x > 0)


def thermometer_step(params, batch):
    r = params["w"] * batch["temperature"] + params["b"] - batch["t_c"]
    return {"w": params["w"] - 2e-4 * np.mean(r), "b": params["b"] - 2e-4 * np.mean(r)}
