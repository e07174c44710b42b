"""Words, numbers and dates in both languages; the catalogue holds what the pages say, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from checker.errors import UsageError
from checker.report.language import language

ROOT = Path(__file__).parents[2]
EN, ZH = language("en"), language("zh")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.5, "0.5"), (2.0, "2"), (1 / 3, "0.33"), (0.0, "0"), (-0.0, "0"), (1234.5, "1,234.5"), (0.1 + 0.2, "0.3"), (7, "7")],
)
def test_points_have_sensible_digits(value, shown):
    assert EN.number(value) == shown
    assert ZH.number(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, "0%"), (1.0, "100%"), (2 / 3, "67%"), (0.999, "99.9%"), (0.001, "0.1%"), (0.995, "99.5%"), (0.5, "50%")]
)
def test_shares_are_percent_and_nearly_all_is_not_all(share, shown):
    assert EN.percent(share) == shown


def test_times_keep_their_offset():
    assert EN.moment("2026-11-20T23:59:00+08:00") == "November 20, 2026, 23:59 GMT+08:00"
    assert ZH.moment("2026-11-20T23:59:00+08:00") == "2026年11月20日 23:59 GMT+08:00"
    assert EN.moment("2026-11-20T23:59:00") == "November 20, 2026, 23:59"
    assert EN.moment("soon\n\u202e") == "soon \\u202e"


def test_half_a_point_is_several():
    assert [EN.plural(value) for value in (1.0, 2.0, 0.5, 0.0)] == [1, 2, 2, 0]


def test_another_language_is_refused():
    with pytest.raises(UsageError, match=r"^pages cannot be in the language 'fr': choose one of en, zh\.$"):
        language("fr")


def said() -> set[str]:
    """Every text that pages and code ask a translation of, as `pybabel extract` finds it."""
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None, "words": None}
    pages = extract_from_dir(ROOT / "reports", [("**.html", "jinja2")], {"**.html": {"trimmed": "true"}}, keywords)
    code = extract_from_dir(ROOT / "checker" / "report", [("**.py", "python")], keywords=keywords)
    return {text[0] if isinstance(text, tuple) else text for _, _, text, *_ in [*pages, *code]}


def fields(text: str) -> list[tuple[str, str]]:
    """What is filled into a text: `%(name)s` and `{name}`."""
    return sorted(re.findall(r"%\((\w+)\)|\{(\w+)\}", text))


def test_the_catalogue_holds_every_word_translated_and_no_other():
    with (ROOT / "reports" / "translations" / "zh.po").open("rb") as file:
        messages = {
            message.id[0] if isinstance(message.id, tuple) else message.id: message for message in read_po(file, "zh_Hans") if message.id
        }
    assert set(messages) == said()
    for text, message in messages.items():
        translated = message.string[0] if isinstance(message.string, tuple) else message.string
        assert translated, text
        assert not message.fuzzy
        assert fields(str(translated)) == fields(text)
        assert str(translated).count("<") == text.count("<")


def test_the_words_are_found():
    """The control: the pages and the code both ask."""
    assert {"Needs a person", "the sign is reversed", "Students by points", "%(number)s student"} <= said()
