"""Losses: a difference or a likelihood per entry, then none (0), mean (1) or sum (2) over them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from checker.tape.graph import Graph
from checker.tape.operations import rule
from checker.tape.operations.exponentials import logarithm_of_sum
from checker.tape.operations.norms import absolute
from checker.tape.operations.reductions import mean, reduce
from checker.tape.scalars import Array, Scalar

G = Graph[Any]

NONE, MEAN = 0, 1


def _reduced(g: G, losses: Array, reduction: int) -> Array:
    if reduction == NONE:
        return losses
    return reduce(g, (lambda items: mean(g, items)) if reduction == MEAN else g.add, losses)


@rule("mse_loss")
def _mse(g: G, x: Array, target: Array, reduction: int = MEAN) -> Array:
    def one(a: Scalar, t: Scalar) -> Scalar:
        d = a - t
        return d * d

    return _reduced(g, g.map(one, x, target), reduction)


@rule("smooth_l1_loss")
def _smooth_l1(g: G, x: Array, target: Array, reduction: int = MEAN, beta: float = 1) -> Array:
    """d² / (2 beta) where |d| < beta, else |d| − beta / 2. The pieces meet smoothly: the threshold is no kink."""

    def one(a: Scalar, t: Scalar) -> Scalar:
        d = a - t
        g.joint("smooth_l1_loss", d, beta)
        if beta and abs(g.numbers.approximate(d.value)) < beta:
            return g.scalar(0.5) * d * d / g.scalar(beta)
        return absolute(g, d) - g.scalar(0.5) * beta

    return _reduced(g, g.map(one, x, target), reduction)


@rule("huber_loss")
def _huber(g: G, x: Array, target: Array, reduction: int = MEAN, delta: float = 1) -> Array:
    """d² / 2 where |d| < delta, else delta (|d| − delta / 2). The pieces meet smoothly: the threshold is no kink."""

    def one(a: Scalar, t: Scalar) -> Scalar:
        d = a - t
        g.joint("huber_loss", d, delta)
        if abs(g.numbers.approximate(d.value)) < delta:
            return g.scalar(0.5) * d * d
        return delta * (absolute(g, d) - g.scalar(0.5) * delta)

    return _reduced(g, g.map(one, x, target), reduction)


def _weighted(g: G, losses: Array, weight: Array | None) -> Array:
    return losses if weight is None else g.map(lambda a, w: a * w, losses, weight)


@rule("binary_cross_entropy")
def _bce(g: G, x: Array, target: Array, weight: Array | None = None, reduction: int = MEAN) -> Array:
    """−t log x − (1 − t) log(1 − x), each logarithm no less than −100. Its derivative is (x − t) / (x (1 − x)) as torch has it."""

    def one(a: Scalar, t: Scalar) -> Scalar:
        yes, no = _bounded_log(g, a), _bounded_log(g, 1 - a)
        value = (Scalar(g, t.value) - 1) * Scalar(g, no.value) - Scalar(g, t.value) * Scalar(g, yes.value)
        x, y = Scalar(g, a.value), Scalar(g, t.value)
        slope = (x - y) / ((1 - x) * x)
        return g.node(value.value, [(a, slope.value), (t, (Scalar(g, no.value) - Scalar(g, yes.value)).value)])

    return _reduced(g, _weighted(g, g.map(one, x, target), weight), reduction)


def _bounded_log(g: G, x: Scalar) -> Scalar:
    value = g.function("log", Scalar(g, x.value))
    low = g.scalar(-100)
    return low if g.numbers.sign(x.value) == 0 or g.numbers.sign((value - low).value) == -1 else value


@rule("binary_cross_entropy_with_logits")
def _bce_logits(
    g: G, x: Array, target: Array, weight: Array | None = None, pos_weight: Array | None = None, reduction: int = MEAN
) -> Array:  # fmt: skip
    """(1 − t) x + (1 + (p − 1) t) log(1 + exp(−x)). Its derivative by x is (1 + (p − 1) t) σ(x) − p t, as torch computes it."""

    def one(a: Scalar, t: Scalar, p: Scalar) -> Scalar:
        x, y, by = (Scalar(g, v.value) for v in (a, t, p))
        large = g.numbers.approximate(a.value) >= 0
        soft = g.function("log1p", g.function("exp", -x if large else x))
        soft = soft if large else soft - x  # two ways to write log(1 + exp(−x))
        factor = 1 + (by - 1) * y
        value = (1 - y) * x + factor * soft
        slopes = [(a, (factor * g.function("sigmoid", x)).value), (a, (-(by * y)).value)]  # forward mode adds them up by itself
        by_target = -x if p is g.one else by * soft - (soft + x)
        return g.node(value.value, [*slopes, (t, by_target.value), (p, (y * soft).value)])

    losses = g.map(one, x, target, g.one if pos_weight is None else pos_weight)
    return _reduced(g, _weighted(g, losses, weight), reduction)


@rule("nll_loss_forward", "nll_loss2d_forward")
def _nll(g: G, x: Array, target: Array, weight: Array | None, reduction: int, ignore_index: int) -> tuple[Array, Array]:
    """−w[t] x[t] for the target class t of every row; the mean is over the weights. Rows whose target is `ignore_index` count nothing."""
    classes_last = x if x.ndim == 1 else np.moveaxis(x, 1, -1)
    losses, weights = np.empty(target.shape, object), np.empty(target.shape, object)
    for index in np.ndindex(target.shape):
        t = int(target[index])
        weights[index] = g.zero if t == ignore_index else g.one if weight is None else weight[t]
        losses[index] = g.zero if t == ignore_index else -classes_last[(*index, t)] * weights[index]
    total = reduce(g, g.add, weights)
    if reduction == NONE:
        return losses, total
    loss = reduce(g, g.add, losses)
    return (g.map(lambda a, b: a / b, loss, total) if reduction == MEAN else loss), total


@rule("multilabel_margin_loss_forward")
def _multilabel_margin(g: G, x: Array, target: Array, reduction: int) -> tuple[Array, None]:
    """Σ max(0, 1 − (x[t] − x[i])) / n over the targets t of a row, which end at the first −1, and over all other classes i."""
    outer, classes = x.shape[:-1], x.shape[-1] if x.ndim else 1
    rows, labels = x.reshape(-1, classes), target.reshape(-1, classes)
    losses = np.empty(len(rows), object)
    for k, (row, label) in enumerate(zip(rows, labels, strict=True)):
        ends = np.flatnonzero(label < 0)
        targets = label[: ends[0]].tolist() if len(ends) else label.tolist()
        others = [i for i in range(len(row)) if i not in targets]
        gaps = np.array([1 - row[t] + row[i] for t in targets for i in others], object)
        losses[k] = g.add(list(g.map(lambda gap: g.branch("margin", gap, lambda: gap, lambda: g.zero), gaps))) / g.scalar(len(row))
    return _reduced(g, losses.reshape(outer), reduction), None


@rule("_ctc_loss")
def _ctc(
    g: G, log_probs: Array, targets: Array, input_lengths: Any, target_lengths: Any, blank: int = 0, zero_infinity: bool = False
) -> tuple[Array, None]:
    """−log of the probability that a path through the classes, blanks and repetitions left out, spells the target (Graves et al. 2006).

    It is the derivative of that number by every log-probability. torch's own adds exp(log p) to it, which a log-softmax before it removes.
    """
    starts = np.cumsum([0, *target_lengths]) if targets.ndim == 1 else None
    losses = np.empty(log_probs.shape[1], object)
    for n, (steps, length) in enumerate(zip(input_lengths, target_lengths, strict=True)):
        labels = targets[n, :length] if starts is None else targets[starts[n] : starts[n] + length]
        losses[n] = _spelled(g, log_probs[:steps, n], labels.tolist(), blank)
    return losses, None


def _spelled(g: G, rows: Array, labels: list[int], blank: int) -> Scalar:
    """The forward recursion over the target with a blank around every label; None where a state cannot be reached."""
    states = [blank, *itertools.chain.from_iterable((label, blank) for label in labels)]
    reached: list[Scalar | None] = [rows[0, label] if s < 2 else None for s, label in enumerate(states)]
    for row in rows[1:]:
        after: list[Scalar | None] = []
        for s, label in enumerate(states):
            skips = s >= 2 and label not in (blank, states[s - 2])
            total = _log_sum(g, reached[max(s - 2 if skips else s - 1, 0) : s + 1])
            after.append(None if total is None else total + row[label])
        reached = after
    total = _log_sum(g, reached[-2:])
    return g.scalar(math.inf) if total is None else -total


def _log_sum(g: G, items: list[Scalar | None]) -> Scalar | None:
    found = [x for x in items if x is not None]
    return logarithm_of_sum(g, found)[0] if len(found) > 1 else found[0] if found else None
