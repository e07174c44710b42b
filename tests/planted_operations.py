"""Classes of `autograd.Function`, each right but for one planted mistake, which its docstring names. Operators: `planted_library.py`.

All but the last few are of x² or x·w, so that a reader sees the mistake and nothing else.
"""

from __future__ import annotations

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class Square(Function):
    """No mistake, in the old style."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return 2 * x * upstream


class Product(Function):
    """No mistake, in the new style, with every rule that torch knows."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x, w):
        return x * w

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, upstream):
        x, w = ctx.saved_tensors
        return upstream * w if ctx.needs_input_grad[0] else None, upstream * x if ctx.needs_input_grad[1] else None

    @staticmethod
    def jvp(ctx, dx, dw):
        x, w = ctx.saved_tensors
        return dx * w + x * dw


class Cube(Square):
    """The factor is 3."""

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return 3 * x * upstream


class WithoutOne(Product):
    """No gradient for w."""

    @staticmethod
    def backward(ctx, upstream):
        _, w = ctx.saved_tensors
        return upstream * w, None


class SavesForOne(Function):
    """What is saved depends on whether x needs a gradient."""

    @staticmethod
    def forward(ctx, x, w):
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(x, w)
        return x * w

    @staticmethod
    def backward(ctx, upstream):
        x, w = ctx.saved_tensors
        return upstream * w, upstream * x


class AsksForOther(Product):
    """The gradient of w is computed where x needs one: copied, and not changed."""

    @staticmethod
    def backward(ctx, upstream):
        x, w = ctx.saved_tensors
        first = upstream * w if ctx.needs_input_grad[0] else None
        return first, upstream * x if ctx.needs_input_grad[0] else None


class AsksForNone(Product):
    """Both gradients are computed whatever is needed."""

    @staticmethod
    def backward(ctx, upstream):
        x, w = ctx.saved_tensors
        return upstream * w, upstream * x


class WritesIntoSaved(Function):
    """The result of exp, which is saved, is multiplied in place."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, upstream):
        (y,) = ctx.saved_tensors
        return y.mul_(upstream)


class WritesUnseen(Function):
    """The same after it was saved, through `.data`, which torch does not see."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        result = y.clone()
        y.data.mul_(2)
        return result

    @staticmethod
    def backward(ctx, upstream):
        (y,) = ctx.saved_tensors
        return y * upstream


class UnitUpstream(Function):
    """The upstream gradient is taken to be one."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x * x).sum()

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return 2 * x


class WritesIntoUpstream(Square):
    """The upstream gradient is multiplied in place."""

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream.mul_(2 * x)


class ViewsUpstream(Square):
    """The upstream gradient is taken to be contiguous."""

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return (upstream.view(-1) * 2 * x.reshape(-1)).view(x.shape)


class CountsOnContext(Square):
    """The second pass through one graph gives twice the gradient."""

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        ctx.passes = getattr(ctx, "passes", 0) + 1
        return 2 * x * upstream * ctx.passes


class CountsOnClass(Square):
    """Each call gives another gradient."""

    calls = 0

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        CountsOnClass.calls += 1
        return 2 * x * upstream * (1 + 1e-3 * CountsOnClass.calls)


class InFloat32(Square):
    """The gradient is computed in float32."""

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return (2 * x.float() * upstream.float()).float()


class NeedsBothOutputs(Function):
    """With `set_materialize_grads(False)` the upstream of an output that is not used is None."""

    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x * x, x.exp()

    @staticmethod
    def backward(ctx, first, second):
        (x,) = ctx.saved_tensors
        return 2 * x * first + x.exp() * second


class MarkedConstant(Function):
    """The second output depends on x and is marked as not differentiable."""

    @staticmethod
    def forward(ctx, x):
        first, second = x * x, x.exp()
        ctx.mark_non_differentiable(second)
        ctx.save_for_backward(x)
        return first, second

    @staticmethod
    def backward(ctx, first, second):
        (x,) = ctx.saved_tensors
        return 2 * x * first


class AsItIs(Function):
    """The input is given back as it is, and the gradient with the other sign."""

    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, upstream):
        return -upstream


class WritesIntoInput(Function):
    """The forward writes into its input and does not say so by `mark_dirty`."""

    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        return x * 1

    @staticmethod
    def backward(ctx, upstream):
        return 2 * upstream


class WritesAndSaysSo(Function):
    """No mistake: the input is written into, marked and given back."""

    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, upstream):
        return 2 * upstream


class WithoutHistory(Square):
    """Right once; the second derivative is silently zero."""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x.detach()
        return x * x

    @staticmethod
    def backward(ctx, upstream):
        return 2 * ctx.x * upstream


class Once(Square):
    """Right once, and says that there is no second derivative."""

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return 2 * x * upstream


class WrongTangent(Product):
    """The forward-mode rule forgets a term."""

    @staticmethod
    def jvp(ctx, dx, dw):
        _, w = ctx.saved_tensors
        return dx * w


class WrongBatch(Function):
    """The rule for `vmap` takes the batch to be the first dimension."""

    @staticmethod
    def forward(x):
        return x * x.sum()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * x.sum() + (upstream * x).sum()

    @staticmethod
    def vmap(info, in_dims, x):
        return x * x.sum(-1, keepdim=True), 0


class Sine(Function):
    """No mistake; the forward is NumPy's."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.from_numpy(__import__("numpy").sin(x.detach().numpy()))

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * x.cos()


class WrongSine(Sine):
    """The same, and the derivative is the sine."""

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream * x.sin()


class Round(Function):
    """A straight-through estimator."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, upstream):
        return upstream


class RoundTwice(Round):
    """A straight-through estimator that lets twice the gradient through."""

    @staticmethod
    def backward(ctx, upstream):
        return 2 * upstream


class ComplexSquare(Square):
    """Of complex numbers, with the conjugate that PyTorch's convention asks for."""

    @staticmethod
    def backward(ctx, upstream):
        (z,) = ctx.saved_tensors
        return 2 * z.conj() * upstream
