import numpy as np

RATE = 1e-4


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def one_hot(labels, k):
    return np.eye(k)[labels]


def unit(v):
    return v / np.sqrt(v @ v)
