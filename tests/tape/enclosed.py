"""What the tests of operations ask: the truth of a function in balls, and how far from it autograd is, in allowed errors."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from checker.tape.balls import allowed, enclose
from checker.tape.record import record

DOUBLE = torch.float64


def matrix(rows):
    return torch.tensor(rows, dtype=DOUBLE)


def tensors(nested):
    return [t for t in tree_leaves(nested) if isinstance(t, torch.Tensor)]


def real(tensor):
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def certified(function, *arguments, upstream=None, found=("ok",)):
    """The enclosure of `function` and the allowed errors, as (name → truth), (name → width)."""
    named = {f"a{i}": a for i, a in enumerate(arguments)}
    tape = record(lambda given: tuple(tensors(function(*given.values()))), named)
    if upstream is None:
        generator = torch.Generator().manual_seed(3)
        ends = tensors(function(*(a.clone().requires_grad_() for a in arguments)))
        upstream = tuple(torch.randn(v.shape, dtype=DOUBLE, generator=generator) if v.requires_grad else None for v in ends)
    truth = enclose(tape, named, upstream, honoured=tape.honoured())
    assert {c.found for c in truth.path} <= set(found)
    widths, reaches = allowed(tape, named, upstream, truth, honoured=tape.honoured())
    return tape, upstream, truth, widths, reaches


def gradient(function, *arguments):
    """The exact gradient of a scalar function by its first argument."""
    _, _, truth, _, _ = certified(function, *arguments, upstream=(torch.ones((), dtype=DOUBLE),))
    return truth.gradient["a0"].high


def outside(function, *arguments, planted=0.0):
    """How far autograd and the values are from the truth, in allowed errors: the worst entry. And the median of the relative widths.

    `planted` is a relative mistake in the largest entry of each gradient.
    """
    tape, upstream, truth, widths, reaches = certified(function, *arguments)
    leaves = [a.clone().requires_grad_() for a in arguments]
    ends = [(o, u) for o, u in zip(tensors(function(*leaves)), upstream, strict=True) if u is not None]
    grads = torch.autograd.grad([o for o, _ in ends], leaves, [u for _, u in ends], materialize_grads=True)
    if planted:
        grads = [d * torch.where(d.abs() == d.abs().max(), 1 + planted, 1.0) for d in grads]
    seen = [(d, truth.gradient[f"a{i}"], widths[f"a{i}"]) for i, d in enumerate(grads)]
    seen += [(v, t, r) for v, t, r in zip(tape.values, truth.value, reaches, strict=True) if t is not None]
    shares, relative = [0.0], [0.0]
    for tensor, exact, width in seen:
        assert np.isfinite(exact.high).all()
        error = np.abs((tensor.detach().numpy() - exact.high) - exact.low)
        shares.append(float(np.max(error / np.maximum(width, 1e-300), initial=0)))
        relative += list(width[exact.high != 0] / np.abs(exact.high[exact.high != 0]))
    return max(shares), float(np.median(relative))
