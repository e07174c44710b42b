"""Random draws that can be had again.

Comes in: a seed.  Goes out: a context in which torch draws from it.  Why: a function is called many times at one point, and every call must
see the same draws.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[Callable[[], bool]]:
    """Run with the CPU's generator seeded, and leave its state as it was. What is given tells whether anything was drawn since.

    Other devices are left alone: `torch.manual_seed` would note a traceback for each that is not initialised, which costs more than
    the function.
    """
    generator = torch.default_generator
    state = generator.get_state()
    generator.manual_seed(seed)
    try:
        yield lambda: not torch.equal(generator.get_state(), torch.Generator().manual_seed(seed).get_state())
    finally:
        generator.set_state(state)
