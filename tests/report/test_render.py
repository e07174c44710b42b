"""The folder: complete or not there, never over someone else's files, the same from any number of processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import synthetic
from synthetic import HOSTILE, document

from checker.errors import UsageError
from checker.record_file import decode
from checker.report import render
from checker.report.render import probe

FEW = [synthetic.twice_dot(), synthetic.wrong_backward()]
VOID = {"meta", "link", "input", "br", "hr", "img"}


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


class Outline(HTMLParser):
    """Checks that elements nest, and gathers what the tests ask about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> at line {self.getpos()}"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "out"
    assert render([document()], folder) == folder / "index.html"
    return folder


def test_every_page_nests_and_every_link_leads_somewhere(report):
    for path in report.rglob("*.html"):
        outline = Outline(path.read_text(encoding="utf-8"))
        ids = [a["id"] for _, a in outline.tags if a.get("id")]
        assert len(ids) == len(set(ids))
        for tag, attributes in outline.tags:
            target = attributes.get("href" if tag != "script" else "src")
            if target is None or target == "data:,":
                continue
            if target.startswith("#"):
                assert target[1:] in ids, target
            elif not target.startswith("https://example.org"):
                assert (path.parent / target).is_file(), target


def test_every_page_has_the_policy_landmarks_and_language(report):
    for path in report.rglob("*.html"):
        outline = Outline(path.read_text(encoding="utf-8"))
        tags = [tag for tag, _ in outline.tags]
        assert {"header", "main", "footer", "h1"} <= set(tags)
        assert tags.count("h1") == 1
        assert ("html", {"lang": "en"}) in outline.tags
        (policy,) = [a["content"] for _, a in outline.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'")
        assert all("style" not in a and not any(name.startswith("on") for name in a) for _, a in outline.tags)
        assert all(a.get("scope") for tag, a in outline.tags if tag == "th")


def test_hostile_text_is_text(report):
    for path in report.rglob("*.html"):
        outline = Outline(path.read_text(encoding="utf-8"))
        assert [a for tag, a in outline.tags if tag == "script" and a.get("src") not in ("report.js",)] == []
        assert "img" not in [tag for tag, _ in outline.tags]
        assert not [a for _, a in outline.tags if (a.get("href") or "").lower().startswith(("javascript", "data:text"))]
    (page,) = report.glob("exercises/hostile*.html")
    text = page.read_text(encoding="utf-8")
    assert "{{ 7 * 7 }}" in text
    assert text.count("&lt;script&gt;document.title=") > 20


def test_the_record_lies_beside_the_pages_unchanged(report):
    assert decode((report / "record.json").read_bytes()) == document()


def test_a_page_is_light_without_its_plots(report):
    for path in report.rglob("*.html"):
        assert len(re.sub(r"<svg.*?</svg>", "", path.read_text(encoding="utf-8"), flags=re.S).encode()) < 150_000


def test_any_number_of_processes_makes_the_same_files(report, tmp_path):
    render([document()], tmp_path / "one", jobs=1)
    assert files(tmp_path / "one") == files(report)


def test_each_page_is_announced_once(tmp_path):
    seen: list[str] = []
    records = synthetic.of_each_verdict()[:5]
    render([document(records)], tmp_path / "out", jobs=2, on_page=seen.append)
    assert sorted(seen) == sorted(r.exercise for r in records)


def test_documents_are_merged_and_each_is_kept(tmp_path):
    render([document(FEW), document([synthetic.parabola()], complete=False)], tmp_path / "out")
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "2 of 3 exercises" in index
    assert "This run was interrupted" in index
    assert len(json.loads((tmp_path / "out" / "record-2.json").read_bytes())["records"]) == 1


def test_no_record_at_all_is_still_a_report(tmp_path):
    index = render([document([], refusals=[])], tmp_path / "out")
    assert "No exercise was checked." in index.read_text(encoding="utf-8")


def test_a_report_is_written_over_a_report_and_over_an_empty_folder(tmp_path):
    (tmp_path / "out").mkdir()
    render([document(FEW)], tmp_path / "out")
    render([document(FEW[:1])], tmp_path / "out")
    assert len(list((tmp_path / "out" / "exercises").iterdir())) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"is not empty and not a report of ours: give another folder, or empty it first\."):
        render([document(FEW)], tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_or_the_current_folder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"is a file: give a folder for the report\."):
        render([document(FEW)], tmp_path / "file")
    with pytest.raises(UsageError, match=r"the report cannot be written to .*: (Not a directory|File exists)\. Give a folder"):
        render([document(FEW)], tmp_path / "file" / "out")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(UsageError, match="is the current folder: give a folder inside it"):
        render([document(FEW)], Path())


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(UsageError, match=r"the report cannot be written to .*: Permission denied\. Give a folder that can be written\."):
        render([document(FEW)], tmp_path / "out")


def test_whether_a_folder_can_be_written_is_known_before_the_long_work(tmp_path):
    render([document(FEW)], tmp_path / "out")
    before = files(tmp_path)
    probe(tmp_path / "out")
    probe(tmp_path / "new")
    assert files(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    with pytest.raises(UsageError, match="is not empty and not a report of ours"):
        probe(tmp_path)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_rendering_leaves_the_earlier_report_whole(tmp_path, failure):
    render([document(FEW)], tmp_path / "out")
    before = files(tmp_path / "out")

    def interrupt(name: str) -> None:
        raise failure

    with pytest.raises(failure):
        render([document(synthetic.of_each_verdict()[:5])], tmp_path / "out", jobs=2, on_page=interrupt)
    assert files(tmp_path / "out") == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_when_the_last_rename_fails_the_earlier_report_is_put_back(tmp_path, monkeypatch):
    render([document(FEW)], tmp_path / "out")
    before = files(tmp_path / "out")
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if Path(target).name == "out" and not self.name.endswith("earlier"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(UsageError, match="No space left on device"):
        render([document(FEW[:1])], tmp_path / "out")
    assert files(tmp_path / "out") == before


def test_a_report_is_as_readable_as_other_files(tmp_path):
    (tmp_path / "other").mkdir()
    render([document(FEW)], tmp_path / "out")
    assert os.stat(tmp_path / "out").st_mode == os.stat(tmp_path / "other").st_mode


def test_templates_of_the_users_own_replace_ours_file_by_file(tmp_path):
    own = tmp_path / "templates"
    own.mkdir()
    (own / "report.css").write_text("body { color: teal }")
    render([document(FEW)], tmp_path / "out", templates=own)
    assert (tmp_path / "out" / "report.css").read_text() == "body { color: teal }"
    (own / "index.html").write_text("{% if %}")
    with pytest.raises(UsageError, match=r"the template index\.html cannot be used"):
        render([document(FEW)], tmp_path / "out", templates=own)
    with pytest.raises(UsageError, match="is not a folder of templates"):
        render([document(FEW)], tmp_path / "out", templates=tmp_path / "nowhere")


def test_rendering_loads_neither_torch_nor_sympy(tmp_path):
    program = (
        "import sys, synthetic; from pathlib import Path; from checker.report import render;"
        "assert 'matplotlib' not in sys.modules;"
        f"render([synthetic.document([synthetic.norm_of_two()])], Path({str(tmp_path / 'out')!r}), jobs=1);"
        "print([m for m in ('torch', 'sympy', 'matplotlib.pyplot') if m in sys.modules])"
    )
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_hostile_is_hostile():
    """The control: text that is not escaped would be found."""
    assert ("script", {}) in Outline(HOSTILE.replace("<img", "</p><img").replace("</p>", "")).tags
