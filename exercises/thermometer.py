"""A thermometer without a unit: from its readings to degrees Celsius."""

import torch
from jaxtyping import Float
from torch import Tensor

from checker import Descent, Example, Waypoint, exercise

SOURCE = "Machine learning with PyTorch, notes"
T_C = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
T_U = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
T_UN = [round(0.1 * t, 2) for t in T_U]
VALIDATION = (1, 2)  # the split that the notes drew: it alone reproduces their losses
TRAINING = tuple(i for i in range(11) if i not in VALIDATION)

#: The chain by hand: 2(t_p − t_c)/n, times the derivative of the model by w or by b.
BY_HAND = {"w": "sum(2 * (w * t_u + b - t_c) / 11 * t_u)", "b": "sum(2 * (w * t_u + b - t_c) / 11)"}


def mean_squared_error(t_p: Tensor, t_c: Tensor) -> Tensor:
    return ((t_p - t_c) ** 2).mean()


@exercise(
    title={"en": "The thermometer, a hundred steps", "zh": "温度计：一百步"},
    statement={
        "zh": r"用 $t_p = w\,t_u + b$ 把读数换算成摄氏度，损失是均方误差。先用链式法则手写梯度："
        r"$\frac{\partial L}{\partial t_p}\frac{\partial t_p}{\partial w}$ 与 "
        r"$\frac{\partial L}{\partial t_p}\frac{\partial t_p}{\partial b}$，"
        r"再与自动微分比较。$(w, b) = (1, 0)$ 处损失是 $1763.8848$；以学习率 $10^{-4}$ 走一百步后是 $29.0227$。"
    },
    source=SOURCE,
    values={"t_u": T_U, "t_c": T_C},
    answer=BY_HAND,
    examples=[Example({"w": 1.0, "b": 0.0}, value=1763.8848, decimals=3)],
    descent=Descent(
        start={"w": 1.0, "b": 0.0},
        rate=1e-4,
        steps=100,
        reaches=(
            Waypoint(step=1, value=1763.8848, decimals=3),
            Waypoint(step=100, value=29.0227, inputs={"w": 0.2327, "b": -0.0438}, decimals=4),
        ),
    ),
)
def thermometer(w: Float[Tensor, ""], b: Float[Tensor, ""], t_u: Float[Tensor, "11"], t_c: Float[Tensor, "11"]) -> Float[Tensor, ""]:
    r"""Turn readings into degrees by $t_p = w\,t_u + b$, with the mean squared error for a loss. Write the gradient by hand with the
    chain rule, $\frac{\partial L}{\partial t_p}\frac{\partial t_p}{\partial w}$ and
    $\frac{\partial L}{\partial t_p}\frac{\partial t_p}{\partial b}$, and compare it with automatic differentiation. At
    $(w, b) = (1, 0)$ the loss is $1763.8848$; after a hundred steps at rate $10^{-4}$ it is $29.0227$."""
    return mean_squared_error(w * t_u + b, t_c)


@exercise(
    title={"en": "The thermometer with scaled readings", "zh": "温度计：缩放后的读数"},
    statement={
        "zh": r"$w$ 的梯度约为 $b$ 的五十倍，同一个学习率难以兼顾。把读数乘以 $0.1$ 之后，学习率可以取 $10^{-2}$："
        r"五千步后损失是 $2.92765$，$(w, b) = (5.3671, -17.3012)$。"
    },
    source=SOURCE,
    values={"t_u": T_UN, "t_c": T_C},
    answer=BY_HAND,
    descent=Descent(
        start={"w": 1.0, "b": 0.0},
        rate=1e-2,
        steps=5000,
        reaches=(
            Waypoint(step=5000, value=2.92765, decimals=5),
            Waypoint(step=5000, inputs={"w": 5.3671, "b": -17.3012}, decimals=4),
        ),
    ),
)
def scaled_thermometer(w: Float[Tensor, ""], b: Float[Tensor, ""], t_u: Float[Tensor, "11"], t_c: Float[Tensor, "11"]) -> Float[Tensor, ""]:
    r"""The gradient of $w$ is about fifty times that of $b$, so that one rate does not suit both. With readings times $0.1$ the rate
    may be $10^{-2}$: after five thousand steps the loss is $2.92765$ and $(w, b) = (5.3671, -17.3012)$."""
    return mean_squared_error(w * t_u + b, t_c)


@exercise(
    title={"en": "The thermometer with Adam", "zh": "温度计：使用 Adam"},
    statement={
        "zh": r"Adam 为每个参数各自调整步长，因此读数不必缩放：学习率取 $0.1$，三千步后到达最小二乘解 $(w, b) = (0.53677, -17.305)$，"
        r"损失 $2.9276$。优化器只负责更新参数，梯度仍来自反向传播。"
    },
    source=SOURCE,
    values={"t_u": T_U, "t_c": T_C},
    answer=BY_HAND,
    descent=Descent(
        start={"w": 1.0, "b": 0.0},
        rate=1e-1,
        steps=3000,
        optimizer="adam",
        reaches=(Waypoint(step=3000, value=2.9276, inputs={"w": (0.536, 0.538), "b": (-17.32, -17.29)}, decimals=4),),
    ),
)
def thermometer_with_adam(
    w: Float[Tensor, ""], b: Float[Tensor, ""], t_u: Float[Tensor, "11"], t_c: Float[Tensor, "11"]
) -> Float[Tensor, ""]:
    r"""Adam gives each parameter a step of its own, so that the readings need no scaling: at rate $0.1$, three thousand steps reach the
    least-squares solution $(w, b) = (0.53677, -17.305)$ with loss $2.9276$. The optimizer only moves the parameters; the gradients still
    come from the backward pass."""
    return mean_squared_error(w * t_u + b, t_c)


@exercise(
    title={"en": "Forgetting zero_()", "zh": "忘记清零梯度"},
    statement={
        "zh": r"`backward()` 把梯度累加到 `.grad` 上。如果每一步之前不清零，从第二步起，用于更新的就是到目前为止所有梯度之和，"
        r"而不是当前的梯度。这里故意不清零，检查结果应为“错误”。"
    },
    source=SOURCE,
    values={"t_u": T_UN, "t_c": T_C},
    answer=BY_HAND,
    expects="wrong",
    descent=Descent(start={"w": 1.0, "b": 0.0}, rate=1e-3, steps=50, zero_grad=False),
)
def forgotten_zero(w: Float[Tensor, ""], b: Float[Tensor, ""], t_u: Float[Tensor, "11"], t_c: Float[Tensor, "11"]) -> Float[Tensor, ""]:
    r"""`backward()` adds to `.grad`. Where it is not set to zero before each step, every update from the second on uses the sum of all
    gradients so far in place of the present one. Here it is left out on purpose, and the check should say wrong."""
    return mean_squared_error(w * t_u + b, t_c)


@exercise(
    title={"en": "Training and validation", "zh": "训练集与验证集"},
    statement={
        "zh": r"留出两个样本做验证，用其余九个训练。验证损失在 `torch.no_grad()` 中计算，不产生计算图，因此梯度只来自训练损失。"
        r"以学习率 $10^{-2}$ 训练三千步，训练损失降到 $3.1869$。"
    },
    source=SOURCE,
    values={
        "t_u": [T_UN[i] for i in TRAINING],
        "t_c": [T_C[i] for i in TRAINING],
        "v_u": [T_UN[i] for i in VALIDATION],
        "v_c": [T_C[i] for i in VALIDATION],
    },
    answer={"w": "sum(2 * (w * t_u + b - t_c) / 9 * t_u)", "b": "sum(2 * (w * t_u + b - t_c) / 9)"},
    descent=Descent(
        start={"w": 1.0, "b": 0.0},
        rate=1e-2,
        steps=3000,
        reaches=(
            Waypoint(step=2000, value=3.1950, decimals=4),
            Waypoint(step=2500, value=3.1878, decimals=4),
            Waypoint(step=3000, value=3.1869, decimals=4),
        ),
    ),
)
def training_and_validation(
    w: Float[Tensor, ""],
    b: Float[Tensor, ""],
    t_u: Float[Tensor, "9"],
    t_c: Float[Tensor, "9"],
    v_u: Float[Tensor, "2"],
    v_c: Float[Tensor, "2"],
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    r"""Keep two samples for validation and train with the other nine. The validation loss is computed under `torch.no_grad()` and makes
    no graph, so that the gradient is that of the training loss alone. Three thousand steps at rate $10^{-2}$ bring the training loss
    down to $3.1869$."""
    training_loss = mean_squared_error(w * t_u + b, t_c)
    with torch.no_grad():
        validation_loss = mean_squared_error(w * v_u + b, v_c)
    return training_loss, validation_loss


@exercise(
    title={"en": "Gradients switched on and off", "zh": "打开与关闭梯度"},
    statement={
        "zh": r"`torch.set_grad_enabled(flag)` 按参数决定是否记录计算图。同一个函数先以 `True` 计算训练损失，再以 `False` 计算验证损失；"
        r"二者之和的梯度仍是训练损失的梯度。"
    },
    source=SOURCE,
    values={
        "t_u": [T_UN[i] for i in TRAINING],
        "t_c": [T_C[i] for i in TRAINING],
        "v_u": [T_UN[i] for i in VALIDATION],
        "v_c": [T_C[i] for i in VALIDATION],
    },
    answer={"w": "sum(2 * (w * t_u + b - t_c) / 9 * t_u)", "b": "sum(2 * (w * t_u + b - t_c) / 9)"},
    examples=[Example({"w": 1.0, "b": 0.0}, value=81.0008 + 77.5002, decimals=3)],
)
def grad_enabled(
    w: Float[Tensor, ""],
    b: Float[Tensor, ""],
    t_u: Float[Tensor, "9"],
    t_c: Float[Tensor, "9"],
    v_u: Float[Tensor, "2"],
    v_c: Float[Tensor, "2"],
) -> Float[Tensor, ""]:
    r"""`torch.set_grad_enabled(flag)` decides whether a graph is recorded. One function computes the training loss with `True` and the
    validation loss with `False`; the gradient of their sum is still that of the training loss."""

    def calc_forward(t_u: Tensor, t_c: Tensor, is_train: bool) -> Tensor:
        with torch.set_grad_enabled(is_train):
            return mean_squared_error(w * t_u + b, t_c)

    return calc_forward(t_u, t_c, True) + calc_forward(v_u, v_c, False)
