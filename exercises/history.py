"""What keeps a tensor's history, and what loses it."""

import torch
from jaxtyping import Float
from torch import Tensor

from checker import Example, exercise

TENSORS = "PyTorch tutorial, notes §1.3"
COPIES = "Dive into Deep Learning (PyTorch), notes on tensors"
COUNT = [1.0, 2.0, 3.0]


@exercise(
    title={"en": "Concatenation", "zh": "拼接"},
    statement={"zh": r"把 $A$、$B$ 和又一个 $A$ 左右拼在一起，再求所有元素的平方和。梯度按块拆回：$A$ 用了两次，两块的梯度相加。"},
    source=TENSORS,
    sizes={"n": 2, "m": 2, "k": 3},
    answer={"a": "4 * a", "b": "2 * b"},
)
def concatenation(a: Float[Tensor, "n m"], b: Float[Tensor, "n k"]) -> Float[Tensor, ""]:
    r"""Put $A$, $B$ and $A$ again side by side, and sum the squares of all entries. The gradient is taken apart into blocks again: $A$ was
    used twice, and its two blocks are added."""
    joined = torch.cat([a, b, a], dim=1)
    return (joined**2).sum()


@exercise(
    title={"en": "Indexing and slicing", "zh": "索引与切片"},
    statement={"zh": r"取第一行、最后一列和左上角 $2 \times 2$ 的块，求它们的平方和。一个元素被取到几次，梯度就累加几次。"},
    source=TENSORS,
    answer="2 * x * weights",
    values={"weights": [[2.0, 2.0, 2.0], [1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]},
)
def indexing(x: Float[Tensor, "3 3"], weights: Float[Tensor, "3 3"]) -> Float[Tensor, ""]:
    r"""Sum the squares of the first row, the last column and the upper left $2 \times 2$ block. An entry collects as many parts of gradient
    as it was taken times; `weights` counts them."""
    return (x[0] ** 2).sum() + (x[..., -1] ** 2).sum() + (x[:2, :2] ** 2).sum()


@exercise(
    title={"en": "Arithmetic", "zh": "算术运算"},
    statement={
        "zh": r"$X X^\top$ 是矩阵乘法，$X \odot X$ 是逐元素乘法。求 $\sum_{ij} (X X^\top)_{ij} + \sum_{ij} (X \odot X)_{ij}$ 的梯度。"
    },
    source=TENSORS,
    sizes={"n": 2, "m": 3},
    answer="2 * sum(x, dim=0, keepdim=True) + 2 * x",
)
def arithmetic(x: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    r"""$X X^\top$ is a product of matrices, $X \odot X$ one of entries. Differentiate
    $\sum_{ij} (X X^\top)_{ij} + \sum_{ij} (X \odot X)_{ij}$."""
    return (x @ x.T).sum() + (x * x).sum()


@exercise(
    title={"en": "In place, with history", "zh": "保留历史的原位操作"},
    statement={"zh": r"`mul_` 和 `add_` 直接改写张量，但改写被记录在计算图里，所以梯度依然正确。"},
    source=TENSORS,
    answer="6 * x",
    examples=[Example({"x": COUNT}, value=45.0, gradient={"x": [6.0, 12.0, 18.0]})],
)
def in_place(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""`mul_` and `add_` write into a tensor, but the writing is recorded in the graph, and the gradient is right."""
    y = x * x
    y.mul_(3)
    y.add_(1)
    return y.sum()


@exercise(
    title={"en": "A view shares memory", "zh": "视图共享内存"},
    statement={"zh": r"`view` 不复制数据：写入视图就写入了原张量。计算图知道这一点，梯度是 $4x$，而不是 $2x$。"},
    source=COPIES,
    answer="4 * x",
    examples=[Example({"x": [[1.0, 2.0], [3.0, 4.0]]}, value=60.0, gradient={"x": [[4.0, 8.0], [12.0, 16.0]]})],
)
def view(x: Float[Tensor, "n m"]) -> Float[Tensor, ""]:
    r"""`view` copies nothing: who writes into the view writes into the tensor. The graph knows, and the gradient is $4x$, not $2x$."""
    y = x.clone()
    y.view(-1).mul_(2)
    return (y * x).sum()


@exercise(
    title={"en": "A clone is a copy with history", "zh": "clone：带历史的副本"},
    statement={"zh": r"`clone` 复制数据，此后写入原张量不影响副本；副本仍在计算图中，梯度会传回 $x$。"},
    source=COPIES,
    answer="2 * x",
    examples=[Example({"x": COUNT}, value=14.0, gradient={"x": [2.0, 4.0, 6.0]})],
)
def clone(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""`clone` copies the data: later writes into the tensor leave the copy alone. The copy stays in the graph, and the gradient goes
    back to $x$."""
    y = x + 0
    copy = y.clone()
    y.mul_(100)
    return (copy * x).sum()


@exercise(
    title={"en": "copy_ into a buffer", "zh": "copy_：复制到缓冲区"},
    statement={"zh": r"`copy_` 把 $x$ 的一段写进已有的缓冲区。只有被复制的部分得到梯度。"},
    source=COPIES,
    answer="cat([zeros_like(x[0:1]), 2 * x[1:3]])",
    examples=[Example({"x": COUNT}, value=13.0, gradient={"x": [0.0, 4.0, 6.0]})],
)
def copy_into(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    r"""`copy_` writes a part of $x$ into a buffer that was there before. Only what was copied gets a gradient."""
    buffer = torch.zeros(2, dtype=x.dtype, device=x.device)
    buffer.copy_(x[1:3])
    return (buffer**2).sum()


@exercise(
    title={"en": "Two names for one tensor", "zh": "同一张量的两个名字"},
    statement={"zh": r"赋值 `z = y` 不复制任何东西：两个名字指向同一个张量，写入一个，另一个也随之改变。梯度是 $2(x + 1)$。"},
    source=COPIES,
    answer="2 * (x + 1)",
    examples=[Example({"x": COUNT}, value=29.0, gradient={"x": [4.0, 6.0, 8.0]})],
)
def alias(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""The assignment `z = y` copies nothing: both names mean one tensor, and who changes the one changes the other. The gradient is
    $2(x + 1)$."""
    y = x.clone()
    z = y
    y += 1
    return (z * z).sum()


@exercise(
    title={"en": "History lost by item()", "zh": "item() 丢失历史"},
    statement={
        "zh": r"$y = \sum_i x_i \sum_j x_j$，但里面的和被 `item()` 取成了 Python 数，计算图在此中断。"
        r"函数值没有变，梯度却少了一项，得到 $6$ 而不是 $12$：检查结果应为“错误”。"
    },
    source=TENSORS,
    expects="wrong",
    examples=[Example({"x": COUNT}, value=36.0, gradient={"x": [6.0, 6.0, 6.0]})],
)
def lost_by_item(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""$y = \sum_i x_i \sum_j x_j$, but the inner sum was taken out as a Python number by `item()`, and the graph ends there. The value is
    the same, the gradient lacks a term, and the check should say wrong: $6$ in place of $12$."""
    return (x * x.sum().item()).sum()


@exercise(
    title={"en": "item(), on purpose", "zh": "有意使用 item()"},
    statement={"zh": r"同样的函数，但作者声明了 `item` 是有意的：求和的结果当作常数，于是 $6$ 就是正确的梯度。"},
    source=TENSORS,
    cuts=["item"],
    examples=[Example({"x": COUNT}, value=36.0, gradient={"x": [6.0, 6.0, 6.0]})],
)
def declared_item(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""The same function, but its author declares `item` as meant: the inner sum counts as a constant, and $6$ is the right gradient."""
    return (x * x.sum().item()).sum()


@exercise(
    title={"en": "History lost by torch.tensor", "zh": "torch.tensor 丢失历史"},
    statement={"zh": r"用 `tolist` 和 `torch.tensor` 重新构造一个张量，得到的是没有历史的副本：梯度只剩一半，检查结果应为“错误”。"},
    source=TENSORS,
    expects="wrong",
    examples=[Example({"x": COUNT}, value=14.0, gradient={"x": [1.0, 2.0, 3.0]})],
)
def lost_by_rebuilding(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""A tensor that is built anew with `tolist` and `torch.tensor` is a copy without history: half of the gradient is lost, and the check
    should say wrong."""
    copy = torch.tensor(x.tolist(), dtype=x.dtype, device=x.device)
    return (copy * x).sum()


@exercise(
    title={"en": "History lost by .data", "zh": ".data 丢失历史"},
    statement={"zh": r"通过 `.data` 原位修改张量，计算图毫不知情。函数值变成了 $2\sum_i x_i^2$，梯度却仍是 $2x$，检查结果应为“错误”。"},
    source=TENSORS,
    expects="wrong",
    examples=[Example({"x": COUNT}, value=28.0, gradient={"x": [2.0, 4.0, 6.0]})],
)
def lost_by_data(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""A write through `.data` is unknown to the graph. The value becomes $2 \sum_i x_i^2$, the gradient stays $2x$, and the check should
    say wrong."""
    y = x * x
    y.data.mul_(2)
    return y.sum()


@exercise(
    title={"en": ".data, on purpose", "zh": "有意使用 .data"},
    statement={"zh": r"用 $x$ 的长度缩放 $x$，并声明 `.data` 是有意的：长度当作常数，梯度就是 $\lVert x \rVert$。"},
    source=TENSORS,
    cuts=["data"],
    examples=[Example({"x": [3.0, 4.0]}, value=35.0, gradient={"x": [5.0, 5.0]})],
)
def declared_data(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Scale $x$ by its length, with `.data` declared as meant: the length counts as a constant, and every entry of the gradient is
    $\lVert x \rVert$."""
    return (x * x.data.norm()).sum()
