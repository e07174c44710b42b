"""Points on execution paths that have not been seen.

Comes in: an exercise and the cases that were looked at.  Goes out: cases, each on a new path.  Why: a tape is one path at one point, and a
branch that no point takes is a branch that nobody checked.

First points of many magnitudes are drawn. Then every decision of every path that is known is pushed over its boundary: where Python
compared a and b, Newton steps move the inputs along ∇(a − b) until the comparison falls out the other way.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from checker.authoring import Exercise
from checker.errors import ExerciseError
from checker.judge.belief import path_of, tape_of
from checker.sampling import case_seed, complete, inside, sample
from checker.tape.replay import replay
from checker.tape.tape import Node, Ref, Tape
from checker.values import Case, Settings

#: Magnitudes of the draws: small and large inputs take other branches than those near one.
SCALES = (1.0, 10.0, 0.1, 100.0, 1e-3, 1e3)
DRAWS = 24  #: so many draws in a row without a new path end the drawing
STEPS = 6  #: Newton steps towards one boundary
OVERSHOOTS = (1.5, 1.05)  #: a step goes so many times as far as the boundary is; the shorter where the longer goes over it and back
HALVINGS = 16  #: of the last step, to come close behind the boundary

COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
EQUALITIES = frozenset({"eq", "ne"})


def unseen(exercise: Exercise, settings: Settings, known: Mapping[str, Case], start: int, dtype: str) -> Iterator[tuple[str, Case]]:
    """New paths with a case on each, numbered from `start`, until no new one appears. `known` has a case on every path that was seen.

    Raises:
        ExerciseError: an input cannot be drawn.
    """
    seen = dict(known)
    for path, case in _drawn(exercise, settings, seen, start, dtype):
        seen[path] = case
        yield path, case
    waiting = deque(case for case in seen.values() if case.dtype == dtype)
    while waiting:
        for arguments in _across(waiting.popleft()):
            moved = _at(exercise, settings, arguments, start + len(seen) - len(known), dtype)
            path = "" if moved is None else _path(moved)
            if moved is not None and path and path not in seen:
                seen[path] = moved
                waiting.append(moved)
                yield path, moved


def _drawn(exercise: Exercise, settings: Settings, seen: Mapping[str, Case], start: int, dtype: str) -> Iterator[tuple[str, Case]]:
    draw, idle, found = 0, 0, 0
    while idle < DRAWS:
        scale = SCALES[draw % len(SCALES)]
        try:
            case = sample(exercise, settings, start + draw, dtype, scale=scale, origin="new path")
        except ExerciseError:
            raise
        except Exception:  # a point that the function refuses is no new path
            path = ""
        else:
            path = _path(case)
        draw, idle = draw + 1, idle + 1
        if path and path not in seen:
            yield path, replace(case, number=start + found)
            idle, found = 0, found + 1


def _path(case: Case) -> str:
    """The path that a case takes; none where the function refuses the point."""
    try:
        return path_of(tape_of(case))
    except Exception:  # the function under test may raise anything
        return ""


def _at(exercise: Exercise, settings: Settings, arguments: Mapping[str, torch.Tensor], number: int, dtype: str) -> Case | None:
    seed = case_seed(exercise, settings, number)
    generator = torch.Generator().manual_seed(seed)
    try:
        return complete(exercise, arguments, settings, number=number, dtype=dtype, seed=seed, origin="new path", generator=generator)
    except Exception:  # the function refuses the point
        return None


@dataclass(frozen=True)
class _Boundary:
    """A comparison that Python branched on: of the operands of `node`, or of its output `position` with the number `bound`; or of an
    `argument` with that. `exact`: the other side of it is the boundary itself."""

    node: int
    position: int = 0
    bound: float | None = None
    argument: str = ""
    exact: bool = False

    def gap(self, operands: list[Any], results: list[Any]) -> torch.Tensor:
        """What is negative on one side and positive on the other."""
        gap = operands[0] - operands[1] if self.bound is None else results[self.position] - self.bound
        return torch.as_tensor(gap).double().sum()


def _across(case: Case) -> Iterator[dict[str, torch.Tensor]]:
    """For every comparison that Python saw, arguments well over its boundary and only just, where Newton steps lead inside the domains."""
    tape = tape_of(case)
    for boundary in _boundaries(tape):
        for overshoot in (1.0,) * boundary.exact + OVERSHOOTS:
            for x in _beyond(case, tape, boundary, overshoot):
                yield {**case.arguments, **dict(zip(case.differentiated, x, strict=True))}


def _boundaries(tape: Tape) -> list[_Boundary]:
    nodes = {node.index: node for node in tape.nodes}
    makers = {slot: (node, k) for node in tape.nodes for k, slot in enumerate(node.outputs) if slot is not None}
    names = {slot: name for name, slot in tape.inputs.items()}
    found: list[_Boundary] = []
    for decision in tape.decisions:
        read = nodes[decision.node].args[0] if decision.node in nodes else None
        if not isinstance(read, Ref):
            continue
        maker, position = makers.get(read.slot, (None, 0))
        exact = decision.comparison in EQUALITIES
        if decision.bound is not None and read.slot in names:
            found.append(_Boundary(-1, bound=decision.bound, argument=names[read.slot], exact=exact))
        elif maker is None or not maker.depends:
            continue
        elif decision.bound is not None:
            found.append(_Boundary(maker.index, position, decision.bound, exact=exact))
        elif maker.base in COMPARISONS:
            found.append(_Boundary(maker.index, exact=maker.base in EQUALITIES))
    return list(dict.fromkeys(found))


def _beyond(case: Case, tape: Tape, boundary: _Boundary, overshoot: float) -> Iterator[list[torch.Tensor]]:
    """Where Newton steps cross `boundary`, and where halving finds it on the line of the last step. A step is x − s·g·∇g / ‖∇g‖², s being
    `overshoot`."""
    x = [case.arguments[name].double() for name in case.differentiated]
    start = gap = _gap(case, tape, x, boundary, slopes=True)
    before = x
    for _ in range(STEPS):
        if gap is None or start is None or not math.isfinite(gap.value):
            return
        if gap.side != start.side:
            break
        square = sum(float((s * s).sum()) for s in gap.slopes if s is not None)
        if not 0 < square < math.inf:
            return
        push = overshoot * gap.value / square if gap.value else 1e-3 / square**0.5
        before, x = x, [t if s is None else t - push * s for t, s in zip(x, gap.slopes, strict=True)]
        if not all(bool(inside(case.exercise.input(name).domain, t).all()) for name, t in zip(case.differentiated, x, strict=True)):
            return
        gap = _gap(case, tape, x, boundary, slopes=True)
    else:
        return
    yield x
    for _ in range(HALVINGS):
        middle = [(a + b) / 2 for a, b in zip(before, x, strict=True)]
        gap = _gap(case, tape, middle, boundary)
        if gap is None:
            return
        before, x = (middle, x) if gap.side == start.side else (before, middle)
    yield x


@dataclass(frozen=True)
class _Gap:
    """How far a point is from a boundary, and the gap's gradient there."""

    value: float
    slopes: tuple[torch.Tensor | None, ...] = ()

    @property
    def side(self) -> float:
        return math.copysign(1.0, self.value) if self.value else 0.0


def _gap(case: Case, tape: Tape, x: list[torch.Tensor], boundary: _Boundary, *, slopes: bool = False) -> _Gap | None:
    leaves = [t.clone().requires_grad_(slopes) for t in x]
    seen: list[torch.Tensor] = []

    def watch(node: Node, operands: list[Any], named: dict[str, Any], results: list[Any]) -> None:
        if node.index == boundary.node:
            seen.append(boundary.gap(operands, results))

    arguments = {**case.arguments, **dict(zip(case.differentiated, leaves, strict=True))}
    if boundary.argument:
        seen.append(boundary.gap([], [arguments[boundary.argument]]))
    try:
        replay(tape, arguments, dtype=torch.float64, signature=False, watch=watch)
    except (RuntimeError, ValueError, IndexError, NotImplementedError):  # torch cannot run the recorded operations there
        return None
    if not seen:
        return None
    (gap,) = seen
    found = torch.autograd.grad(gap, leaves, allow_unused=True) if gap.requires_grad else (None,) * len(leaves)
    return _Gap(float(gap.detach()), found)
