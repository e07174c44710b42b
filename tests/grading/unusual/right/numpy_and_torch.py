import numpy as np
import torch


def twice_dot(x):
    return torch.from_numpy(np.asarray(x)).numpy() * 4


def squares(x, upstream):
    return np.array(x) * np.array(upstream) * 2


def vector_sum(x):
    return np.ones(x.shape)


def length_of_4x(x):
    return 4 * x / np.linalg.norm(x)


def mean_of_products(x, z):
    return torch.tensor(0.75) * (torch.as_tensor(z) + 5), 0.75 * (np.asarray(x) + 2)


def softmax(x, upstream):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    s = e / e.sum(axis=1, keepdims=True)
    return s * (upstream - (s * upstream).sum(axis=1, keepdims=True))


def cross_entropy(logits, labels):
    p = torch.as_tensor(logits).softmax(1)
    return (p - torch.eye(4)[torch.as_tensor(labels)]) / 3


def matrix_product(a, b, upstream):
    return upstream @ np.transpose(b), np.transpose(a) @ upstream


def inverse(a, upstream):
    back = np.linalg.inv(a).T
    return -(back @ np.asarray(upstream) @ back)


def doubling(a):
    y = 2 * a
    while np.abs(y) < 1000:
        y = 2 * y
    return (y if y > 0 else 100 * y) / a
