"""The path that a training step must walk.

Comes in: an exercise with a descent, and a secret.  Goes out: a `Trajectory`, and how a right step moves from any state on the way.  Why:
a step is asked many times, each from where the one before has led, and the start must be none that is published.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from checker.arguments import at_start
from checker.authoring import Descent, Exercise
from checker.descent import Training
from checker.draws import seeded
from checker.errors import ExerciseError
from checker.values import Array

#: At most so many steps are asked.
STEPS = 20
#: How far the secret start may be from the published one, as a share of each entry, or of one where that is smaller.
MOVED = 0.1

State = Mapping[str, Array]


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """A walk down an exercise's loss: parameters by name, float64 on float32's grid at the start, and what each step is given beside them.

    `batches` has the arguments of each step that are no parameters; `states` are the parameters after each.
    """

    start: State
    batches: tuple[State, ...]
    states: tuple[State, ...]
    seed: int  #: of shuffling, and of data that are drawn


def trajectory(exercise: Exercise, secret: bytes) -> Trajectory | None:
    """The first steps of the exercise's descent from a secret start near the published one; None where it has no descent.

    Gradients are set to zero before each step even where the author walks without: that is the mistake to be avoided.

    Raises:
        ExerciseError: the descent cannot be walked.
    """
    if exercise.descent is None:
        return None
    seed = int.from_bytes(hashlib.sha256(b"descent\0" + secret + exercise.id.encode()).digest()[:4], "big")
    training = _training(exercise, exercise.descent, seed, zero_grad=True)
    start = _arrays(training.leaves)
    batches: list[State] = []
    states: list[State] = []
    with seeded(seed):
        for rows in itertools.islice(training.batches, min(exercise.descent.steps, STEPS)):
            same = bool(batches) and rows is training.arguments  # all rows at every step need not be kept twice
            batches.append(batches[0] if same else _arrays({n: t for n, t in rows.items() if n not in training.leaves}))
            training.backward(rows)
            training.update()
            states.append(_arrays(training.leaves))
    return Trajectory(start=start, batches=tuple(batches), states=tuple(states), seed=seed)


def updates(exercise: Exercise, walked: Trajectory, begun: Sequence[State], *, zero_grad: bool) -> list[State]:
    """How a right step moves the parameters from each of the states in which steps `begun`, until the function refuses one.

    Without `zero_grad`, how one moves them that forgets to set gradients to zero.
    """
    assert exercise.descent is not None
    training = _training(exercise, exercise.descent, walked.seed, zero_grad=zero_grad)
    updates: list[State] = []
    with seeded(walked.seed):
        for state, rows in zip(begun, training.batches, strict=False):
            with torch.no_grad():
                for name, leaf in training.leaves.items():
                    leaf.copy_(torch.from_numpy(state[name]))
            try:
                training.backward(rows)
            except ExerciseError:  # the function may refuse the state: then the step that led there is wrong
                break
            training.update()
            updates.append({name: after - state[name] for name, after in _arrays(training.leaves).items()})
    return updates


def _training(exercise: Exercise, plan: Descent, seed: int, *, zero_grad: bool) -> Training:
    """The descent from its secret start, in float64, with all data on float32's grid."""
    arguments = at_start(exercise, plan, seed, torch.float64)
    generator = torch.Generator().manual_seed(seed)
    for name in exercise.differentiated:
        x = arguments[name]
        arguments[name] = x + MOVED * x.abs().clamp(min=1.0) * torch.randn(x.shape, generator=generator, dtype=torch.float64)
    grid = {name: t.float().double() if t.is_floating_point() else t for name, t in arguments.items()}
    return Training(exercise, replace(plan, zero_grad=zero_grad), grid, seed)


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, Array]:
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}
