"""PyTorch's own automatic differentiation: what is under test.

Comes in: a case.  Goes out: its gradients by reverse mode (CPU, CUDA) and by forward mode.  Why: these are what a program really uses; the
other methods exist to judge them.
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np
import torch

from checker.draws import seeded
from checker.hooks import taken_off
from checker.methods.failures import NO_FORWARD, crashed, no_forward
from checker.methods.jacobian import Jacobian, along_entries, by_forward, by_reverse, floating
from checker.tape.customs import as_written, of_the_same_draws, without_forward_mode
from checker.tape.symmetry import PRESUMED_SYMMETRIC, presumed_symmetric
from checker.tape.tape import Tape
from checker.values import Array, Case, Derivation, Mode, Problem, Reference, Verdict


def to_array(tensor: torch.Tensor) -> Array:
    """A tensor as float64, exactly: every narrower float widens without loss."""
    result: Array = tensor.detach().to("cpu", torch.float64).numpy(force=True)  # forward mode may give a zero without memory
    return result


class Reverse:
    """Vector–Jacobian product by `torch.autograd.grad`, on the CPU, in the case's dtype."""

    name = "reverse"
    device = "cpu"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        return None

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        """Jᵀv for every differentiated argument. An argument that autograd does not reach has a zero gradient and is named in `details`."""
        start = time.perf_counter()
        try:
            with taken_off() if "hook" in case.exercise.cuts else nullcontext(), of_the_same_draws():
                if case.mode is Mode.JACOBIAN:
                    return _whole(by_reverse(case, self.device, tape), case, self.name, self.device, start)
                value, gradients = vjp(case, self.device)
        except Exception as error:  # the function under test may raise anything
            return Derivation(method=self.name, device=self.device, dtype=case.dtype, problem=crashed(error))
        unreached = [name for name, g in gradients.items() if g is None]
        arrays = {name: np.zeros(tuple(case.arguments[name].shape)) if g is None else to_array(g) for name, g in gradients.items()}
        problem = _misshapen(case, arrays)
        return Derivation(
            method=self.name,
            device=self.device,
            dtype=case.dtype,
            seconds=time.perf_counter() - start,
            value=tuple(to_array(v) for v in value if v.is_floating_point()),
            gradients=arrays,
            problem=problem,
            details={"unreached": unreached} if unreached else {},
        )


class Cuda(Reverse):
    """Reverse mode on the first CUDA device, with TF32 off."""

    name = "cuda"
    device = "cuda"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        reason = no_cuda()
        if reason:
            return Problem(verdict=Verdict.NOT_AVAILABLE, message=reason)
        if tape is not None and tape.stochastic:
            message = "CUDA draws other random numbers than the CPU, on which the tape was recorded"
            return Problem(verdict=Verdict.UNSUPPORTED, message=message)
        return None

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        with full_precision():
            return super().derive(case, tape, reference)


class Forward:
    """⟨v, J eᵢ⟩ for every entry i, by `torch.func.jvp`: forward mode, one direction an entry.

    Its `error` is what adding up the paths in this order, and not in reverse, may round differently.
    """

    name = "forward"

    def unsupported(self, case: Case, tape: Tape | None) -> Problem | None:
        if case.mode is Mode.PROJECTION:
            return Problem(verdict=Verdict.UNSUPPORTED, message="forward mode takes one pass an entry: compared along directions instead")
        padded = tape.padding() if tape is not None else None
        if padded is not None:
            message = "padding_idx stops the gradient of one row in reverse mode only"
            return Problem(verdict=Verdict.UNSUPPORTED, message=message, line=padded.line or None)
        presumed = presumed_symmetric(tape, case.arguments, case.seed) if tape is not None else None
        if presumed is not None and "cholesky" in presumed.base:
            return Problem(verdict=Verdict.UNSUPPORTED, message=f"{presumed.name} {PRESUMED_SYMMETRIC}", line=presumed.line or None)
        for custom in filter(without_forward_mode, tape.customs if tape is not None else ()):
            message = f"{custom.name} has no rule for forward mode, and torch takes its derivative for zero without a word"
            return Problem(verdict=Verdict.UNSUPPORTED, message=message, line=custom.line)
        for cut in tape.cuts if tape is not None else ():
            if cut.how == "no_grad":
                message = "torch.no_grad does not stop forward mode: its derivative is the uncut one"
                return Problem(verdict=Verdict.UNSUPPORTED, message=message, line=cut.line)
        return None

    def derive(self, case: Case, tape: Tape | None, reference: Reference | None) -> Derivation:
        start = time.perf_counter()
        try:
            with warnings.catch_warnings(), taken_off(), as_written():  # `torch.func` would stop the compiler for good
                warnings.simplefilter("ignore", DeprecationWarning)  # torch's own, when it loads its forward rules
                if case.mode is Mode.JACOBIAN:
                    return _whole(by_forward(case), case, self.name, "cpu", start, reference)
                value, gradients = _forward(case)
        except (NotImplementedError, AssertionError) as error:  # functorch asserts what it does not support
            return Derivation(method=self.name, dtype=case.dtype, problem=no_forward(error))
        except RuntimeError as error:
            missing = any(word in str(error) for word in NO_FORWARD)
            return Derivation(method=self.name, dtype=case.dtype, problem=no_forward(error) if missing else crashed(error))
        except Exception as error:
            return Derivation(method=self.name, dtype=case.dtype, problem=crashed(error))
        return Derivation(
            method=self.name,
            dtype=case.dtype,
            seconds=time.perf_counter() - start,
            value=tuple(to_array(v) for v in value),
            gradients=gradients,
            error=reference.other_order if reference is not None else {},
        )


def vjp(case: Case, device: str = "cpu") -> tuple[tuple[torch.Tensor, ...], dict[str, torch.Tensor | None]]:
    """Value and Jᵀv by reverse mode; None for an argument that no floating output reaches."""
    points, outputs, reached, vectors = _called(case, device)
    if not reached:
        return outputs, dict.fromkeys(case.differentiated)
    gradients: Sequence[torch.Tensor | None]
    try:
        gradients = torch.autograd.grad(reached, points, vectors, allow_unused=True)
    except RuntimeError as error:
        if "use_reentrant" not in str(error):
            raise
        # a reentrant checkpoint takes part in `backward` only; the graph is spent by now
        points, outputs, reached, vectors = _called(case, device)
        torch.autograd.backward(reached, vectors)
        gradients = [point.grad for point in points]
    return outputs, dict(zip(case.differentiated, gradients, strict=True))


def _called(case: Case, device: str) -> tuple[list[torch.Tensor], tuple[torch.Tensor, ...], list[torch.Tensor], list[torch.Tensor]]:
    """The points to differentiate at, all outputs, those of them that have a history, and a v for each of these."""
    leaves = {name: t.detach().to(device).clone() for name, t in case.arguments.items()}
    for name in case.differentiated:
        leaves[name].requires_grad_()
    with seeded(case.seed), torch.enable_grad():
        outputs = case.exercise.call(leaves)
    pairs = [(o, v) for o, v in zip(outputs, case.upstream, strict=True) if v is not None and o.requires_grad]
    vectors = [v.to(o.device, o.dtype, copy=True) for o, v in pairs]  # copies, for a custom backward may write into them
    return [leaves[name] for name in case.differentiated], outputs, [o for o, _ in pairs], vectors


@contextmanager
def full_precision() -> Iterator[None]:
    """No TF32 in matrix products or convolutions: its 10-bit mantissa would be taken for a wrong gradient."""
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


@functools.cache
def no_cuda() -> str:
    """Why CUDA cannot be used, or the empty string where it can."""
    if not torch.backends.cuda.is_built():  # type: ignore[no-untyped-call]
        return f"torch {torch.__version__} was built without CUDA"
    return "" if torch.cuda.is_available() else "no CUDA device was found"


def _forward(case: Case) -> tuple[tuple[torch.Tensor, ...], dict[str, Array]]:
    function, names = floating(case), case.differentiated
    upstream = [to_array(v).ravel() for v in case.upstream if v is not None]
    primals = tuple(case.arguments[name].detach().clone() for name in names)
    with seeded(case.seed):
        value = function(*primals)
    gradients: dict[str, Array] = {}
    for position, name in enumerate(names):
        total = np.zeros(primals[position].numel())
        for rows, moved in along_entries(function, primals, position, case.seed):
            for tangent, v in zip(moved, upstream, strict=True):
                total[rows] += to_array(tangent).reshape(len(tangent), -1) @ v
        gradients[name] = total.reshape(tuple(primals[position].shape))
    return value, gradients


def _whole(found: Jacobian, case: Case, method: str, device: str, start: float, reference: Reference | None = None) -> Derivation:
    details = {"unreached": found.unreached, "looped": found.looped}
    return Derivation(
        method=method,
        device=device,
        dtype=case.dtype,
        seconds=time.perf_counter() - start,
        value=tuple(to_array(v) for v in found.value),
        gradients=found.entries,
        error=reference.other_order if reference is not None else {},
        details={key: value for key, value in details.items() if value},
    )


def _misshapen(case: Case, gradients: Mapping[str, Array]) -> Problem | None:
    for name, gradient in gradients.items():
        wanted = tuple(case.arguments[name].shape)
        if gradient.shape != wanted:
            return Problem(verdict=Verdict.WRONG_SHAPE, message=f"gradient of {name} has shape {gradient.shape}, expected {wanted}")
    return None
