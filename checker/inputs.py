"""What an exercise's inputs are: names, shapes in letters, domains.

Comes in: jaxtyping annotations and domains.  Goes out: `Input` values and resolved shapes.  Why: the points at which gradients are
checked are drawn from these, and a shape letter without a size must be an error with a name, not a crash later.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["real", "complex", "integer", "boolean", "parameter"]


@dataclass(frozen=True)
class Domain:
    """Where an input's entries may lie: an open interval, perhaps with a band around zero left out, or the integers of [0, `below`).
    Of a complex input it is where both parts of every entry lie.

    Points are drawn from it and differences never leave it.
    """

    low: float = -math.inf
    high: float = math.inf
    margin: float = 0.0  #: |x| ≥ margin
    below: int | None = None  #: integers 0 … below − 1

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"the interval ({self.low:g}, {self.high:g}) is empty: give low < high")
        if self.margin < 0 or self.margin >= max(abs(self.low), abs(self.high)):
            raise ValueError(f"margin {self.margin:g} leaves nothing of ({self.low:g}, {self.high:g})")
        if self.below is not None and self.below < 1:
            raise ValueError(f"there are no integers below {self.below} that are not negative: give 1 or more")

    def __str__(self) -> str:
        if self.below is not None:
            return f"integers 0 to {self.below - 1}"
        if self.margin:
            return f"|x| ≥ {self.margin:g}"
        if (self.low, self.high) == (-math.inf, math.inf):
            return "real"
        if (self.low, self.high) == (0.0, math.inf):
            return "positive"
        return f"({self.low:g}, {self.high:g})"


real = Domain()
positive = Domain(low=0.0)


def interval(low: float, high: float) -> Domain:
    """The open interval (low, high)."""
    return Domain(low=low, high=high)


def away_from_zero(margin: float = 0.1) -> Domain:
    """The reals with |x| ≥ margin."""
    return Domain(margin=margin)


def below(count: int) -> Domain:
    """The integers 0 … count − 1, such as class labels."""
    return Domain(below=count)


@dataclass(frozen=True)
class Input:
    """One input: `shape` holds integers and letters' expressions ("n", "n+1") in order; None where any shape may arrive.

    A complex input's tensors are real, with a last dimension of 2 more than `shape` says: the real and the imaginary part.
    """

    name: str
    shape: tuple[int | str, ...] | None
    kind: Kind = "real"
    domain: Domain = real
    differentiated: bool = True

    @property
    def letters(self) -> str:
        return "…" if self.shape is None else " ".join(map(str, self.shape))

    def entry(self, index: Sequence[int]) -> str:
        """What people call the entry at `index` of the input's tensor.

        >>> Input("x", ("n",)).entry([2]), Input("z", ("n",), "complex").entry([2, 1]), Input("z", (), "complex").entry([0])
        ('x[2]', 'z[2].imag', 'z.real')
        """
        if self.kind == "complex" and index:
            return f"{Input(self.name, None).entry(index[:-1])}.{('real', 'imag')[index[-1]]}"
        return f"{self.name}{[int(i) for i in index]}" if index else self.name

    def at(self, index: Sequence[int]) -> str:
        """The same in a sentence: `x at [2]`, `z[2].imag`."""
        if self.kind == "complex" or not index:
            return self.entry(index)
        return f"{self.name} at {[int(i) for i in index]}"


def parse_dims(text: str) -> tuple[int | str, ...]:
    """The dimensions of a jaxtyping `dim_str`: integers, letters and sums or products of them.

    Raises:
        ValueError: for `...`, `_`, `#`, `*`, `?` and `=`: an exercise must know every size.

    >>> parse_dims("n 3 n+1")
    ('n', 3, 'n+1')
    """
    dims: list[int | str] = []
    for word in text.split():
        if word == "..." or word == "_" or word[0] in "#*?" or "=" in word or word.startswith("_"):
            raise ValueError(f"the dimension {word!r} leaves a size open: write a letter or a number for each dimension")
        if word.lstrip("-").isdigit():
            dims.append(int(word))
        else:
            _letters(word)
            dims.append(word)
    return tuple(dims)


def resolve(shape: tuple[int | str, ...], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """`shape` with every letter replaced by its size.

    Raises:
        ValueError: a letter has no size, or a size is negative.

    >>> resolve(("n", 3, "n+1"), {"n": 4})
    (4, 3, 5)
    """
    result = []
    for dim in shape:
        size = dim if isinstance(dim, int) else _evaluate(ast.parse(dim, mode="eval").body, sizes)
        if size < 0:
            raise ValueError(f"the dimension {dim!r} has the negative size {size}")
        result.append(size)
    return tuple(result)


def missing_letters(shape: tuple[int | str, ...], sizes: Mapping[str, int]) -> list[str]:
    """Letters of `shape` without a size, in order."""
    found = [name for dim in shape if isinstance(dim, str) for name in _letters(dim)]
    return [name for name in dict.fromkeys(found) if name not in sizes]


def _letters(text: str) -> list[str]:
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise ValueError(f"the dimension {text!r} cannot be read: use letters, numbers, + - * //") from None
    _evaluate(tree, _Ones())
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


class _Ones(dict[str, int]):
    """Every letter is 1: to try whether a dimension can be read at all."""

    def __missing__(self, key: str) -> int:
        return 1


def _evaluate(node: ast.AST, sizes: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            try:
                return sizes[name]
            except KeyError:
                raise ValueError(f"the shape letter {name!r} has no size: add sizes={{{name!r}: …}}") from None
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _evaluate(left, sizes), _evaluate(right, sizes)
            table: dict[type[Any], Any] = {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b, ast.FloorDiv: a // b if b else 0}
            if type(op) in table:
                return int(table[type(op)])
    raise ValueError("a dimension may use letters, numbers, + - * and // only")
