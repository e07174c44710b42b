import torch


def twice_dot(x):
    return x.mul_(4)


def squares(x, upstream):
    upstream *= x
    return upstream.add_(upstream)


def relu_at_zero(x, upstream):
    upstream[x <= 0] = 0
    return upstream


def mean_of_products(x, z):
    with torch.no_grad():
        x.add_(2).mul_(0.75)
        z.add_(5).mul_(0.75)
    return z, x
