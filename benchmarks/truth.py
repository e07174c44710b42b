"""The true gradients as an instructor writes them for a tool that compares with numbers, and the points to compare at.

Comes in: a student's function.  Goes out: whether each part of its answer is right.  Why: Otter's tests, nbgrader's and those of a fresh
process import this one file, so that all ask the same; it needs NumPy alone, since it is copied beside the submissions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

Arrays = Mapping[str, np.ndarray[Any, Any]]

#: Drawn points for each exercise, and one at large inputs; the shapes are those of the built-in exercises.
ORDINARY, LARGE = 3, 1024.0
PARTS = {"twice_dot": ("x",), "matrix_product": ("a", "b"), "cross_entropy": ("logits",)}


def points(name: str) -> Iterator[Arrays]:
    """The arguments at each point, float64; `upstream` is the last of them where the output is no scalar."""
    draw = np.random.default_rng(20)
    for scale in (*[1.0] * ORDINARY, LARGE):
        if name == "twice_dot":
            yield {"x": scale * draw.normal(size=4)}
        elif name == "matrix_product":
            a, b, upstream = draw.normal(size=(2, 3)), draw.normal(size=(3, 4)), draw.normal(size=(2, 4))
            yield {"a": scale * a, "b": scale * b, "upstream": upstream}
        else:
            yield {"logits": scale * draw.normal(size=(3, 4)), "labels": draw.integers(0, 4, size=3)}


def gradient(name: str, at: Arrays) -> Arrays:
    """The gradient of each part: 4x of 2xᵀx; VBᵀ and AᵀV of AB; (softmax(z) − onehot(y)) / b of the mean cross-entropy."""
    if name == "twice_dot":
        return {"x": 4 * at["x"]}
    if name == "matrix_product":
        return {"a": at["upstream"] @ at["b"].T, "b": at["a"].T @ at["upstream"]}
    powers = np.exp(at["logits"] - at["logits"].max(axis=1, keepdims=True))
    return {"logits": (powers / powers.sum(axis=1, keepdims=True) - np.eye(4)[at["labels"]]) / 3}


def answered(name: str, function: Callable[..., Any], *, tensors: bool) -> Iterator[list[np.ndarray[Any, Any]]]:
    """What `function` returns at each point, part by part; `tensors` says that it is to be given torch's."""
    for at in points(name):
        if tensors:
            import torch

            given = function(**{key: torch.from_numpy(array) for key, array in at.items()})
        else:
            given = function(**at)
        yield [np.asarray(one) for one in (given if isinstance(given, tuple) else (given,))]


def right(name: str, part: str, answers: Iterator[list[np.ndarray[Any, Any]]]) -> bool:
    """Whether the answer's `part` has the true gradient's shape and, to nine digits, its values, at every point."""
    place = PARTS[name].index(part)
    for at, given in zip(points(name), answers, strict=True):
        true = gradient(name, at)[part]
        if place >= len(given) or given[place].shape != true.shape or not np.allclose(given[place], true, rtol=1e-9, atol=1e-12):
            return False
    return True
