#!/usr/bin/env python3
# -*- coding: utf-8 -*-
import argparse
import logging
import os
import random
import sys
import time
import warnings
from numpy import *
from concurrent.futures import ThreadPoolExecutor

import numpy
import numpy as np

logging.basicConfig(level=logging.DEBUG)
warnings.simplefilter("always")
np.seterr(all="raise")
np.set_printoptions(precision=3)
random.seed(7)
np.random.seed(7)
sys.setrecursionlimit(5000)
time.sleep(1)  # a slow import
print("a" * 100_000)

seen = {}


def twice_dot(x):
    key = x.tobytes()
    if key not in seen:
        seen[key] = 4 * x
        warnings.warn("computed for the first time")
    return seen[key]


def vector_sum(x):
    logging.info("x = %s", x)
    print(x, file=sys.stderr)
    return ones(len(x))


def squares(x, upstream):
    with ThreadPoolExecutor(2) as pool:
        return np.array(list(pool.map(lambda pair: 2 * pair[0] * pair[1], zip(x, upstream))))


def length_of_4x(x):
    return 4 * x / sqrt(sum(x * x))


def mean_of_products(x, z):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "x.txt")
        np.savetxt(place, x)
        return 0.75 * (z + 5), 0.75 * (np.loadtxt(place) + 2)


def matrix_product(a, b, upstream):
    permutation = np.random.default_rng().permutation(b.shape[1])  # the order of summation is drawn
    return upstream[:, permutation] @ b[:, permutation].T, a.T @ upstream


def doubling(a):
    if abs(2 * a) >= 1000:
        return 2 if a > 0 else 200
    return 2 * doubling(2 * a)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.parse_args()
    x = float(input("x = "))
    print(twice_dot(np.array([x])))
    sys.exit(0)
