"""What others wrote is shown as it is, and cannot mislead."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checker.report.foreign import NAME, line, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("陈景润 Gauß مریم", "陈景润 Gauß مریم"),
        ("نمی‌خواهم", "نمی‌خواهم"),  # a joiner that Persian spells with
        ("\x1b[31m", "\\x1b[31m"),
        ("a\x00b\r\x9b", "a\\x00b\\x0d\\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\u2028", "\\u2028"),
        ("x = 1\n\ty", "x = 1\n\ty"),
        ("e\u0301" + "\u0301" * 50, "e" + "\u0301" * 3),
    ],
)
def test_what_cannot_be_seen_is_made_visible(text, shown):
    assert visible(text) == shown


def test_long_text_is_cut_and_says_so():
    assert line("x" * 10_000) == "x" * NAME + "…"
    assert visible("x" * 9, 8) == "xxxxxxxx…"
    assert visible("x" * 8, 8) == "xxxxxxxx"


def test_a_name_is_one_line():
    assert line(" Ada\n\n\tLovelace ") == "Ada Lovelace"


@given(st.text(st.characters(), max_size=300))
def test_no_text_turns_a_line_around_or_controls_anything(text):
    shown = visible(text, 200)
    assert not {unicodedata.category(c) for c in shown} & {"Cs", "Co", "Zl", "Zp"}
    assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cf")} <= set("\n\t\u200c\u200d")
    shown.encode("utf-8")
