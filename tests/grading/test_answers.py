"""`answers.toml`: formulas by exercise and argument, and a sentence for everything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.grading.reading.answers import formulas
from checker.grading.reading.files import Unreadable


def said(text: str) -> str:
    with pytest.raises(Unreadable) as caught:
        formulas(text.encode())
    return str(caught.value)


def test_formulas_by_exercise_and_argument() -> None:
    text = """
    twice_dot = "4 * x"
    # a comment
    [weighted]
    x = "2 * w * x"
    w = "x²"
    [layer]
    linear.weight = "upstream"
    "linear.bias" = '''
    upstream'''
    """
    assert formulas(text.encode()) == {
        "twice_dot": {"": "4 * x"},
        "weighted": {"x": "2 * w * x", "w": "x²"},
        "layer": {"linear.weight": "upstream", "linear.bias": "    upstream"},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = 4", "says that a is a number: write the formula as text, in quotes."),
        ("a = 1.5", "says that a is a number: write the formula as text, in quotes."),
        ("a = true", "says that a is true or false: write the formula as text, in quotes."),
        ("a = 2026-01-01", "says that a is a date or time: write the formula as text, in quotes."),
        ("[a]\nx = ['1']", "says that a.x is a list: write the formula as text, in quotes."),
        ("[[a]]\nx = '1'", "says that a is a list: write the formula as text, in quotes."),
        ("a = 4 * x", "cannot be read: Expected newline or end of document after a statement (at line 1, column 7). "
         'Write one formula a line, as in: twice_dot = "4 * x"'),
        ("a = '1'\na = '2'", "cannot be read: Cannot overwrite a value (at end of document). "
         'Write one formula a line, as in: twice_dot = "4 * x"'),
        ("a = " + "[" * 3_900, "nests tables or lists too deeply: write one formula a line."),
        (".".join("a" * 1_900) + " = '1'", "nests tables or lists too deeply: write one formula a line."),
        ("a = " + "9" * 3_990, "says that a is a number: write the formula as text, in quotes."),
        ("a = '" + "x" * 4_000 + "'", "has a line of more than 4,000 characters: shorten the formula."),
        ("", "is empty."),
    ],
    ids=range(13),
)  # fmt: skip
def test_everything_else_is_a_sentence(text: str, sentence: str) -> None:
    assert said(text) == sentence


def test_no_text_of_a_student_comes_out_unescaped() -> None:
    assert said("[\x1b[31m]").isprintable()
    assert said('"a\\u001b" = 3').isprintable()
    assert said("a = \u202e").isprintable()


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.from_regex(r"[ -!#-\[\]-~]{0,20}", fullmatch=True), min_size=1))
def test_what_was_written_is_read(written: dict[str, str]) -> None:
    text = "\n".join(f'{name} = "{formula}"' for name, formula in written.items())
    assert formulas(text.encode()) == {name: {"": formula} for name, formula in written.items()}


@settings(deadline=None)
@given(st.text(alphabet="a.=[]{}'\"\n#1,\\", max_size=40))
def test_nothing_else_is_raised(text: str) -> None:
    try:
        found = formulas(text.encode())
    except Unreadable:
        return
    assert all(isinstance(formula, str) for table in found.values() for formula in table.values())
