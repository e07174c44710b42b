"""Pages in a real browser: nothing is fetched, nothing is refused, every plot is there, and the overview works from the keyboard."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import torch
from synthetic import document

from checker import check
from checker.catalogue import find
from checker.examine import examine
from checker.record import Document
from checker.report import render
from checker.values import Settings

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::DeprecationWarning:playwright.*")]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "out"
    render([document()], folder)
    return folder


REAL = ["control_flow.py::doubling", "vectors.py::length_of_4x", "matrices.py::singular_determinant", "cutting.py::detached_factor"]


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Path:
    """The report of some exercises of the catalogue, and of the one with the heaviest page, as they are really checked."""
    folder = tmp_path_factory.mktemp("real") / "out"
    found = find([*REAL, "thermometer.py::thermometer", "layers.py::Sequential"])
    render([Document(records=[examine(exercise, Settings(points=1)) for exercise in found.exercises])], folder)
    return folder


def pages(report: Path) -> list[Path]:
    """The overview and the exercises that differ from one another in what they show."""
    return [report / "index.html", *(p for p in sorted(report.glob("exercises/*.html")) if not p.name.startswith("verdicts"))]


def test_nothing_is_said_on_the_console_and_nothing_is_fetched(report, visit):
    for path in pages(report):
        seen = visit(path)
        assert seen.said == [], path.name
        assert {address.partition(":")[0] for address in seen.asked} <= {"file", "data"}, path.name
        assert any(address.endswith("report.css") for address in seen.asked)
        assert seen.page.locator("main").evaluate("e => getComputedStyle(e).maxWidth") == "1216px", "the style sheet was not applied"


def test_pages_of_real_exercises_are_quiet_narrow_and_have_their_plots(real, visit):
    kinds = set()
    for path in pages(real):
        assert len(re.sub(r'<svg class="plot.*?</svg>', "", path.read_text(encoding="utf-8"), flags=re.DOTALL).encode()) < 150_000
        seen = visit(path, viewport={"width": 360, "height": 800})
        assert seen.said == [], path.name
        assert {address.partition(":")[0] for address in seen.asked} <= {"file", "data"}, path.name
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360, path.name
        kinds |= set(seen.page.locator("figure").evaluate_all("all => all.map(e => e.className)"))
    assert {"steps", "tangent-a", "contour", "heat", "loss", "path"} <= kinds


def test_the_console_is_heard(report, visit, tmp_path):
    """The control: a page that breaks the policy is found."""
    folder = tmp_path / "broken"
    shutil.copytree(report, folder)
    text = (folder / "index.html").read_text().replace("</main>", '<p style="color: red"><script>alert(1)</script></p></main>')
    (folder / "index.html").write_text(text)
    seen = visit(folder / "index.html")
    assert len(seen.said) == 2
    assert all("Content Security Policy" in text for text in seen.said)


def test_hostile_text_does_nothing(report, visit):
    (path,) = report.glob("exercises/hostile*.html")
    seen = visit(path)
    seen.page.locator("summary").last.click()
    assert seen.page.title() != "owned"
    assert seen.page.locator("main script, main img, main iframe").count() == 0
    assert "<script>" in seen.page.locator("h1").inner_text()
    assert seen.said == []


#: Of every plot: its size, and the colours that its parts are painted in, by class.
PAINTED = """() => [...document.querySelectorAll("svg.plot")].map(plot => ({
    width: plot.getBoundingClientRect().width,
    height: plot.getBoundingClientRect().height,
    colours: [...plot.querySelectorAll("[class]")].flatMap(part =>
        [...part.classList].map(name => [name, getComputedStyle(part)[name.split("-")[0]]])),
}))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_plot_is_there_in_the_colours_of_the_page(report, visit, scheme):
    kinds = set()
    for path in pages(report)[1:]:
        page = visit(path, color_scheme=scheme).page
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        kinds |= set(page.locator("figure").evaluate_all("all => all.map(e => e.className)"))
        for plot in page.evaluate(PAINTED):
            assert plot["width"] > 100, path.name
            assert plot["height"] > 100, path.name
            assert len(plot["colours"]) > 10
            for name, colour in plot["colours"]:
                assert colour not in ("none", "rgb(0, 0, 0)", paper), f"{name} has no colour of its own in the style sheet"
    assert {"steps", "tangent-x", "contour", "heat", "loss", "path"} <= kinds


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2, of `rgb(r, g, b)`."""
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_dark_is_dark_and_light_is_light(report, visit):
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = (luminance(visit(report / "index.html", color_scheme=scheme).page.evaluate(background)) for scheme in ("light", "dark"))
    assert light > 0.9
    assert dark < 0.02


@pytest.mark.parametrize("width", [320, 768])
def test_no_page_scrolls_sideways(report, visit, width):
    for path in pages(report):
        seen = visit(path, viewport={"width": width, "height": 800})
        seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, path.name


def test_the_overview_filters_and_orders_from_the_keyboard(report, visit):
    seen = visit(report / "index.html")
    everything = seen.shown()
    seen.page.locator("body").press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    for _ in range(20):
        seen.page.keyboard.press("Tab")
        if seen.page.evaluate("document.activeElement.id") == "filter":
            break
    seen.page.keyboard.type("vectors dot")
    assert seen.shown() == ["Twice a dot product"]
    assert seen.page.locator("#shown").inner_text() == f"1 of {len(everything)} shown"
    assert seen.page.locator("tr.theme:visible").count() == 1
    seen.page.keyboard.press("Escape")
    assert seen.shown() == everything
    seen.page.keyboard.type("no such thing")
    assert seen.shown() == []
    assert seen.page.locator("#none").is_visible()
    seen.page.keyboard.press("Escape")
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.type("not as expected")
    assert seen.shown() == ["square badly"]
    seen.page.select_option("#outcome", "")
    seen.page.select_option("#order", "ulp")
    assert seen.shown()[0] == "item"
    seen.page.select_option("#order", "severity")
    assert set(seen.shown()[:3]) == {"square badly", "item", "verdict wrong"}
    seen.page.select_option("#order", "name")
    assert seen.shown() == sorted(everything, key=str.lower)
    seen.page.select_option("#order", "")
    assert seen.shown() == everything
    assert seen.said == []


def test_the_overview_is_whole_without_a_script(report, visit):
    seen = visit(report / "index.html", java_script_enabled=False)
    assert len(seen.shown()) == len(document().records)
    assert not seen.page.locator("#tools").is_visible()


def test_the_link_of_a_cut_leads_to_its_line(report, visit):
    seen = visit(report / "exercises" / "history-item.html")
    seen.page.locator(".cut a").click()
    assert seen.page.evaluate("document.querySelector(':target').id") == "L12"


def test_a_page_prints_with_every_case(report, visit, tmp_path):
    seen = visit(report / "exercises" / "flow-control_flow.html", color_scheme="dark")
    seen.page.emulate_media(media="print", color_scheme="dark")
    assert luminance(seen.page.evaluate("getComputedStyle(document.body).color")) < 0.05
    assert seen.page.locator("text=51200").last.is_visible()
    assert seen.page.pdf(path=tmp_path / "page.pdf").startswith(b"%PDF")


def small_curvature(x: torch.Tensor) -> torch.Tensor:
    return 1e-7 * (x.sin().cumsum(0) * x.exp()).sum() ** 2


def test_a_hessian_of_small_numbers_is_printed_within_the_paper(visit, tmp_path):
    """Six rows and columns are shown whole: 1.26416×10⁻⁵ and the like six times beside one another are wider than A4."""
    x = torch.randn(6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    render([Document(records=[check(small_curvature, x, second_order=True)])], tmp_path / "out")
    (page,) = (tmp_path / "out" / "exercises").glob("*small_curvature.html")
    seen = visit(page, viewport={"width": 680, "height": 900})  # A4 within margins of 15 mm
    seen.page.emulate_media(media="print")
    assert seen.page.locator(".broad:visible").count() == 4
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 680
    rows = seen.page.locator(".broad").last.locator("span")
    assert [row.locator("i, mark").count() for row in rows.all()] == [6] * 6
    lines = rows.first.evaluate("row => new Set([...row.children].map(entry => entry.offsetTop)).size")
    assert lines == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["index", "planted-square_badly", "vectors-twice_dot", "flow-control_flow", "history-item"])
def test_pages_meet_wcag_by_axe(report, visit, scheme, name):
    (path,) = report.rglob(f"{name}.html")
    assert visit(path, color_scheme=scheme, bypass_csp=True).violations() == "", path.name
