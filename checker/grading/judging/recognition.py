"""Which plain mistake a wrong answer is.

Comes in: one part's pairs, at points where the function is smooth, and the sizes that occur in the exercise.  Goes out: a `Finding`
without its place.  Why: the order in which mistakes are tried is one decision, the most plausible first, and every caller makes the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from checker.grading.grades import Finding, Kind
from checker.grading.judging import hints
from checker.grading.judging.patterns import NEAR, NEAR_SINGLE, Pair, counted, factor, named, partly, reduced, spread, transposed
from checker.grading.judging.tolerances import allowance, largest, single_allowance
from checker.values import Case

#: A gradient whose largest entry is so small a share of another's is taken to vanish.
VANISHING = 1e-6


def recognised(part: str, pairs: Sequence[Pair], sizes: Mapping[int, str]) -> Finding:
    """The plain mistake that holds for all `pairs`, `wrong` where there is none. `sizes` gives numbers of terms their letters."""
    if not all(pair.fits for pair in pairs):
        return _misshapen(part, pairs, sizes)
    entries = pairs[0].truth.size
    c = factor(pairs)
    if c is not None:
        return _multiple(part, c, entries, pairs, sizes)
    turned = transposed(pairs)
    if turned:
        return Finding(part=part, kind=Kind.TRANSPOSED, entries=entries, wrong=entries, detail=_also(turned, sizes))
    if _without_upstream(pairs):
        return Finding(part=part, kind=Kind.UPSTREAM, entries=entries, wrong=entries)
    return Finding(part=part, kind=Kind.SOME_ENTRIES if partly(pairs) else Kind.WRONG)


def sizes_of(case: Case) -> dict[int, str]:
    """Numbers of terms that a sum or mean of this case may have, with a letter for each: numbers of entries, and lengths of axes.

    A two is also a plain factor, and the commonest, so it counts only where something has two entries or two rows.
    """
    shapes = [tuple(case.arguments[i.name].shape) for i in case.exercise.inputs if i.kind != "parameter"]
    shapes += [tuple(v.shape) for v in case.upstream if v is not None]
    found = {axis: "n" for shape in shapes for k, axis in enumerate(shape) if axis > 2 or (axis == 2 and k == 0)}
    found |= {count: "n" for count in (int(np.prod(shape)) for shape in shapes) if count > 1}
    return found | {n: letter for letter, n in case.exercise.sizes.items() if n in found}


def _multiple(part: str, c: float, entries: int, pairs: Sequence[Pair], sizes: Mapping[int, str]) -> Finding:
    """A constant times what is right."""
    near = NEAR_SINGLE if all(pair.single for pair in pairs) else NEAR
    if abs(c + 1) <= near:
        return Finding(part=part, kind=Kind.SIGN, factor="−1", wrong=entries, entries=entries)
    terms, plain = counted(c, sizes, near), named(c, near)
    if terms:
        detail = hints.PLAIN_FACTOR.format(plain) if plain else ""
        return Finding(part=part, kind=Kind.MEAN, factor=terms, wrong=entries, entries=entries, detail=detail)
    if not plain and _constant(pairs):
        return Finding(part=part, kind=Kind.WRONG)
    return Finding(part=part, kind=Kind.FACTOR, factor=plain, wrong=entries, entries=entries)


def _constant(pairs: Sequence[Pair]) -> bool:
    """Whether the truth is one number everywhere: any constant is then a multiple of it, which says nothing and would tell the number."""
    values = np.concatenate([pair.truth[np.isfinite(pair.truth)] for pair in pairs])
    return bool(np.ptp(np.abs(values[values != 0])) <= 1e-9 * np.max(np.abs(values)))


def _misshapen(part: str, pairs: Sequence[Pair], sizes: Mapping[int, str]) -> Finding:
    first = next(pair for pair in pairs if not pair.fits)
    shape, expected = first.got.shape, first.truth.shape
    turned = transposed(pairs)
    if turned:
        return Finding(part=part, kind=Kind.TRANSPOSED, shape=shape, expected_shape=expected, detail=_also(turned, sizes))
    if all(p is not None and p.near for p in map(spread, pairs)):
        return Finding(part=part, kind=Kind.BROADCAST, shape=shape, expected_shape=expected)
    if all(p is not None and p.near for p in map(reduced, pairs)):
        return Finding(part=part, kind=Kind.UNSUMMED, shape=shape, expected_shape=expected)
    detail = hints.TRANSPOSED_SHAPE if len(shape) > 1 and shape == expected[::-1] else ""
    return Finding(part=part, kind=Kind.SHAPE, shape=shape, expected_shape=expected, detail=detail)


def _also(turned: Sequence[Pair], sizes: Mapping[int, str]) -> str:
    """What else is wrong with a transposed answer."""
    if all(pair.near for pair in turned):
        return ""
    c = factor(turned)
    assert c is not None
    text = named(c) or counted(c, sizes)
    return hints.ALSO_TIMES.format(text) if text else hints.ALSO_FACTOR


def _without_upstream(pairs: Sequence[Pair]) -> bool:
    """Whether every answer is right for an upstream of ones.

    Where that gradient vanishes, as of softmax, nobody can tell: zeros are what an empty answer gives.
    """

    def stripped(pair: Pair) -> bool:
        if pair.plain is None or largest(pair.plain) <= VANISHING * largest(pair.truth):
            return False
        bare = Pair(got=pair.got, truth=pair.plain, allowed=allowance(pair.plain, np.zeros(())), narrow=single_allowance(pair.plain))
        return bare.fits and not bare.off(bare.loose + pair.loose).any()

    return all(map(stripped, pairs))
