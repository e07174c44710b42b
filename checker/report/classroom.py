"""The pages of a class: a folder from a class record.

Comes in: a class record.  Goes out: a folder of static pages.  Why: who teaches sees how the class did, who needs a look and every detail;
who learns sees the own points, what was wrong and what to look at again, and never the answer.

    index.html              the class; for the instructor
    instructor/NAME.html    one student, with true values, suspicions and what was printed; for the instructor
    returned/NAME.html      the same student's points and feedback; may be given to that student

A page in `returned/` is one file that needs no other: its style lies in it, and nothing in it leads to another page. `NAME` is that of
`class_names`, the same in both folders.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from markupsafe import Markup

from checker.content import templates_folder
from checker.errors import UsageError
from checker.grading.grades import ClassRecord
from checker.report.class_names import file_names
from checker.report.class_plots import distribution
from checker.report.class_views import class_page
from checker.report.folder import staged
from checker.report.language import language as language_of
from checker.report.student_views import returned_page, student_page
from checker.report.templates import assets, environment, template
from checker.report.work import each

#: Lie beside the class's page as they are.
ASSETS = ("report.css", "class.js")

#: So many students are one piece of work.
_CHUNK = 25


def render_class(record: ClassRecord, folder: Path, *, language: str = "en", templates: Path | None = None, jobs: int = 0) -> Path:
    """Write the pages of a class to `folder` and return the path of its first page, `index.html`.

    `language` is "en" or "zh". `templates` is a folder whose files replace ours of the same name, `jobs` the number of processes (0: one
    per core).

    Raises:
        UsageError: the folder holds something else than a report, or cannot be written; a template is missing or wrong; there is no such
            language.
    """
    if templates is not None and not templates.is_dir():
        raise UsageError(f"{templates} is not a folder of templates.")
    search = tuple(str(f) for f in (templates, templates_folder()) if f is not None)
    spoken = language_of(language)
    environment.cache_clear()  # a template may have been edited since the last report
    names = file_names(record.students)
    with staged(folder) as staging:
        for name, data in assets(search, ASSETS):
            (staging / name).write_bytes(data)
        (staging / "instructor").mkdir()
        (staging / "returned").mkdir()
        view = class_page(record, names)
        text = template(search, "class.html", language).render(page=view, plot=distribution(view, spoken), root="")
        (staging / "index.html").write_text(text, encoding="utf-8")
        for _ in each(_chunks(record, names, search, language, str(staging)), jobs, lambda: _ready(search, language)):
            pass
    return folder / "index.html"


@dataclass(frozen=True)
class _Chunk:
    """Some students' pages to be made, in whichever process. `record` has those students only."""

    record: ClassRecord
    names: Sequence[str]
    search: tuple[str, ...]
    language: str
    staging: str

    def done(self) -> int:
        spoken = language_of(self.language)
        inside = template(self.search, "student.html", self.language)
        outside = template(self.search, "returned.html", self.language)
        style = Style.of(self.search)
        for student, name in zip(self.record.students, self.names, strict=True):
            text = outside.render(page=returned_page(self.record, student, spoken), style=style, root="")
            (Path(self.staging) / "returned" / f"{name}.html").write_text(text, encoding="utf-8")
            text = inside.render(page=student_page(self.record, student, spoken), name=name, root="../")
            (Path(self.staging) / "instructor" / f"{name}.html").write_text(text, encoding="utf-8")
        return len(self.names)


def _chunks(record: ClassRecord, names: Sequence[str], search: tuple[str, ...], language: str, staging: str) -> list[_Chunk]:
    starts = range(0, len(names), _CHUNK)
    parts = [(record.students[at : at + _CHUNK], names[at : at + _CHUNK]) for at in starts]
    return [_Chunk(msgspec.structs.replace(record, students=students), chunk, search, language, staging) for students, chunk in parts]


def _ready(search: tuple[str, ...], language: str) -> None:
    """Compile the templates once, before processes are forked that use them."""
    for name in ("student.html", "returned.html"):
        template(search, name, language)


@dataclass(frozen=True)
class Style:
    """The style sheet as a page carries it, and the hash by which the page's Content-Security-Policy allows it and no other."""

    text: Markup
    hash: str

    @classmethod
    def of(cls, search: tuple[str, ...]) -> Style:
        ((_, data),) = assets(search, ASSETS[:1])
        text = data.decode("utf-8").replace("\r\n", "\n").replace("</", "<\\/")
        return cls(Markup(text), "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode())
