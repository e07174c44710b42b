"""The slope of a student's own forward, where that is wrong.

Comes in: what an answer gave, with differences of its forward.  Goes out: what its backward is judged by in place of the truth.  Why: a
backward may be right for the forward that it belongs to; one mistake is not counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from checker.grading.grades import Finding, Kind
from checker.grading.judging.patterns import Pair
from checker.grading.judging.questions import Answered
from checker.grading.judging.tolerances import allowance, largest
from checker.values import Array

#: Times the error estimate of differences of a student's own forward, and the share of the largest entry, that its backward may be off.
ERRORS, OF_LARGEST = 16.0, 1e-5
#: Differences of a student's forward that are known to no better a share of the largest are not used.
KNOWN = 1e-3
STRANGE = "Points for a backward that is right for its own forward, which computes something else than the exercise."


def has_slope(name: str, answered: Answered) -> bool:
    """Whether a wrong forward has a slope to judge its backward by: one that is known, and not zero where the true one is not.

    Else a forward of noise, of NaN or of a constant would make any backward, or one of zeros, right.
    """
    if name not in answered.own:
        return False
    slope, error = answered.own[name]
    known = np.all(np.isfinite(slope)) and np.max(error, initial=0.0) <= KNOWN * largest(slope)
    return bool(known and (np.any(slope) or not np.any(answered.question.gradient[name])))


def own_pair(got: Array, name: str, answered: Answered) -> Pair:
    """A backward beside the slope of its own forward; what differences are allowed is wide enough for float32 too."""
    slope, error = answered.own[name]
    allowed = ERRORS * error + OF_LARGEST * largest(slope)
    return Pair(got=got, truth=slope, allowed=allowance(slope, allowed, orders=1.0), single=False)


def strange(findings: Sequence[Finding]) -> list[str]:
    """Why a person should look: a backward that is right for a forward without any plain mistake may be of another function altogether,
    such as a sum, whose gradient everybody knows."""
    wrong = any(one.part == "forward" and one.kind in (Kind.WRONG, Kind.SHAPE) for one in findings)
    return [STRANGE] if wrong and any(one.forward and one.kind is Kind.RIGHT for one in findings) else []
