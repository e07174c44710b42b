"""Python files as text.

Comes in: bytes.  Goes out: a `Program`.  Why: students save in every encoding; what Python would not read is said in a sentence. The text
is decoded and nothing else: Python's own parser is for the sandbox.
"""

from __future__ import annotations

import codecs
import re

from checker.grading.reading.files import Unreadable
from checker.sandbox.values import Part, Program

SOURCE = 2**20  #: bytes of a Python file

#: Encodings that a coding line (PEP 263) may name. Python knows stranger ones, some of which take quadratic time.
ENCODINGS = frozenset(
    codecs.lookup(name).name
    for name in (
        *("utf-8", "utf-8-sig", "ascii", "latin-1", "cp1252", "gb2312", "gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"),
        *(f"iso8859-{n}" for n in (2, 5, 7, 9, 15)),
        *(f"cp{n}" for n in (437, 850, 932, 936, 949, 950, 1250, 1251, 1253, 1254)),
        "koi8-r",
    )
)
_CODING = re.compile(rb"[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]{1,40})")
_BLANK = re.compile(rb"[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n)")


def program(name: str, data: bytes) -> Program:
    """The file as a program of one part.

    Raises:
        Unreadable: it is empty, or no text.
    """
    return Program(name=name, parts=(Part(label=name, source=text(data, _encoding(data))),))


def text(data: bytes, encoding: str = "utf-8") -> str:
    """The text that `data` holds, without a byte order mark.

    Raises:
        Unreadable: there is none, or it is in another encoding; with the place.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable("is in UTF-16: save it as UTF-8.")
    nul = data.find(b"\0")
    if nul >= 0:
        raise Unreadable(f"has a NUL byte, at byte {nul + 1}: it is not a text file.")
    try:
        decoded = data.removeprefix(codecs.BOM_UTF8).decode(encoding)
    except UnicodeDecodeError as error:
        place = error.start + 1 + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
        shown = "UTF-8" if encoding == "utf-8" else f"{encoding}, which its first lines say it is,"
        raise Unreadable(f"is not {shown} at byte {place}: save it as UTF-8.") from None
    if not decoded.strip():
        raise Unreadable("is empty.")
    return decoded


def _encoding(data: bytes) -> str:
    """What the first or second line says, else UTF-8."""
    data = data.removeprefix(codecs.BOM_UTF8)
    blank = _BLANK.match(data)
    line = _CODING.match(data) or (_CODING.match(data, blank.end()) if blank else None)
    if line is None:
        return "utf-8"
    said = line[1].decode("ascii")
    try:
        encoding = codecs.lookup(said).name
    except (LookupError, ValueError):
        encoding = ""
    if encoding not in ENCODINGS:
        raise Unreadable(f"says that its encoding is {said}, which is not read: save it as UTF-8, without that line.")
    return "utf-8" if encoding == "utf-8-sig" else encoding
