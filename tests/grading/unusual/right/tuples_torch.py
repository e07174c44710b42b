import torch


def twice_dot(x):
    return tuple(4 * entry for entry in x)


def squares(x, upstream):
    return [2 * p * v for p, v in zip(x, upstream)]


def softmax(x, upstream):
    x.requires_grad_()
    return list(torch.autograd.grad(x.softmax(1), x, upstream)[0])


def length_of_4x(x):
    return [4 * p.item() / x.norm() for p in x]


def thermometer(w, b, t_u, t_c):
    dl_dtp = 2 * (w * t_u + b - t_c) / t_c.size(0)
    return torch.stack([(dl_dtp * t_u).sum(), (dl_dtp * 1.0).sum()])


def vector_sum(x):
    entries = [p.requires_grad_() for p in x.clone()]
    sum(entries).backward()
    return [p.grad for p in entries]


def matrix_product_forward(a, b):
    return torch.stack([torch.stack([row @ column for column in b.T]) for row in a]), (a, b)


def matrix_product_backward(upstream, cache):
    a, b = cache
    return [upstream @ b.T, a.T @ upstream]
