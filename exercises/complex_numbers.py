"""Functions of complex numbers: the gradient of a real L is ∂L/∂x + i ∂L/∂y, and a holomorphic f passes v times its conjugated f′ back."""

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from checker import Example, exercise

SOURCE = "PyTorch documentation, Autograd for Complex Numbers"


@exercise(
    title={"en": "The squared modulus", "zh": "模的平方"},
    statement={
        "zh": r"设 $z = x + iy$。求 $L = \sum_k |z_k|^2$ 的梯度。PyTorch 的约定是 "
        r"$\frac{\partial L}{\partial x} + i \frac{\partial L}{\partial y}$，因此梯度是 $2z$：沿 $-2z$ 走，每个分量都靠近零。"
    },
    source=SOURCE,
    examples=[Example({"z": [3 + 4j, -1j]}, value=26.0, gradient={"z": [6 + 8j, -2j]})],
)
def squared_modulus(z: Complex[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Let $z = x + iy$. Differentiate $L = \sum_k |z_k|^2$. PyTorch's convention is
    $\frac{\partial L}{\partial x} + i \frac{\partial L}{\partial y}$, so that the gradient is $2z$: along $-2z$ every entry comes closer to
    zero."""
    return (z * z.conj()).real.sum()


@exercise(
    title={"en": "A holomorphic function", "zh": "全纯函数"},
    statement={
        "zh": r"设 $w = z^2$，上游梯度为 $v$。全纯函数把 $v \cdot \overline{f'(z)} = 2 v \bar z$ 传回去：忘记取共轭是最常见的错误。"
    },
    source=SOURCE,
    examples=[
        Example({"z": 1 + 2j}, value=-3 + 4j, upstream=1 + 0j, gradient={"z": 2 - 4j}),
        Example({"z": 1 + 2j}, value=-3 + 4j, upstream=1j, gradient={"z": 4 + 2j}),
    ],
)
def holomorphic_square(z: Complex[Tensor, ""]) -> Complex[Tensor, ""]:
    r"""Let $w = z^2$ and let the upstream gradient be $v$. A holomorphic function passes $v \cdot \overline{f'(z)} = 2 v \bar z$ back: to
    forget the conjugate is the commonest mistake."""
    return z**2


@exercise(
    title={"en": "A Hermitian form", "zh": "厄米型"},
    statement={"zh": r"求 $L = \operatorname{Re}(z^{\mathsf H} A z)$ 对 $z$ 与 $A$ 的梯度：$(A + A^{\mathsf H}) z$ 与 $z z^{\mathsf H}$。"},
    source=SOURCE,
    examples=[
        Example(
            {"z": [1, 1j], "A": [[2, 1j], [0, 3]]},
            value=4.0,
            gradient={"z": [3 + 0j, 5j], "A": [[1 + 0j, -1j], [1j, 1 + 0j]]},
        )
    ],
)
def hermitian_form(z: Complex[Tensor, "n"], A: Complex[Tensor, "n n"]) -> Float[Tensor, ""]:  # noqa: N803
    r"""Differentiate $L = \operatorname{Re}(z^{\mathsf H} A z)$ with respect to $z$ and $A$: $(A + A^{\mathsf H}) z$ and
    $z z^{\mathsf H}$."""
    return torch.vdot(z, A @ z).real


@exercise(
    title={"en": "Phase retrieval", "zh": "相位恢复"},
    statement={
        "zh": r"只测得傅里叶变换 $\hat z = F z$ 的强度 $y_k$。求 $L = \sum_k (|\hat z_k|^2 - y_k)^2$ 的梯度 "
        r"$4 F^{\mathsf H} \big((|\hat z|^2 - y) \odot \hat z\big)$。"
    },
    source="Fienup, Phase retrieval algorithms: a comparison (1982)",
    constant=["y"],
    examples=[Example({"z": [1 + 0j, 0, 0, 0], "y": [0.0, 0.0, 0.0, 0.0]}, value=4.0, gradient={"z": [16 + 0j, 0, 0, 0]})],
)
def phase_retrieval(z: Complex[Tensor, "n"], y: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""Of a Fourier transform $\hat z = F z$ only the intensities $y_k$ were measured. Differentiate
    $L = \sum_k (|\hat z_k|^2 - y_k)^2$: the gradient is $4 F^{\mathsf H} \big((|\hat z|^2 - y) \odot \hat z\big)$."""
    return ((torch.fft.fft(z).abs() ** 2 - y) ** 2).sum()


@exercise(
    title={"en": "The modulus at zero", "zh": "零点处的模"},
    statement={"zh": r"$L = |z|$ 的梯度是 $z / |z|$。它在 $0$ 处不可导：单位圆盘里的每个数都是次梯度，PyTorch 取 $0$。"},
    source=SOURCE,
    sampled=False,
    expects="subgradient",
    examples=[Example({"z": 0j}, value=0.0, gradient={"z": 0j})],
)
def modulus_at_zero(z: Complex[Tensor, ""]) -> Float[Tensor, ""]:
    r"""The gradient of $L = |z|$ is $z / |z|$. At $0$ there is none: every number of the unit disc is a subgradient, and PyTorch takes
    $0$."""
    return z.abs()
