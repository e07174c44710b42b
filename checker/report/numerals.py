"""Numbers as people read them.

Comes in: numbers of the record.  Goes out: short text.  Why: seventeen digits hide what matters; the exact number stands in a tooltip.
"""

from __future__ import annotations

from dataclasses import dataclass

from checker.record import Numbers
from checker.values import Number

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NAMES: dict[Number, str] = {"nan": "NaN", "inf": "∞", "-inf": "−∞"}

#: A grid shows at most so many rows and columns; a vector so many entries.
_SIDE, _ENTRIES = 6, 8


def figures(value: Number, digits: int = 6) -> str:
    """`value` to `digits` significant digits: `0.0625`, `−1.5×10⁻¹³`, `NaN`."""
    if isinstance(value, str):
        return _NAMES[value]
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    text = mantissa.replace("-", "−")
    if not exponent:
        return text
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    return {"1": power, "−1": f"−{power}"}.get(text, f"{text}×{power}")


def exact(value: Number) -> str:
    """`value` in as many digits as determine it."""
    return _NAMES[value] if isinstance(value, str) else repr(float(value)).replace("-", "−")


def ulps(value: Number) -> str:
    """A distance in units in the last place: two digits are enough."""
    if isinstance(value, str) or value == 0:
        return figures(value)
    if value < 0.05:
        return "<0.1"
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}" if value < 1000 else figures(value, 2)


def duration(seconds: float) -> str:
    """Wall time with the unit that keeps it short: `340 µs`, `12 ms`, `4.2 s`, `3 min 20 s`."""
    if seconds >= 60:
        return f"{int(seconds) // 60} min {int(seconds) % 60} s"
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if seconds * scale >= 1:
            return f"{seconds * scale:.3g} {unit}"
    return f"{seconds * 1e6:.0f} µs"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 exercise`, `2 exercises`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def entry(name: str, index: tuple[int, ...]) -> str:
    """An entry by name and index, as Python writes it: `x[1, 2]`, or `x` of a scalar."""
    return f"{name}[{', '.join(map(str, index))}]" if index else name


@dataclass(frozen=True)
class Entry:
    """One number of a grid; `marked` is the one that the text speaks of."""

    text: str
    exact: str
    marked: bool = False


@dataclass(frozen=True)
class Grid:
    """An array as rows of entries. `more` says in words what is not shown."""

    rows: list[list[Entry]]
    more: str


def grid(numbers: Numbers, marked: tuple[int, ...] | None = None) -> Grid:
    """The first entries of an array: a matrix keeps its rows, anything else is one row."""
    shape, values = numbers.shape, numbers.values
    total = len(values) + numbers.omitted
    width = shape[1] if len(shape) == 2 else total
    height = shape[0] if len(shape) == 2 else 1
    columns = min(width, _SIDE if len(shape) == 2 else _ENTRIES)
    spot = _flat(marked, shape) if marked is not None else -1
    rows = [
        [
            Entry(figures(values[at]), exact(values[at]), at == spot)
            for at in range(row * width, row * width + columns)
            if at < len(values)
        ]
        for row in range(min(height, _SIDE))
    ]
    hidden = total - sum(map(len, rows))
    size = "×".join(map(str, shape))
    if len(shape) > 2 or hidden:
        return Grid(rows, f"{counted(hidden, 'more entry', 'more entries')} of {size}" if hidden else f"of shape {size}")
    return Grid(rows, "" if total else f"empty, of shape {size}")


def _flat(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    if len(index) != len(shape):
        return -1
    at = 0
    for position, size in zip(index, shape, strict=True):
        at = at * size + position
    return at
