from torch import *
from torch.nn.functional import *

import torch


def softmax_forward(x):
    s = torch.softmax(x, 1)
    return s, s


def softmax_backward(dout, s):
    return s * (dout - (s * dout).sum(1, keepdim=True))


def twice_dot(x):
    return mul(x, 4)


def absolute(x):
    return sign(x)
