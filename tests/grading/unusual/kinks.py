"""Exercises that have a published point without a gradient: there, any subgradient is right."""

from jaxtyping import Float
from torch import Tensor

from checker import Example, exercise


@exercise(sampled=False, expects="subgradient", examples=[Example({"x": [-2.0, 0.0, 3.0]}, value=5.0)])
def absolute(x: Float[Tensor, "3"]) -> Float[Tensor, ""]:
    r"""Find a subgradient of $\sum_i |x_i|$, which at zero is any number of $[-1, 1]$."""
    return x.abs().sum()


@exercise(sampled=False, expects="subgradient", examples=[Example({"x": [0.0, 0.0]}, value=0.0)])
def euclidean(x: Float[Tensor, "2"]) -> Float[Tensor, ""]:
    r"""Find a subgradient of $\lVert x \rVert$, which at zero is any vector of length at most one."""
    return x.norm()


@exercise(sampled=False, expects="subgradient", examples=[Example({"x": [1.0, 4.0, 4.0, 2.0]}, value=4.0)])
def largest(x: Float[Tensor, "4"]) -> Float[Tensor, ""]:
    r"""Find a subgradient of $\max_i x_i$: where two entries tie, any convex combination of theirs."""
    return x.max()


@exercise(sampled=False, expects="subgradient", examples=[Example({"a": [2.0, 5.0], "b": [2.0, 1.0]}, value=[2.0, 5.0])])
def larger(a: Float[Tensor, "2"], b: Float[Tensor, "2"]) -> Float[Tensor, "2"]:
    r"""Find a subgradient of $\max(a_i, b_i)$ by both, of which each entry's two shares are one together."""
    return a.maximum(b)
