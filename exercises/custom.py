"""Operations with a backward of their own: right, right only for an upstream of ones, and not meant as the derivative of its values."""

import torch
from jaxtyping import Float
from torch import Tensor

from checker import Example, exercise

EXTENDING = "PyTorch documentation, Extending PyTorch"


class SoftSign(torch.autograd.Function):
    """x / (1 + |x|), whose derivative is 1 / (1 + |x|)²."""

    @staticmethod
    def forward(x):
        return x / (1 + x.abs())

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream / (1 + x.abs()) ** 2


@exercise(
    title={"en": "A backward of its own", "zh": "自己写的 backward"},
    statement={
        "zh": r"函数 $f(x) = \frac{x}{1 + |x|}$ 用 `autograd.Function` 写成，自带 backward：上游梯度乘以 $\frac{1}{(1 + |x|)^2}$。"
        r"检查时只看 forward 求出真值，再与 backward 比较。"
    },
    source=EXTENDING,
    answer="upstream / (1 + abs(x))**2",
    examples=[Example({"x": [1.0, -3.0]}, value=[0.5, -0.75], gradient={"x": [0.25, 0.0625]})],
)
def soft_sign(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    r"""$f(x) = \frac{x}{1 + |x|}$ as an `autograd.Function` with a backward of its own, which multiplies the upstream gradient by
    $\frac{1}{(1 + |x|)^2}$. The truth is found from the forward alone, and the backward is compared with it."""
    return SoftSign.apply(x)


class Energy(torch.autograd.Function):
    """½ Σ xᵢ², whose backward forgets the upstream gradient."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x * x).sum() / 2

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return x.clone()


@exercise(
    title={"en": "Right for an upstream of ones only", "zh": "只在上游梯度为 1 时正确"},
    statement={
        "zh": r"$f(x) = \frac12 \sum_i x_i^2$ 的 backward 返回 $x$，却忘了乘上游梯度。直接对 $f$ 求导，结果是对的；"
        r"一旦 $f$ 后面还有别的运算，结果就错了。检查结果应为“错误”，并指出这个 backward。"
    },
    source=EXTENDING,
    expects="wrong",
    examples=[Example({"x": [1.0, 2.0]}, value=2.5, gradient={"x": [1.0, 2.0]})],
)
def forgotten_upstream(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""The backward of $f(x) = \frac12 \sum_i x_i^2$ returns $x$ and forgets to multiply by the upstream gradient. Differentiated as it is,
    $f$ has the right gradient; behind anything else it has not. The check should say wrong, and name the backward."""
    return Energy.apply(x)


class Round(torch.autograd.Function):
    """x to the nearest whole number, with the gradient passed straight through."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, upstream):
        return upstream


@exercise(
    title={"en": "Straight through", "zh": "直通估计"},
    statement={
        "zh": r"取整的导数几乎处处为 $0$，因此训练量化网络时让梯度直接通过：$\frac{\partial}{\partial w}\operatorname{round}(w) := 1$。"
        r"作者声明了这一点（`estimators`），于是 $\sum_i \operatorname{round}(w_i)\, x_i$ 对 $w$ 的梯度是 $x$。"
    },
    source="Bengio, Léonard and Courville, Estimating or Propagating Gradients Through Stochastic Neurons, 2013",
    estimators={Round: lambda x: x},
    answer={"w": "x"},
    examples=[Example({"w": [0.8, -1.4], "x": [2.0, 3.0]}, value=-1.0, gradient={"w": [2.0, 3.0], "x": [1.0, -1.0]})],
)
def straight_through(w: Float[Tensor, "n"], x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Rounding has the derivative $0$ almost everywhere, so networks of whole numbers are trained as if it were $1$. The author declares
    that (`estimators`), and the gradient of $\sum_i \operatorname{round}(w_i)\, x_i$ with respect to $w$ is $x$."""
    return (Round.apply(w) * x).sum()
