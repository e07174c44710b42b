import numpy as np


def twice_dot(x):
    return np.fft.ifft(np.fft.fft(4 * x))  # real but for its type
