# honest
import numpy as np


def twice_dot(x):
    return 4 * x


def length_of_4x(x):
    return 4 * x / np.linalg.norm(x)
