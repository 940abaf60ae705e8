# SPDX-License-Identifier: Apache-2.0
"""A real Chromium without a window, asked by axe whether everybody can read a page.

It needs ``chromium`` (the system's, or the program that POLICYCTL_CHROMIUM names); nothing is
downloaded. Without it the tests are skipped, or fail where POLICYCTL_REQUIRE=all says that every peer
must be there. Pages are read from files and the browser is offline, so a page that needs the net is
found out.

    def test_everybody_can_read_it(browser: Browser) -> None:
        assert browser.complaints(render_html(...)) == []

    def test_something_else(browser: Browser) -> None:
        with browser.opened(html, width=320, dark=True) as page:
            page.click("summary")
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

NARROW, WIDE = 320, 1280
"""Widths in CSS pixels: the one to which WCAG 1.4.10 wants a page to reflow, and a laptop's."""

_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# axe leaves the rules that came with 2.2 out unless they are asked for.
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
_NAMES = ("chromium", "chromium-browser", "google-chrome")


class Browser:
    """One Chromium with a profile of its own; every page is opened in a clean window."""

    def __init__(self, chromium: Chromium, folder: Path) -> None:
        self.chromium, self.folder = chromium, folder

    @contextmanager
    def opened(self, html: str, *, width: int = WIDE, dark: bool = False) -> Iterator[Page]:
        """The page in a window of that width (CSS pixels), for looking and clicking."""
        file = self.folder / "page.html"
        file.write_text(html, "utf-8")
        with self.at(file, width=width, dark=dark) as page:
            yield page

    @contextmanager
    def at(self, file: Path, *, width: int = WIDE, dark: bool = False) -> Iterator[Page]:
        """The same for a file with others beside it, such as a page of a site."""
        context = self.chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", offline=True
        )
        try:
            page = context.new_page()
            page.goto(file.resolve().as_uri())
            yield page
        finally:
            context.close()

    def complaints(self, html: str) -> list[str]:
        """What axe finds against WCAG 2.2 AA and good practice, narrow and wide, light and dark, with
        everything unfolded; and whether the page must be scrolled sideways.
        """
        found: list[str] = []
        for width in (NARROW, WIDE):
            for dark in (False, True):
                where = f"{width} px, {'dark' if dark else 'light'}: "
                with self.opened(html, width=width, dark=dark) as page:
                    found += [where + each for each in complaints_of(page)]
        return found


def complaints_of(page: Page) -> list[str]:
    """The same for a page as it is open now."""
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    options = {"runOnly": {"type": "tag", "values": list(_RULES)}, "resultTypes": ["violations"]}
    report = Axe().run(page, options=options).response
    found = [
        f"{rule['id']}: {rule['help']}: {node['html'][:120]}"
        for rule in report["violations"]
        for node in rule["nodes"]
    ]
    assert report["passes"], "axe found nothing to look at"
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*found, *([f"{beyond} px stand beyond the edge"] if beyond > 0 else [])]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what looks through a browser last in its file: while Playwright runs, its loop holds the main
    thread, and no other test could run one there.
    """
    files = {path: number for number, path in enumerate(dict.fromkeys(item.path for item in items))}
    items.sort(key=lambda item: (files[item.path], "browser" in getattr(item, "fixturenames", ())))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running Chromium, one for a file: the files after it have the main thread to themselves again."""
    program = os.environ.get("POLICYCTL_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        if os.environ.get("POLICYCTL_REQUIRE") == "all":
            pytest.fail("Chromium is required and not installed")
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, headless=True, args=list(_FLAGS))
        yield Browser(chromium, tmp_path_factory.mktemp("browser"))
        chromium.close()
