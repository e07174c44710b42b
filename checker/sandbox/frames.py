"""How bytes cross the border: frames of a known length, and in them numbers, texts and arrays.

Comes in: values, or bytes that nobody trusts.  Goes out: bytes, or values.  Why: nothing that a child sends may cost the host more than a
known amount of memory and time, so there is no pickle, no JSON and no nesting: every length stands before what it measures and is
compared with a bound before anything is made of it.

A frame is a type (1 byte), a sequence number (4 bytes), the length of its payload (8 bytes) and the payload, all little-endian. An array
is the code of its dtype (1 byte), the number of its dimensions (1 byte), each dimension (8 bytes) and its entries in row-major order.
"""

from __future__ import annotations

import enum
import math
import struct
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

HEADER = struct.Struct("<BIQ")
DIMENSIONS = 8  #: at most so many
EMPTY = 1 << 20  #: bytes that an empty array may have where each dimension counts as at least 1
TEXT = 1 << 24  #: bytes of the longest text that the host sends

_DTYPES: dict[int, np.dtype[Any]] = {1: np.dtype("<f8"), 2: np.dtype("<f4"), 3: np.dtype("<i8"), 4: np.dtype("|b1")}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}


class Type(enum.IntEnum):
    """What a frame is. The host sends LOAD and CALL, one at a time; a child answers each with one frame of the same sequence number."""

    READY = 1  #: unasked, once: every layer is up
    FAILED = 2  #: in place of READY: a layer could not be put up, and why
    LOAD = 3
    LOADED = 4
    CALL = 5
    RESULT = 6
    TROUBLE = 7


class Malformed(Exception):
    """Bytes that are not what they should be. The words are ours, never the sender's."""


class Writer:
    """Collects a payload."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def number(self, value: int) -> None:
        """A count, a line or a code: 0 to 2³² − 1."""
        self._pieces.append(struct.pack("<I", value))

    def text(self, value: str) -> None:
        """A text as UTF-8. What UTF-8 cannot say (half a surrogate pair) becomes a question mark."""
        data = value.encode("utf-8", "replace")
        self.number(len(data))
        self._pieces.append(data)

    def array(self, value: Array) -> None:
        """An array of float64, float32, int64 or bool.

        Raises:
            Malformed: another dtype, or more than eight dimensions.
        """
        code = _CODES.get(value.dtype.newbyteorder("<"))
        if code is None:
            raise Malformed(f"an array of {value.dtype} cannot be sent")
        if value.ndim > DIMENSIONS:
            raise Malformed(f"an array of {value.ndim} dimensions cannot be sent, {DIMENSIONS} is the most")
        little = np.ascontiguousarray(value, dtype=_DTYPES[code])
        self._pieces += [struct.pack(f"<BB{value.ndim}Q", code, value.ndim, *value.shape), little.tobytes()]

    def payload(self) -> bytes:
        """All that was written."""
        return b"".join(self._pieces)


class Reader:
    """Takes a payload apart, from its first byte to its last. Every method raises `Malformed` where the bytes are not what is asked for."""

    def __init__(self, payload: bytes) -> None:
        self._payload, self._place = payload, 0

    def number(self, most: int = 0xFFFF_FFFF) -> int:
        """A number of at most `most`."""
        (value,) = struct.unpack("<I", self._take(4))
        if value > most:
            raise Malformed(f"{value} where at most {most} is possible")
        return int(value)

    def text(self, most: int = TEXT) -> str:
        """A text of at most `most` bytes. What is not UTF-8 in it becomes U+FFFD."""
        return self._take(self.number(most)).decode("utf-8", "replace")

    def array(self) -> Array:
        """An array of its own, aligned and writable."""
        code, dimensions = self._take(2)
        dtype = _DTYPES.get(code)
        if dtype is None or dimensions > DIMENSIONS:
            raise Malformed(f"dtype {code} with {dimensions} dimensions")
        shape = struct.unpack(f"<{dimensions}Q", self._take(8 * dimensions))
        # each dimension counts as at least 1, so that no empty array has a dimension beyond what memory could hold
        if math.prod(max(size, 1) for size in shape) * dtype.itemsize > max(len(self._payload), EMPTY):
            raise Malformed("a shape larger than what was sent")
        data = self._take(math.prod(shape) * dtype.itemsize)
        if dtype.kind == "b":
            dtype, data = np.dtype(bool), (np.frombuffer(data, np.uint8) != 0).tobytes()  # a byte of a bool is 0 or 1, or NumPy is lost
        return np.array(np.frombuffer(data, dtype).reshape(shape), dtype.newbyteorder("="))

    def end(self) -> None:
        """Nothing may follow."""
        if self._place != len(self._payload):
            raise Malformed(f"{len(self._payload) - self._place} bytes too many")

    def _take(self, count: int) -> bytes:
        piece = self._payload[self._place : self._place + count]
        if len(piece) != count:
            raise Malformed(f"{count} bytes announced, {len(piece)} came")
        self._place += count
        return piece


def frame(kind: Type, sequence: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return HEADER.pack(kind, sequence, len(payload)) + payload
