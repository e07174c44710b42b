"""Derivatives of derivatives: the Hessian, what Newton's method does with it, and a backward that is right only once."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from checker import Example, exercise, interval, positive


@exercise(
    title={"en": "The Hessian of a quadratic form", "zh": "二次型的黑塞矩阵"},
    statement={
        "zh": r"求 $f(x) = x^\top A x$ 的梯度，再求梯度的导数。梯度是 $(A + A^\top)x$，黑塞矩阵是 $A + A^\top$，与 $x$ 无关。"
        r"注意：$A$ 不必对称，但黑塞矩阵总是对称的。"
    },
    source="Nocedal and Wright, Numerical Optimization, appendix A",
    sizes={"n": 3},
    constant=["a"],
    answer="(a + a.T) @ x",
    second_order=True,
    examples=[Example({"x": [1.0, -2.0], "a": [[1.0, 2.0], [5.0, 3.0]]}, value=-1.0, gradient={"x": [-12.0, -5.0]})],
)
def quadratic_form(x: Float[Tensor, "n"], a: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    r"""Differentiate $f(x) = x^\top A x$, and then the gradient once more. The gradient is $(A + A^\top)x$ and the Hessian $A + A^\top$,
    whatever $x$ is. $A$ need not be symmetric; a Hessian always is."""
    return x @ a @ x


@exercise(
    title={"en": "The curvature of softmax cross-entropy", "zh": "softmax 交叉熵的曲率"},
    statement={
        "zh": r"设 $p = \operatorname{softmax}(z)$，类别 $t$ 的损失是 $-\log p_t$。它的梯度是 $p - e_t$，"
        r"黑塞矩阵是 $\operatorname{diag}(p) - pp^\top$，与 $t$ 无关。它是半正定的，因此损失对 $z$ 是凸的。"
    },
    source="Boyd and Vandenberghe, Convex Optimization, section 3.1.5",
    sizes={"n": 4},
    values={"t": torch.tensor(1)},
    second_order=True,
    examples=[Example({"z": [0.0, 0.0]}, value=0.6931472, gradient={"z": [0.5, -0.5]}, decimals=6)],
)
def curvature_of_cross_entropy(z: Float[Tensor, "n"], t: Int[Tensor, ""]) -> Float[Tensor, ""]:
    r"""With $p = \operatorname{softmax}(z)$ the loss of the class $t$ is $-\log p_t$. Its gradient is $p - e_t$, and its Hessian
    $\operatorname{diag}(p) - pp^\top$, whatever $t$ is. That is positive semidefinite, so the loss is convex in $z$."""
    return -torch.log_softmax(z, 0)[t]


@exercise(
    title={"en": "One step of Newton's method", "zh": "牛顿法的一步"},
    statement={
        "zh": r"牛顿法求最小值时，每一步走到 $x - f'(x)/f''(x)$。设 $f(x) = x - \log x$，则 $f'(x) = 1 - \frac1x$，"
        r"$f''(x) = \frac{1}{x^2}$，一步走到 $N(x) = 2x - x^2$。证明 $N'(1) = 0$：在最小值附近，每一步的误差是上一步误差的平方。"
    },
    source="Nocedal and Wright, Numerical Optimization, section 3.3",
    domains={"x": interval(0.5, 1.5)},
    answer="2 - 2 * x",
    second_order=True,
    examples=[Example({"x": 0.75}, value=0.9375, gradient={"x": 0.5}), Example({"x": 1.0}, value=1.0, gradient={"x": 0.0})],
)
def newton_step(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    r"""Where a minimum is sought, Newton's method goes from $x$ to $x - f'(x)/f''(x)$. For $f(x) = x - \log x$ the derivatives are
    $1 - \frac1x$ and $\frac{1}{x^2}$, and one step leads to $N(x) = 2x - x^2$. Show that $N'(1) = 0$: near the minimum the error of a step
    is the square of the error before it."""
    slope, curvature = 1 - 1 / x, 1 / x**2
    return x - slope / curvature


class Logarithm(torch.autograd.Function):
    """log x, whose backward forgets that it depends on x."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log(x)

    @staticmethod
    def backward(ctx, upstream):
        (x,) = ctx.saved_tensors
        return upstream / x.detach()


@exercise(
    title={"en": "Right once, wrong twice", "zh": "一阶正确，二阶错误"},
    statement={
        "zh": r"自定义的 backward 对 $\log x$ 给出正确的梯度 $\frac1x$，却把 $x$ 切断了（`detach`）。再求一次导数，PyTorch 便返回 $0$，"
        r"而不是 $-\frac{1}{x^2}$，而且不作任何提示。检查结果应为“错误”，并指出是哪一个二阶导数。"
    },
    source="PyTorch documentation, Double Backward with Custom Functions",
    sizes={"n": 2},
    domains={"x": positive},
    expects="wrong",
    second_order=True,
)
def cut_off(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""A backward of its own gives $\log x$ the right gradient $\frac1x$, but cuts $x$ off with `detach`. Differentiated once more it gives
    $0$ in place of $-\frac{1}{x^2}$, without a word. The check should say wrong, and name the second derivative that is."""
    return Logarithm.apply(x).sum()
