"""Which of torch's kernels run while a function is recorded and replayed.

Comes in: nothing.  Goes out: a `with` block.  Why: what a tape says must be what a replay repeats, to the last bit: where a value is all
rounding, since everything else cancels, another kernel gives another value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Without oneDNN's whole layers (float32 only) and fused attention (float32 inside), which no other reading could repeat exactly."""
    mkldnn, flash = torch._C._get_mkldnn_enabled(), torch._C._get_flash_sdp_enabled()
    torch._C._set_mkldnn_enabled(False)
    torch._C._set_sdp_use_flash(False)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(mkldnn)
        torch._C._set_sdp_use_flash(flash)
