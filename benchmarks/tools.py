"""Gradient checkers, ours and others, behind one question: is this derivative right?

Comes in: a function of `planted.py`.  Goes out: yes or no.  Why: each tool is asked with the settings it comes with, as its own manual
calls it. Those that only return numbers are given NumPy's `allclose` with its own tolerances, which is what their users write.
"""

from __future__ import annotations

import os
import sys
import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

# before JAX is loaded: float64, and as many threads as the others have
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import numpy as np
import torch
import torch.autograd.gradcheck
from planted import Array, Dtype, Perceptron, Wave

import checker
from checker.values import Mode, Settings, Verdict

Function = Wave | Perceptron

# Fast mode that fails goes through slow mode to explain itself, which takes minutes: only its answer counts here.
sys.modules["torch.autograd.gradcheck"]._run_slow_mode_and_get_error = lambda *given: ""  # type: ignore[attr-defined]

#: How far ‖difference‖ may be of ‖gradient‖ where a tool returns nothing else: some √ε of a forward difference.
NORMWISE = 1e-6


class Tool(Protocol):
    """A gradient checker. `most` is the number of inputs beyond which one call takes minutes or more memory than there is."""

    @property
    def name(self) -> str: ...
    @property
    def most(self) -> int: ...
    @property
    def dtypes(self) -> tuple[Dtype, ...]: ...

    def accepts(self, function: Function) -> bool:
        """Whether the tool calls the derivative right."""


@dataclass(frozen=True)
class Ours:
    """`checker.check` of reverse mode, in one mode."""

    mode: Mode
    most: int
    dtypes: tuple[Dtype, ...] = ("float64", "float32")

    @property
    def name(self) -> str:
        return f"checker, {self.mode}"

    def accepts(self, function: Function) -> bool:
        return self.record(function).verdict in (Verdict.AGREES, Verdict.SUBGRADIENT)

    def record(self, function: Function) -> checker.Record:
        """What `checker.check` finds."""
        f, x = function.torch()
        return checker.check(f, x, settings=Settings(methods=("reverse",), mode=self.mode))


@dataclass(frozen=True)
class Gradcheck:
    """`torch.autograd.gradcheck`, slow or fast."""

    fast: bool
    most: int
    dtypes: tuple[Dtype, ...] = ("float64", "float32")

    @property
    def name(self) -> str:
        return f"gradcheck, {'fast' if self.fast else 'slow'} mode"

    def accepts(self, function: Function) -> bool:
        f, x = function.torch()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of float32
            return torch.autograd.gradcheck(f, x.requires_grad_(), fast_mode=self.fast, raise_exception=False)


@dataclass(frozen=True)
class CheckGrads:
    """`jax.test_util.check_grads` of reverse mode."""

    name = "jax check_grads"
    most: int = 10**6
    dtypes: tuple[Dtype, ...] = ("float64", "float32")

    def accepts(self, function: Function) -> bool:
        from jax.test_util import check_grads

        assert isinstance(function, Wave)
        f, x = function.jax()
        try:
            check_grads(f, (x,), order=1, modes=("rev",))
        except AssertionError:
            return False
        return True


@dataclass(frozen=True)
class Numdifftools:
    """`numdifftools.Jacobian` beside the derivative under test."""

    name = "numdifftools"
    most: int = 1024
    dtypes: tuple[Dtype, ...] = ("float64",)

    def accepts(self, function: Function) -> bool:
        import numdifftools

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _close(function, numdifftools.Jacobian(function.value)(function.x))


@dataclass(frozen=True)
class Differentiate:
    """`scipy.differentiate.jacobian` beside the derivative under test."""

    name = "scipy.differentiate"
    most: int = 1024
    dtypes: tuple[Dtype, ...] = ("float64", "float32")

    def accepts(self, function: Function) -> bool:
        from scipy.differentiate import jacobian

        dtype = function.dtype if isinstance(function, Wave) else "float64"
        with np.errstate(all="ignore"):
            return _close(function, jacobian(function.value, function.x.astype(dtype)).df)


@dataclass(frozen=True)
class CheckGrad:
    """`scipy.optimize.check_grad`, along every entry or along one random direction, of a sum."""

    random: bool
    most: int
    dtypes: tuple[Dtype, ...] = ("float64",)

    @property
    def name(self) -> str:
        return f"scipy check_grad, {'random' if self.random else 'all'}"

    def accepts(self, function: Function) -> bool:
        from scipy.optimize import check_grad

        assert isinstance(function, Wave)
        off = check_grad(function.value, function.slope, function.x, direction="random" if self.random else "all")
        return bool(off <= NORMWISE * np.linalg.norm(function.slope(function.x)))


def _close(function: Function, found: Array) -> bool:
    """Whether a numerical Jacobian is that of the function, as `numpy.allclose` has it."""
    if isinstance(function, Perceptron):
        return bool(np.allclose(function.jacobian(function.x), found))
    slope = function.slope(function.x.copy())
    return bool(np.allclose(np.atleast_2d(slope) if function.summed else np.diag(slope), found))


JACOBIAN, PROJECTION = Ours(Mode.JACOBIAN, most=4096), Ours(Mode.PROJECTION, most=10**6)
SLOW, FAST = Gradcheck(fast=False, most=4096), Gradcheck(fast=True, most=10**6)
ALL, RANDOM = CheckGrad(random=False, most=1024), CheckGrad(random=True, most=10**6)
#: Distributions that a tool needs beside checker and torch.
PEERS = ("jax", "numdifftools")
ABSENT = tuple(name for name in PEERS if find_spec(name) is None)


def _there(*tools: Tool) -> tuple[Tool, ...]:
    needed = {"jax check_grads": "jax", "numdifftools": "numdifftools"}
    return tuple(tool for tool in tools if needed.get(tool.name) not in ABSENT)


#: Tools that judge a whole Jacobian, tools that judge the gradient of a sum: those that are installed.
OF_JACOBIANS = _there(JACOBIAN, SLOW, Numdifftools(), Differentiate())
OF_SUMS = _there(PROJECTION, FAST, CheckGrads(), RANDOM, ALL)
