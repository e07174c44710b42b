"""Places where the gradient is meant to stop."""

from jaxtyping import Float
from torch import Tensor

from checker import Example, exercise

D2L = "Dive into Deep Learning, notes §2.5"
COUNT = [0.0, 1.0, 2.0, 3.0]


@exercise(
    title={"en": "A factor held constant", "zh": "被分离的因子"},
    statement={
        "zh": r"令 $y = x \odot x$，把它从计算图中分离出来得到 $u$，再求 $z = u \odot x$ 的梯度。"
        r"$u$ 被当作常数，所以结果是 $u = x^2$，而不是 $x^3$ 的导数 $3x^2$。"
    },
    source=D2L,
    answer="x**2 * upstream",
    examples=[Example({"x": COUNT}, value=[0.0, 1.0, 8.0, 27.0], gradient={"x": [0.0, 1.0, 4.0, 9.0]})],
)
def detached_factor(x: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
    r"""Let $y = x \odot x$, detach it to get $u$, and differentiate $z = u \odot x$. Since $u$ counts as a constant, the result is
    $u = x^2$, and not $3x^2$, the derivative of $x^3$."""
    y = x * x
    u = y.detach()
    return u * x


@exercise(
    title={"en": "The square itself, after detaching", "zh": "分离之后，再对 y 本身求导"},
    statement={
        "zh": r"`detach` 返回一个新的张量，并不改变 $y = x \odot x$ 的计算图。"
        r"因此，在取出 $u = \mathrm{detach}(y)$ 之后，$\sum_i y_i$ 的梯度仍是 $2x$。"
    },
    source=D2L,
    answer="2 * x",
    examples=[Example({"x": COUNT}, value=14.0, gradient={"x": [0.0, 2.0, 4.0, 6.0]})],
)
def square_after_detach(x: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    r"""`detach` returns a new tensor and leaves the graph of $y = x \odot x$ as it is. After $u = \mathrm{detach}(y)$ was taken, the
    gradient of $\sum_i y_i$ is still $2x$."""
    y = x * x
    u = y.detach()
    assert not u.requires_grad
    return y.sum()
