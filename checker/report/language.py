"""The language of a page: its words, its numbers and its dates.

Comes in: a language's code.  Goes out: translations and formats.  Why: a page is in one language throughout, plural forms included.

English is what the templates and the code say. `reports/translations/zh.po` is the Simplified Chinese, read as it is written: nothing is
compiled. After a change of words, these bring it up to date, and what is then empty in it waits for a translator:

    pybabel extract -F pyproject.toml -k marked -k words --no-location -o messages.pot .
    pybabel update -l zh_Hans -i messages.pot -o reports/translations/zh.po -w 120 --no-fuzzy-matching --ignore-obsolete
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from gettext import NullTranslations
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_time, get_datetime_format, get_timezone_gmt
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import Translations

from checker.content import templates_folder
from checker.errors import UsageError
from checker.inert import NAME, inert_line

Code = Literal["en", "zh"]

#: The language tag of each code: as pages say it in `lang`, and as Babel reads it.
TAGS: dict[Code, str] = {"en": "en", "zh": "zh-Hans"}


def marked(text: str) -> str:
    """`text` itself: it is translated where it is shown, and found here by `pybabel extract`."""
    return text


@dataclass(frozen=True)
class Language:
    """A language that pages can be in. `code` is what the command line and `Text` call it, `tag` what `lang` says."""

    code: Code
    tag: str
    locale: Locale
    catalogue: NullTranslations

    def words(self, text: str) -> str:
        """`text` in this language."""
        return self.catalogue.gettext(text)

    def number(self, value: float) -> str:
        """Points and counts, to two decimals where they have any: `2`, `0.5`, `1,234`."""
        return _number(value + 0.0, self.locale)

    def plural(self, value: float) -> int:
        """The whole number that takes the plural form of `value`: half a point takes that of 2."""
        return int(value) if value == int(value) else 2

    def percent(self, share: float) -> str:
        """A share, to the decimal that keeps one in a thousand from looking like all or nothing: `67%`, `99.9%`."""
        edge = 0 < share < 0.01 or 0.99 < share < 1
        return str(format_percent(share, "0.#%" if edge else "0%", locale=self.locale))

    def moment(self, when: str) -> str:
        """A time in ISO 8601 as people write it, with its offset; on one line as it came where it is no such time."""
        try:
            time = datetime.fromisoformat(when)
        except ValueError:
            return inert_line(when, NAME)
        offset = get_timezone_gmt(time, "long", self.locale) if time.tzinfo else ""
        clock = f"{format_time(time, 'HH:mm', locale=self.locale)} {offset}".strip()
        return str(get_datetime_format("medium", self.locale)).format(clock, format_date(time, "long", self.locale))


@cache
def _number(value: float, locale: Locale) -> str:
    return str(format_decimal(value, "#,##0.##", locale=locale))


@cache
def language(code: str) -> Language:
    """The language of a code.

    Raises:
        UsageError: there is no translation into it.
    """
    known: Code | None = next((one for one in TAGS if one == code), None)
    if known is None:
        raise UsageError(f"pages cannot be in the language {code!r}: choose one of {', '.join(TAGS)}.")
    locale = Locale.parse(TAGS[known], sep="-")
    return Language(known, TAGS[known], locale, NullTranslations() if known == "en" else _catalogue(known, locale))


def _catalogue(code: str, locale: Locale) -> Translations:
    with (templates_folder() / "translations" / f"{code}.po").open("rb") as file:
        messages = read_po(file, locale)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled)
