"""Gradients with respect to vectors and small matrices."""

import torch
from jaxtyping import Float
from torch import Tensor

from checker import Example, away_from_zero, exercise

D2L = "Dive into Deep Learning, notes §2.5"
BASICS = "PyTorch basics, §1 Autograd"
PYTORCH = "Dive into Deep Learning (PyTorch), notes on automatic differentiation"
COUNT = [0.0, 1.0, 2.0, 3.0]


@exercise(
    title={"en": "Twice a dot product", "zh": "点积的两倍"},
    statement={"zh": r"求 $y = 2x^\top x$ 关于列向量 $x$ 的梯度。标量函数的梯度与 $x$ 形状相同，这里是 $4x$。"},
    source=D2L,
    answer="4 * x",
    examples=[Example({"x": COUNT}, value=28.0, gradient={"x": [0.0, 4.0, 8.0, 12.0]})],
)
def twice_dot(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Differentiate $y = 2x^\top x$ with respect to the column vector $x$. The gradient of a scalar has the shape of $x$: here it
    is $4x$."""
    return 2 * torch.dot(x, x)


@exercise(
    title={"en": "The sum of a vector", "zh": "向量的元素之和"},
    statement={"zh": r"求 $y = \sum_i x_i$ 关于 $x$ 的梯度。每个分量的偏导数都是 $1$。"},
    source=D2L,
    answer="ones_like(x)",
    examples=[Example({"x": COUNT}, value=6.0, gradient={"x": [1.0, 1.0, 1.0, 1.0]})],
)
def vector_sum(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Differentiate $y = \sum_i x_i$. Every partial derivative is $1$."""
    return x.sum()


@exercise(
    title={"en": "A vector squared, entry by entry", "zh": "逐元素平方（非标量输出）"},
    statement={
        "zh": r"$y = x \odot x$ 是向量，因此反向传播需要一个上游梯度 $v$，得到的是向量—雅可比积 $J^\top v = 2x \odot v$。"
        r"取 $v$ 全为 $1$，就是对 $\sum_i y_i$ 求导，结果为 $2x$。"
    },
    source=D2L,
    answer="2 * x * upstream",
    examples=[Example({"x": COUNT}, value=[0.0, 1.0, 4.0, 9.0], gradient={"x": [0.0, 2.0, 4.0, 6.0]})],
)
def squares(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    r"""$y = x \odot x$ is a vector, so the backward pass needs an upstream gradient $v$ and gives the vector–Jacobian product
    $J^\top v = 2x \odot v$. With ones for $v$ it differentiates $\sum_i y_i$: the result is $2x$."""
    return x * x


@exercise(
    title={"en": "The length of 4x", "zh": "4x 的长度"},
    statement={
        "zh": r"把 $x = (1, 1)$ 乘以 $4$ 得到中间向量 $z$，再求它的长度 $y = \lVert z \rVert = 4\sqrt{x_1^2 + x_2^2}$。"
        r"$y$ 约为 $5.6569$，对每个分量的偏导数约为 $2.8284$。"
    },
    source=BASICS,
    answer="4 * x / norm(x)",
    domains={"x": away_from_zero(0.1)},
    examples=[Example({"x": [1.0, 1.0]}, value=5.6569, gradient={"x": [2.8284, 2.8284]}, decimals=4)],
)
def length_of_4x(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Multiply $x = (1, 1)$ by $4$ and take the length of the result, $y = \lVert z \rVert = 4\sqrt{x_1^2 + x_2^2}$. It is
    about $5.6569$, and its derivative by each entry about $2.8284$."""
    z = 4 * x
    return z.norm()


@exercise(
    title={"en": "The length of z, a node in the middle", "zh": "对中间节点 z 求导"},
    statement={
        "zh": r"在 $y = \lVert z \rVert$、$z = 4x$ 中，PyTorch 只为叶子节点 $x$ 保留 `grad`，所以打印 `z.grad` 得到 `None`。"
        r"但 $y$ 对 $z$ 的梯度是存在的：$z / \lVert z \rVert$。把 $z$ 当作输入，求出它。"
    },
    source=BASICS,
    answer="z / norm(z)",
    domains={"z": away_from_zero(0.1)},
    examples=[Example({"z": [4.0, 4.0]}, value=5.6569, gradient={"z": [0.70710678, 0.70710678]}, decimals=4)],
)
def length_of_z(z: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""In $y = \lVert z \rVert$ with $z = 4x$, PyTorch keeps `grad` for the leaf $x$ only, and `z.grad` prints `None`. The gradient
    with respect to $z$ exists all the same: it is $z / \lVert z \rVert$. Make $z$ the input and find it."""
    return z.norm()


@exercise(
    title={"en": "A mean of squares", "zh": "平方的均值"},
    statement={
        "zh": r"设 $z_i = 3(x_i + 2)^2$，$\mathrm{out} = \frac14\sum_i z_i$。在 $x$ 全为 $1$ 处求梯度：$\frac{6(x_i + 2)}{4} = 4.5$。"
    },
    source=PYTORCH,
    answer="1.5 * (x + 2)",
    examples=[Example({"x": [[1.0, 1.0], [1.0, 1.0]]}, value=27.0, gradient={"x": [[4.5, 4.5], [4.5, 4.5]]})],
)
def mean_of_squares(x: Float[Tensor, "2 2"]) -> Float[Tensor, ""]:
    r"""With $z_i = 3(x_i + 2)^2$, differentiate $\mathrm{out} = \frac14\sum_i z_i$. Where every $x_i$ is $1$, the gradient is
    $\frac{6(x_i + 2)}{4} = 4.5$."""
    y = x + 2
    z = y * y * 3
    return z.mean()


@exercise(
    title={"en": "A product of two leaves", "zh": "两个叶子节点的乘积"},
    statement={
        "zh": r"设 $w_i = 3(x_i + 2)(z_i + 5)$，$\mathrm{out}$ 是它们的均值。在 $x$ 全为 $1$、$z$ 全为 $0$ 处，对 $x$ 与 $z$ 分别求梯度。"
    },
    source=PYTORCH,
    answer={"x": "0.75 * (z + 5)", "z": "0.75 * (x + 2)"},
    examples=[
        Example(
            {"x": [[1.0, 1.0], [1.0, 1.0]], "z": [[0.0, 0.0], [0.0, 0.0]]},
            value=45.0,
            gradient={"x": [[3.75, 3.75], [3.75, 3.75]], "z": [[2.25, 2.25], [2.25, 2.25]]},
        )
    ],
)
def mean_of_products(x: Float[Tensor, "2 2"], z: Float[Tensor, "2 2"]) -> Float[Tensor, ""]:
    r"""With $w_i = 3(x_i + 2)(z_i + 5)$, differentiate their mean with respect to $x$ and to $z$, where every $x_i$ is $1$ and every
    $z_i$ is $0$."""
    y = x + 2
    w = y * (z + 5) * 3
    return w.mean()


@exercise(
    title={"en": "A row plus a column", "zh": "行向量加列向量（广播）"},
    statement={
        "zh": r"形状为 $(1, 2)$ 的行与形状为 $(3, 1)$ 的列相加时，两者都被广播成 $(3, 2)$。反向传播要把被复制的方向重新求和，"
        r"因此两个梯度仍是 $(1, 2)$ 与 $(3, 1)$：上游全为 $1$ 时，行的每个元素得到 $3$，列的每个元素得到 $2$。"
    },
    source="Dive into Deep Learning (PyTorch), notes on broadcasting",
    answer={"row": "sum(upstream, dim=0, keepdim=True)", "column": "sum(upstream, dim=1, keepdim=True)"},
    examples=[
        Example(
            {"row": [[1.0, 2.0]], "column": [[1.0], [2.0], [3.0]]},
            value=[[2.0, 3.0], [3.0, 4.0], [4.0, 5.0]],
            gradient={"row": [[3.0, 3.0]], "column": [[2.0], [2.0], [2.0]]},
        )
    ],
)
def row_plus_column(row: Float[Tensor, "1 2"], column: Float[Tensor, "3 1"]) -> Float[Tensor, "3 2"]:
    r"""A row of shape $(1, 2)$ and a column of shape $(3, 1)$ are both broadcast to $(3, 2)$. The backward pass sums over what was
    copied, so that the gradients are again $(1, 2)$ and $(3, 1)$: with ones upstream, $3$ in the row and $2$ in the column."""
    return row + column


@exercise(
    title={"en": "A Jacobian product, run twice", "zh": "雅可比积，反向传播两次"},
    statement={
        "zh": r"设 $\mathrm{inp}$ 是 $4 \times 5$ 的单位阵，$\mathrm{out} = \left((\mathrm{inp} + 1)^2\right)^\top$，上游全为 $1$。"
        r"第一次反向传播后，对角线上是 $4$，其余是 $2$。不清零就再来一次，梯度会累积，变成 $8$ 与 $4$。"
    },
    source="PyTorch tutorial, notes §1.7",
    answer="2 * (inp + 1) * upstream.T",
    examples=[
        Example(
            {"inp": torch.eye(4, 5).tolist()},
            gradient={"inp": (2 + 2 * torch.eye(4, 5)).tolist()},
        ),
        Example(
            {"inp": torch.eye(4, 5).tolist()},
            gradient={"inp": (4 + 4 * torch.eye(4, 5)).tolist()},
            passes=2,
        ),
    ],
)
def jacobian_product(inp: Float[Tensor, "4 5"]) -> Float[Tensor, "5 4"]:
    r"""Let $\mathrm{inp}$ be the $4 \times 5$ identity and $\mathrm{out} = \left((\mathrm{inp} + 1)^2\right)^\top$, with ones upstream.
    After one backward pass the gradient has $4$ on the diagonal and $2$ elsewhere. A second pass without clearing it adds the same
    again: $8$ and $4$."""
    return (inp + 1).pow(2).t()
