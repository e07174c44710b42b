"""Numbers as people read them.

Comes in: numbers of the record.  Goes out: short text.  Why: seventeen digits hide what matters; the exact number stands in a tooltip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from checker.record import Numbers
from checker.values import Number, number

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NAMES: dict[Number, str] = {"nan": "NaN", "inf": "∞", "-inf": "−∞"}

#: A matrix is shown whole up to this many rows and columns, else a part of it; a vector so many entries.
_WHOLE, _PART, _ENTRIES = 6, 4, 8
#: Characters of a row of a matrix that fit into its column of a printed table.
_PRINTED = 48


def figures(value: Number, digits: int = 6) -> str:
    """`value` to `digits` significant digits: `0.0625`, `−1.5×10⁻¹³`, `NaN`."""
    value = number(float(value))
    if isinstance(value, str):
        return _NAMES[value]
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    text = mantissa.replace("-", "−")
    if not exponent:
        return text
    power = power_of_ten(int(exponent))
    return {"1": power, "−1": f"−{power}"}.get(text, f"{text}×{power}")


def power_of_ten(exponent: int) -> str:
    return "10" + str(exponent).translate(_SUPERSCRIPT)


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


def entry(name: str, index: tuple[int, ...], *, pairs: bool = False) -> str:
    """An entry by name and index, as Python writes it: `x[1, 2]`, or `x` of a scalar. Of `pairs` the last index is the part of a complex
    number: `z[1].imag`."""
    if pairs and index:
        return f"{entry(name, index[:-1])}.{('real', 'imag')[index[-1]]}"
    return f"{name}[{', '.join(map(str, index))}]" if index else name


def complex_number(real: Number, imaginary: Number, show: Callable[[Number], str]) -> str:
    """a + bi, each part as `show` writes it: `0.5−2i`, `NaN+∞i`."""
    second = show(imaginary)
    return f"{show(real)}{second if second.startswith('−') else f'+{second}'}i"


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

    @property
    def broad(self) -> bool:
        """Whether a row is too long to be printed on one line of a table."""
        return len(self.rows) > 1 and max(sum(len(entry.text) + 1 for entry in row) for row in self.rows) > _PRINTED


def grid(numbers: Numbers, marked: tuple[int, ...] | None = None, focus: tuple[int, ...] | None = None, *, pairs: bool = False) -> Grid:
    """Entries of an array: a matrix keeps its rows, anything else is one row. Of a large one, the part around the entry `focus`, as far as
    the record has it. Of `pairs` the last dimension of 2 is one complex number, and indices end with its part."""
    shape, values = numbers.shape, numbers.values
    known, total = len(values), len(values) + numbers.omitted
    if pairs:
        shape, known, total = shape[:-1], known // 2, total // 2
        marked, focus = (index and index[:-1] for index in (marked, focus))
    matrix = len(shape) == 2
    height, width = (shape[0], shape[1]) if matrix else (1, total)
    spot = _flat(marked, shape)
    wanted = _flat(focus, shape)
    centre = wanted if 0 <= wanted < known else 0

    def written(at: int, show: Callable[[Number], str]) -> str:
        return complex_number(values[2 * at], values[2 * at + 1], show) if pairs else show(values[at])

    rows = _window(height, _WHOLE, _PART, centre // width if width else 0)
    columns = _window(width, _WHOLE, _PART, centre % width if width else 0) if matrix else _window(width, _ENTRIES, _ENTRIES, centre)
    shown = [[at for c in columns if (at := r * width + c) < known] for r in rows]
    entries = [[Entry(written(at, figures), written(at, exact), at == spot) for at in row] for row in shown if row]
    size = "×".join(map(str, shape))
    if sum(map(len, shown)) == total:
        return Grid(entries, "" if len(shape) < 3 and total else f"of shape {size}" if total else f"empty, of shape {size}")
    if matrix:
        return Grid(entries, f"rows {rows[0]} to {rows[0] + len(entries) - 1}, columns {columns[0]} to {columns[-1]} of {size}")
    return Grid(entries, f"entries {columns[0]} to {columns[-1]} of {size}")


def _window(size: int, whole: int, part: int, centre: int) -> range:
    """All of `size` where that is at most `whole`, else `part` of it around `centre`."""
    if size <= whole:
        return range(size)
    start = min(max(0, centre - part // 2), size - part)
    return range(start, start + part)


def _flat(index: tuple[int, ...] | None, shape: tuple[int, ...]) -> int:
    """The position of an entry in row-major order; −1 where there is no such entry."""
    if index is None or len(index) != len(shape):
        return -1
    at = 0
    for position, size in zip(index, shape, strict=True):
        at = at * size + position
    return at
