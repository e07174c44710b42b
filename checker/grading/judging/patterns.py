"""The plain mistakes, each as a relation between what was given and what is right.

Comes in: pairs of arrays, one a question.  Goes out: the relation that holds for all of them, with one factor.  Why: a student learns from
"twice what it should be", and not from "wrong"; and a relation that holds at several random points is no accident.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from checker.grading.judging.tolerances import CONSTANT, in_single, largest
from checker.values import Array

#: How near a measured factor must be to the number it is named after, in float64 and in float32.
NEAR, NEAR_SINGLE = 1e-8, 1e-5
#: Irrational factors that are named, alone or times a small fraction.
CONSTANTS = {"π": math.pi, "√2": math.sqrt(2), "√3": math.sqrt(3), "e": math.e, "ln 2": math.log(2), "ln 10": math.log(10)}
#: Of an array that is so many times as large as what was asked, only the shape is looked at.
BULKY = 4096


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What was given beside what is right, at one question. Entries where `truth` is not finite are not judged.

    Right is what is off by no more than `allowed`; of an answer that was computed in float32, no more than `narrow`. `single` says whether
    it was; where it is not given, an answer that is a float32 number in every entry was. `plain` is what would be right for an upstream of
    ones, where that is something else.
    """

    got: Array
    truth: Array
    allowed: Array
    narrow: Array = field(default_factory=lambda: np.zeros(()))
    plain: Array | None = None
    single: bool | None = None

    def __post_init__(self) -> None:
        if self.single is None:
            object.__setattr__(self, "single", in_single(self.got))

    @property
    def loose(self) -> Array:
        """How far an answer may be off that is right to float32 at least."""
        return np.asarray(np.maximum(self.allowed, self.narrow) if self.single else self.allowed + CONSTANT * np.abs(self.truth))

    @property
    def fits(self) -> bool:
        """Whether the shape is the one that was asked."""
        return bool(self.got.shape == self.truth.shape)

    def off(self, allowed: Array) -> Array:
        """Which entries differ from the truth by more than `allowed`, NaN included."""
        with np.errstate(all="ignore"):
            return np.asarray(~(np.abs(self.got - self.truth) <= allowed) & np.isfinite(self.truth))

    @property
    def exact(self) -> bool:
        return self.fits and not bool(self.off(self.allowed).any())

    @property
    def near(self) -> bool:
        """Right to float32 at least."""
        return self.fits and not bool(self.off(self.loose).any())

    @property
    def finite(self) -> bool:
        """Whether the answer is finite wherever the truth is."""
        return bool(np.all(np.isfinite(self.got) | ~np.isfinite(self.truth))) if self.fits else bool(np.all(np.isfinite(self.got)))

    def as_if(self, change: Callable[[Array], Array]) -> Pair:
        """The pair of an answer that was changed, such as transposed."""
        return replace(self, got=change(self.got))


def factor(pairs: Sequence[Pair]) -> float | None:
    """The c with got = c·truth at every question; None where there is no such number, or nothing to measure it by."""
    widest = max(pairs, key=lambda pair: largest(pair.truth), default=None)
    if widest is None or largest(widest.truth) == 0.0:
        return None
    sizes = np.where(np.isfinite(widest.truth), np.abs(widest.truth), 0.0)
    at = np.unravel_index(int(np.argmax(sizes)), sizes.shape)
    c = float(widest.got[at]) / float(widest.truth[at])
    if not math.isfinite(c) or c == 0.0 or sum(np.count_nonzero(pair.truth) for pair in pairs) < 2:
        return None
    held = [replace(p, truth=c * p.truth, allowed=abs(c) * p.allowed, narrow=abs(c) * p.narrow) for p in pairs]
    # c is measured, and so off by as much as an entry
    return c if all(pair.fits and not pair.off(2 * pair.loose).any() for pair in held) else None


def named(c: float, near: float = NEAR) -> str:
    """A factor as people write it: "2", "1/2", "−1", "3/4", "1/100", "π", "2π", "√2/2"; empty where it is none of those.

    >>> named(-0.5), named(2 * math.pi), named(0.7071067811865476), named(0.123)
    ('−1/2', '2π', '√2/2', '')
    """
    sign, size = "−" if c < 0 else "", abs(c)
    if not 1e-6 < size < 1e6:
        return ""
    whole = Fraction(size).limit_denominator(16)
    for candidate in (whole, Fraction(round(size)), Fraction(1, max(1, round(1 / size)))):
        simple = max(candidate.numerator, candidate.denominator) <= 16 or (1 in candidate.as_integer_ratio() and _round(candidate))
        if candidate and simple and abs(size / float(candidate) - 1) <= near:
            return sign + str(candidate)
    for name, constant in CONSTANTS.items():
        for power, share in ((1, size / constant), (-1, size * constant)):
            part = Fraction(share).limit_denominator(8)
            if part and part.numerator <= 8 and abs(share / float(part) - 1) <= near:
                return sign + _times(part, name, power)
    return ""


def counted(c: float, sizes: Mapping[int, str], near: float = NEAR) -> str:
    """A factor that is a number of terms or its inverse: "n (n = 4)", "1/n (n = 4)"; empty where no size fits."""
    for n, letter in sizes.items():
        for value, text in ((n, letter), (1 / n, f"1/{letter}")):
            if abs(abs(c) / value - 1) <= near:
                return f"{'−' if c < 0 else ''}{text} ({letter} = {n})"
    return ""


def turns(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The orders of axes that make a transpose of an array of this shape: the last two swapped, and all reversed."""
    count = len(shape)
    if count < 2:
        return []
    swapped = (*range(count - 2), count - 1, count - 2)
    return list(dict.fromkeys([swapped, tuple(reversed(range(count)))]))


def transposed(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs of the transposed answers, where that makes them right up to one factor; else none."""
    for axes in turns(pairs[0].got.shape):
        turned = [p.as_if(lambda g, axes=axes: g.transpose(axes) if g.ndim == len(axes) else g) for p in pairs]  # type: ignore[misc]
        if all(p.fits for p in turned) and (all(p.near for p in turned) or factor(turned) is not None):
            return turned
    return []


def spread(pair: Pair) -> Pair | None:
    """The answer brought to the right shape by broadcasting, or by leaving out and adding axes of length one; None where neither works."""
    if np.squeeze(pair.got).shape == np.squeeze(pair.truth).shape:
        return pair.as_if(lambda g: g.reshape(pair.truth.shape))
    try:
        return pair.as_if(lambda g: np.broadcast_to(g, pair.truth.shape))
    except ValueError:
        return None


def reduced(pair: Pair) -> Pair | None:
    """The answer summed over the axes along which the argument is broadcast; None where its shape is no such."""
    extra = pair.got.ndim - pair.truth.ndim
    if extra < 0 or pair.got.size > BULKY * max(1, pair.truth.size):
        return None
    padded = (1,) * extra + pair.truth.shape
    if any(want not in (1, have) for have, want in zip(pair.got.shape, padded, strict=True)):
        return None
    axes = tuple(k for k, (have, want) in enumerate(zip(pair.got.shape, padded, strict=True)) if want == 1 and have != 1)
    return pair.as_if(lambda g: np.sum(g, axis=axes, keepdims=True).reshape(pair.truth.shape))


def partly(pairs: Sequence[Pair]) -> bool:
    """Whether some entries are right and some wrong at every question where anything is wrong; zeros that are right prove nothing."""
    for pair in pairs:
        off = pair.off(pair.loose)
        if off.any() and not np.any(~off & (pair.truth != 0) & np.isfinite(pair.truth)):
            return False
    return True


def _round(number: Fraction) -> bool:
    """Whether a whole number, or the one below the line, is up to 64 or a power of ten."""
    size = max(number.numerator, number.denominator)
    return size <= 64 or size in (100, 1000, 10_000, 100_000)


def _times(part: Fraction, name: str, power: int) -> str:
    above = ("" if part.numerator == 1 else str(part.numerator)) + name if power == 1 else str(part.numerator)
    below = [] if part.denominator == 1 else [str(part.denominator)]
    below += [name] if power == -1 else []
    return above + (f"/{below[0]}" if len(below) == 1 else f"/({''.join(below)})" if below else "")
