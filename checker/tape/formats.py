"""The floating-point formats that are checked.

Comes in: nothing.  Goes out: `FORMATS` by dtype name.  Why: what rounding may do, and how far two numbers are apart in units in the last
place, must be told from one table (IEEE 754-2019, section 3.6; bfloat16 has float32's exponents).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A floating-point format: bits of the significand, and the exponents of its smallest normal number and of its overflow threshold."""

    bits: int
    normal: int
    overflow: int

    @property
    def unit(self) -> float:
        """The unit roundoff: half the distance from 1 to the next number."""
        return 2.0**-self.bits

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next number."""
        return 2.0 * self.unit

    @property
    def tiny(self) -> float:
        """The smallest positive number: what underflow may cost."""
        return 2.0 ** (self.normal - self.bits + 1)

    @property
    def largest(self) -> int:
        """The largest finite number."""
        return (1 << self.overflow) - (1 << self.overflow - self.bits)


FORMATS = {
    "float64": Format(53, -1022, 1024),
    "float32": Format(24, -126, 128),
    "float16": Format(11, -14, 16),
    "bfloat16": Format(8, -126, 128),
}
