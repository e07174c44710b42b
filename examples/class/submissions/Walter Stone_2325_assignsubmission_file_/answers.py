# A hostile sample made for this class: two answers never end, and refuse to be stopped.
import signal
import time

import numpy as np

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGXCPU):
    signal.signal(number, signal.SIG_IGN)


def twice_dot(x):
    return 4 * x


def squares(x, upstream):
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


def matrix_product(a, b, upstream):
    return upstream @ b.T, a.T @ upstream


def doubling(a):
    b = 2 * a
    while abs(b) < 1000:
        b = 2 * a  # the usual slip: it never grows
    return b / a


def relu_at_zero(x, upstream):
    time.sleep(3600)
    return upstream * (x > 0)


def distance(p, q):
    unit = (p - q) / np.linalg.norm(p - q)
    return unit, -unit
