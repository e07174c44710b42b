"""Derivatives of functions of one number: the limit, the tangent, and going down a slope."""

from jaxtyping import Float
from torch import Tensor

from checker import Descent, Example, Waypoint, exercise, interval


@exercise(
    title={"en": "A parabola and its tangent", "zh": "抛物线与它的切线"},
    statement={
        "zh": r"求 $f(x) = 3x^2 - 4x$ 的导数。令步长 $h$ 从 $0.1$ 逐次缩小到 $10^{-5}$，观察差商 $\frac{f(1+h) - f(1)}{h}$ "
        r"趋近于 $f'(1) = 2$；曲线在 $x = 1$ 处的切线是 $y = 2x - 3$。"
    },
    source="Dive into Deep Learning, notes §2.4",
    answer="6 * x - 4",
    domains={"x": interval(-3, 3)},
    examples=[
        Example(
            {"x": 1.0},
            value=-1.0,
            gradient={"x": 2.0},
            quotients={1e-1: 2.30000, 1e-2: 2.03000, 1e-3: 2.00300, 1e-4: 2.00030, 1e-5: 2.00003},
            tangent=(2.0, -3.0),
            decimals=5,
            dtype="float64",
        )
    ],
)
def parabola(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    r"""Differentiate $f(x) = 3x^2 - 4x$. Let the step $h$ shrink from $0.1$ to $10^{-5}$ and watch the difference quotient
    $\frac{f(1+h) - f(1)}{h}$ approach $f'(1) = 2$. The tangent at $x = 1$ is $y = 2x - 3$."""
    return 3 * x**2 - 4 * x


@exercise(
    title={"en": "A cubic with a pole", "zh": "带极点的三次函数"},
    statement={"zh": r"求 $f(x) = x^3 - \frac{1}{x}$ 的导数，并写出曲线在 $x = 1$ 处的切线。"},
    source="Dive into Deep Learning, notes §2.4",
    answer="3 * x**2 + 1 / x**2",
    domains={"x": interval(0.5, 3)},
    examples=[Example({"x": 1.0}, value=0.0, gradient={"x": 4.0}, tangent=(4.0, -4.0), dtype="float64")],
)
def cubic_with_a_pole(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    r"""Differentiate $f(x) = x^3 - \frac{1}{x}$, and write down the tangent at $x = 1$."""
    return x**3 - 1 / x


@exercise(
    title={"en": "Ten steps down a parabola", "zh": "沿抛物线下降十步"},
    statement={
        "zh": r"从 $x_0 = 3$ 出发，以学习率 $0.1$ 对 $f(x) = x^2$ 做梯度下降。由于 $f'(x) = 2x$，每一步都把 $x$ 乘以 $0.8$，"
        r"因此 $x_k = 3 \cdot 0.8^k$。"
    },
    source="Dive into Deep Learning (PyTorch), notes on linear regression",
    answer="2 * x",
    domains={"x": interval(-4, 4)},
    descent=Descent(
        start={"x": 3.0},
        rate=0.1,
        steps=10,
        reaches=tuple(Waypoint(step=k, inputs={"x": 3 * 0.8**k}) for k in range(1, 11)),
    ),
)
def square(x: Float[Tensor, ""]) -> Float[Tensor, ""]:
    r"""Go down $f(x) = x^2$ by gradient descent from $x_0 = 3$ at rate $0.1$. Since $f'(x) = 2x$, every step multiplies $x$ by
    $0.8$, so that $x_k = 3 \cdot 0.8^k$."""
    return x**2


@exercise(
    title={"en": "The square of a quotient", "zh": "商的平方"},
    statement={"zh": r"设 $q_i = \frac{3a_i}{a_i - 1}$，求 $b = \sum_i q_i^2$ 对 $a$ 的梯度。"},
    source="Dive into Deep Learning (PyTorch), notes on automatic differentiation",
    sizes={"m": 2, "n": 2},
    domains={"a": interval(1.5, 4)},
    answer="-18 * a / (a - 1)**3",
    examples=[Example({"a": [[2.0, 4.0], [1.5, 2.5]]}, value=158.0, gradient={"a": [[-36.0, -8 / 3], [-216.0, -40 / 3]]})],
)
def squared_quotient(a: Float[Tensor, "m n"]) -> Float[Tensor, ""]:
    r"""With $q_i = \frac{3a_i}{a_i - 1}$, differentiate $b = \sum_i q_i^2$ with respect to $a$."""
    a = (a * 3) / (a - 1)
    return (a * a).sum()
