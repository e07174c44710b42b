# honest
import torch


def twice_dot(x):
    return 4 * x


def length_of_4x(x):
    return 4 * x / torch.linalg.norm(x)
