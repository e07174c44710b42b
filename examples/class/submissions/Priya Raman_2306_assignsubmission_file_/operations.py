# Custom operations. cross_entropy has to be done without torch, it is in by_hand.py.
import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class twice_dot(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 2 * (x * x).sum()

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 4 * x


class squares(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.pow(2)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 2 * x * grad_output


class row_plus_column(Function):
    @staticmethod
    def forward(ctx, row, column):
        return row + column

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.sum(0, keepdim=True), grad_output.sum(1, keepdim=True)


class matrix_product(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a.mm(b)

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output.mm(b.t()), a.t().mm(grad_output)


class doubling(Function):
    @staticmethod
    def forward(ctx, a):
        b = 2 * a
        while b.abs() < 1000:
            b = 2 * b
        c = b if b > 0 else 100 * b
        ctx.slope = float(c / a)
        return c

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.slope


class relu_at_zero(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * (x > 0).to(grad_output.dtype)


class distance(Function):
    @staticmethod
    def forward(ctx, p, q):
        length = torch.linalg.vector_norm(p - q)
        ctx.save_for_backward((p - q) / length)
        return length

    @staticmethod
    def backward(ctx, grad_output):
        (unit,) = ctx.saved_tensors
        return grad_output * unit, -grad_output * unit


def thermometer_step(params, batch):
    w, b = (params[k].clone().requires_grad_() for k in ("w", "b"))
    loss = torch.nn.functional.mse_loss(w * batch["t_u"] + b, batch["t_c"])
    loss.backward()
    with torch.no_grad():
        return {"w": w - 1e-4 * w.grad, "b": b - 1e-4 * b.grad}
