"""Gradient descent, walked with PyTorch's reverse mode.

Comes in: an exercise with a `Descent`.  Goes out: `Walk`: the path for the plots, the waypoints at which other methods are compared, and
what became of the published figures.  Why: in training a gradient is used thousands of times, and mistakes such as a forgotten `zero_()`
only show from the second step on.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from checker.arguments import at_start
from checker.authoring import Descent, Exercise
from checker.draws import seeded
from checker.errors import ExerciseError
from checker.published import compare
from checker.record import DescentRecord, PublishedRecord
from checker.values import Array, Number, number

#: At most so many steps are logged for the plots, and so many entries of each parameter.
LOGGED = 200
ENTRIES = 16


@dataclass(frozen=True, kw_only=True)
class Stop:
    """A step at which every method is compared: the arguments with which it began and the gradient with which it went on.

    With mini-batches the arguments hold that step's rows. Where gradients accumulate, so does this one.
    """

    step: int
    arguments: Mapping[str, torch.Tensor]
    gradient: Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A descent that was walked."""

    descent: DescentRecord
    waypoints: tuple[Stop, ...]
    published: tuple[PublishedRecord, ...]


def walk(exercise: Exercise, seed: int) -> Walk:
    """Walk the exercise's descent; fixed values are drawn, and rows shuffled, under `seed`.

    Raises:
        ExerciseError: a start that does not fit, a function that fails or is not scalar, rows that cannot be batched.
    """
    plan = exercise.descent
    if plan is None:
        raise ExerciseError(f"{exercise.name} has no descent.", file=exercise.path or None, line=exercise.line or None)
    began = time.perf_counter()
    training = Training(exercise, plan, at_start(exercise, plan, seed, getattr(torch, plan.dtype)), seed)
    arguments, leaves = training.arguments, training.leaves
    logged, compared, promised = _logged(plan.steps), _compared(plan), {waypoint.step for waypoint in plan.reaches}
    log = _Log({name: [] for name in leaves})
    waypoints: list[Stop] = []
    published: list[PublishedRecord] = []

    def whole(rows: Mapping[str, torch.Tensor], loss: torch.Tensor) -> float:
        """The loss of all rows: that of the step itself, where it took all."""
        return loss.item() if rows is arguments else _loss(exercise, arguments).item()

    with seeded(seed):
        for step in range(plan.steps):
            rows = next(training.batches)
            loss = training.backward(rows)
            value = whole(rows, loss) if step in logged or step + 1 in promised else 0.0
            if step in logged:
                log.add(step, value, leaves)
            if step in compared:
                waypoints.append(_stop(step, rows, leaves))
            training.update()
            if step + 1 in promised:
                published += _reached(plan, step + 1, value, leaves)
        log.add(plan.steps, _loss(exercise, arguments).item(), leaves)
    return Walk(
        descent=DescentRecord(
            optimizer=plan.optimizer,
            rate=plan.rate,
            total=plan.steps,
            steps=log.steps,
            loss=[number(value) for value in log.loss],
            parameters=log.parameters,
            seconds=time.perf_counter() - began,
        ),
        waypoints=tuple(waypoints),
        published=tuple(published),
    )


class Training:
    """A descent on its way: `leaves` are the parameters, moved in place; `batches` gives the arguments of each step. A step is
    `backward` and then `update`."""

    def __init__(self, exercise: Exercise, plan: Descent, arguments: dict[str, torch.Tensor], seed: int) -> None:
        self.exercise, self.plan, self.arguments = exercise, plan, arguments
        self.leaves = {name: arguments[name].requires_grad_() for name in exercise.differentiated}
        self.update: Callable[[], None] = {"sgd": _sgd, "adam": _adam}[plan.optimizer](list(self.leaves.values()), plan.rate)
        self.batches = _batches(exercise, plan, arguments, seed)

    def backward(self, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The loss of these rows, with its gradient in every leaf; added to what is there where the plan says so."""
        loss = _loss(self.exercise, rows)
        if self.plan.zero_grad:
            for leaf in self.leaves.values():
                leaf.grad = None
        torch.autograd.backward(loss)
        return loss


@dataclass
class _Log:
    """What the plots show: the loss of all rows and the parameters at some steps."""

    parameters: dict[str, list[list[Number]]]
    steps: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)

    def add(self, step: int, loss: float, leaves: Mapping[str, torch.Tensor]) -> None:
        self.steps.append(step)
        self.loss.append(loss)
        for name, leaf in leaves.items():
            self.parameters[name].append([number(entry) for entry in leaf.detach().flatten()[:ENTRIES].tolist()])


# The optimizers are written out: each is a few lines, and creating one of torch.optim's loads torch's compiler, which takes longer than
# most walks. A test compares them with torch.optim step by step. Each writes to the leaf's own storage by a tensor that autograd does not
# know, which costs less than to switch autograd off and on at every step.


def _sgd(leaves: list[torch.Tensor], rate: float) -> Callable[[], None]:
    """θ ← θ − rate·g."""
    moved = [(leaf, leaf.detach()) for leaf in leaves]

    def update() -> None:
        for leaf, values in moved:
            if leaf.grad is not None:
                values.sub_(leaf.grad, alpha=rate)

    return update


def _adam(leaves: list[torch.Tensor], rate: float, decay: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Callable[[], None]:
    """θ ← θ − rate·m̂/(√v̂ + ε), with running means m of g and v of g², each divided by 1 − decayᵗ (Kingma and Ba 2015, algorithm 1)."""
    moved = [(leaf, leaf.detach(), torch.zeros_like(leaf), torch.zeros_like(leaf)) for leaf in leaves]
    steps = itertools.count(1)

    def update() -> None:
        step = next(steps)
        first, second = (1 - d**step for d in decay)
        for leaf, values, mean, square in moved:
            if leaf.grad is not None:
                mean.lerp_(leaf.grad, 1 - decay[0])
                square.mul_(decay[1]).addcmul_(leaf.grad, leaf.grad, value=1 - decay[1])
                values.addcdiv_(mean, (square.sqrt() / second**0.5).add_(eps), value=-rate / first)

    return update


def _loss(exercise: Exercise, arguments: Mapping[str, torch.Tensor]) -> torch.Tensor:
    try:
        loss = exercise.call(arguments)[0]
    except Exception as error:  # an author's function may fail in any way
        raise _error(exercise, f"the function fails in its descent: {type(error).__name__}: {error}.") from error
    if loss.dim() or not loss.requires_grad:
        what = f"has shape {tuple(loss.shape)}" if loss.dim() else "has lost its history, so that no gradient can be taken"
        raise _error(exercise, f"a descent goes down a scalar that depends on what is differentiated, but the value {what}.")
    return loss


def _batches(exercise: Exercise, plan: Descent, arguments: dict[str, torch.Tensor], seed: int) -> Iterator[Mapping[str, torch.Tensor]]:
    """The arguments of each step: all rows every time, or the next `batch` rows of a shuffle that is made anew for every pass."""
    if plan.batch is None:
        while True:
            yield arguments
    counts = {arguments[name].shape[0] if name in arguments and arguments[name].dim() else 0 for name in plan.batched}
    if len(counts) != 1 or 0 in counts:
        raise _error(exercise, f"a descent in batches needs inputs with equally many rows; `batched` names {list(plan.batched)}.")
    generator = torch.Generator().manual_seed(seed)
    while True:
        for chosen in torch.split(torch.randperm(max(counts), generator=generator), plan.batch):
            yield {**arguments, **{name: arguments[name][chosen] for name in plan.batched}}


def _stop(step: int, rows: Mapping[str, torch.Tensor], leaves: Mapping[str, torch.Tensor]) -> Stop:
    arguments = {name: tensor.detach().clone() if name in leaves else tensor for name, tensor in rows.items()}
    gradient = {name: _gradient(leaf).double().numpy().copy() for name, leaf in leaves.items()}
    return Stop(step=step, arguments=arguments, gradient=gradient)


def _gradient(leaf: torch.Tensor) -> torch.Tensor:
    return torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.detach()


def _reached(plan: Descent, step: int, loss: float, leaves: Mapping[str, torch.Tensor]) -> Iterator[PublishedRecord]:
    """What was promised of a step: the loss that it computed, before its update, and the parameters after it."""
    for waypoint in plan.reaches:
        if waypoint.step == step:
            if waypoint.value is not None:
                yield from compare(f"loss in step {step}", waypoint.value, np.array(loss), waypoint.decimals)
            for name, value in waypoint.inputs.items():
                yield from compare(f"{name} after step {step}", value, leaves[name].detach().double().numpy(), waypoint.decimals)


def _logged(steps: int) -> set[int]:
    """Steps for the plots: all of a short walk; of a long one some evenly spread, and some close together where it begins."""
    if steps <= LOGGED:
        return set(range(steps + 1))
    places = np.concatenate([np.linspace(0, steps, LOGGED // 2), np.geomspace(1, steps, LOGGED // 2)])
    return {round(place) for place in places.tolist()}


def _compared(plan: Descent) -> set[int]:
    """Steps at which the other methods are compared: the first, the last, and between them the second and some later ones."""
    last = plan.steps - 1
    return {0, last, *(round(place) for place in np.geomspace(1, max(last, 1), max(plan.logged - 1, 1)).tolist())}


def _error(exercise: Exercise, message: str) -> ExerciseError:
    return ExerciseError(f"{exercise.name}: {message}", file=exercise.path or None, line=exercise.line or None)
