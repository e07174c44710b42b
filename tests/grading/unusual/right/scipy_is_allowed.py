import numpy as np
from scipy import linalg, special
from scipy.optimize import approx_fprime
from scipy.spatial.transform import Rotation


def softmax(x, upstream):
    s = special.softmax(x, axis=1)
    return s * (upstream - (s * upstream).sum(1, keepdims=True))


def cross_entropy(logits, labels):
    return (np.exp(special.log_softmax(logits, axis=1)) - np.eye(4)[labels]) / len(labels)


def inverse(a, upstream):
    lu = linalg.lu_factor(a)
    return -linalg.lu_solve(lu, linalg.lu_solve(lu, upstream.T).T, trans=1)


def length_of_4x(x):
    return 4 * x / linalg.norm(x)
