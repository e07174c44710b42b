"""What directions said about a gradient, and how it is told.

Comes in: an `Outcome`.  Goes out: one `Comparison` an argument, with the sentence that a person reads.  Why: judging and telling are two
things.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from msgspec.structs import replace as with_fields

from checker.judge.bisection import Found
from checker.judge.compare import told as numbers_told
from checker.judge.compare import ulp
from checker.judge.ties import Tie
from checker.methods.parts import Part
from checker.values import Array, Case, Comparison, Derivation, Reference, Slope, Verdict, Worst, number


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How far ⟨u, g⟩ was off the slope and might have been; and where it was further, what is wrong in which argument.

    `slope` is None where every direction meets a kink.
    """

    slope: Slope | None = None
    tried: int = 0  #: fresh directions of all arguments that were looked at
    off: float = 0.0
    allowed: float = 0.0
    vague: bool = False  #: rounding may move the slope by as much as it is large
    arguments: Mapping[str, tuple[float, float]] = field(default_factory=dict)  #: `off` and `allowed` of each, where one was sought
    wrong: Mapping[str, Found] = field(default_factory=dict)
    searched: int = 0  #: parts of the direction that were looked at
    ties: Sequence[Tie] = ()  #: entries at a kink, which the direction leaves out

    def shown(self, name: str) -> float:
        """An error of this size in any entry of an argument would have shown: every |uᵢ| is at least ½."""
        return 2.0 * sum(self.arguments.get(name, (self.off, self.allowed)))


def not_finite(derivation: Derivation, name: str, *, undefined: bool) -> Comparison:
    """A gradient with an entry that is no number; `undefined` where the slope has no bound there."""
    got = derivation.gradients[name]
    bad = np.argwhere(~np.isfinite(got))
    count = f"{len(bad)} of {got.size} entries {'is' if len(bad) == 1 else 'are'} not finite, the first at {bad[0].tolist()}"
    message = f"gradient of {name}: {count}{', and the slope has no bound there' * undefined}"
    verdict = Verdict.UNDEFINED if undefined else Verdict.WRONG
    return Comparison(method=derivation.method, argument=name, verdict=verdict, against="differences", message=message)


def undefined(derivation: Derivation, name: str, why: str) -> Comparison:
    """A gradient at a point at which there is none."""
    message = f"gradient of {name}: {why}"
    return Comparison(method=derivation.method, argument=name, verdict=Verdict.UNDEFINED, against="differences", message=message)


def unsettled(derivation: Derivation, name: str, why: str) -> Comparison:
    """A gradient of which nothing could be said."""
    message = f"gradient of {name}: {why}"
    return Comparison(method=derivation.method, argument=name, verdict=Verdict.INCONCLUSIVE, against="differences", message=message)


def told(derivation: Derivation, name: str, outcome: Outcome, case: Case) -> Comparison:
    """The comparison of one argument of a gradient that was judged along directions."""
    slope, found, got = outcome.slope, outcome.wrong.get(name), derivation.gradients[name]
    worst = None
    if slope is None:
        verdict, message = Verdict.INCONCLUSIVE, "every direction meets a kink or a jump in the point itself"
    elif found is not None:
        verdict, message = Verdict.WRONG, _searched(found, outcome, got.shape)
        worst = _worst(found, case, got.shape)
    elif outcome.off > outcome.allowed and not outcome.wrong:
        verdict = Verdict.WRONG
        message = f"along {_directions(outcome)} the slope is off by {outcome.off:.3g}, where {outcome.allowed:.2g} is allowed"
    elif outcome.vague:
        verdict = Verdict.INCONCLUSIVE
        message = f"along {_directions(outcome)} rounding alone may move the slope by {outcome.allowed:.2g}, it is {slope.value:.2g}"
    else:
        verdict, message = (
            Verdict.AGREES,
            f"agrees along {_directions(outcome)}; an entry wrong by less than {outcome.shown(name):.2g} would not show",
        )
    source = (
        "forward mode, which lies within the error of the differences" if slope and slope.forward else "the estimate of the differences"
    )
    relative = outcome.off / abs(slope.value) if slope and slope.value else 0.0
    return Comparison(
        method=derivation.method,
        argument=name,
        verdict=verdict,
        against="differences",
        absolute=worst.absolute if worst else number(outcome.off),
        relative=worst.relative if worst else number(relative),
        ulp=worst.ulp if worst else None,
        normwise=number(relative),
        worst=worst,
        allowed_from=f"{source}, and rounding, along {_directions(outcome)}",
        message=f"gradient of {name}{' ' if verdict is Verdict.AGREES else ': ' if worst is None else ''}{message}",
    )


def entrywise(compared: Comparison, got: Array, reference: Reference, outcome: Outcome) -> Comparison:
    """A comparison entry by entry with a gradient that was itself judged along directions, with what that says."""
    true, allowed = reference.high[compared.argument], reference.allowed[compared.argument] + reference.radius[compared.argument]
    if compared.verdict is Verdict.WRONG:
        count = int(np.sum(~(np.abs(got - true) <= allowed)))
        return with_fields(compared, message=f"{compared.message}; {count} of {got.size} entries {'is' if count == 1 else 'are'} wrong")
    if compared.verdict is Verdict.AGREES:
        least = float(np.min(allowed, initial=np.inf))
        message = f"{compared.message} entry by entry with that of the tape in float64, which agrees along {_directions(outcome)}"
        return with_fields(compared, message=f"{message}; an entry wrong by less than {least:.2g} would not show")
    return compared


def at_ties(compared: Comparison, got: Array, outcome: Outcome) -> Comparison:
    """A comparison in which the entries at a kink were left out, with what one-sided slopes say of them."""
    ties = [tie for tie in outcome.ties if tie.name == compared.argument]
    if not ties or compared.verdict is not Verdict.AGREES:
        return compared
    outside = [tie for tie in ties if not tie.holds(float(got.reshape(-1)[tie.place]))]
    verdict = Verdict.WRONG if outside else Verdict.SUBGRADIENT
    tie = (outside or ties)[0]
    said = f"got {got.reshape(-1)[tie.place]:.10g}, {'expected' if outside else 'which is'} between {tie.low:.6g} and {tie.high:.6g}"
    more = f" (and {len(ties) - 1} other {'entry' if len(ties) == 2 else 'entries'} at a kink)" if len(ties) > 1 else ""
    place = f" at {_place(tie.place, got.shape)}" if got.shape else ""
    message = f"gradient of {compared.argument}{place}: the function has a kink here; {said}{more}"
    agreeing = "; all other entries agree" if not outside and got.size > len(ties) else ""
    return with_fields(compared, verdict=verdict, message=message + agreeing)


def _searched(found: Found, outcome: Outcome, shape: tuple[int, ...]) -> str:
    """What is wrong, entry by entry, or by parts."""
    how = f"found by bisection of {outcome.searched} directions (seed {outcome.slope.seed if outcome.slope else 0})"
    entries = [(_place(e.place, shape), numbers_told(e.got, e.expected, e.within)) for e in found.entries]
    text = ";".join(f" at {place}: {said}" if shape else f": {said}" for place, said in entries)
    if not found.more:
        return f"{text}; {how}"
    if found.shares == 1:
        where = f"the entries from {_place(found.more[0].start, shape)} to {_place(found.more[0].stop - 1, shape)} are wrong together"
        return f"{text}; and {where}; {how}" if entries else f": {where}, none of them visibly by itself; {how}"
    everywhere = len(found.more) == found.shares
    places = "all of it" if everywhere else ", ".join(_range(part, shape) for part in found.more[:4]) + ", …" * (len(found.more) > 4)
    return f"{text}; more than {len(found.entries)} entries are wrong: {places}; {how}"


def _range(part: Part, shape: tuple[int, ...]) -> str:
    return f"{_place(part.start, shape)} to {_place(part.stop - 1, shape)}"


def _place(flat: int, shape: tuple[int, ...]) -> str:
    return str([int(i) for i in np.unravel_index(flat, shape)]) if shape else ""


def _worst(found: Found, case: Case, shape: tuple[int, ...]) -> Worst | None:
    """The entry that is furthest off among those that were found."""
    if not found.entries:
        return None
    entry = max(found.entries, key=lambda e: abs(e.got - e.expected) / e.within)
    off = abs(entry.got - entry.expected)
    return Worst(
        index=tuple(int(i) for i in np.unravel_index(entry.place, shape)),
        got=number(entry.got),
        expected=number(entry.expected),
        absolute=number(off),
        relative=number(off / abs(entry.expected) if entry.expected else np.inf),
        ulp=number(off / float(ulp(np.asarray(entry.expected), case.dtype))),
        allowed=number(entry.within),
    )


def _directions(outcome: Outcome) -> str:
    seed = outcome.slope.seed if outcome.slope else 0
    return f"{outcome.tried} random direction{'s' * (outcome.tried != 1)} (seed {seed})"
