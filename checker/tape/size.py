"""How large a tape is.

Comes in: a tape.  Goes out: about how many scalar operations it stands for.  Why: readings that go through every scalar, in balls or
symbols, must know beforehand what they would cost.
"""

from __future__ import annotations

import math

from checker.tape.tape import Tape

_PRODUCTS = frozenset({"mm", "bmm", "addmm", "baddbmm", "convolution"})
_ELIMINATIONS = frozenset(
    {"_linalg_det", "_linalg_slogdet", "_linalg_solve_ex", "_linalg_svd", "_linalg_eigh", "linalg_inv_ex", "linalg_cholesky_ex"}
    | {"linalg_solve_triangular", "triangular_solve", "cholesky_solve"}
)
_RUNNING = frozenset({"cumsum", "cumprod"})
#: Balls cost about 10 µs a scalar operation: beyond this many they are not used, and differences are the reference.
ENCLOSED = 50_000


def scalar_operations(tape: Tape) -> int:
    """About how many scalar operations a tape stands for: the larger of operands and results; m·k·n for a product of matrices; a side
    times the entries for eliminations and running sums."""
    total = 0
    for node in tape.nodes:
        if node.depends:
            operands = [math.prod(tape.meta[ref.slot].shape) for ref in tape.refs(node)]
            results = [math.prod(tape.meta[slot].shape) for slot in node.outputs if slot is not None]
            total += max([*operands, *results], default=0)
            if node.base in _PRODUCTS:
                total += round(math.sqrt(results[0] * math.prod(sorted(operands)[-2:])))  # √(mn · mk · kn) = mkn
            elif node.base in _ELIMINATIONS:
                total += max(operands) * tape.meta[next(tape.refs(node)).slot].shape[-2]
            elif node.base in _RUNNING:
                total += operands[0] * max(tape.meta[next(tape.refs(node)).slot].shape, default=1)
    return total
