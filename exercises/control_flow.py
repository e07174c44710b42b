"""Functions whose Python code decides, while it runs, what is computed."""

from jaxtyping import Float
from torch import Tensor

from checker import Example, away_from_zero, exercise


@exercise(
    title={"en": "Doubling until a thousand", "zh": "不断加倍，直到一千"},
    statement={
        "zh": r"从 $b = 2a$ 开始，只要 $\lVert b \rVert < 1000$ 就把 $b$ 加倍；最后若 $b > 0$ 返回 $b$，否则返回 $100b$。"
        r"循环次数和分支都取决于 $a$，但在每条路径上 $f$ 都是 $a$ 的常数倍，所以 $f'(a) = \frac{f(a)}{a}$。"
    },
    source="Dive into Deep Learning, notes §2.5",
    answer="value / a",
    domains={"a": away_from_zero(0.01)},
    examples=[
        Example({"a": 1.5}, value=1536.0, gradient={"a": 1024.0}),
        Example({"a": -0.25}, value=-102400.0, gradient={"a": 409600.0}),
        Example({"a": 3000.0}, value=6000.0, gradient={"a": 2.0}),
    ],
)
def doubling(a: Float[Tensor, ""]) -> Float[Tensor, ""]:
    r"""Start from $b = 2a$ and double $b$ while $\lVert b \rVert < 1000$; in the end return $b$ if it is positive, else $100b$. The
    number of rounds and the branch depend on $a$, yet on every path $f$ is a constant times $a$, so that $f'(a) = \frac{f(a)}{a}$."""
    b = a * 2
    while b.norm() < 1000:
        b = b * 2
    if b.sum() > 0:  # noqa: SIM108  (as published)
        c = b
    else:
        c = 100 * b
    return c
