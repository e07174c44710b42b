"""Straight lines through points, found by gradient descent."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from checker import Descent, Example, Waypoint, exercise

BASICS = "PyTorch basics, §2 Linear regression"
FIVE_X = [[1.4, 1.0], [5.0, 1.0], [11.0, 1.0], [16.0, 1.0], [21.0, 1.0]]
FIVE_Y = [14.4, 29.6, 62.0, 85.5, 113.4]


@exercise(
    title={"en": "A line through five points", "zh": "过五个点的直线"},
    statement={
        "zh": r"给每个 $x$ 添上一个 $1$，直线 $y = w_1 x + w_0$ 就成了 $Xw$。从 $w = (0.4, 0.1515)$ 出发，以学习率 $10^{-4}$ 对 "
        r"$L(w) = \lVert Xw - y \rVert^2$ 做一万步梯度下降：损失降到 $8.2430$，$w = (5.0840, 5.5849)$。"
        r"此时截距仍带着起点的百分之五，最优解在 $(5.0664, 5.8574)$。"
    },
    source=BASICS,
    values={"inputs": FIVE_X, "target": FIVE_Y},
    answer="2 * inputs.T @ (inputs @ w - target)",
    descent=Descent(
        start={"w": [0.4, 0.1515]},  # the notes drew theirs from [0, 1)²; starts on a line through this one end at their figures
        rate=1e-4,
        steps=10_000,
        reaches=(Waypoint(step=10_000, value=8.2430, inputs={"w": [5.0840, 5.5849]}, decimals=4),),
    ),
)
def five_points(inputs: Float[Tensor, "5 2"], target: Float[Tensor, "5"], w: Float[Tensor, "2"]) -> Float[Tensor, ""]:
    r"""With a column of ones, the line $y = w_1 x + w_0$ is $Xw$. Go down $L(w) = \lVert Xw - y \rVert^2$ from $w = (0.4, 0.1515)$ for
    ten thousand steps at rate $10^{-4}$: the loss comes down to $8.2430$, and $w$ to $(5.0840, 5.5849)$. The intercept still holds five
    hundredths of its start; the best line is at $(5.0664, 5.8574)$."""
    output = inputs.mv(w)
    return (output - target).pow(2).sum()


def noisy_diagonal(generator: torch.Generator) -> dict[str, Tensor]:
    """100,000 points of $y = x + 1.2u$, with $u$ uniform on $[0, 1)$."""
    x = torch.linspace(-3, 3, 100_000).unsqueeze(dim=1)
    return {"x": x, "y": x + 1.2 * torch.rand(x.shape, generator=generator)}


@exercise(
    title={"en": "A line through a hundred thousand points", "zh": "过十万个点的直线"},
    statement={
        "zh": r"在 $(-3, 3)$ 上取十万个点 $y = x + 1.2u$，其中 $u$ 在 $[0, 1)$ 上均匀分布，用 `nn.Linear(1, 1)` 和均方误差拟合，"
        r"以学习率 $10^{-4}$ 训练一万轮。数据无限多、训练无限久时，斜率为 $1$，截距为 $0.6$，损失为 $0.12$；"
        r"笔记中得到 $0.9995$、$0.5632$ 和 $0.1209$。截距收敛得慢：每一步只缩小到与极限之差的 $1 - 2 \cdot 10^{-4}$。"
    },
    source=BASICS,
    sizes={"n": 6},
    constant=["x", "y"],
    descent=Descent(
        values=noisy_diagonal,
        logged=2,
        start={"linear.weight": [[0.5]], "linear.bias": [0.33]},
        rate=1e-4,
        steps=10_000,
        reaches=(
            Waypoint(
                step=10_000,
                value=(0.119, 0.123),
                inputs={"linear.weight": [[(0.996, 1.002)]], "linear.bias": [(0.558, 0.569)]},
            ),
        ),
    ),
)
class HundredThousandPoints(nn.Module):
    r"""Fit `nn.Linear(1, 1)` with the mean squared error to a hundred thousand points $y = x + 1.2u$ on $(-3, 3)$, $u$ uniform on
    $[0, 1)$, for ten thousand epochs at rate $10^{-4}$. With endless data and time the slope is $1$, the intercept $0.6$ and the loss
    $0.12$; the notes got $0.9995$, $0.5632$ and $0.1209$. The intercept is slow: a step leaves $1 - 2 \cdot 10^{-4}$ of its distance
    to the limit."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x: Float[Tensor, "n 1"], y: Float[Tensor, "n 1"]) -> Float[Tensor, ""]:
        return nn.functional.mse_loss(self.linear(x), y)


def two_features(generator: torch.Generator) -> dict[str, Tensor]:
    """1000 examples of $y = 2x_1 - 3.4x_2 + 4.2$ with normal noise of standard deviation 0.01."""
    features = torch.randn(1000, 2, generator=generator)
    noise = 0.01 * torch.randn(1000, generator=generator)
    return {"features": features, "labels": 2 * features[:, 0] - 3.4 * features[:, 1] + 4.2 + noise}


@exercise(
    title={"en": "Linear regression from scratch", "zh": "线性回归的从零开始实现"},
    statement={
        "zh": r"用矩阵乘法写出模型 $\hat y = Xw + b$，损失取 $\frac12(\hat y - y)^2$ 的均值。数据有一千个样本，由 $w = (2, -3.4)^\top$、"
        r"$b = 4.2$ 与标准差为 $0.01$ 的噪声生成。每批十个样本，学习率 $0.03$，训练三轮，即可找回 $w$ 与 $b$，损失约为 $5 \cdot 10^{-5}$。"
    },
    source="Dive into Deep Learning (PyTorch), notes on linear regression",
    sizes={"n": 6},
    constant=["features", "labels"],
    answer={
        "w": "features.T @ (features @ w + b - unsqueeze(labels, 1)) / len(labels)",
        "b": "reshape(mean(features @ w + b - unsqueeze(labels, 1)), 1)",
    },
    descent=Descent(
        values=two_features,
        start={"w": [[0.005], [-0.01]], "b": [0.0]},
        rate=0.03,
        steps=300,
        batch=10,
        batched=("features", "labels"),
        reaches=(
            Waypoint(
                step=300,
                value=(4e-5, 7e-5),
                inputs={"w": [[(1.99, 2.01)], [(-3.41, -3.39)]], "b": [(4.19, 4.21)]},
            ),
        ),
    ),
)
def from_scratch(
    features: Float[Tensor, "n 2"], labels: Float[Tensor, "n"], w: Float[Tensor, "2 1"], b: Float[Tensor, "1"]
) -> Float[Tensor, ""]:
    r"""Write the model $\hat y = Xw + b$ with a matrix product, and the loss as the mean of $\frac12(\hat y - y)^2$. A thousand examples
    were made with $w = (2, -3.4)^\top$, $b = 4.2$ and noise of standard deviation $0.01$. Three epochs in batches of ten at rate $0.03$
    recover $w$ and $b$, and the loss is about $5 \cdot 10^{-5}$."""
    y_hat = torch.mm(features, w) + b
    squared_loss = (y_hat - labels.view(y_hat.size())) ** 2 / 2
    return squared_loss.mean()


@exercise(
    title={"en": "One neuron with a logistic loss", "zh": "单层网络与二元交叉熵"},
    statement={
        "zh": r"最简单的单层网络：$z = xW + b$，其中 $x$ 是五个 $1$，目标 $y$ 是三个 $0$，损失为带 logits 的二元交叉熵的均值。"
        r"求 $W$ 与 $b$ 的梯度。$W = 0$、$b = 0$ 时损失是 $\ln 2$，每个梯度都是 $\frac16$。"
    },
    source="PyTorch tutorial, notes §1.7",
    values={"x": [1.0] * 5, "y": [0.0] * 3},
    answer={"w": "outer(x, sigmoid(x @ w + b) - y) / 3", "b": "(sigmoid(x @ w + b) - y) / 3"},
    examples=[
        Example(
            {"w": [[0.0] * 3] * 5, "b": [0.0] * 3},
            value=0.693147,
            gradient={"w": [[0.166667] * 3] * 5, "b": [0.166667] * 3},
            decimals=6,
        )
    ],
)
def one_layer(x: Float[Tensor, "5"], y: Float[Tensor, "3"], w: Float[Tensor, "5 3"], b: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    r"""The simplest network of one layer: $z = xW + b$ with five ones for $x$, three zeros for the target $y$, and the mean binary
    cross-entropy with logits. Find the gradients of $W$ and $b$. Where both are $0$, the loss is $\ln 2$ and every gradient
    $\frac16$."""
    z = torch.matmul(x, w) + b
    return nn.functional.binary_cross_entropy_with_logits(z, y)
