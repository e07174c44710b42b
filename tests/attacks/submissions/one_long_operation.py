# attack: time
import numpy as np

def twice_dot(x):
    return np.linalg.eigvals(np.ones((3000, 3000)) + np.eye(3000)) * len(str(9**9**7))
    return 0 * x


def length_of_4x(x):
    return 16 * x / (16 * (x * x).sum()) ** 0.5
