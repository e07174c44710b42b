from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True, slots=True)
class Dual:
    """a + bε with ε² = 0."""

    value: float
    slope: float = 0.0

    def __add__(self, other: Dual | float) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value + other.value, self.slope + other.slope)

    __radd__ = __add__

    def __mul__(self, other: Dual | float) -> Dual:
        other = other if isinstance(other, Dual) else Dual(other)
        return Dual(self.value * other.value, self.value * other.slope + self.slope * other.value)

    __rmul__ = __mul__

    def sqrt(self) -> Dual:
        root = self.value**0.5
        return Dual(root, self.slope / (2 * root))


T = t.TypeVar("T")


def gradient(f: t.Callable[[list[Dual]], Dual]) -> "t.Callable[[NoSuchType], list[float]]":
    def along(x, i):
        return f([Dual(float(p), float(i == j)) for j, p in enumerate(x)]).slope

    return lambda x: [along(x, i) for i in range(len(x))]


twice_dot = gradient(lambda x: 2 * sum(p * p for p in x))
length_of_4x = gradient(lambda x: sum(4 * p * (4 * p) for p in x).sqrt())
vector_sum = gradient(sum)
absolute = gradient(lambda x: sum((p * p).sqrt() if p.value else p for p in x))
