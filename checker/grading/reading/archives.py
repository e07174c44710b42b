"""Zips from people nobody vouches for.

Comes in: an open file.  Goes out: `Entry` values, as of a folder.  Why: a zip can name files outside of itself, hold links, say one size
and have another, and unfold without end. Nothing is written to disk; each file is unpacked in memory, up to a limit, when it is read.
"""

from __future__ import annotations

import re
import stat
import struct
import zlib
from functools import partial
from itertools import islice
from mmap import ACCESS_READ, mmap
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from checker.grading.reading.files import DEPTH, ENTRIES, Entry, Unreadable, canonical, litter, too_large

ZIP = 32 * 2**20  #: bytes of a student's zip
CLASS_ENTRIES = 500_000  #: entries of the zip of a class, those of zips inside it included
NAME = 1_000  #: characters of a name, folders included
RATIO = 200  #: how many times its packed size a file may have; text seldom reaches 20
SMALL = 2**20  #: bytes below which the ratio does not matter

#: What Python's reader raises at a damaged zip.
_DAMAGED = (
    BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
_ENCRYPTED = 0x1 | 0x40
_UTF8 = 0x800


def entries(file: IO[bytes], most: int = ENTRIES) -> list[Entry]:
    """The files of a zip, in its order. They can be read as long as `file` is open.

    Raises:
        Unreadable: it is no zip, is damaged, or has more than `most` entries.
    """
    if _entries(file, most) > most:
        raise Unreadable(f"holds more than {most:,} files.")
    try:
        archive = ZipFile(file)
    except _DAMAGED:
        raise Unreadable("cannot be read as a zip.") from None
    found: list[Entry] = []
    seen: set[str] = set()
    overlapping = _overlapping(archive.infolist())
    for info in archive.infolist():
        name = _name(info)
        if name.endswith("/") or litter(name.split("/")):
            continue
        if info.header_offset in overlapping:
            problem = "shares its bytes with another file of the zip, and was not read."
        elif name in seen:
            problem = "is in the zip twice; the first was read."
        else:
            problem = _problem(info, name)
        seen.add(name)
        found.append(Entry(_path(name), partial(_read, archive, info), problem))
    return found


def _entries(file: IO[bytes], most: int) -> int:
    """At least how many entries the zip's directory has, counted to just above `most`: each begins with the same four bytes. Python's
    reader makes an object of each before anyone can stop it."""
    data: mmap | bytes
    try:
        data = mmap(file.fileno(), 0, access=ACCESS_READ)
    except (OSError, ValueError):  # it is in memory, or empty
        data = file.read()
        file.seek(0)
    return sum(1 for _ in islice(re.finditer(rb"PK\x01\x02", data), most + 1))


def _name(info: ZipInfo) -> str:
    """An entry's name. Where the zip does not say that it is UTF-8, it may be nevertheless, or GBK as Chinese Windows writes it."""
    name = info.orig_filename
    if info.flag_bits & _UTF8 or name.isascii():
        return name
    data = name.encode("cp437")
    for encoding in ("utf-8", "gbk"):
        try:
            guess = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or _chinese(guess):
            return guess
    return name


def _chinese(text: str) -> bool:
    """Whether some character beyond ASCII is common in Chinese: by chance, accented letters of other encodings give rare ones."""
    return any(not c.isascii() and c.encode("gb2312", "ignore") and c.isalpha() for c in text)


def _path(name: str) -> tuple[str, ...]:
    """The name as folders and file, or as one piece where it does not begin in a folder of the zip."""
    parts = [part for part in name[:NAME].split("/") if part not in ("", ".")]
    if name.startswith("/") or parts[:1] in ([], [".."]):
        return (canonical(name[:NAME]),)
    return tuple(map(canonical, parts))


def _problem(info: ZipInfo, name: str) -> str:
    """Why an entry is refused, or nothing."""
    parts = name.split("/")
    if len(name) > NAME:
        return f"has a name of more than {NAME:,} characters, and was not read."
    if any(ord(c) < 32 or ord(c) == 127 for c in name):
        return "has a control character in its name, and was not read: give it another name."
    if ".." in parts or "\\" in name or name.startswith("/") or re.match(r"[A-Za-z]:", name):
        return "has a name that leads out of the zip, and was not read: pack the zip again."
    if len(parts) > DEPTH:
        return f"lies more than {DEPTH} folders deep, and was not read."
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "is a link, which is not followed: hand in the file itself."
    if kind not in (0, stat.S_IFREG):
        return "is neither a file nor a folder, and was not read."
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted, and cannot be read: pack the zip without a password."
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        return "is packed in an unusual way, and was not read: pack an ordinary zip."
    return ""


def _overlapping(infos: list[ZipInfo]) -> set[int]:
    """Where files begin that lie within another file's bytes: how a small zip unfolds into very much."""
    found: set[int] = set()
    end = 0
    for info in sorted(infos, key=lambda i: i.header_offset):
        if info.header_offset < end:
            found.add(info.header_offset)
        end = max(end, info.header_offset + 30 + info.compress_size)  # a local header has 30 bytes or more
    return found


def _read(archive: ZipFile, info: ZipInfo, limit: int) -> bytes:
    """Unpack one file. Python's reader stops at the size that the entry says, and checks the sum of the bytes."""
    if info.file_size > limit:
        raise too_large(limit)
    if info.file_size > max(SMALL, RATIO * info.compress_size):
        raise Unreadable(f"unfolds to more than {RATIO} times its size in the zip, and was not read.")
    try:
        with archive.open(info) as file:
            return file.read(limit)
    except _DAMAGED:
        raise Unreadable("is damaged in the zip: pack it again.") from None
