"""An exercise of this course's own: a length, to the precision of float64."""

from jaxtyping import Float
from torch import Tensor

from checker import Example, exercise


@exercise(
    title={"en": "The distance of two points", "zh": "两点之间的距离"},
    statement={
        "zh": r"设 $y = \lVert p - q \rVert$。梯度是从 $q$ 指向 $p$ 的单位向量：$\frac{p - q}{\lVert p - q \rVert}$，关于 $q$ 则相反。"
        r"要求双精度。"
    },
    source="written for this class",
    answer={"p": "(p - q) / ‖p - q‖", "q": "(q - p) / ‖p - q‖"},
    dtypes=["float64"],
    examples=[Example({"p": [3.0, 0.0, 4.0], "q": [0.0, 0.0, 0.0]}, value=5.0, gradient={"p": [0.6, 0.0, 0.8], "q": [-0.6, 0.0, -0.8]})],
)
def distance(p: Float[Tensor, "3"], q: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    r"""Let $y = \lVert p - q \rVert$. The gradient by $p$ is the unit vector from $q$ to $p$, $\frac{p - q}{\lVert p - q \rVert}$, and
    that by $q$ its opposite. Answer in double precision."""
    return (p - q).norm()
