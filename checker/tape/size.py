"""How large a tape is.

Comes in: a tape.  Goes out: about how many scalar operations it stands for, and how many bytes.  Why: readings that go through every
scalar, in balls or symbols, and replays of many points must know beforehand what they would cost.
"""

from __future__ import annotations

import math

from checker.tape.tape import Tape

_PRODUCTS = frozenset({"mm", "bmm", "addmm", "baddbmm", "convolution"})
_ELIMINATIONS = frozenset(
    {"_linalg_det", "_linalg_slogdet", "_linalg_solve_ex", "linalg_inv_ex", "linalg_cholesky_ex", "cholesky", "cholesky_inverse"}
    | {"linalg_solve_triangular", "triangular_solve", "cholesky_solve", "linalg_lu", "linalg_lu_factor_ex", "linalg_lu_solve"}
    | {"linalg_householder_product", "ormqr"}
)
_IMPLICIT = frozenset({"_linalg_svd", "_linalg_eigh", "linalg_eig", "linalg_qr", "linalg_pinv", "linalg_lstsq"})
_SERIES = {"linalg_matrix_exp": 24}  #: products of matrices that one takes
_RUNNING = frozenset({"cumsum", "cumprod"})
_TRANSFORMS = frozenset({"_fft_c2c", "_fft_r2c", "_fft_c2r"})
#: Balls cost about 10 µs a scalar operation: beyond this many they are not used, and differences are the reference.
ENCLOSED = 50_000
#: What balls for a scalar operation take: its value and its adjoint, exact and widened.
BALL_BYTES = 800


def point_bytes(tape: Tape) -> int:
    """About how many bytes each point of a batch keeps alive: every slot that depends on it once, in float64."""
    slots = {slot for node in tape.nodes if node.depends for slot in node.outputs if slot is not None} | set(tape.inputs.values())
    return max(1, sum(8 * math.prod(tape.meta[slot].shape) for slot in slots))


def scalar_operations(tape: Tape) -> int:
    """About how many scalar operations a tape stands for: the larger of operands and results; m·k·n for a product of matrices; a side
    times the entries for eliminations and running sums; the entries times the results where each result has a derivative by every entry;
    the entries times the prime factors of its length for a Fourier transform. A complex operation is four real ones."""
    total = 0
    for node in tape.nodes:
        if node.depends:
            before = total
            touched = [tape.meta[slot] for slot in (*(ref.slot for ref in node.refs), *node.outputs) if slot is not None]
            operands = [math.prod(tape.meta[ref.slot].shape) for ref in node.refs]
            results = [math.prod(tape.meta[slot].shape) for slot in node.outputs if slot is not None]
            total += max([*operands, *results], default=0)
            if node.base in _PRODUCTS:
                total += round(math.sqrt(results[0] * math.prod(sorted(operands)[-2:])))  # √(mn · mk · kn) = mkn
            elif node.base in _ELIMINATIONS:
                total += max(operands) * tape.meta[node.refs[0].slot].shape[-2]
            elif node.base in _IMPLICIT:
                stack = math.prod(tape.meta[node.refs[0].slot].shape[:-2])
                total += operands[0] * max(operands[0], *results) // max(1, stack)
            elif node.base in _SERIES:
                total += _SERIES[node.base] * operands[0] * tape.meta[node.refs[0].slot].shape[-1]
            elif node.base in _RUNNING:
                total += operands[0] * max(tape.meta[node.refs[0].slot].shape, default=1)
            elif node.base in _TRANSFORMS:
                whole = max((meta.shape for meta in touched), key=math.prod)
                total += max(*operands, *results) * sum(_factors(whole[d]) for d in node.args[1])
            if any(meta.dtype.is_complex for meta in touched):
                total += 3 * (total - before)
    return total


def _factors(n: int) -> int:
    """The sum of the prime factors of n."""
    for p in range(2, math.isqrt(n) + 1):
        if n % p == 0:
            return p + _factors(n // p)
    return n if n > 1 else 0
