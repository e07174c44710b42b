"""Where a mistake was made.

Comes in: a verdict with its sentence, and the tape.  Goes out: what else is to be said.  Why: which entry is wrong is seen from its
gradient; which line lost it, or which rule of PyTorch's own, is seen from the tape.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.judge.belief import Belief
from checker.judge.reference import Truth
from checker.methods.tangents import IMPRECISE
from checker.tape.tape import Tape
from checker.values import Verdict


def blamed(verdict: Verdict, explanation: str, tape: Tape | None, belief: Belief, declared: frozenset[str]) -> Iterator[str]:
    """The lines on which a gradient was lost, where it is wrong, or on which a saved tensor may have been written to, where it crashed; and
    where only forward mode is wrong, PyTorch's own rules that are known for it."""
    if verdict is Verdict.CRASHED and tape is not None and "inplace operation" in explanation:
        written = dict.fromkeys(f"{node.line}: {node.code}" for node in tape.nodes if node.operation._schema.is_mutable)
        yield f"written to on {'; '.join(written)}"
    if verdict is not Verdict.WRONG or tape is None:
        return
    if explanation.startswith("forward: "):
        known = dict.fromkeys(f"{node.base} ({node.line})" for node in tape.nodes if node.base in IMPRECISE)
        yield from (f"PyTorch's own forward rule of {rule} is not exact, and reverse mode does not use it" for rule in known)
    open_cuts = [cut for cut in tape.cuts if not cut.explicit and not cut.baked and cut.how not in declared]
    left = [cut for cut in belief.undeclared(declared) if not cut.inside]
    lost = [*open_cuts, *left, *(cut for cut in tape.cuts if cut.how == "history")]
    places = dict.fromkeys(f"{cut.how} on {cut.line}: {cut.code}" for cut in lost)
    if places:
        yield f"the gradient is lost by {'; '.join(places)}"


def stepping(truth: Truth) -> Iterator[str]:
    """Where the value may jump at the point, though its gradient, which is stopped there, does not."""
    for check in truth.enclosure.path if truth.enclosure is not None else ():
        if check.found == "tied" and not check.followed:
            stopped = f"{check.decides} is tied on {check.line}, where the gradient is stopped"
            yield f"{stopped}: the value may jump here, and the gradient does not"
