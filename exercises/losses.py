"""Losses, and loops that must not train."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from checker import Example, below, exercise

SOURCE = "PyTorch tutorial, notes §1.8"


@exercise(
    title={"en": "Mean squared error", "zh": "均方误差"},
    statement={"zh": r"`nn.MSELoss` 是 $\frac1n \sum_i (\hat y_i - y_i)^2$，没有 $\frac12$。求它对预测值 $\hat y$ 的梯度。"},
    source=SOURCE,
    constant=["y"],
    answer="2 * (y_hat - y) / len(y)",
    examples=[Example({"y_hat": [1.0, 2.0, 3.0, 4.0], "y": [0.0, 2.0, 5.0, 4.0]}, value=1.25, gradient={"y_hat": [0.5, 0.0, -1.0, 0.0]})],
)
def mean_squared_error(y_hat: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""`nn.MSELoss` is $\frac1n \sum_i (\hat y_i - y_i)^2$, without a $\frac12$. Differentiate it with respect to the prediction
    $\hat y$."""
    return nn.MSELoss()(y_hat, y)


@exercise(
    title={"en": "Negative log-likelihood", "zh": "负对数似然"},
    statement={"zh": r"`nn.NLLLoss` 取每一行中标签所指的对数概率，求平均后取相反数。只有这些位置的梯度不为零，都是 $-\frac1b$。"},
    source=SOURCE,
    sizes={"b": 3, "k": 4},
    domains={"labels": below(4)},
    answer="-one_hot(labels, 4) / 3",
)
def negative_log_likelihood(log_probabilities: Float[Tensor, "b k"], labels: Int[Tensor, "b"]) -> Float[Tensor, ""]:
    r"""`nn.NLLLoss` takes from every row the log-probability that the label points at, and returns minus their mean. Only there the
    gradient is not zero: it is $-\frac1b$."""
    return nn.NLLLoss()(log_probabilities, labels)


@exercise(
    title={"en": "Cross-entropy", "zh": "交叉熵"},
    statement={
        "zh": r"`nn.CrossEntropyLoss` 先做 LogSoftmax，再求负对数似然。它对 logits 的梯度格外简单："
        r"$\frac1b\left(\operatorname{softmax}(z) - \operatorname{onehot}(y)\right)$。"
    },
    source=SOURCE,
    sizes={"b": 3, "k": 4},
    domains={"labels": below(4)},
    answer="(softmax(logits, dim=1) - one_hot(labels, 4)) / 3",
)
def cross_entropy(logits: Float[Tensor, "b k"], labels: Int[Tensor, "b"]) -> Float[Tensor, ""]:
    r"""`nn.CrossEntropyLoss` is LogSoftmax followed by the negative log-likelihood. Its gradient by the logits is remarkably simple:
    $\frac1b\left(\operatorname{softmax}(z) - \operatorname{onehot}(y)\right)$."""
    return nn.CrossEntropyLoss()(logits, labels)


@exercise(
    title={"en": "A test loop that must not train", "zh": "不应参与训练的测试循环"},
    statement={
        "zh": r"训练循环计算损失并反向传播；测试循环在 `torch.no_grad()` 中逐批累加 `loss.item()`。测试循环运行过之后，"
        r"训练损失的梯度必须与没有它时完全一样。"
    },
    source=SOURCE,
    values={
        "train_x": [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]],
        "train_y": [0, 1, 0],
        "test_x": [[2.0, 1.0], [1.0, 3.0]],
        "test_y": [0, 1],
    },
    answer="train_x.T @ (softmax(train_x @ w, dim=1) - one_hot(train_y, 2)) / 3",
)
def loop_that_must_not_train(
    w: Float[Tensor, "2 2"],
    train_x: Float[Tensor, "3 2"],
    train_y: Int[Tensor, "3"],
    test_x: Float[Tensor, "2 2"],
    test_y: Int[Tensor, "2"],
) -> Float[Tensor, ""]:
    r"""The training loop computes a loss and runs backward; the test loop adds up `loss.item()` batch by batch under `torch.no_grad()`.
    After the test loop has run, the gradient of the training loss must be exactly what it is without it."""
    loss_fn = nn.CrossEntropyLoss()
    loss = loss_fn(train_x @ w, train_y)
    test_loss = 0.0
    with torch.no_grad():
        for x, y in zip(test_x.split(1), test_y.split(1), strict=True):
            test_loss += loss_fn(x @ w, y).item()
    return loss
