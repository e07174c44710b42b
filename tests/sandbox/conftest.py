"""The boxes of `tests/boxes.py`."""

from boxes import boxes

__all__ = ["boxes"]
