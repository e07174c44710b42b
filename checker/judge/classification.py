"""What kind of point it is, and which gradients may be returned there.

Comes in: what the approach to the point found.  Goes out: a `Classification`, and its `Finding` about one method's gradient.  Why: at a
kink the question is no longer how far a gradient is from the truth, but whether it lies in the convex hull of the gradients nearby.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from checker.judge.approach import PATTERNS, Approach, Limit
from checker.judge.clarke import nearest
from checker.judge.compare import TOO_WIDE, told
from checker.values import Array, Verdict

#: Units of rounding that a gradient may be off, beside the largest gradient of any branch.
UNITS = 512.0
#: How far the limits themselves can be trusted, relative to the largest of them.
LIMIT = 1e-10
#: Rounds in which the hull is searched for a branch that lets the gradient in.
SEARCHES = 64
#: Ways in which a direction is split, to see whether slopes are subadditive.
SPLITS = 6
#: Branches from which on a hull in many dimensions is not taken to be known.
MANY = 16

Kind = Literal["smooth", "kink", "jump", "singular", "unsettled"]


@dataclass(frozen=True)
class Finding:
    """What a classification says about one method's gradient; `arguments` gives the verdict of each argument by itself."""

    verdict: Verdict
    message: str
    arguments: Mapping[str, Verdict]


@dataclass(frozen=True, kw_only=True)
class Classification:
    """What kind of point this is.

    "smooth": `branches` holds the one gradient there is, known to `error`. "kink": several, the limits of the gradients nearby. "jump": the
    values of the branches do not meet. "singular": no finite value, or slopes without bound. "unsettled": none of these could be shown.
    """

    kind: Kind
    message: str
    branches: tuple[Mapping[str, Array], ...] = ()
    error: Mapping[str, Array] = field(default_factory=dict)
    unit: float = 2.0**-52  #: machine epsilon of the dtype under test
    blur: float = 0.0  #: how far the limits may be off, absolutely
    rounding: Mapping[str, Array] = field(default_factory=dict)  #: what balls allow every entry, where they followed the function
    around: Approach | None = field(default=None, repr=False)
    fleeting: int = 0  #: branches that were met from one direction only: as likely as these, a further direction meets a new one

    def verdict_for(self, gradient: Mapping[str, Array], error: Mapping[str, Array] | None = None) -> Finding:
        """Judge a gradient of all the differentiated arguments together: that is what a subgradient is made of.

        `error` is the method's own bound, entry by entry, where it has one (NaN: none): it then claims no more than that. At a kink
        differences and balls know that there is no one gradient, which is as good as a subgradient.
        """
        verdicts = {
            "jump": Verdict.JUMP,
            "singular": Verdict.UNDEFINED,
            "unsettled": Verdict.INCONCLUSIVE,
        }
        if self.kind in verdicts:
            verdict = verdicts[self.kind]
            return Finding(verdict, self.message, dict.fromkeys(gradient, verdict))
        if error and self.kind == "kink":
            return Finding(Verdict.SUBGRADIENT, self.message, dict.fromkeys(gradient, Verdict.SUBGRADIENT))
        return self._smooth(gradient, error or {}) if self.kind == "smooth" else self._kink(gradient)

    def _smooth(self, gradient: Mapping[str, Array], error: Mapping[str, Array]) -> Finding:
        truth, unclear = self.branches[0], ""
        largest = max((float(np.max(np.abs(t), initial=0.0)) for t in truth.values()), default=0.0)
        arguments, message = {}, "agrees with the derivative, which exists here"
        for name, got in gradient.items():
            expected = truth[name]
            own = np.nan_to_num(error.get(name, np.zeros(())), nan=0.0, posinf=np.inf)
            allowed = UNITS * self.unit * (np.abs(expected) + 0.01 * largest) + self.error.get(name, 0.0) + own
            allowed = allowed + self._rounding(name, largest)
            off = np.abs(np.asarray(got) - expected)
            wrong = ~(off <= allowed) & ~np.isposinf(own)
            blurred = wrong & (off <= np.asarray(self.rounding.get(name, 0.0)))
            if np.any(blurred) and not np.any(wrong & ~blurred):
                arguments[name] = Verdict.INCONCLUSIVE
                far = f"{float(np.max(off[blurred])):.2g}"
                unclear = unclear or f"gradient of {name} is off by {far}, as rounding alone may bring about: a wider dtype would settle it"
                continue
            arguments[name] = Verdict.WRONG if np.any(wrong) else Verdict.AGREES
            if np.any(wrong) and Verdict.WRONG not in list(arguments.values())[:-1]:
                at = tuple(int(i) for i in np.argwhere(wrong)[0])
                place = f" at {list(at)}" if at else ""
                message = f"gradient of {name}{place}: {told(np.asarray(got)[at], expected[at])}: {self.message}"
        verdict = _joint(arguments)
        return Finding(verdict, unclear if verdict is Verdict.INCONCLUSIVE else message, arguments)

    def _kink(self, gradient: Mapping[str, Array]) -> Finding:
        assert self.around is not None
        names = list(gradient)
        got = self.around.flatten(gradient)
        if not np.all(np.isfinite(got)):
            arguments = {n: Verdict.SUBGRADIENT if np.all(np.isfinite(gradient[n])) else Verdict.WRONG for n in names}
            bad = next(n for n in names if arguments[n] is Verdict.WRONG)
            message = f"gradient of {bad} is not finite, but every one-sided slope is: it is no subgradient"
            return Finding(Verdict.WRONG, message, arguments)
        limits, trouble, separated = self._grown(np.array([self.around.flatten(b) for b in self.branches]), got)
        if trouble is not None:
            verdict = Verdict.JUMP if trouble.jump else Verdict.UNDEFINED
            return Finding(verdict, trouble.trouble, dict.fromkeys(names, verdict))
        tolerance = self._tolerance(limits)
        varies = np.ptp(limits, axis=0) > 2.0 * tolerance
        off = ~varies & (np.abs(got - limits.mean(axis=0)) > tolerance)
        inside = not varies.any() or not (separated or self._separated(limits, got, tolerance, varies))
        arguments = {}
        for name, part in self.around.parts().items():
            if name in gradient:
                outside = bool(off[part].any()) or (not inside and bool(varies[part].any()))
                arguments[name] = Verdict.WRONG if outside else Verdict.SUBGRADIENT if varies[part].any() else Verdict.AGREES
        verdict = _joint(arguments)
        known = (len(limits) < MANY and not self.fleeting) or got.size <= PATTERNS
        if not (inside or off.any() or separated or known or self._regular(got)):
            message = "so many branches meet here, of a function that is not convex, that no gradient can be told from a subgradient"
            return Finding(Verdict.INCONCLUSIVE, message, dict.fromkeys(names, Verdict.INCONCLUSIVE))
        if verdict is not Verdict.WRONG:
            return Finding(Verdict.SUBGRADIENT, "not differentiable here; a convex combination of the gradients nearby", arguments)
        bad = next(n for n, v in arguments.items() if v is Verdict.WRONG)
        nearby = ", ".join(_short(b[bad]) for b in self.branches[:4]) + (", …" if len(self.branches) > 4 else "")
        return Finding(
            verdict,
            f"gradient of {bad}: got {_short(gradient[bad])}; not differentiable here, and this is no convex combination of the gradients "
            f"nearby, {nearby}",
            arguments,
        )

    def _grown(self, limits: Array, got: Array) -> tuple[Array, Limit | None, bool]:
        """More limits, towards `got`, until they hold it, a direction separates it, or nothing new turns up; the jump or infinite slope
        that was met on the way, if any; and whether it was separated.

        A hull need not be known whole: where `got` is outside what is known of it, the direction w that separates them is where to look,
        since for a convex f the branch met from there has the largest ⟨w, ∇f⟩ of all; for a concave one it is the branch opposite.
        """
        assert self.around is not None
        generator = np.random.default_rng(self.around.case.seed)
        for _ in range(SEARCHES):
            tolerance = self._tolerance(limits)
            found = nearest(limits, got, tolerance)
            if found.inside:
                break
            w = found.separator / float(np.max(np.abs(found.separator)))
            needed = float(np.max(limits @ w)) + 0.1 * float(tolerance @ np.abs(w))
            before = len(limits)
            for direction in (w, -w, got, -got, *(s * w + 0.1 * generator.standard_normal(w.shape) for s in (1, -1, 1, -1))):
                limit = self.around.look_straight(direction)
                if limit is not None and (limit.jump or limit.unbounded):
                    return limits, limit, False
                if limit is not None and limit.gradient is not None and float(limit.gradient @ w) > needed:
                    limits = np.vstack([limits, limit.gradient])
                    break
            if len(limits) == before:
                break
            told = float(np.max(limits @ w)) <= self.around.slope(w) < float(got @ w) - float(tolerance @ np.abs(w))
            if told and self._regular(w) and self._regular(got):
                return limits, None, True  # neither values nor gradients know of a branch beyond
        return limits, None, False

    def _regular(self, w: Array) -> bool:
        """Whether values tell of slopes that are subadditive, φ'(x; w) ≤ φ'(x; a) + φ'(x; w − a), as those of a convex function are. Only
        then is the slope along w as large as Clarke's."""
        assert self.around is not None
        generator = np.random.default_rng(self.around.case.seed)
        w = w / max(float(np.max(np.abs(w), initial=0.0)), np.finfo(float).tiny)
        whole = self.around.slope(w)
        for _ in range(SPLITS):
            a = 0.5 * w + generator.standard_normal(w.shape)
            parts = self.around.slope(a) + self.around.slope(w - a)
            if whole > parts + 1e-6 * (abs(whole) + abs(parts)):
                return False
        return True

    def _separated(self, limits: Array, got: Array, tolerance: Array, varies: Array) -> bool:
        """Whether a direction w tells `got` from every subgradient g, which has ⟨w, g⟩ ≤ φ°(x; w).

        The known limits hold φ° from below, and so do the values along w: where the hull has a branch missing (the spectral norm has
        them without end), the values show that w separates nothing.
        """
        assert self.around is not None
        found = nearest(limits[:, varies], got[varies], tolerance[varies])
        if found.inside:
            return False
        w = np.zeros_like(got)
        w[varies] = found.separator / float(np.max(np.abs(found.separator)))
        support = max(float(np.max(limits @ w)), self.around.slope(w))
        return float(got @ w) > support + float(tolerance @ np.abs(w))

    def _tolerance(self, limits: Array) -> Array:
        size = np.max(np.abs(limits), axis=0)
        largest = float(np.max(size, initial=0.0))
        tolerance = np.asarray(UNITS * self.unit * (size + 0.01 * largest) + LIMIT * largest + self.blur + np.finfo(float).tiny)
        for name, part in self.around.parts().items() if self.around is not None and self.rounding else ():
            tolerance[part] += np.ravel(self._rounding(name, largest))
        return tolerance

    def _rounding(self, name: str, largest: float) -> Array:
        """What rounding may do to a gradient, but for entries where it may take another branch: that is what is asked here."""
        allowed = np.asarray(self.rounding.get(name, 0.0))
        return np.where(allowed <= TOO_WIDE * largest, allowed, 0.0)


def _joint(verdicts: Mapping[str, Verdict]) -> Verdict:
    order = (Verdict.AGREES, Verdict.SUBGRADIENT, Verdict.INCONCLUSIVE, Verdict.WRONG)
    return max(verdicts.values(), key=order.index, default=Verdict.AGREES)


def _short(array: Array) -> str:
    flat = [f"{v:.4g}" for v in np.ravel(array)[:6]]
    return f"({', '.join(flat)}{', …' if np.size(array) > 6 else ''})"
