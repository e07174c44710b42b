"""A real browser for the tests of pages.

Chromium is looked for by its name, or at the path in `CHROMIUM`; without it, or without playwright, these tests skip and say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium: install Debian's chromium, or give its path in CHROMIUM")
    sandbox = [] if os.getuid() else ["--no-sandbox"]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser
        browser.close()


class Visit:
    """A page and all that it said and asked for."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_context(**options).new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def violations(self) -> str:
        """What axe-core has to say against the page, everything unfolded; nothing of a page that meets WCAG 2.2 AA.

        It is injected past the policy, which forbids it like any other script from elsewhere: visit with `bypass_csp`.
        """
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}}
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        found = axe.Axe().run(self.page, options=rules)
        return found.generate_report() if found.violations_count else ""

    def shown(self) -> list[str]:
        return self.page.locator("tr.exercise:visible th a").all_inner_texts()


@pytest.fixture
def visit(chromium) -> Iterator[Any]:
    opened: list[Visit] = []

    def go(path: Path, **options: Any) -> Visit:
        opened.append(Visit(chromium, path, **options))
        return opened[-1]

    yield go
    for one in opened:
        one.page.context.close()
