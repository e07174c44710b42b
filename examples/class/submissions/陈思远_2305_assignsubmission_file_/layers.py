# 按课上的写法：每个函数一个 forward、一个 backward，中间结果放在 cache 里
import numpy as np


def twice_dot_forward(x):
    return 2 * x @ x, x


def twice_dot_backward(dout, cache):
    return dout * 4 * cache


def squares_forward(x):
    return x**2, (x,)


def squares_backward(dout, cache):
    (x,) = cache
    return 2 * x * dout


def row_plus_column_forward(row, column):
    return row + column, None


def row_plus_column_backward(dout, cache):
    return dout.sum(0, keepdims=True), dout.sum(1, keepdims=True)


def matrix_product_forward(a, b):
    return a @ b, (a, b)


def matrix_product_backward(dout, cache):
    a, b = cache
    return {"da": dout @ b.T, "db": a.T @ dout}


def doubling_forward(a):
    factor = 2.0
    while np.abs(factor * a) < 1000:
        factor *= 2.0
    if a < 0:
        factor *= 100.0
    return factor * a, factor


def doubling_backward(dout, factor):
    return dout * factor


def cross_entropy_forward(logits, labels):
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    n = logits.shape[0]
    return -log_p[np.arange(n), labels].mean(), (np.exp(log_p), labels)


def cross_entropy_backward(dout, cache):
    p, labels = cache
    onehot = np.eye(p.shape[1])[labels]
    return dout * (p - onehot) / len(labels)


def relu_at_zero_forward(x):
    mask = x >= 0
    return np.maximum(x, 0), mask


def relu_at_zero_backward(dout, mask):
    return np.where(mask, dout, 0.0)


def distance_forward(p, q):
    length = np.sqrt(((p - q) ** 2).sum())
    return length, (p - q, length)


def distance_backward(dout, cache):
    difference, length = cache
    return dout * difference / length, -dout * difference / length


def thermometer_step(params, batch):
    residual = params["w"] * batch["t_u"] + params["b"] - batch["t_c"]
    n = residual.size
    dw = (2.0 / n) * residual @ batch["t_u"]
    db = (2.0 / n) * residual.sum()
    return {"w": params["w"] - 1e-4 * dw, "b": params["b"] - 1e-4 * db}
