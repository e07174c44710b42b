"""Record files: the record as JSON, written and read.

Comes in: a document, or bytes.  Goes out: the other.  Why: a file is there whole or not at all, and one that is no record, or of another
schema, is refused in a sentence.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from checker.errors import UsageError
from checker.record import SCHEMA, Document


def encode(document: Document) -> bytes:
    """The record file's bytes: JSON on one line."""
    return msgspec.json.encode(document)


def decode(data: bytes, *, name: str = "record") -> Document:
    """Read a record file.

    Raises:
        UsageError: the bytes are not a record, or one of another schema.
    """
    try:
        schema = msgspec.json.decode(data, type=dict[str, Any]).get("schema")
    except msgspec.DecodeError as error:
        raise UsageError(f"{name} is not a record file: {error}. Make one with `checker check --record FILE`.") from None
    if schema != SCHEMA:
        raise UsageError(f"{name} has schema {schema!r}; this version reads {SCHEMA!r}. Check again to make a new record.")
    try:
        return msgspec.json.decode(data, type=Document)
    except msgspec.ValidationError as error:
        raise UsageError(f"{name} is not a valid record: {error}.") from None


def read(path: Path) -> Document:
    """Read the record file at `path`.

    Raises:
        UsageError: it cannot be read, or is not a record.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    return decode(data, name=str(path))


def write(path: Path, document: Document) -> None:
    """Write the record file at `path`: whole, or not at all. A link stays a link, and a device or pipe (`/dev/stdout`) is written to.

    Raises:
        UsageError: it cannot be written.
    """
    data, special = encode(document), path.exists() and not path.is_file()
    target = path.resolve()
    temporary = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        if special:
            path.write_bytes(data)
        else:
            temporary.write_bytes(data)
            temporary.replace(target)
    except OSError as error:
        raise UsageError(f"the record cannot be written to {path}: {error.strerror}. Give another file with --record.") from None
    finally:
        temporary.unlink(missing_ok=True)
