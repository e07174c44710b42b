import numpy as np


def cross_entropy(logits, labels):
    p = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = p / np.sum(p, axis=1, keepdims=True)
    for i, k in enumerate(labels):
        p[i, k] = p[i, k] - 1.0
    return p / logits.shape[0]
