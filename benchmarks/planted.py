"""Functions that every tool can be given, each right or with one wrong entry in its derivative.

Comes in: a size, a seed, and where the mistake is.  Goes out: the same function for torch, JAX and NumPy.  Why: tools are compared on one
question; a mistake that is planted is the only one whose size and place are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

Array = np.ndarray[Any, np.dtype[Any]]
Dtype = Literal["float64", "float32"]


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One entry of the derivative is multiplied by `factor`: −1 flips its sign."""

    entry: int
    factor: float


@dataclass(frozen=True, kw_only=True)
class Wave:
    """sin(x)·exp(−x²) entry by entry; or, with `summed`, the sum over all entries, whose gradient has the same entries."""

    x: Array
    dtype: Dtype = "float64"
    summed: bool = False
    mistake: Mistake | None = None

    def value(self, x: Array) -> Array:
        """The function in NumPy; of a sum over the first axis, so that further axes are further points."""
        y = np.sin(x) * np.exp(-x * x)
        return y.sum(axis=0) if self.summed else y

    def slope(self, x: Array) -> Array:
        """The derivative of every entry, with the mistake where there is one."""
        found = (np.cos(x) - 2.0 * x * np.sin(x)) * np.exp(-x * x)
        if self.mistake is not None:
            found[self.mistake.entry] *= self.mistake.factor
        return found

    def torch(self) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
        """The function, and the point. Without a mistake the derivative is autograd's own."""
        x = torch.from_numpy(self.x).to(getattr(torch, self.dtype))
        function = _wave if self.mistake is None else _planted(self.mistake)
        return ((lambda x: function(x).sum()) if self.summed else function), x

    def jax(self) -> tuple[Callable[[Any], Any], Any]:
        """The same for JAX."""
        import jax
        import jax.numpy as jnp

        def wave(x: Any) -> Any:
            return jnp.sin(x) * jnp.exp(-x * x)

        function, mistake = wave, self.mistake
        if mistake is not None:
            function = jax.custom_vjp(wave)

            def backward(x: Any, g: Any) -> tuple[Any]:
                slope = (jnp.cos(x) - 2.0 * x * jnp.sin(x)) * jnp.exp(-x * x)
                return (g * slope.at[mistake.entry].multiply(mistake.factor),)

            function.defvjp(lambda x: (wave(x), x), backward)
        return ((lambda x: function(x).sum()) if self.summed else function), jnp.asarray(self.x, dtype=self.dtype)


@dataclass(frozen=True, kw_only=True)
class Perceptron:
    """W₂ tanh(W₁x + b₁) + b₂ with fixed weights: 512 inputs, 256 hidden, 160 outputs unless said otherwise."""

    x: Array
    w1: Array
    b1: Array
    w2: Array
    b2: Array

    @classmethod
    def drawn(cls, inputs: int = 512, hidden: int = 256, outputs: int = 160, seed: int = 0) -> Perceptron:
        draw = np.random.default_rng(seed).standard_normal
        return cls(
            x=draw(inputs),
            w1=draw((hidden, inputs)) / np.sqrt(inputs),
            b1=draw(hidden),
            w2=draw((outputs, hidden)) / np.sqrt(hidden),
            b2=draw(outputs),
        )

    def value(self, x: Array) -> Array:
        """The function in NumPy; further axes of x are further points."""
        extra = (1,) * (x.ndim - 1)
        hidden = np.tanh(np.tensordot(self.w1, x, 1) + self.b1.reshape(-1, *extra))
        return np.tensordot(self.w2, hidden, 1) + self.b2.reshape(-1, *extra)

    def jacobian(self, x: Array) -> Array:
        """∂fᵢ/∂xⱼ."""
        return (self.w2 * (1.0 - np.tanh(self.w1 @ x + self.b1) ** 2)) @ self.w1

    def torch(self) -> tuple[Callable[[torch.Tensor], torch.Tensor], torch.Tensor]:
        """The function, and the point."""
        w1, b1, w2, b2 = map(torch.from_numpy, (self.w1, self.b1, self.w2, self.b2))
        linear = torch.nn.functional.linear
        return lambda x: linear(torch.tanh(linear(x, w1, b1)), w2, b2), torch.from_numpy(self.x)


def wave(n: int, *, dtype: Dtype = "float64", summed: bool = False, seed: int = 0) -> Wave:
    """A right one at a random point, exact in float32 too."""
    x = np.random.default_rng(seed).standard_normal(n).astype(np.float32).astype(np.float64)
    return Wave(x=x, dtype=dtype, summed=summed)


def visible(function: Wave, trial: int) -> int:
    """An entry of the derivative that is not small: one of those above a tenth, drawn by the trial's number."""
    large = np.flatnonzero(np.abs(function.slope(function.x)) > 0.1)
    return int(np.random.default_rng(trial).choice(large))


def _wave(x: torch.Tensor) -> torch.Tensor:
    return torch.sin(x) * torch.exp(-x * x)


def _planted(mistake: Mistake) -> Callable[[torch.Tensor], torch.Tensor]:
    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return _wave(x)

        @staticmethod
        def backward(ctx: Any, g: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
            (x,) = ctx.saved_tensors
            slope = (torch.cos(x) - 2.0 * x * torch.sin(x)) * torch.exp(-x * x)
            slope[mistake.entry] *= mistake.factor
            return g * slope

    return Planted.apply  # type: ignore[no-any-return]
