"""What the dispatcher cannot see: values that leave a tensor for Python.

Comes in: calls of torch functions.  Goes out: the mechanism in force (".data", "item", …) and scalars that note their comparisons.  Why:
`tolist()` and `.numpy()` never reach the dispatcher, `.data` and `detach()` look alike there, and `while b.item() < 5` compares in Python.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from checker.tape.lines import user_line

#: Functions by which a value leaves for Python, and functions that copy it without its history.
LEAVING = {"item": "item", "__float__": "float()", "__int__": "int()", "tolist": "tolist", "numpy": "numpy", "__array__": "numpy"}
COPYING = {"detach": "detach", "detach_": "detach", "tensor": "tensor", "new_tensor": "tensor"}
#: Where torch writes functions in Python: what they stop inside (`gumbel_softmax(hard=True)`), out of sight of this mode, they detach.
FUNCTIONAL = "torch.nn.functional"

#: Called with (tensor, mechanism, line, code) when a value leaves.
Left = Callable[[torch.Tensor, str, str, str], None]
#: Called with (tensor, ATen's name of the comparison, the number compared with, outcome) when Python compares a scalar that came from a
#: tensor. There is no number where the other side came from a tensor as well.
Compared = Callable[[torch.Tensor, str, float | None, bool], None]


class Watcher(TorchFunctionMode):
    """Names the mechanism of the torch function that is running, hands out scalars that note how they are compared, sees hooks given."""

    def __init__(self, left: Left, compared: Compared, severed: Callable[[torch.Tensor], None], hooked: Callable[[], None]) -> None:
        super().__init__()
        self.mechanism: str | None = None
        self._left, self._compared, self._severed, self._hooked = left, compared, severed, hooked

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name == "__get__" and getattr(func, "__self__", None) is torch.Tensor.data:
            name = "data"
        if name == "register_hook":
            self._hooked()
        if name in LEAVING and args and isinstance(args[0], torch.Tensor):
            self._left(args[0], LEAVING[name], *user_line())
        meant = "data" if name == "data" else "detach" if getattr(func, "__module__", "") == FUNCTIONAL else self.mechanism
        before, self.mechanism = self.mechanism, COPYING.get(name, meant)
        try:
            result = func(*args, **(kwargs or {}))
            if name == "detach_":
                self._severed(args[0])
        finally:
            self.mechanism = before
        if name == "item" and type(result) is float:
            return Noticed(result, args[0], self._compared)
        return result


#: The comparison that holds where both sides change sign.
MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


class Noticed(float):
    """A Python float that came out of a tensor t: every comparison that it takes part in is noted as a decision about t.

    It is followed through what leaves it a·t + b, with numbers a and b, and through `abs`, which looks at its sign.
    """

    _tensor: torch.Tensor
    _compared: Compared
    _scale: float
    _shift: float

    def __new__(cls, value: float, tensor: torch.Tensor, compared: Compared, scale: float = 1.0, shift: float = 0.0) -> Noticed:
        made = super().__new__(cls, value)
        made._tensor, made._compared, made._scale, made._shift = tensor, compared, scale, shift
        return made

    def _note(self, comparison: str, other: Any, outcome: Any) -> Any:
        if outcome is NotImplemented:
            return outcome
        bound = None if isinstance(other, Noticed) else (_float(other) - self._shift) / self._scale
        mirrored = MIRRORED.get(comparison, comparison) if self._scale < 0 else comparison
        self._compared(self._tensor, mirrored, bound, bool(outcome))
        return outcome

    def _moved(self, value: Any, other: Any, scale: float, shift: float) -> Any:
        """`value`, followed where `other` is a plain number and something of t is left in it."""
        plain = type(other) in (int, float)
        return Noticed(value, self._tensor, self._compared, scale, shift) if plain and scale and math.isfinite(scale + shift) else value

    def __add__(self, other: Any) -> Any:
        value = float.__add__(self, other)
        return value if value is NotImplemented else self._moved(value, other, self._scale, self._shift + other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        value = float.__sub__(self, other)
        return value if value is NotImplemented else self._moved(value, other, self._scale, self._shift - other)

    def __rsub__(self, other: Any) -> Any:
        value = float.__rsub__(self, other)
        return value if value is NotImplemented else self._moved(value, other, -self._scale, other - self._shift)

    def __mul__(self, other: Any) -> Any:
        value = float.__mul__(self, other)
        return value if value is NotImplemented else self._moved(value, other, self._scale * other, self._shift * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        value = float.__truediv__(self, other)
        return value if value is NotImplemented else self._moved(value, other, self._scale / other, self._shift / other)

    def __neg__(self) -> Any:
        return self._moved(float.__neg__(self), 0.0, -self._scale, -self._shift)

    def __abs__(self) -> Any:
        return -self if self < 0.0 else self._moved(float.__abs__(self), 0.0, self._scale, self._shift)

    def __lt__(self, other: Any) -> Any:
        return self._note("lt", other, float.__lt__(self, other))

    def __le__(self, other: Any) -> Any:
        return self._note("le", other, float.__le__(self, other))

    def __gt__(self, other: Any) -> Any:
        return self._note("gt", other, float.__gt__(self, other))

    def __ge__(self, other: Any) -> Any:
        return self._note("ge", other, float.__ge__(self, other))

    def __eq__(self, other: Any) -> Any:
        return self._note("eq", other, float.__eq__(self, other))

    def __ne__(self, other: Any) -> Any:
        return self._note("ne", other, float.__ne__(self, other))

    def __bool__(self) -> bool:
        return bool(self._note("ne", 0.0, float.__bool__(self)))

    __hash__ = float.__hash__

    def __reduce__(self) -> Any:
        return float, (float(self),)  # a copy is a number as any other


def _float(value: Any) -> float:
    """A number as a float: an integer beyond all floats is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
