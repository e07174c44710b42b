"""The templates, and what they may call.

Comes in: the folders to look in.  Goes out: compiled templates and the files that lie beside the pages.  Why: everything on a page passes
through here, so that it is escaped; a folder given by the user comes before our own, file by file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError

from checker.errors import UsageError
from checker.inert import inert
from checker.report import numerals
from checker.report.class_views import CONCERNS
from checker.report.heat_map import HEAT_WORDS
from checker.report.kinds import FORMS, KINDS
from checker.report.language import language
from checker.report.markup import markdown, phrase, sentence
from checker.report.mathematics import mathml
from checker.report.signs import SIGNS, sign
from checker.report.standing import STANDINGS
from checker.values import SEVERITY


@cache
def environment(search: tuple[str, ...], code: str = "en") -> Environment:
    """Templates that speak the language of `code`."""
    spoken = language(code)
    environment = Environment(
        extensions=["jinja2.ext.i18n"],
        loader=FileSystemLoader(list(search)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(spoken.catalogue, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "number": spoken.number,
        "plural": spoken.plural,
        "percent": spoken.percent,
        "moment": spoken.moment,
        "inert": inert,
        "figures": numerals.figures,
        "exact": numerals.exact,
        "ulps": numerals.ulps,
        "duration": numerals.duration,
        "grid": numerals.grid,
        "sign": sign,
        "markdown": markdown,
        "phrase": phrase,
        "sentence": sentence,
        "mathml": mathml,
    }
    environment.globals |= {
        "language": spoken,
        "counted": numerals.counted,
        "entry": numerals.entry,
        "severity": SEVERITY.index,
        "SIGNS": SIGNS,
        "STANDINGS": STANDINGS,
        "CONCERNS": CONCERNS,
        "KINDS": KINDS,
        "FORMS": FORMS,
        "HEAT": list(enumerate(HEAT_WORDS)),
    }
    return environment


def template(search: tuple[str, ...], name: str, code: str = "en") -> Template:
    """The template `name` from the first folder that has it, in the language of `code`.

    Raises:
        UsageError: no folder has it, or it does not compile.
    """
    try:
        return environment(search, code).get_template(name)
    except TemplateError as error:
        raise UsageError(f"the template {name} cannot be used: {error}.") from None


def assets(search: tuple[str, ...], names: Sequence[str]) -> list[tuple[str, bytes]]:
    """The files that lie beside the pages as they are, each from the first folder that has it."""
    found = {name: next((Path(f) / name for f in search if (Path(f) / name).is_file()), None) for name in names}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise UsageError(f"{missing[0]} is missing in {', '.join(search)}.")
    return [(name, path.read_bytes()) for name, path in found.items() if path]
