"""What others wrote is shown as it is, and cannot mislead: by Unicode's own classes, and by those who have to hold it."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.inert import inert, inert_line

JOINERS = {"\u200c", "\u200d"}
characters = st.characters(exclude_categories=())
#: Any text, and texts dense in what is hard: marks, joiners, white space, controls, halves of characters.
texts = st.text(characters, max_size=200) | st.text(
    "ae正👩\u200c\u200d\ufe0f\u0301\u20dd \t\n\r\x85\u2028\u3000\x1b\u202e\ud800\ue000\\", max_size=60
)
limits = st.integers(1, 100)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada Lovelace",
        "x = 1\n\ty",
        r"C:\temp \x1b",
        "naïve Gauß Nguyễn",
        "Nguye\u0302\u0303n",
        "陈景润　作业，何静：“正确”",
        "مریم میرزاخانی",
        "نمی\u200cخواهم",  # Persian spells with a joiner
        "क\u094d\u200dष",  # and so does Hindi
        "👩🏽\u200d💻 ❤\ufe0f\u200d🔥 🇨🇭 1\ufe0f\u20e3",
        "∂L/∂x = −2",
    ],
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;http://x\x1b\\link", "\\x1b]8;;http://x\\x1b\\link"),
        ("a\x00b\rc\x7f\x9b", r"a\x00b\rc\x7f\x9b"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("\ufeffa\u200bb\xadc", r"\ufeffa\u200bb\xadc"),
        ("\ud800half", r"\ud800half"),
        ("\ue000\ufffe\uffff\U000e0041", r"\ue000\ufffe\uffff\U000e0041"),
        ("a\x85b\u2028c\u2029", r"a\x85b\u2028c\u2029"),
        ("one\r\ntwo", "one\ntwo"),
        ("e" + "\u0301" * 5, "e" + "\u0301" * 3 + r"\u0301\u0301"),
        ("\u0301a \u0301", r"\u0301a \u0301"),  # nothing bears them
        ("ann\u200d", r"ann\u200d"),  # two ids must not look the same
        ("👩\u200d\u200d", "👩\u200d" + r"\u200d"),
    ],
)
def test_what_cannot_be_seen_is_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [(" Ada\n\n\tLovelace ", "Ada Lovelace"), ("a\u2028b\x85c\r\nd\u3000e", "a b c d e"), ("a\x07b", r"a\x07b"), (" \n", "")],
)
def test_white_space_on_one_line_is_one_space(text: str, shown: str) -> None:
    assert inert_line(text) == shown


def test_long_text_is_cut_between_escapes_and_says_so() -> None:
    assert inert("x" * 9, 8) == "xxxxxxx…"
    assert inert("x" * 8, 8) == "xxxxxxxx"
    assert inert("ab\x1bcd", 5) == "ab…"
    assert inert("ab\x1b", 6) == r"ab\x1b"
    assert inert("\x1b", 1) == "…"
    assert inert_line(" " * 10_000 + "正" * 10_000, 10) == "正" * 9 + "…"


@given(texts)
def test_no_character_controls_or_hides_anything(text: str) -> None:
    shown = inert(text)
    for c in shown:
        assert unicodedata.category(c)[0] != "C" or c in JOINERS | {"\n", "\t"}
        assert unicodedata.category(c) not in ("Zl", "Zp")
    line = inert_line(text)
    assert all(c.isprintable() or c in JOINERS for c in line)
    assert line == " ".join(line.split())


@given(texts)
def test_marks_do_not_pile_up(text: str) -> None:
    piled = 0
    for c in inert(text):
        piled = piled + 1 if unicodedata.combining(c) or unicodedata.category(c) == "Me" else piled if c in JOINERS else 0
        # marks that Unicode gives a class but that take their own room on the line stand beside one another
        assert piled <= 3 or unicodedata.category(c) == "Mc"


@given(texts, st.none() | limits)
def test_inert_text_stays_as_it_is(text: str, limit: int | None) -> None:
    for made in (inert, inert_line):
        shown = made(text, limit)
        assert made(shown, limit) == shown
        assert made(shown) == shown


@given(texts, limits)
def test_a_limit_is_kept_and_what_fits_is_whole(text: str, limit: int) -> None:
    for made in (inert, inert_line):
        whole, cut = made(text), made(text, limit)
        assert len(cut) <= limit
        assert cut == whole if len(whole) <= limit else cut.endswith("…") and whole.startswith(cut[:-1])


@given(texts)
def test_every_format_holds_it(text: str) -> None:
    shown = inert(text)
    shown.encode()
    element = ElementTree.Element("told")
    element.text = shown
    assert (ElementTree.fromstring(ElementTree.tostring(element, "utf-8")).text or "") == shown
    assert json.loads(json.dumps(shown, ensure_ascii=False)) == shown
    line = inert_line(text)
    cells = io.StringIO()
    csv.writer(cells).writerow([line, "next"])
    assert list(csv.reader(io.StringIO(cells.getvalue()))) == [[line, "next"]]


@given(st.text(st.characters(categories=("L", "N", "P", "S")), max_size=100))
def test_letters_figures_and_signs_of_any_script_stay(text: str) -> None:
    assert inert(text) == inert_line(text) == text
