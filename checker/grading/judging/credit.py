"""Points.

Comes in: a result, what its exercise is worth, and what an assignment decided.  Goes out: a `Grade`.  Why: what is right or wrong is found
once; what it earns is a course's decision, and a change of it runs nothing again.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from checker.grading.grades import Finding, Grade, Kind, Result

#: The share of a part's points that each kind of finding earns; what is not here earns nothing, such as another shape, which an empty
#: array has everywhere. An assignment may set each.
CREDIT: Mapping[Kind, float] = MappingProxyType(
    {
        Kind.RIGHT: 1.0,
        Kind.SINGLE: 0.75,
        Kind.UNSTABLE: 0.75,
        Kind.BROADCAST: 0.75,
        Kind.SIGN: 0.5,
        Kind.FACTOR: 0.5,
        Kind.MEAN: 0.5,
        Kind.TRANSPOSED: 0.5,
        Kind.UNSUMMED: 0.25,
        Kind.CHAIN: 0.5,
        Kind.UPSTREAM: 0.25,
        Kind.SOME_ENTRIES: 0.25,
    }
)
#: Times its credit is what a backward earns that is right for its own forward, which is wrong.
OWN_FORWARD = 0.5


def grade(result: Result, points: float, credit: Mapping[Kind, float] = MappingProxyType({})) -> Grade:
    """The points that a result earns, split evenly over its parts.

    `credit` overrides the share that a kind earns. A finding about the whole answer (its part is empty) is the only part there is. The
    points are rounded to 10⁻⁹, so that thirds of one point make one point.
    """
    shares = {finding.part: _share(finding, credit) for finding in result.findings}
    earned = points * sum(shares.values()) / len(shares) if shares else 0.0
    return Grade(result=result, points=points, earned=round(earned, 9), credit=shares)


def _share(finding: Finding, credit: Mapping[Kind, float]) -> float:
    share = credit.get(finding.kind, CREDIT.get(finding.kind, 0.0))
    return share * OWN_FORWARD if finding.forward else share
