"""How every look at a case begins: it is recorded, and the tape is believed or not.

Comes in: a case.  Goes out: a `Beginning`.  Why: a function that keeps state between its calls is another function each time. Where two
calls differ it is tried once more with its state put back before each call; where they still differ, nothing can be said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from checker.errors import ExerciseError, Unsupported
from checker.judge.belief import Belief, believe, tape_of
from checker.methods.failures import crashed
from checker.state import State, common_draws
from checker.tape.tape import Tape
from checker.values import Case, Problem, Verdict

WORK_ON_A_COPY = "work on a copy (x.clone())"


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The case, its tape or why there is none, and whether that is believed. `note` says what was put back before each call; `draws` tells
    whether that was a generator."""

    case: Case
    tape: Tape | None
    failure: Problem | None
    belief: Belief
    note: str = ""
    draws: bool = False


def begin(case: Case) -> Beginning:
    """Record the case; where its function does not repeat itself, or may not, since it draws, again with what it keeps put back before each
    call."""
    before = common_draws()
    first = _begin(case)
    if first.belief.repeats and common_draws() == before:
        return first
    state = State(case.exercise.function)
    call = case.exercise.call

    def steady(arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        state.put_back()
        return call(arguments)

    second = _begin(replace(case, exercise=replace(case.exercise, call=steady)))
    changed, drawn_from = ", ".join(state.changed()), ", ".join(state.drawn_from())
    state.put_back()
    if not second.belief.repeats or not (changed or drawn_from):
        return first
    kept = f"the function keeps state between its calls ({changed}): it was put back before each, and what was judged is one call"
    drew = f"the function draws from {drawn_from}: it was put back before each call, so that all have the same draws"
    said = [note for note, names in ((kept, changed), (drew, drawn_from)) if names]
    return replace(second, note="; ".join(said), draws=bool(drawn_from))


def recorded(case: Case) -> tuple[Tape | None, Problem | None]:
    """The case's tape, or why there is none."""
    try:
        tape = tape_of(case)
    except Unsupported as error:
        return None, Problem(verdict=Verdict.UNSUPPORTED, message=str(error), line=error.line)
    except ExerciseError:
        raise
    except Exception as error:  # the function under test may raise anything, also on purpose
        if "leaf Variable" in str(error) and "in-place" in str(error):
            return None, Problem(verdict=Verdict.MUTATED_INPUT, message=f"the function writes into its input: {WORK_ON_A_COPY}")
        return None, crashed(error)
    if tape.mutated:
        names = ", ".join(tape.mutated)
        return tape, Problem(verdict=Verdict.MUTATED_INPUT, message=f"the function writes into its input {names}: {WORK_ON_A_COPY}")
    return tape, None


def _begin(case: Case) -> Beginning:
    tape, failure = recorded(case)
    belief = believe(case, tape) if tape is not None else Belief(follows=False, reason=failure.message if failure is not None else "")
    return Beginning(case=case, tape=tape, failure=failure, belief=belief)
