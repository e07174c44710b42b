import torch


def absolute(x):
    x.requires_grad_()
    x.abs().sum().backward()
    return x.grad


def euclidean(x):
    return torch.func.grad(torch.linalg.vector_norm)(x)


def largest(x):
    return torch.func.grad(torch.amax)(x)


def larger(a, b, upstream):
    return torch.func.vjp(torch.maximum, a, b)[1](upstream)
