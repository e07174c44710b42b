"""Operations, old and new in style."""

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class twice_dot(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 2 * x @ x

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 4 * grad_output * x


class squares(Function):
    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        gradient = grad_output.clone()
        gradient *= 2 * ctx.saved_tensors[0]
        return gradient


class matrix_product(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return torch.einsum("ij,jk->ik", a, b)

    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        da = db = None
        if ctx.needs_input_grad[0]:
            da = grad.matmul(b.t())
        if ctx.needs_input_grad[1]:
            db = a.t().matmul(grad)
        return da, db


class relu(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[x < 0] = 0
        return grad_input


class relu_at_zero(relu):
    pass


class softmax(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.s = torch.softmax(x, dim=-1)  # kept without save_for_backward
        return ctx.s

    @staticmethod
    def backward(ctx, grad_output):
        return ctx.s * (grad_output - (ctx.s * grad_output).sum(-1, keepdim=True))


class cross_entropy(Function):
    @staticmethod
    def forward(ctx, logits, labels):
        p = torch.log_softmax(logits, 1)
        ctx.save_for_backward(p.exp(), labels)
        ctx.mark_non_differentiable(labels)
        return -p.gather(1, labels[:, None]).mean()

    @staticmethod
    def backward(ctx, grad_output):
        p, labels = ctx.saved_tensors
        g = p.scatter_add(1, labels[:, None], -torch.ones_like(labels[:, None], dtype=p.dtype))
        return grad_output * g / len(labels), None


class five_points(Function):
    @staticmethod
    def forward(ctx, inputs, target, w):
        r = inputs @ w - target
        ctx.save_for_backward(inputs, r)
        return r @ r

    @staticmethod
    def backward(ctx, grad_output):
        inputs, r = ctx.saved_tensors
        return None, None, 2 * grad_output * (r @ inputs)


class Linear(Function):
    @staticmethod
    def forward(ctx, x, w, b):
        ctx.save_for_backward(x, w)
        return torch.addmm(b, x, w.t())

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, g.t() @ x, g.sum(0)


class flatten(Function):
    @staticmethod
    def forward(ctx, image):
        ctx.shape = image.shape
        return image.flatten(1)

    @staticmethod
    def backward(ctx, g):
        return g.view(ctx.shape)


class length_of_z(Function):
    @staticmethod
    def forward(ctx, z):
        n = z.norm()
        ctx.save_for_backward(z, n)
        return n

    @staticmethod
    def backward(ctx, g):
        z, n = ctx.saved_tensors
        return g * z.div(n)


class row_plus_column(Function):
    @staticmethod
    def forward(ctx, row, column):
        return row + column

    @staticmethod
    def backward(ctx, g):
        return g.sum(0, True), g.sum(1, True)


class transpose(Function):
    @staticmethod
    def forward(ctx, a):
        return a.t().contiguous()

    @staticmethod
    def backward(ctx, g):
        return g.t()  # a view that is not contiguous


class vector_sum(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.n = x.numel()
        return x.sum()

    @staticmethod
    def backward(ctx, g):
        return g.expand(ctx.n)


class view(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return 2 * x.pow(2).sum()

    @staticmethod
    def setup_context(ctx, inputs, output):
        (ctx.x,) = inputs

    @staticmethod
    def backward(ctx, g):
        return g * 4 * ctx.x


class determinant(Function):
    @staticmethod
    def forward(ctx, a):
        with torch.enable_grad():
            ctx.a = a.detach().requires_grad_()
            ctx.out = torch.linalg.det(ctx.a)
        return ctx.out.detach()

    @staticmethod
    def backward(ctx, g):
        return torch.autograd.grad(ctx.out, ctx.a, g)
