"""Whether a tape may be believed.

Comes in: a case and its tape.  Goes out: a `Belief`.  Why: everything derived from a tape shares its mistakes, so before any of it
counts, the replay must equal the original function, here and at perturbed points on the same path. A value that `.item()` baked in
shows there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from checker.draws import seeded
from checker.hooks import values
from checker.judge.glance import glance, glance_rows
from checker.sampling import inside
from checker.tape.customs import as_written
from checker.tape.formats import FORMATS
from checker.tape.record import record
from checker.tape.replay import replay
from checker.tape.tape import DRAWS, Cut, Tape
from checker.values import Case, Mode, Rows, Slope

#: What is said of a draw from a gamma, beta, Dirichlet or Student's t distribution whose parameters are differentiated.
IMPLICIT = "the derivative of the draw on {line} is that of implicit reparametrisation, which no value of the function shows"
#: What is said of a function that draws from elsewhere than torch's generators, looks at a clock, or keeps what cannot be put back.
UNREPEATABLE = (
    "two calls with the same seed give two values: draw random numbers from torch's own generators, and keep no state between calls"
)
#: What is said of a function that can be called only so many times, such as one that takes from a list.
FAILING = "called again at the same point the function fails, so that it keeps state between calls"


@dataclass(frozen=True, kw_only=True)
class Belief:
    """What comparing the replay with the original function showed.

    `follows` is true when they are equal at every perturbed point that keeps to the path. `baked` lists the places where a value left
    the tape, when they are not. `edge` is true when no perturbation, however small, kept to the path. `reason` says what went wrong.
    `slope` and `rows` are what a first look found out, where that was enough.
    """

    follows: bool
    baked: tuple[Cut, ...] = ()
    repeats: bool = True
    edge: bool = False
    reason: str = ""
    slope: Slope | None = None
    rows: Rows | None = None

    def undeclared(self, declared: frozenset[str]) -> tuple[Cut, ...]:
        """The baked places that the exercise does not declare as meant."""
        return tuple(cut for cut in self.baked if cut.how not in declared)

    def trusts(self, declared: frozenset[str]) -> bool:
        """Whether the tape says what is meant: it follows the function, or leaves it only where that is declared."""
        return self.follows or (bool(self.baked) and not self.undeclared(declared))


def tape_of(case: Case, arguments: Mapping[str, torch.Tensor] | None = None) -> Tape:
    """Record the case's function at its own arguments or at others, with the case's random draws."""
    with seeded(case.seed):
        return record(case.exercise.call, case.arguments if arguments is None else arguments, case.exercise.estimators)


def _values(case: Case, arguments: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """What the case's function gives, called as anyone would call it, with the case's random draws."""
    with seeded(case.seed), as_written():
        return values(case.exercise.call, arguments)


def path_of(tape: Tape) -> str:
    """A short name for an execution path: which operations ran, and what Python decided. Signs of single entries do not count."""
    words = [str(node.operation) for node in tape.nodes] + [repr(decision.value) for decision in tape.decisions]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]


def believe(case: Case, tape: Tape, *, tries: int = 2) -> Belief:
    """Replay the tape beside the original function, at the point and at points near it."""
    implicit = next((cut for cut in tape.cuts if cut.how == "implicit draw"), None)
    if implicit is not None:
        return Belief(follows=False, repeats=False, reason=IMPLICIT.format(line=implicit.line))
    slope = glance(case, tape) if case.mode is Mode.PROJECTION else None
    rows = glance_rows(case, tape) if case.mode is Mode.JACOBIAN else None
    if slope is not None or rows is not None:
        return Belief(follows=True, slope=slope, rows=rows)
    if case.dtype in ("float16", "bfloat16"):  # so coarse that a baked value would pass for rounding
        wide = replace(case, dtype="float32", arguments={n: t.float() if t.is_floating_point() else t for n, t in case.arguments.items()})
        try:
            case, tape = wide, tape_of(wide)
        except Exception:  # the function may keep weights of its own dtype, and take no other
            if baked := _baked(tape):
                return Belief(follows=False, baked=baked, reason=f"{_left(baked)}; {case.dtype} is too coarse to tell what it decides")
    try:
        called = _values(case, case.arguments)
        repeats = _equal(called, tape.values, case.dtype) or _equal(tape_of(case).values, tape.values, case.dtype)
    except Exception as error:  # it may have used up what it draws from
        return Belief(follows=False, repeats=False, reason=f"{FAILING}: {type(error).__name__}: {error}")
    if not repeats:
        return Belief(follows=False, repeats=False, reason=UNREPEATABLE)
    here = replay(tape, case.arguments, signature=False)
    seen = tuple(v for v in tape.values if v.is_floating_point())
    if not _equal(here.outputs, seen, case.dtype):
        return Belief(follows=False, reason="replayed at the point itself, the recorded operations give another value than the function")
    path = path_of(tape)
    epsilon = FORMATS[case.dtype].epsilon
    kept = 0
    for attempt, scale in enumerate((1e-3, 1e-3, 1e-5, 1e-7)):
        moved = perturbed(case, max(scale, 32 * epsilon), case.seed + attempt)
        try:
            found = replay(tape, moved, signature=False).outputs
            original = tuple(v for v in _values(case, moved) if v.is_floating_point())
            other = None if _equal(found, original, case.dtype) else tape_of(case, moved)
        except Exception:  # the function may refuse a neighbouring point: then it says nothing about the tape
            continue
        if other is not None and path_of(other) != path:
            continue
        kept += 1
        if other is not None and not _equal(_with_draws_of(tape, other, moved), other.values, case.dtype):
            baked = _baked(tape)
            return Belief(follows=False, baked=baked, reason=_left(baked) if baked else "a value is baked in, unseen")
        if kept == tries:
            break
    return Belief(follows=True, edge=kept == 0)


def _baked(tape: Tape) -> tuple[Cut, ...]:
    return tuple(cut for cut in tape.cuts if cut.baked and cut.how != "history")


def _left(baked: tuple[Cut, ...]) -> str:
    return "a value left the tape: " + ", ".join(f"{cut.how} at {cut.line}" for cut in baked)


def _with_draws_of(tape: Tape, other: Tape, moved: Mapping[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The tape replayed with what another recording on the same path drew, where what is drawn is held: by `no_grad`, or as it is."""
    if any(cut.how == "draw" for cut in tape.cuts):
        return replay(tape, moved, signature=False).outputs
    pairs = zip(tape.nodes, other.nodes, strict=True)
    nodes = tuple(replace(node, recorded=drawn.recorded) if node.base in DRAWS else node for node, drawn in pairs)
    return replay(replace(tape, nodes=nodes), moved, signature=False).outputs


def perturbed(case: Case, scale: float, seed: int) -> dict[str, torch.Tensor]:
    """The case's arguments, each differentiated entry moved by a random part of `scale`·max(1, |x|) that stays in its domain."""
    generator = torch.Generator().manual_seed(seed)
    moved = dict(case.arguments)
    for name in case.differentiated:
        x = case.arguments[name].double()
        step = scale * (2 * torch.rand(x.shape, generator=generator, dtype=torch.float64) - 1)
        domain = case.exercise.input(name).domain
        candidate = x + step * x.abs().clamp(min=1.0)
        candidate = torch.where(inside(domain, candidate), candidate, x + step * x.abs() * 0.5)
        moved[name] = torch.where(inside(domain, candidate), candidate, x).to(case.arguments[name].dtype)
    return moved


def _equal(a: tuple[torch.Tensor, ...], b: tuple[torch.Tensor, ...], dtype: str) -> bool:
    """Equal up to a few roundings of the largest entry: the replay runs the same kernels, perhaps in another order."""
    allowance = 64 * FORMATS[dtype].epsilon
    for x, y in zip(a, b, strict=True):
        if x.shape != y.shape:
            return False
        x64, y64 = x.detach().double(), y.detach().double()
        scale = float(y64[torch.isfinite(y64)].abs().max()) if bool(torch.isfinite(y64).any()) else 1.0
        if not torch.allclose(x64, y64, rtol=allowance, atol=allowance * scale, equal_nan=True):
            return False
    return True
