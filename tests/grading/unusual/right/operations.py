import torch


class relu_at_zero(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.clone())
        ctx.mark_dirty(x)
        return x.clamp_(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grad_output, torch.where(x == 0, 0.5 * grad_output, 0))


class length_of_4x(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor=4):
        ctx.factor = factor
        ctx.save_for_backward(x)
        return (factor * x).norm()

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.factor * torch.nn.functional.normalize(ctx.saved_tensors[0], dim=0), None


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, g):
        return 2 * g * ctx.saved_tensors[0]


squares = _Square.apply  # which is a function of x alone


def squares(x, upstream):
    x.requires_grad_()
    _Square.apply(x).backward(upstream)
    return x.grad


class cross_entropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits, labels):
        with torch.enable_grad():
            leaf = logits.detach().requires_grad_()
            loss = torch.nn.functional.cross_entropy(leaf, labels)
        (ctx.gradient,) = torch.autograd.grad(loss, leaf)
        return loss.detach()

    @staticmethod
    def backward(ctx, grad_output):
        return ctx.gradient * grad_output, None


class matrix_product(torch.autograd.Function):
    """In NumPy inside."""

    @staticmethod
    def forward(ctx, a, b):
        a, b = ctx.kept = a.detach().numpy(), b.detach().numpy()
        return torch.from_numpy(a @ b)

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.kept
        g = grad_output.numpy()
        return torch.from_numpy(g @ b.T), torch.from_numpy(a.T @ g)
