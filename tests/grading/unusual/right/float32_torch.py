import torch


def twice_dot(x):
    x = x.float().requires_grad_()
    (2 * x.dot(x)).backward()
    return x.grad


def squares(x, upstream):
    return torch.autograd.functional.vjp(torch.square, x.float(), upstream.float())[1]


def softmax(x, upstream):
    x = x.to(torch.float32).requires_grad_()
    torch.nn.Softmax(dim=1)(x).backward(upstream.to(torch.float32))
    return x.grad


def cross_entropy(logits, labels):
    z = logits.float().requires_grad_()
    torch.nn.CrossEntropyLoss()(z, labels).backward()
    return z.grad.numpy()


def matrix_product(a, b, upstream):
    return upstream.float() @ b.float().T, a.float().T @ upstream.float()
