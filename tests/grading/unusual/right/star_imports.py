from numpy import *
from numpy.linalg import *


def trace_of(x):
    return x


def twice_dot(x):
    return multiply(4, x)


def absolute_forward(x):
    return sum(abs(x)), sign(x)


def absolute_backward(upstream, signs):
    return upstream * signs


def inverse(a, upstream):
    return -inv(a).T @ upstream @ inv(a).T
