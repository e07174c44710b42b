"""Points where a function is not smooth: which gradients may be returned there, if any.

Comes in: a case and its tape.  Goes out: a `Classification`, which judges gradients.  Why: at a kink there is no derivative to compare
with, yet not every answer is right: a program may return any element of Clarke's subdifferential and nothing else.

First the question is whether the point is a kink at all: if differences along every entry and along random directions tell of one smooth
function, it is not. Else the point is approached from many directions. On each the original function is recorded again at shrinking
distances, so that every branch is differentiated on its own tape, and the gradients are followed to their limit. Values that do not meet
are a jump; gradients without bound, an infinite slope; and of finite limits the convex hull is what may be returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from checker.errors import Unsupported
from checker.judge.approach import Approach, Limit
from checker.judge.clarke import nearest
from checker.methods.differences import entries, function_of
from checker.methods.directions import along_directions, direction_rooms, direction_scale, signs
from checker.methods.steps import slopes
from checker.tape.formats import FORMATS
from checker.values import Array, Case, Verdict

if TYPE_CHECKING:
    from checker.tape.tape import Tape

#: Units of rounding that a gradient may be off, beside the largest gradient of any branch.
UNITS = 512.0
#: How far the limits themselves can be trusted, relative to the largest of them.
LIMIT = 1e-10
#: Rounds in which the hull is searched for a branch that lets the gradient in.
SEARCHES = 64

#: What is said of a point at which the function itself has no value.
NO_VALUE = "the function has no finite value here: give its inputs a domain where it has one, or declare expects='undefined'"

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
    around: Approach | None = field(default=None, repr=False)

    def verdict_for(self, gradient: Mapping[str, Array], error: Mapping[str, Array] | None = None) -> Finding:
        """Judge a gradient of all the differentiated arguments together: that is what a subgradient is made of.

        `error` is the method's own bound, entry by entry, where it has one: it then claims no more than that. At a kink differences and
        balls know that there is no one gradient, which is as good as a subgradient.
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
        truth = self.branches[0]
        largest = max((float(np.max(np.abs(t), initial=0.0)) for t in truth.values()), default=0.0)
        arguments, message = {}, "agrees with the derivative, which exists here"
        for name, got in gradient.items():
            expected = truth[name]
            own = np.asarray(error.get(name, 0.0))
            allowed = UNITS * self.unit * (np.abs(expected) + 0.01 * largest) + self.error.get(name, 0.0) + own
            wrong = ~(np.abs(np.asarray(got) - expected) <= allowed) & ~np.isposinf(own)
            arguments[name] = Verdict.WRONG if np.any(wrong) else Verdict.AGREES
            if np.any(wrong) and Verdict.WRONG not in list(arguments.values())[:-1]:
                at = tuple(int(i) for i in np.argwhere(wrong)[0])
                place = f" at {list(at)}" if at else ""
                message = f"gradient of {name}{place}: got {np.asarray(got)[at]:.10g}, expected {expected[at]:.10g}: {self.message}"
        return Finding(_joint(arguments), message, arguments)

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
            return Finding(verdict, _trouble(trouble), dict.fromkeys(names, verdict))
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
            if float(np.max(limits @ w)) <= self.around.slope(w) < float(got @ w) - float(tolerance @ np.abs(w)):
                return limits, None, True  # neither values nor gradients know of a branch beyond
        return limits, None, False

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
        return np.asarray(UNITS * self.unit * (size + 0.01 * largest) + LIMIT * largest + self.blur + np.finfo(float).tiny)


def suspicious(case: Case, tape: Tape | None, path: Sequence[Any] = (), known: Sequence[Mapping[str, Array]] = ()) -> bool:
    """Whether f may not be smooth here: a decision that exact arithmetic did not confirm, or a value that is not finite.

    `path` lists the decisions that balls checked, each with what they `found`; `known` holds what should be finite, such as the truth.
    """
    if any(check.found != "ok" for check in path):
        return True
    if tape is not None and any(not bool(v.isfinite().all()) for v in tape.values if v.is_floating_point()):
        return True
    movable = {name: np.isfinite(case.arguments[name].double().numpy()) for name in case.differentiated}
    return any(not np.all(np.isfinite(array) | ~movable[name]) for arrays in known for name, array in arrays.items() if name in movable)


def classify(case: Case, tape: Tape | None) -> Classification:
    """What kind of point the case's is, by values and by the gradients around it. `tape` is None where it cannot be believed."""
    unit = FORMATS[case.dtype].epsilon
    try:
        around = Approach(case)
    except Exception as failure:  # the function under test may raise anything in float64
        return Classification(kind="unsettled", message=f"the function cannot be followed in float64: {failure}", unit=unit)
    if not around.finite:
        return Classification(kind="singular", message=NO_VALUE, unit=unit)
    try:
        smooth = _smooth_by_differences(case, tape)
    except Unsupported:
        smooth = None
    if smooth is not None:
        return Classification(
            kind="smooth", message="the function is differentiable here", branches=(smooth[0],), error=smooth[1], unit=unit, around=around
        )
    limits = [limit for limit in map(around.look, around.directions()) if limit is not None]
    for limit in limits:
        if limit.jump:
            return Classification(kind="jump", message=_trouble(limit), unit=unit, around=around)
    for limit in limits:
        if limit.unbounded:
            return Classification(kind="singular", message=_trouble(limit), unit=unit, around=around)
    settled = [limit.gradient for limit in limits if limit.gradient is not None]
    if not settled or any(not limit.consistent for limit in limits) or len(settled) < len(limits):
        message = "the gradients around this point have no limit that agrees with the slopes there"
        return Classification(kind="unsettled", message=message, unit=unit, around=around)
    gradients = np.array(settled)
    largest = float(np.max(np.abs(gradients), initial=0.0))
    blur = max(limit.error for limit in limits) + UNITS * FORMATS["float64"].epsilon * around.size
    tolerance = 10 * (LIMIT * largest + blur) + np.finfo(float).tiny
    distinct = [gradients[0]]
    for g in gradients[1:]:
        if min(float(np.max(np.abs(g - d), initial=0.0)) for d in distinct) > tolerance:
            distinct.append(g)
    if len(distinct) == 1:
        g = around.unflatten(gradients.mean(axis=0))
        error = {name: np.full(a.shape, tolerance) for name, a in g.items()}
        return Classification(
            kind="smooth",
            message="every branch around this point has the same gradient, so the derivative exists",
            branches=(g,),
            error=error,
            unit=unit,
            around=around,
        )
    message = f"not differentiable here: the gradients nearby tend to different limits ({len(distinct)} of them were met)"
    branches = tuple(map(around.unflatten, distinct))
    return Classification(kind="kink", message=message, branches=branches, unit=unit, blur=blur, around=around)


def _smooth_by_differences(case: Case, tape: Tape | None) -> tuple[dict[str, Array], dict[str, Array]] | None:
    """Gradient and error from values alone, where no entry and no random direction meets a kink and all directions tell the same."""
    function, _ = function_of(case, tape)
    directions = signs(case, case.differentiated, 6, case.seed + 1)
    backward, forward = direction_rooms(case, directions)
    sample = along_directions(function, case, directions, function.dtype)
    along = slopes(sample, direction_scale(case, directions), backward, forward, eps=function.eps, measured=True)
    if along.kink.any():
        return None
    gradients, errors, kinks = entries(function, case)
    if kinks or not all(np.all(np.isfinite(e)) for e in errors.values()):
        return None
    expected, allowed = np.zeros(6), along.error.copy()
    for name, u in directions.items():
        flat = u.reshape(6, -1).numpy()
        expected += flat @ gradients[name].ravel()
        allowed += np.abs(flat) @ errors[name].ravel()
    room = np.maximum(backward, forward) > 0
    same = np.abs(along.slope - expected) <= 10 * allowed + 1e-9 * np.abs(expected)
    return (gradients, errors) if np.all(same | ~room) else None


def _trouble(limit: Limit) -> str:
    if limit.jump:
        return f"not continuous here: the value moves by {limit.jump:.6g} however near the point is approached"
    return "the slope grows without bound toward this point" if limit.unbounded else ""


def _joint(verdicts: Mapping[str, Verdict]) -> Verdict:
    order = (Verdict.AGREES, Verdict.SUBGRADIENT, Verdict.WRONG)
    return max(verdicts.values(), key=order.index, default=Verdict.AGREES)


def _short(array: Array) -> str:
    flat = [f"{v:.4g}" for v in np.ravel(array)[:6]]
    return f"({', '.join(flat)}{', …' if np.size(array) > 6 else ''})"
