"""The templates, and what they may call.

Comes in: the folders to look in.  Goes out: compiled templates and the files that lie beside the pages.  Why: everything on a page passes
through here, so that it is escaped; a folder given by the user comes before our own, file by file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, TemplateError

from checker.errors import UsageError
from checker.report import numerals, plots
from checker.report.markup import markdown, phrase, sentence
from checker.report.mathematics import mathml
from checker.report.signs import SIGNS, sign
from checker.values import SEVERITY

#: Copied beside the pages as they are.
ASSETS = ("report.css", "report.js")


@cache
def environment(search: tuple[str, ...]) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(list(search)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
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
        "counted": numerals.counted,
        "entry": numerals.entry,
        "severity": SEVERITY.index,
        "SIGNS": SIGNS,
        "HEAT": list(enumerate(plots.HEAT_WORDS)),
    }
    return environment


def template(search: tuple[str, ...], name: str) -> Template:
    """The template `name` from the first folder that has it.

    Raises:
        UsageError: no folder has it, or it does not compile.
    """
    try:
        return environment(search).get_template(name)
    except TemplateError as error:
        raise UsageError(f"the template {name} cannot be used: {error}.") from None


def assets(search: tuple[str, ...]) -> list[tuple[str, bytes]]:
    """The style sheet and the script, each from the first folder that has it."""
    found = {name: next((Path(f) / name for f in search if (Path(f) / name).is_file()), None) for name in ASSETS}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise UsageError(f"{missing[0]} is missing in {', '.join(search)}.")
    return [(name, path.read_bytes()) for name, path in found.items() if path]
