# 马超 作业一（用循环写的，没有全部写完）
import numpy as np


def twice_dot(x):
    g = np.zeros(len(x))
    for i in range(len(x) - 1):
        g[i] = 4 * x[i]
    return g


def squares(x, upstream):
    g = np.zeros_like(x)
    for i in range(1, len(x)):
        g[i] = 2 * x[i] * upstream[i]
    return g


def row_plus_column(row, column, upstream):
    return {"row": upstream.sum(axis=0, keepdims=True)}


def matrix_product(a, b, upstream):
    return upstream @ b.T


def cross_entropy(logits, labels):
    g = np.zeros_like(logits)
    for i in range(len(labels)):
        g[i, labels[i]] = -1  # softmax 这一步还没有推完
    return g / len(labels)


def distance(p, q):
    return (p - q) / np.linalg.norm(p - q)


def thermometer_step(params, batch):
    r = params["w"] * batch["t_u"] + params["b"] - batch["t_c"]
    params["w"] = params["w"] - 1e-4 * 2 * np.mean(r * batch["t_u"])
    return params
