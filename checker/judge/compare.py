"""How far a gradient is from the truth.

Comes in: a derivation, the reference, a case.  Goes out: one `Comparison` an argument.  Why: one number is not enough. An entry may
be far off in ULP and right to its conditioning, or close in norm and wrong in one entry of a thousand; so errors are taken entry by
entry and in norm, and the worst entry is named.
"""

from __future__ import annotations

import numpy as np

from checker.inputs import Input
from checker.tape.formats import FORMATS
from checker.values import Array, Case, Comparison, Derivation, Reference, Verdict, Worst, number

#: Beyond this share of the gradient's norm the allowed error says nothing about the gradient any more.
TOO_WIDE = 0.1


def ulp(x: Array, dtype: str) -> Array:
    """Unit in the last place of `dtype` at each entry: the spacing of its floats just above |x| (Muller et al., Handbook of FP Arithmetic,
    2.3).

    >>> ulp(np.array([1.0, 3.0, 0.0]), "float64") / 2.0**-52
    array([1.00000000e+000, 2.00000000e+000, 2.22507386e-308])
    """
    epsilon, lowest = FORMATS[dtype].epsilon, FORMATS[dtype].normal
    with np.errstate(all="ignore"):
        exponent = np.floor(np.log2(np.abs(x), where=x != 0, out=np.full(np.shape(x), float(lowest))))
    exponent = np.clip(np.nan_to_num(exponent, nan=lowest, posinf=1023, neginf=lowest), lowest, 1023)
    result: Array = np.asarray(np.ldexp(1.0, exponent.astype(int)) * epsilon)
    return result


def compare(derivation: Derivation, reference: Reference, case: Case) -> list[Comparison]:
    """Compare every gradient of `derivation` with the truth, entry by entry and in norm.

    |g − g*| may be as large as the reference allows, plus its radius, plus the method's own error estimate where it has one.
    """
    return [
        _compare(derivation, name, np.asarray(derivation.gradients[name]), reference, case)
        for name in case.differentiated
        if name in derivation.gradients and name in reference.high
    ]


def _compare(derivation: Derivation, name: str, got: Array, reference: Reference, case: Case) -> Comparison:
    high, low = reference.high[name], reference.low[name]
    with np.errstate(all="ignore"):
        # g − high is exact where they are close (Sterbenz), so the error is right to far below one ULP
        error = np.abs((got - high) - low)
        own = np.asarray(derivation.error.get(name, 0.0))
        width = reference.allowed[name] + reference.radius[name]
        allowed = width + own
        silent = np.isposinf(own)  # where a method claims nothing: an entry that is not finite cannot be moved
        allowed, error = np.where(silent, 0.0, allowed), np.where(silent, 0.0, error)
        same = (got == high) | (np.isnan(got) & np.isnan(high))  # infinities of one sign, and an undefined truth
        error = np.where(same & ~np.isfinite(high), 0.0, error)
        inside = error <= allowed
        excess = np.where(np.isnan(error), np.inf, error / np.where(allowed > 0, allowed, np.finfo(float).tiny))
        relative = np.where(error == 0, 0.0, error / np.abs(high))
        ulps = error / ulp(high, case.dtype)
        normwise = _norm(error) / _norm(high) if _norm(high) else (0.0 if not _norm(error) else np.inf)
    verdict, message = _verdict(name, width, own, inside, reference, case)
    worst = _worst(got, high, error, relative, ulps, allowed, excess) if got.size else None
    if verdict is Verdict.WRONG and worst is not None:
        message = _sentence(case.exercise.input(name), worst)
    return Comparison(
        method=derivation.method,
        argument=name,
        verdict=verdict,
        against=reference.kind,
        absolute=number(_largest(error)),
        relative=number(_largest(relative)),
        ulp=number(_largest(ulps)),
        normwise=number(normwise),
        conditioning=number((_norm(allowed) / _norm(high) if _norm(high) else 0.0) / FORMATS[case.dtype].unit),
        worst=worst,
        allowed_from=reference.origin + (" and the method's own error estimate" if name in derivation.error else ""),
        message=message,
    )


def _verdict(name: str, width: Array, own: Array, inside: Array, reference: Reference, case: Case) -> tuple[Verdict, str]:
    """What a method that knows little of itself (its `own` error) says is no question about the gradient: only the truth's `width` is."""
    if not np.all(inside):
        return Verdict.WRONG, ""
    high = reference.high[name]
    scale = max(_norm(high), _natural_scale(reference, case, name))
    if np.any(width > np.abs(high)) and _norm(width) > TOO_WIDE * scale:
        message = (
            f"gradient of {name}: rounding alone may move it by {_norm(width):.2g}, its norm is {_norm(high):.2g}; "
            f"a wider dtype than {case.shown_dtype} would settle it"
        )
        return Verdict.INCONCLUSIVE, message
    silent = np.isposinf(own)
    known = _norm(np.where(silent, 0.0, own))
    within = f", as far as this method can tell: to {known:.2g}" if known > TOO_WIDE * scale else ""
    if np.any(silent):
        within = f", as far as this method can tell: {int(np.sum(silent))} of its {np.size(own)} entries are not known to it"
    return Verdict.AGREES, f"gradient of {name} agrees{within}"


def _natural_scale(reference: Reference, case: Case, name: str) -> float:
    """How large a gradient of this function is, for judging a width where the true one is zero: what the chain rule adds up before it
    cancels, or by dimensions |v·f| / |x|; where these are zero as well, |v| / max(1, |x|)."""
    x = np.asarray(case.arguments[name].detach().double())
    value = sum(float(np.sum(np.abs(v))) for v in reference.value)
    size = float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
    by_dimensions = value / size * np.sqrt(max(1, x.size)) if size and np.isfinite(value) else 0.0
    uncancelled = _norm(reference.uncancelled.get(name, np.zeros(())))
    upstream = max((float(v.abs().max()) for v in case.upstream if v is not None and v.numel()), default=0.0)
    return max(by_dimensions, uncancelled if np.isfinite(uncancelled) else 0.0) or upstream / max(1.0, size)


def _worst(got: Array, high: Array, error: Array, relative: Array, ulps: Array, allowed: Array, excess: Array) -> Worst:
    at = np.unravel_index(int(np.argmax(excess)), np.shape(excess)) if np.ndim(excess) else ()
    return Worst(
        index=tuple(int(i) for i in at),
        got=number(got[at]),
        expected=number(high[at]),
        absolute=number(error[at]),
        relative=number(relative[at]),
        ulp=number(ulps[at]),
        allowed=number(allowed[at]),
    )


def _sentence(argument: Input, worst: Worst) -> str:
    place = argument.at(worst.index)
    return f"gradient of {place}: {told(worst.got, worst.expected, worst.allowed)}"


def told(got: object, expected: object, allowed: object = None) -> str:
    """What was found beside what is true, in as many digits as tell them apart; and how far off it may be, where there is a bound."""
    count = next((d for d in (10, 13) if digits(got, d) != digits(expected, d)), 17)
    within = f" within {digits(allowed, 2)}" if allowed not in (None, "inf") else ""
    return f"got {digits(got, count)}, expected {digits(expected, count)}{within}"


def digits(value: object, count: int = 10) -> str:
    """A number in so many digits, zero without a sign; "nan" and "inf" as they are."""
    return f"{value + 0.0:.{count}g}" if isinstance(value, float) else str(value)


def _norm(x: Array) -> float:
    return float(np.linalg.norm(np.ravel(x))) if np.size(x) else 0.0


def _largest(x: Array) -> float:
    return float(np.max(x)) if np.size(x) else 0.0
