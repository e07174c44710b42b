"""A report folder from record documents.

Comes in: documents.  Goes out: a folder of static pages.  Why: this is the only place that writes a report. Pages are made in a hidden
folder beside the target and put in place by one rename, so that an interrupted rendering leaves the earlier report, or none.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from checker.content import templates_folder
from checker.errors import UsageError
from checker.record import Document, Record, encode
from checker.report.svg import prepare
from checker.report.templates import assets, environment, template
from checker.report.views import merged, overview, page, pages, record_name

#: Lies in every report: only a folder that has it, or is empty, is written over.
MARKER = ".checker-report"

#: Below this many pages, starting worker processes costs more than it saves.
_FEW = 4


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
    with _staged(folder) as staging:
        for number, document in enumerate(documents):
            (staging / record_name(number)).write_bytes(encode(document))
        for name, data in assets(search):
            (staging / name).write_bytes(data)
        (staging / "exercises").mkdir()
        for name in _each(_pages(records, search, str(staging)), jobs):
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
    with suppress(_Enough), _staged(folder):
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


def _each(work: Sequence[_Work], jobs: int) -> Iterator[str]:
    """Do all the work, in forked processes where there is enough of it; yields names as pages are finished."""
    jobs = min(jobs or os.cpu_count() or 1, len(work))
    if jobs <= 1 or len(work) < _FEW:
        yield from (one.done() for one in work)
        return
    prepare()
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_deaf) as pool:
        try:
            yield from (future.result() for future in as_completed([pool.submit(one.done) for one in work]))
        finally:
            pool.shutdown(cancel_futures=True)


def _deaf() -> None:
    """Ctrl-C is the first process's to answer: it takes the others down."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A folder to write into that takes the place of `folder` when the block ends well, and vanishes when it does not."""
    target = folder.resolve()
    if target.exists():
        if not target.is_dir():
            raise UsageError(f"{folder} is a file: give a folder for the report.")
        if target == Path.cwd().resolve():
            raise UsageError(f"{folder} is the current folder: give a folder inside it, such as checker-report.")
        if any(target.iterdir()) and not (target / MARKER).is_file():
            raise UsageError(f"{folder} is not empty and not a report of ours: give another folder, or empty it first.")
    staging = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        staging.chmod(0o777 & ~_umask())
        (staging / MARKER).write_text("This folder was written by `checker` and may be written over by it.\n", encoding="utf-8")
        yield staging
        if target.exists():
            _exchange(staging, target)
        else:
            staging.rename(target)
    except OSError as error:
        raise UsageError(
            f"the report cannot be written to {folder}: {error.strerror or error}. Give a folder that can be written."
        ) from None
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _exchange(staging: Path, target: Path) -> None:
    """Put `staging` in the place of `target`, or leave `target` as it was."""
    earlier = staging.with_name(f"{staging.name}-earlier")
    target.rename(earlier)
    try:
        staging.rename(target)
    except OSError:
        earlier.rename(target)
        raise
    shutil.rmtree(earlier)


def _umask() -> int:
    """The process's umask: a temporary folder is private, a report is as readable as any other file of the user's."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
