"""Asking an answer at a point.

Comes in: a session that has loaded the answer, what was found of it, and a question.  Goes out: what it gave, as `Answered`.  Why: the five
forms differ only in how they are asked; whatever judges the gradient need not know which it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from checker.grading.judging.questions import Answered, Question
from checker.grading.judging.trajectories import Trajectory
from checker.sandbox.session import Session
from checker.sandbox.values import Form, Found, Reason, Stopped, Trouble
from checker.values import Array, Case

#: What students write before or after an argument's name to mean its gradient: `dx`, `grad_x`, `x_grad`. A dot is a `_` here.
_PREFIXES, _SUFFIXES = ("d", "d_", "dl_d", "grad_", "g_", "∂", "∇"), ("_grad", "_bar")
#: Differences of a student's own forward are taken for at most so many entries, in at most such a share of the seconds that are left.
_ENTRIES, _SHARE = 256, 0.1
_NO_VALUE = Trouble(reason=Reason.KIND, text="forward returned no value")
_SLOW = Trouble(reason=Reason.TIMED_OUT, text="differences of forward take too long")


def ask(session: Session, name: str, found: Found, question: Question, value_right: Callable[[Answered], bool]) -> Answered:
    """Ask the answer called `name` for its gradient, and for its value where its form computes one. A wrong value's own gradient, by
    differences, comes along, so that the backward can be judged by what it belongs to."""
    arguments, upstream = _arguments(question.case), question.upstream
    if found.form is Form.GRADIENT:
        try:
            given = session.call(name, "gradient", arguments, upstream=upstream if question.value.ndim else None)
        except Stopped as stopped:
            return Answered(question=question, gradients={}, trouble=stopped.trouble)
        return Answered(question=question, gradients=_named(given, question.case))
    value: Array | None = None
    gradients: Mapping[str, Array] = {}
    trouble: Trouble | None = None
    try:
        value = _value(session.call(name, "forward", arguments))
        gradients = _named(session.call(name, "backward", {}, upstream=upstream), question.case)
    except Stopped as stopped:
        trouble = stopped.trouble
    answered = Answered(question=question, gradients=gradients, value=value, trouble=trouble)
    if trouble is not None or value is None or value.shape != question.value.shape or value_right(answered):
        return answered
    least = (1 - _SHARE) * session.left

    def forward(moved: Mapping[str, Array]) -> Array | None:
        if session.left < least:
            raise Stopped(_SLOW)
        return _value(session.call(name, "forward", moved))

    own = _differences(forward, arguments, question.case.differentiated, upstream)
    return Answered(question=question, gradients=gradients, value=value, own=own)


def walk(session: Session, name: str, trajectory: Trajectory) -> tuple[list[Mapping[str, Array]], Trouble | None]:
    """The states that a training step reaches from the reference's start, each from the one before; and what stopped it, if anything."""
    states: list[Mapping[str, Array]] = []
    state = dict(trajectory.start)
    for batch in trajectory.batches:
        try:
            given = session.call(name, "step", state, batch=batch)
        except Stopped as stopped:
            return states, stopped.trouble
        reached = _match(given, tuple(state), tuple(state))
        states.append(reached)
        if any(n not in reached or reached[n].shape != state[n].shape for n in state):
            break
        state = {n: np.asarray(reached[n], dtype=np.float64) for n in state}
    return states, None


def _arguments(case: Case) -> dict[str, Array]:
    return {name: np.asarray(tensor.detach().numpy()) for name, tensor in case.arguments.items()}


def _value(given: Sequence[tuple[str, Array]]) -> Array | None:
    return given[0][1] if given else None


def _named(given: Sequence[tuple[str, Array]], case: Case) -> dict[str, Array]:
    """The returned arrays by argument: of a tuple with a place for every input, or one for every differentiated input; of one array, in
    which the gradients of arguments of one shape are stacked; or of the entries or rows of the only differentiated one."""
    wanted = case.differentiated
    labels, arrays = [label for label, _ in given], [array for _, array in given]
    shape, *others = {tuple(case.arguments[name].shape) for name in wanted}
    if len(given) == 1 < len(wanted) and not others and arrays[0].shape == (len(wanted), *shape):
        return dict(zip(wanted, map(np.asarray, arrays[0]), strict=True))
    if len(wanted) == 1 < len(given) and labels == [str(k) for k in range(*shape[:1])] and {a.shape for a in arrays} == {shape[1:]}:
        return {wanted[0]: np.stack(arrays)}
    return _match(given, wanted, tuple(case.arguments))


def _match(given: Sequence[tuple[str, Array]], wanted: Sequence[str], every: Sequence[str]) -> dict[str, Array]:
    """The arrays of `wanted`, by their labels: places or names. Of two for the same argument the first counts; what is not asked is left
    out."""
    order = every if any(label.isdecimal() and int(label) >= len(wanted) for label, _ in given) else wanted
    found: dict[str, Array] = {}
    for label, array in given:
        name = dict(enumerate(order)).get(int(label)) if label.isdecimal() else _meant(label, wanted)
        if name is not None and name in wanted:
            found.setdefault(name, array)
    return found


def _meant(label: str, wanted: Sequence[str]) -> str | None:
    """Which argument a key such as `dx`, `grad_x` or `DX` means: the one of exactly this name, else the only one that is spelt so."""
    if label in wanted:
        return label
    spelt = _folded(label)
    for spelling in (spelt, *(spelt.removeprefix(p) for p in _PREFIXES), *(spelt.removesuffix(s) for s in _SUFFIXES)):
        meant = [name for name in wanted if _folded(name) == spelling]
        if len(meant) > 1:  # `x` and `X`: then the rest of the label has the name as it is
            meant = [name for name in meant if name in label]
        if len(meant) == 1:
            return meant[0]
    return None


def _folded(name: str) -> str:
    return name.casefold().replace(".", "_")


@np.errstate(all="ignore")  # a wrong forward may overflow anywhere
def _differences(
    forward: Callable[[Mapping[str, Array]], Array | None], arguments: Mapping[str, Array], wanted: Sequence[str], upstream: Array
) -> dict[str, tuple[Array, Array]]:
    """Jᵀv of `forward` by central differences at two steps, extrapolated (Richardson): the error goes with h⁴, its estimate with what the
    extrapolation changed. Empty where there are too many entries, or where the forward does not answer."""
    if sum(arguments[name].size for name in wanted) > _ENTRIES:
        return {}

    def slope(name: str, at: tuple[int, ...], step: float) -> float:
        ends = []
        for sign in (1.0, -1.0):
            moved = {n: a.copy() for n, a in arguments.items()}
            moved[name][at] += sign * step
            value = forward(moved)
            if value is None or value.shape != upstream.shape:
                raise Stopped(_NO_VALUE)
            ends.append((float(np.vdot(upstream, value)), float(moved[name][at])))
        (high, above), (low, below) = ends
        return (high - low) / (above - below)

    own: dict[str, tuple[Array, Array]] = {}
    try:
        for name in wanted:
            gradient, error = np.zeros(arguments[name].shape), np.zeros(arguments[name].shape)
            for at in np.ndindex(gradient.shape):
                step = 2.0**-10 * max(1.0, abs(float(arguments[name][at])))
                coarse, fine = slope(name, at, 2 * step), slope(name, at, step)
                gradient[at] = (4 * fine - coarse) / 3
                error[at] = abs(fine - coarse) + 1e-9 * abs(fine)
            own[name] = (gradient, error)
    except Stopped:
        return {}
    return own
