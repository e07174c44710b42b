"""The pages of a class in a real browser: quiet, inert, accessible, and usable with and without a script, a mouse or a wide screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_class import hostile_class, large_class, small_class

from checker.report.class_views import LEAF
from checker.report.classroom import render_class

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:playwright.*")]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    render_class(small_class(), folder / "en")
    render_class(small_class(), folder / "zh", language="zh")
    render_class(hostile_class(), folder / "hostile")
    return folder


def pages(report: Path) -> list[Path]:
    """The class, and the students that differ from one another in what their pages show."""
    names = ("emmy", "2026001", "terence", "srinivasa", "leonhard")
    return [report / "index.html", *(path for name in names for path in sorted(report.glob(f"*/{name}*.html")))]


def names(seen) -> list[str]:
    return seen.page.locator("#marks tbody tr:visible th a").all_inner_texts()


def test_pages_are_quiet_and_styled_and_fetch_nothing(report, visit):
    for path in pages(report / "en") + pages(report / "zh")[:3]:
        seen = visit(path)
        assert seen.said == [], path.name
        assert {address.partition(":")[0] for address in seen.asked} <= {"file", "data"}, path.name
        assert seen.page.locator("main").evaluate("e => getComputedStyle(e).maxWidth") == "1216px", "the style sheet was not applied"
    assert len(pages(report / "en")) == 11


def test_a_returned_page_asks_for_no_other_file(report, visit, tmp_path):
    (path,) = (report / "en").glob("returned/emmy*.html")
    alone = tmp_path / "page.html"
    alone.write_bytes(path.read_bytes())
    seen = visit(alone)
    assert [address for address in seen.asked if not address.startswith("data:")] == [alone.as_uri()]
    assert seen.page.locator("main").evaluate("e => getComputedStyle(e).maxWidth") == "1216px"


def test_hostile_text_does_nothing(report, visit):
    names = ("script", "gnp", "31mred", "style", "xxx")
    found = [path for name in names for path in (report / "hostile").glob(f"*/{name}*.html")]
    assert len(found) == 2 * len(names)
    for path in [report / "hostile" / "index.html", *found]:
        seen = visit(path)
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert seen.said == [], path.name
        assert {address.partition(":")[0] for address in seen.asked} <= {"file", "data"}, path.name
        assert seen.page.title() != "owned"
        assert seen.page.locator("main").is_visible(), "a style was taken in"
        assert seen.page.locator("body script, body img, body style, [onerror]").count() == 0
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path.name


def test_hostile_text_would_be_seen(report, visit, tmp_path):
    """The control: the same text, not escaped, is refused aloud by the policy."""
    (path,) = (report / "hostile").glob("returned/script*.html")
    text = path.read_text(encoding="utf-8").replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"').replace("&#39;", "'")
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    seen = visit(tmp_path / "page.html")
    assert any("Content Security Policy" in said for said in seen.said)
    assert seen.page.title() != "owned"


def test_the_table_filters_and_orders(report, visit):
    seen = visit(report / "en" / "index.html")
    everyone = names(seen)
    assert len(everyone) == 12
    assert seen.page.locator("#shown").inner_text() == "1–12 of 12"
    seen.page.focus("#filter")
    seen.page.keyboard.type("emmy NOETH")
    assert names(seen) == ["Emmy Noether"]
    seen.page.keyboard.press("Escape")
    assert names(seen) == everyone
    seen.page.keyboard.type("nobody at all")
    assert names(seen) == []
    assert seen.page.locator("#nobody").is_visible()
    assert seen.page.locator("#shown").inner_text() == "0–0 of 0"
    seen.page.keyboard.press("Escape")
    seen.page.select_option("#show", "person")
    assert names(seen) == ["Srinivasa Ramanujan", "Alan Turing", "Kurt Gödel", "Grace Hopper"]
    seen.page.select_option("#show", "late")
    assert names(seen) == ["Emmy Noether"]
    seen.page.select_option("#show", "nothing")
    assert names(seen) == ["Leonhard Euler"]
    seen.page.select_option("#show", "")
    seen.page.select_option("#order", label="most points first")
    assert names(seen)[:4] == ["Ada Lovelace", "Kurt Gödel", "Carl Friedrich Gauß", "Emmy Noether"]
    seen.page.select_option("#order", label="fewest points first")
    assert names(seen)[:3] == ["Leonhard Euler", "Maryam Mirzakhani مریم", "Grace Hopper"]
    seen.page.select_option("#order", label="fewest points in affine first")
    assert names(seen)[:4] == ["Leonhard Euler", "Maryam Mirzakhani مریم", "Sofia Kovalevskaya", "陈景润"]
    seen.page.select_option("#order", label="by name")
    assert names(seen)[:3] == ["陈景润", "Ada Lovelace", "Alan Turing"] or names(seen)[:2] == ["Ada Lovelace", "Alan Turing"]
    seen.page.select_option("#order", label="most attempts first")
    assert names(seen)[0] == "Emmy Noether"
    seen.page.select_option("#order", "")
    assert names(seen) == everyone
    assert seen.said == []


def test_the_table_is_whole_without_a_script(report, visit):
    seen = visit(report / "en" / "index.html", java_script_enabled=False)
    assert len(names(seen)) == 12
    assert not seen.page.locator("#tools").is_visible()


def test_a_large_table_turns_its_pages_from_the_keyboard_and_prints_whole(tmp_path, visit):
    count = 2 * LEAF + 50
    index = render_class(large_class(count, exercises=2), tmp_path / "out")
    seen = visit(index)
    assert names(seen) == [f"Student {number}" for number in range(LEAF)]
    assert seen.page.locator("#back").is_disabled()
    seen.page.focus("#on")
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Enter")
    assert names(seen)[0] == f"Student {2 * LEAF}"
    assert seen.page.locator("#shown").inner_text() == f"{2 * LEAF + 1}–{count} of {count}"
    assert seen.page.locator("#on").is_disabled()
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(names(seen)) == count
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(names(seen)) == 50
    seen.page.fill("#filter", "Student 449")
    assert names(seen) == ["Student 449"]
    assert not seen.page.locator("#on").is_visible()
    assert len(names(visit(index, java_script_enabled=False))) == count


@pytest.mark.parametrize("width", [320, 768])
def test_no_page_scrolls_sideways(report, visit, width):
    for path in [*pages(report / "en")[:7], report / "zh" / "index.html"]:
        seen = visit(path, viewport={"width": width, "height": 800})
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, path.name


def test_a_page_prints_unfolded_on_white(report, visit, tmp_path):
    (path,) = (report / "en").glob("instructor/emmy*.html")
    seen = visit(path, color_scheme="dark")
    seen.page.emulate_media(media="print", color_scheme="dark")
    assert seen.page.locator("text=ZeroDivisionError").last.is_visible()
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert seen.page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")


LOOKS = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 800}},
    "print": {},
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("page", ["index", "instructor/srinivasa*", "instructor/emmy*", "returned/terence*"])
def test_pages_meet_wcag_by_axe(report, visit, look, page):
    (path,) = (report / "en").glob(f"{page}.html")
    seen = visit(path, bypass_csp=True, **LOOKS[look])
    seen.page.emulate_media(media="print" if look == "print" else "screen", color_scheme=LOOKS[look].get("color_scheme"))
    assert seen.violations() == ""


@pytest.mark.parametrize(
    "page", ["zh/index", "zh/instructor/2026001*", "zh/returned/2026001*", "hostile/index", "hostile/instructor/style*"]
)
def test_pages_in_chinese_and_hostile_ones_meet_wcag_by_axe(report, visit, page):
    (path,) = report.glob(f"{page}.html")
    assert visit(path, bypass_csp=True).violations() == ""
