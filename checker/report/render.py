"""A report folder from record documents.

Comes in: documents.  Goes out: a folder of static pages.  Why: a report can be made again from its record at any time, without running
anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from checker.content import templates_folder
from checker.errors import UsageError
from checker.record import Document, Record
from checker.record_file import encode
from checker.report.folder import staged
from checker.report.overview import merged, overview, pages, record_name
from checker.report.svg import prepare
from checker.report.templates import assets, environment, template
from checker.report.views import page
from checker.report.work import each

#: Lie beside the pages as they are.
ASSETS = ("report.css", "report.js")


def render(
    documents: Sequence[Document],
    folder: Path,
    *,
    templates: Path | None = None,
    jobs: int = 0,
    on_page: Callable[[str], None] | None = None,
) -> Path:
    """Write the report of `documents` to `folder` and return the path of its first page, `index.html`.

    Of an exercise that several documents hold, the later record is shown. `templates` is a folder whose files replace ours of the same
    name, `jobs` the number of processes (0: one per core). `on_page` is called with an exercise's name when its page has been made.

    Raises:
        UsageError: the folder holds something else than a report, or cannot be written; a template is missing or wrong.
    """
    if templates is not None and not templates.is_dir():
        raise UsageError(f"{templates} is not a folder of templates.")
    search = tuple(str(f) for f in (templates, templates_folder()) if f is not None)
    environment.cache_clear()  # a template may have been edited since the last report
    records = merged(documents)
    with staged(folder) as staging:
        for number, document in enumerate(documents):
            (staging / record_name(number)).write_bytes(encode(document))
        for name, data in assets(search, ASSETS):
            (staging / name).write_bytes(data)
        (staging / "exercises").mkdir()
        for name in each(_pages(records, search, str(staging)), jobs, prepare):
            if on_page:
                on_page(name)
        text = template(search, "index.html").render(overview=overview(documents), root="")
        (staging / "index.html").write_text(text, encoding="utf-8")
    return folder / "index.html"


def probe(folder: Path) -> None:
    """Find out now what `render` would find out after the long work: whether the folder can be written.

    Raises:
        UsageError: as `render` would.
    """
    with suppress(_Enough), staged(folder):
        raise _Enough


class _Enough(Exception):
    """The folder can be written, and nothing is to be."""


@dataclass(frozen=True)
class _Work:
    """One page to be made, in whichever process."""

    record: Record
    search: tuple[str, ...]
    target: str
    previous: tuple[str, str] | None
    following: tuple[str, str] | None

    def done(self) -> str:
        from checker.report.plots import plots

        view = page(self.record)
        text = template(self.search, "exercise.html").render(
            page=view, plots=plots(self.record, view.shown), root="../", previous=self.previous, following=self.following
        )
        Path(self.target).write_text(text, encoding="utf-8")
        return self.record.exercise


def _pages(records: Sequence[Record], search: tuple[str, ...], staging: str) -> list[_Work]:
    paths = pages(records)
    links = [(record.title.en, os.path.basename(paths[record.exercise])) for record in records]
    return [
        _Work(
            record,
            search,
            os.path.join(staging, paths[record.exercise]),
            links[at - 1] if at else None,
            links[at + 1] if at + 1 < len(links) else None,
        )
        for at, record in enumerate(records)
    ]
