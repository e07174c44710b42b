"""The layers of a network, each alone and small enough to be followed entry by entry."""

from jaxtyping import Float
from torch import Tensor, nn

from checker import Example, exercise

SOURCE = "PyTorch tutorial, notes §1.6"


@exercise(
    title={"en": "Flatten", "zh": "展平层"},
    statement={"zh": r"`nn.Flatten` 保留批量维，把每张图像排成一行。反向传播只是把上游梯度变回原来的形状。"},
    source=SOURCE,
    sizes={"b": 2, "h": 2, "w": 3},
    answer="reshape(upstream, size(image, 0), size(image, 1), size(image, 2))",
)
def flatten(image: Float[Tensor, "b h w"]) -> Float[Tensor, "b h*w"]:
    r"""`nn.Flatten` keeps the batch dimension and lays every image out in a row. The backward pass only gives the upstream gradient its
    old shape back."""
    return nn.Flatten()(image)


@exercise(
    title={"en": "Linear", "zh": "线性层"},
    statement={"zh": r"`nn.Linear` 计算 $y = xW^\top + b$。上游为 $V$ 时，梯度为：输入 $VW$，权重 $V^\top x$，偏置是 $V$ 各行之和。"},
    source=SOURCE,
    sizes={"b": 2},
    answer={
        "x": "upstream @ linear.weight",
        "linear.weight": "upstream.T @ x",
        "linear.bias": "sum(upstream, dim=0)",
    },
)
class Linear(nn.Module):
    r"""`nn.Linear` computes $y = xW^\top + b$. With $V$ upstream the gradients are $VW$ of the input, $V^\top x$ of the weight, and the
    sum of the rows of $V$ of the bias."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x: Float[Tensor, "b 3"]) -> Float[Tensor, "b 2"]:
        return self.linear(x)


@exercise(
    title={"en": "ReLU", "zh": "ReLU 激活函数"},
    statement={"zh": r"$\operatorname{relu}(x) = \max(x, 0)$ 让正数处的上游梯度通过，在负数处截断它。"},
    source=SOURCE,
    sizes={"n": 5},
    answer="where(x > 0, upstream, 0)",
)
def relu(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    r"""$\operatorname{relu}(x) = \max(x, 0)$ lets the upstream gradient pass where $x$ is positive and stops it where $x$ is negative."""
    return nn.ReLU()(x)


@exercise(
    title={"en": "ReLU at zero", "zh": "ReLU 在零点"},
    statement={
        "zh": r"在 $x = 0$ 处 ReLU 不可导：左导数是 $0$，右导数是 $1$，$[0, 1]$ 中的任何数都是次梯度。"
        r"PyTorch 取 $0$，检查结果应为“次梯度”。"
    },
    source=SOURCE,
    expects="subgradient",
    sampled=False,
    examples=[Example({"x": [-1.0, 0.0, 2.0]}, value=[0.0, 0.0, 2.0], gradient={"x": [0.0, 0.0, 1.0]})],
)
def relu_at_zero(x: Float[Tensor, "3"]) -> Float[Tensor, "3"]:
    r"""At $x = 0$ ReLU has no derivative: $0$ from the left, $1$ from the right, and every number of $[0, 1]$ is a subgradient. PyTorch
    takes $0$, and the check should say subgradient."""
    return nn.ReLU()(x)


@exercise(
    title={"en": "Softmax", "zh": "Softmax 层"},
    statement={
        "zh": r"$s_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$ 的向量—雅可比积是 $s \odot (v - s^\top v)$。"
        r"各行之和恒为 $1$，因此 $v$ 全为 $1$ 时梯度为零。"
    },
    source=SOURCE,
    sizes={"b": 2, "k": 3},
    answer="softmax(x) * (upstream - sum(softmax(x) * upstream, dim=1, keepdim=True))",
)
def softmax(x: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
    r"""The vector–Jacobian product of $s_i = \frac{e^{x_i}}{\sum_j e^{x_j}}$ is $s \odot (v - s^\top v)$. Every row sums to $1$, so that
    with ones for $v$ the gradient is zero."""
    return nn.Softmax(dim=1)(x)


@exercise(
    title={"en": "Convolution 3×3", "zh": "3×3 卷积层"},
    statement={
        "zh": r"一个输入通道、一个输出通道、$3 \times 3$ 的卷积核，四周补一圈 $0$。"
        r"求图像、卷积核与偏置的梯度；偏置的梯度是上游所有元素之和。"
    },
    source=SOURCE,
    answer={"conv.bias": "reshape(sum(upstream), 1)"},
)
class Convolution(nn.Module):
    r"""One channel in and one out, a $3 \times 3$ kernel, and a border of zeros. Find the gradients of image, kernel and bias; that of the
    bias is the sum of all entries upstream."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, kernel_size=3, padding=1)

    def forward(self, image: Float[Tensor, "1 1 4 4"]) -> Float[Tensor, "1 1 4 4"]:
        return self.conv(image)


@exercise(
    title={"en": "Max pooling", "zh": "最大池化"},
    statement={"zh": r"在每个 $2 \times 2$ 的窗口中取最大值。梯度只传给最大的那个元素。"},
    source=SOURCE,
)
def max_pooling(image: Float[Tensor, "1 1 4 4"]) -> Float[Tensor, "1 1 2 2"]:
    r"""Take the largest entry of every $2 \times 2$ window. The gradient goes to that entry alone."""
    return nn.MaxPool2d(kernel_size=2, stride=2)(image)


@exercise(
    title={"en": "Adaptive average pooling", "zh": "自适应平均池化"},
    statement={"zh": r"无论输入多大，输出总是 $2 \times 2$。输入为 $3 \times 3$ 时，四个窗口互相重叠，中间的元素从四处得到梯度。"},
    source=SOURCE,
)
def adaptive_average_pooling(image: Float[Tensor, "1 1 3 3"]) -> Float[Tensor, "1 1 2 2"]:
    r"""Whatever the size of the input, the output is $2 \times 2$. Of a $3 \times 3$ input the four windows overlap, and the entry in the
    middle gets a part of the gradient from each."""
    return nn.AdaptiveAvgPool2d((2, 2))(image)


@exercise(
    title={"en": "Dropout", "zh": "Dropout 层"},
    statement={
        "zh": r"训练时 `nn.Dropout(0.5)` 以一半的概率把每个元素置零，其余的乘以 $2$。每次运行结果都不同；对同一次抽样而言，"
        r"被置零的元素梯度为 $0$，其余的梯度为 $2$。检查时记录下抽样，再对它求导。"
    },
    source=SOURCE,
    sizes={"n": 6},
)
def dropout(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    r"""In training `nn.Dropout(0.5)` sets each entry to zero with probability one half and doubles the others. Every run differs; of one
    draw, the gradient is $0$ where an entry was dropped and $2$ elsewhere. The check records the draw and differentiates it."""
    return nn.Dropout(0.5)(x)


@exercise(
    title={"en": "Layers in a row", "zh": "把层串起来"},
    statement={"zh": r"`nn.Sequential` 依次通过线性层、ReLU 和线性层。用链式法则求每个参数的梯度。"},
    source=SOURCE,
    sizes={"b": 2},
    answer={
        "layers.0.bias": "sum(where(x @ layers.0.weight.T + layers.0.bias > 0, upstream @ layers.2.weight, 0), dim=0)",
        "layers.2.weight": "upstream.T @ relu(x @ layers.0.weight.T + layers.0.bias)",
        "layers.2.bias": "sum(upstream, dim=0)",
    },
)
class Sequential(nn.Module):
    r"""`nn.Sequential` passes its input through a linear layer, ReLU and another linear layer. Find the gradient of every parameter by the
    chain rule."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))

    def forward(self, x: Float[Tensor, "b 3"]) -> Float[Tensor, "b 2"]:
        return self.layers(x)
