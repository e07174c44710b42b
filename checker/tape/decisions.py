"""Which branch an operation took, as a tensor that can be compared.

Comes in: an operation's operands and results.  Goes out: a boolean or integer tensor, or None for an operation that decides nothing.  Why:
two points lie on the same smooth piece of a function only if every decision on the way is the same; differences and perturbed replays are
believed only then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from checker.tape.tape import differentiable

Operands = Sequence[Any]


def decision(base: str, operands: Operands, named: dict[str, Any], results: Sequence[Any]) -> torch.Tensor | None:
    """The decision taken by the ATen operation `base`, of the shape of what was decided on."""
    rule = _RULES.get(base.rstrip("_") if not base.startswith("_") else base)
    if rule is not None:
        return rule(operands, named, results)
    if base.startswith(("linalg_", "_linalg_", "lu_")):  # pivots and error codes choose no branch of the function
        return None
    for result in results:
        if isinstance(result, torch.Tensor) and not differentiable(result.dtype):
            return result
    return None


def _argument(operands: Operands, named: dict[str, Any], position: int, name: str, default: Any) -> Any:
    return operands[position] if len(operands) > position else named.get(name, default)


def _sign(x: torch.Tensor) -> torch.Tensor:
    return torch.sign(x).to(torch.int8)


def _clamp(operands: Operands, named: dict[str, Any], _: Any) -> torch.Tensor:
    x = operands[0]
    low, high = _argument(operands, named, 1, "min", None), _argument(operands, named, 2, "max", None)
    below = torch.zeros_like(x, dtype=torch.int8) if low is None else _sign(x - low)
    return below if high is None else below * 3 + _sign(x - high)


def _one_sided(name: str) -> Callable[..., torch.Tensor]:
    return lambda operands, named, _: _sign(operands[0] - _argument(operands, named, 1, name, 0))


def _extreme(operands: Operands, named: dict[str, Any], results: Sequence[Any]) -> torch.Tensor:
    x, extreme = operands[0], torch.as_tensor(results[0])
    dims, keep = _argument(operands, named, 1, "dim", ()), _argument(operands, named, 2, "keepdim", False)
    dims = [dims] if isinstance(dims, int) else list(dims) or list(range(x.dim()))
    if not keep:
        for dim in sorted(d % max(x.dim(), 1) for d in dims):
            extreme = extreme.unsqueeze(dim)
    return torch.as_tensor(x == extreme)


def _max_or_min(operands: Operands, named: dict[str, Any], results: Sequence[Any]) -> torch.Tensor:
    if len(results) > 1:
        return torch.as_tensor(results[1])
    return _sign(operands[0] - operands[1]) if len(operands) > 1 else torch.as_tensor(operands[0] == results[0])


def _rounded(operands: Operands, _: Any, results: Sequence[Any]) -> torch.Tensor:
    return torch.as_tensor(results[0])


def _quotient(operands: Operands, named: dict[str, Any], _: Any) -> torch.Tensor:
    return torch.floor(operands[0] / operands[1])


def _rounded_division(operands: Operands, named: dict[str, Any], results: Sequence[Any]) -> torch.Tensor | None:
    return torch.as_tensor(results[0]) if named.get("rounding_mode") else None


def _first_sign(operands: Operands, _: Any, __: Any) -> torch.Tensor:
    return operands[0] != 0 if operands[0].is_complex() else _sign(operands[0])


def _difference_sign(operands: Operands, _: Any, __: Any) -> torch.Tensor:
    return _sign(operands[0] - operands[1])


def _threshold(operands: Operands, named: dict[str, Any], _: Any) -> torch.Tensor:
    beta, edge = _argument(operands, named, 1, "beta", 1), _argument(operands, named, 2, "threshold", 20)
    return torch.as_tensor(operands[0] * beta > edge)


def _band(name: str) -> Callable[..., torch.Tensor]:
    def rule(operands: Operands, named: dict[str, Any], _: Any) -> torch.Tensor:
        gap = operands[0] - operands[1]
        return _sign(gap.abs() - _argument(operands, named, 3, name, 1.0)) * 3 + _sign(gap)

    return rule


def _nonzero(_: Operands, __: Any, results: Sequence[Any]) -> torch.Tensor:
    return torch.as_tensor(results[0]) == 0


def _hard(low: float, high: float) -> Callable[..., torch.Tensor]:
    return lambda operands, _, __: _sign(operands[0] - low) * 3 + _sign(operands[0] - high)


def _cut(side: Callable[[torch.Tensor], torch.Tensor]) -> Callable[..., torch.Tensor | None]:
    """Of a complex operand, the side of the branch cut."""
    return lambda operands, _, __: side(operands[0]) if operands[0].is_complex() else None


def _below(edge: int) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda z: (z.real < edge) & (z.imag < 0)


def _power(operands: Operands, named: dict[str, Any], results: Sequence[Any]) -> torch.Tensor | None:
    exponent = _argument(operands, named, 1, "exponent", None)
    whole = isinstance(exponent, int | float) and exponent == exponent // 1
    return None if whole or not isinstance(operands[0], torch.Tensor) else _cut(_below(0))(operands, named, results)


def _angle(operands: Operands, _: Any, __: Any) -> torch.Tensor:
    return _below(0)(operands[0]) if operands[0].is_complex() else _sign(operands[0])


_RULES: dict[str, Callable[..., torch.Tensor | None]] = {
    **dict.fromkeys(("relu", "abs", "sign", "sgn", "leaky_relu", "elu", "prelu", "_prelu_kernel", "celu", "heaviside"), _first_sign),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin", "l1_loss"), _difference_sign),
    **dict.fromkeys(("max", "min"), _max_or_min),
    **dict.fromkeys(("amax", "amin"), _extreme),
    **dict.fromkeys(("floor", "ceil", "round", "trunc", "floor_divide"), _rounded),
    **dict.fromkeys(("fmod", "remainder"), _quotient),
    "frac": lambda operands, _, __: torch.trunc(operands[0]),
    "div": _rounded_division,
    "clamp": _clamp,
    "hardtanh": _clamp,
    "clamp_min": _one_sided("min"),
    "clamp_max": _one_sided("max"),
    "threshold": _one_sided("threshold"),
    "hardshrink": lambda operands, named, _: operands[0].abs() > _argument(operands, named, 1, "lambd", 0.5),
    "softshrink": lambda operands, named, _: operands[0].abs() > _argument(operands, named, 1, "lambd", 0.5),
    "hardsigmoid": _hard(-3.0, 3.0),
    "hardswish": _hard(-3.0, 3.0),
    "softplus": _threshold,
    "smooth_l1_loss": _band("beta"),
    "huber_loss": _band("delta"),
    "linalg_vector_norm": _nonzero,
    **dict.fromkeys(("log", "log2", "log10", "sqrt", "rsqrt"), _cut(_below(0))),
    "log1p": _cut(_below(-1)),
    "acosh": _cut(_below(1)),
    **dict.fromkeys(("asin", "acos", "atanh"), _cut(lambda z: (z.real.abs() > 1) & (z.imag < 0))),
    **dict.fromkeys(("atan", "asinh"), _cut(lambda z: (z.imag.abs() > 1) & (z.real < 0))),
    "angle": _angle,
    "atan2": lambda operands, _, __: (operands[1] < 0) & (operands[0] < 0),
    "pow": _power,
}
