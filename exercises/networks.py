"""Whole networks: every parameter's gradient."""

import io

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from checker import below, exercise, interval


@exercise(
    title={"en": "The FashionMNIST network", "zh": "FashionMNIST 网络"},
    statement={
        "zh": r"把 $28 \times 28$ 的图像展平，经过三个线性层（$784 \to 512 \to 512 \to 10$）与两个 ReLU，用交叉熵作损失。"
        r"求全部 $669\,706$ 个参数的梯度。"
    },
    source="PyTorch tutorial, notes §1.6",
    sizes={"b": 2},
    domains={"image": interval(0, 1), "label": below(10)},
    constant=["image"],
)
class FashionMNIST(nn.Module):
    r"""Flatten a $28 \times 28$ image and pass it through three linear layers, $784 \to 512 \to 512 \to 10$, and two ReLU, with the
    cross-entropy for a loss. Find the gradients of all $669\,706$ parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(28 * 28, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 10),
        )

    def forward(self, image: Float[Tensor, "b 1 28 28"], label: Int[Tensor, "b"]) -> Float[Tensor, ""]:
        logits = self.linear_relu_stack(self.flatten(image))
        return nn.functional.cross_entropy(logits, label)


@exercise(
    title={"en": "Saved and loaded again", "zh": "保存与重新加载"},
    statement={"zh": r"把参数作为 `state_dict` 保存，再加载到另一个随机初始化的网络中。两个网络的参数相同，所以同一批数据上的梯度也相同。"},
    source="PyTorch tutorial, notes §1.9",
    sizes={"b": 2},
    domains={"label": below(3)},
    constant=["x"],
)
class SavedAndLoaded(nn.Module):
    r"""Save the parameters as a `state_dict` and load them into another network that was initialised differently. Both have the same
    parameters, and so the same gradients for the same data."""

    def __init__(self) -> None:
        super().__init__()
        trained = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
        file = io.BytesIO()
        torch.save(trained.state_dict(), file)
        file.seek(0)
        self.layers = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
        self.layers.load_state_dict(torch.load(file))

    def forward(self, x: Float[Tensor, "b 4"], label: Int[Tensor, "b"]) -> Float[Tensor, ""]:
        return nn.functional.cross_entropy(self.layers(x), label)
