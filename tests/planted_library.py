"""Operators of `torch.library`, of which some have a mistake, named in the docstring, or lack a registration."""

from __future__ import annotations

import torch
from torch import Tensor


def _save(ctx, inputs, output):
    ctx.save_for_backward(inputs[0])


def backward(ctx, upstream):
    """Of x²."""
    return 2 * ctx.saved_tensors[0] * upstream


def wrong_backward(ctx, upstream):
    """Of x², with the factor 3."""
    return 3 * ctx.saved_tensors[0] * upstream


@torch.library.custom_op("planted::square", mutates_args=())
def square(x: Tensor) -> Tensor:
    """No mistake, with every registration."""
    return x * x


square.register_autograd(backward, setup_context=_save)
square.register_fake(lambda x: torch.empty_like(x))
square.register_vmap(lambda info, in_dims, x: (x * x, in_dims[0]))


@torch.library.custom_op("planted::cube", mutates_args=())
def cube(x: Tensor) -> Tensor:
    """The factor is 3, and the fake kernel gives one entry more."""
    return x * x


cube.register_autograd(wrong_backward, setup_context=_save)
cube.register_fake(lambda x: x.new_empty(x.shape[0] + 1))


@torch.library.custom_op("planted::opaque", mutates_args=())
def opaque(x: Tensor) -> Tensor:
    """No mistake; the kernel is NumPy's, and there is no fake one."""
    return torch.from_numpy(x.detach().numpy() ** 2)


opaque.register_autograd(backward, setup_context=_save)


@torch.library.custom_op("planted::bare", mutates_args=())
def bare(x: Tensor) -> Tensor:
    """There is no backward at all."""
    return x.sin()


@torch.library.custom_op("planted::total", mutates_args=())
def total(xs: list[Tensor], *, scale: float) -> Tensor:
    """No mistake; a list and a keyword."""
    return scale * torch.stack(xs).sum(0)


def _keep(ctx, inputs, keyword_only_inputs, output):
    ctx.count, ctx.scale = len(inputs[0]), keyword_only_inputs["scale"]


total.register_autograd(lambda ctx, upstream: [ctx.scale * upstream] * ctx.count, setup_context=_keep)


@torch.library.custom_op("planted::double_", mutates_args={"x"})
def double_(x: Tensor) -> None:
    """Writes into its operand and gives nothing."""
    x.mul_(2)
