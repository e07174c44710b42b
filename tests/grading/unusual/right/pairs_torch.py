import torch


def twice_dot_forward(x):
    x.requires_grad_()
    y = 2 * x.dot(x)
    return y, (x, y)


def twice_dot_backward(upstream, cache):
    x, y = cache
    y.backward(upstream)
    return x.grad


class Layer:
    def forward(self, x):
        self.s = torch.softmax(x, 1)
        return self.s, self

    @staticmethod
    def backward(dout, cache):
        return cache.s * (dout - (cache.s * dout).sum(1, keepdim=True))


softmax_forward, softmax_backward = Layer().forward, Layer.backward


def matrix_product_forward(a, b):
    return a @ b, [a, b]


def matrix_product_backward(dout, cache):
    a, b = cache
    return [dout @ b.T, a.T @ dout]


def squares_forward(x):
    return x * x, x


def squares_backward(dy, cache):
    return dict(dx=2 * cache * dy)
