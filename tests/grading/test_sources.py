"""Python files as text: every encoding that Python takes, and a sentence for what it would not."""

from __future__ import annotations

import codecs
import io
import tokenize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.grading.reading.files import Unreadable
from checker.grading.reading.sources import program


def text(data: bytes) -> str:
    (part,) = program("a.py", data).parts
    return part.source


def said(data: bytes) -> str:
    with pytest.raises(Unreadable) as caught:
        program("a.py", data)
    return str(caught.value)


@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("coding", ["utf-8", "latin-1", "cp1252", "iso-8859-15"])
def test_coding_lines_are_obeyed(coding: str, line: int) -> None:
    source = "#!/usr/bin/python\n" * (line - 1) + f"# -*- coding: {coding} -*-\nname = 'é'\n"
    assert text(source.encode(coding)) == source


@pytest.mark.parametrize("coding", ["gbk", "gb18030", "big5", "shift_jis", "euc-kr"])
def test_eastern_encodings(coding: str) -> None:
    source = f"# vim: set fileencoding={coding} :\nname = '山'\n"
    assert text(source.encode(coding)) == source


def test_a_byte_order_mark_is_no_text() -> None:
    assert text(codecs.BOM_UTF8 + b"x = 1") == "x = 1"
    assert text(codecs.BOM_UTF8 + b"# coding: utf-8\nx = 1") == "# coding: utf-8\nx = 1"


def test_a_coding_line_counts_only_in_the_first_two_lines_and_after_nothing_but_comments() -> None:
    assert text(b"x = 1\n# coding: punycode") == "x = 1\n# coding: punycode"
    assert text(b"\n\n# coding: punycode") == "\n\n# coding: punycode"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty."),
        (b" \n\t\n", "is empty."),
        (codecs.BOM_UTF8, "is empty."),
        (b"x = 1\n# caf\xe9", "is not UTF-8 at byte 12: save it as UTF-8."),
        (codecs.BOM_UTF8 + b"\xe9", "is not UTF-8 at byte 4: save it as UTF-8."),
        (b"# coding: ascii\n\xe9", "is not ascii, which its first lines say it is, at byte 17: save it as UTF-8."),
        ("x = 1".encode("utf-16"), "is in UTF-16: save it as UTF-8."),
        (b"\xfe\xff\0x", "is in UTF-16: save it as UTF-8."),
        (b"x = 1\0", "has a NUL byte, at byte 6: it is not a text file."),
        (b"# coding: punycode\n", "says that its encoding is punycode, which is not read: save it as UTF-8, without that line."),
        (
            b"# coding: unicode_escape\n",
            "says that its encoding is unicode_escape, which is not read: save it as UTF-8, without that line.",
        ),
        (b"# coding: rot13\n", "says that its encoding is rot13, which is not read: save it as UTF-8, without that line."),
        (b"# coding: no-such\n", "says that its encoding is no-such, which is not read: save it as UTF-8, without that line."),
    ],
)
def test_everything_else_is_a_sentence(data: bytes, sentence: str) -> None:
    assert said(data) == sentence


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"# coding: latin-1\n", b"\n# coding: cp1252\n", codecs.BOM_UTF8]))
def test_what_is_read_is_what_python_reads(data: bytes, head: bytes) -> None:
    data = head + data
    try:
        read = text(data)
    except Unreadable:
        return
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    assert read == data.decode(encoding)
