"""The folder of a class: every page nests, links lead somewhere, nothing of a student's text is markup, and no answer is given away."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from synthetic_class import EXPECTED, HEADS, R, attempt, grade, hostile_class, large_class, record, small_class, student

from checker.errors import UsageError
from checker.report.classroom import render_class

VOID = {"meta", "link", "input", "br", "hr", "img", "rect", "wbr"}


class Outline(HTMLParser):
    """Elements, which must nest, and the text between them."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> at line {self.getpos()}"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    @property
    def words(self) -> str:
        return " ".join(self.text.split())


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> list[Path]:
    """A class in English, in Chinese, and a hostile one."""
    folder = tmp_path_factory.mktemp("classes")
    assert render_class(small_class(), folder / "en") == folder / "en" / "index.html"
    render_class(small_class(), folder / "zh", language="zh")
    render_class(hostile_class(), folder / "hostile")
    return [folder / name for name in ("en", "zh", "hostile")]


def test_every_page_nests_and_every_link_leads_somewhere(reports):
    for report in reports:
        for path in report.rglob("*.html"):
            outline = Outline(path)
            ids = [attributes["id"] for _, attributes in outline.tags if attributes.get("id")]
            assert len(ids) == len(set(ids))
            for tag, attributes in outline.tags:
                target = attributes.get("href" if tag != "script" else "src")
                if target is None or target == "data:,":
                    continue
                file, _, place = target.partition("#")
                assert not file or (path.parent / file).is_file(), target
                assert not place or f'id="{place}"' in ((path.parent / file) if file else path).read_text(encoding="utf-8")


def test_every_page_has_policy_landmarks_and_language(reports):
    for report, tag in zip(reports, ["en", "zh-Hans", "en"], strict=True):
        for path in report.rglob("*.html"):
            outline = Outline(path)
            tags = [name for name, _ in outline.tags]
            assert {"header", "main", "footer"} <= set(tags)
            assert tags.count("h1") == 1
            assert ("html", {"lang": tag}) in outline.tags
            assert all(
                "style" not in attributes and not any(name.startswith("on") for name in attributes) for _, attributes in outline.tags
            )
            assert all(attributes.get("scope") for name, attributes in outline.tags if name == "th")


def test_a_returned_page_stands_alone_and_its_style_is_the_one_that_its_policy_allows(reports):
    for report in reports:
        for path in report.glob("returned/*.html"):
            text = path.read_text(encoding="utf-8")
            tags = Outline(path).tags
            assert not {"script", "img"} & {tag for tag, _ in tags}
            assert {attributes.get("href") for _, attributes in tags if "href" in attributes} == {"data:,", "#main"}
            (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
            digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
            assert f"style-src 'sha256-{digest}';" in text


def test_hostile_text_is_text(reports):
    allowed = {"\n", "\u200c", "\u200d"}
    for path in reports[2].rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs")} <= allowed, path.name
        tags = Outline(path).tags
        assert not {"img", "iframe", "object"} & {tag for tag, _ in tags}
        assert [a for tag, a in tags if tag == "script" and a.get("src") != "class.js"] == []
        assert len(re.findall("<style>", text)) == (path.parent.name == "returned")
    (page,) = reports[2].glob("instructor/script-*.html")
    assert "{{ 7 * 7 }}" in Outline(page).text
    assert "&lt;script&gt;document.title=" in page.read_text(encoding="utf-8")


def test_no_answer_is_given_away(reports):
    """A student's page has no true value in any number of digits, no suspicion, no other student, no instructor, no place on the disk."""
    secrets = [f"{EXPECTED:.{digits}g}" for digits in range(2, 18)]
    for report, made in zip(reports[:2], [small_class()] * 2, strict=True):
        names = {one.name for one in made.students}
        for path in report.glob("returned/*.html"):
            page = Outline(path)
            assert not [secret for secret in secrets if secret in path.read_text(encoding="utf-8")]
            assert "patched" not in page.text
            assert "Assistant" not in page.text
            assert "ambiguous" not in page.text
            assert "submissions/" not in page.text
            assert len([name for name in names if name in page.text]) == 1
    shown = "".join(Outline(path).text for path in reports[0].glob("instructor/*.html"))
    assert all(secret in shown for secret in (f"{EXPECTED:.6g}", "patched", "T. Assistant", "ambiguous", "submissions/")), "the control"


def test_a_returned_page_says_points_and_what_to_look_at_again(reports):
    (english,) = reports[0].glob("returned/carl-*.html")
    words = Outline(english).words
    assert "Carl Friedrich Gauß carl.friedrich.gauß 8 of 9 points" in words
    assert "part of the points 1 of 2 points ✗ gradient of x: it has the opposite sign of what it should be." in words.replace(
        "every entry", "it"
    )
    (chinese,) = reports[1].glob("returned/carl-*.html")
    assert "8 / 9 分" in Outline(chinese).words
    assert "两倍的点积" in Outline(chinese).words
    assert ("span", {"lang": "en"}) in Outline(chinese).tags, "a title that has no Chinese is said to be English"


def test_points_given_by_a_person_and_what_was_not_graded(reports):
    (terence,) = reports[0].glob("returned/terence-*.html")
    assert "3.5 of 4 points given by a person" in Outline(terence).words
    (inside,) = reports[0].glob("instructor/terence-*.html")
    assert "Points given by T. Assistant, November 21, 2026, 10:00 GMT+00:00: The shape was ambiguous." in Outline(inside).words
    (alan,) = reports[0].glob("returned/alan-*.html")
    assert "This exercise has not been graded yet. That is no fault of yours." in Outline(alan).words


@pytest.mark.parametrize(
    ("students", "points", "language", "said"),
    [
        (1, 1.0, "en", ["1 student, 1 of them handed in, 1 submission.", "1 of 1 point"]),
        (2, 2.0, "en", ["2 students, 2 of them handed in, 2 submissions.", "2 of 2 points"]),
        (1, 0.5, "en", ["0.5 of 0.5 points"]),
        (1, 1.0, "zh", ["1 名学生，其中 1 名已提交，共 1 份提交。", "1 / 1 分"]),
        (2, 2.0, "zh", ["2 名学生，其中 2 名已提交，共 2 份提交。", "2 / 2 分"]),
    ],
)
def test_numbers_take_their_plural(tmp_path, students, points, language, said):
    head = msgspec.structs.replace(HEADS[0], points=points)
    made = record([student(f"Student {at}", [attempt([grade(head, [R])])]) for at in range(students)], heads=[head])
    words = Outline(render_class(made, tmp_path / "out", language=language)).words
    assert all(text in words for text in said), words[:400]


def test_a_class_of_nobody_is_still_a_page(tmp_path):
    assert "0 students" in Outline(render_class(record([], heads=[]), tmp_path / "out")).words


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_any_number_of_processes_makes_the_same_files_and_the_table_is_lean(tmp_path):
    made = large_class(250)
    render_class(made, tmp_path / "one", jobs=1)
    render_class(made, tmp_path / "two", jobs=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    index = (tmp_path / "one" / "index.html").read_text(encoding="utf-8")
    assert len(index.encode()) < 150_000
    assert index.count("<tr") == 251
    assert all(len(data) < 60_000 for name, data in files(tmp_path / "one").items() if name != "index.html")


def test_a_report_of_something_else_is_left_alone_and_languages_are_known(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="is not empty and not a report of ours"):
        render_class(small_class(), tmp_path)
    with pytest.raises(UsageError, match="cannot be in the language 'fr'"):
        render_class(small_class(), tmp_path / "out", language="fr")
    with pytest.raises(UsageError, match="is not a folder of templates"):
        render_class(small_class(), tmp_path / "out", templates=tmp_path / "nowhere")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_templates_of_the_users_own_replace_ours_file_by_file(tmp_path):
    own = tmp_path / "templates"
    own.mkdir()
    (own / "report.css").write_text("body { color: teal } /* </style> */")
    render_class(small_class(), tmp_path / "out", templates=own)
    returned = next((tmp_path / "out" / "returned").iterdir()).read_text(encoding="utf-8")
    assert "<style>body { color: teal } /* <\\/style> */</style>" in returned


def test_rendering_loads_neither_torch_nor_a_database(tmp_path):
    program = (
        "import sys, synthetic_class as s; from pathlib import Path; from checker.report.classroom import render_class;"
        f"render_class(s.small_class(), Path({str(tmp_path / 'out')!r}), jobs=1);"
        "print([m for m in ('torch', 'sympy', 'sqlalchemy', 'matplotlib.pyplot') if m in sys.modules])"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
