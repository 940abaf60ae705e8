# SPDX-License-Identifier: Apache-2.0
"""Every kind of posted page in a real browser: for everybody, by itself, whatever the policy's text tries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from policyctl.web.site import SitePages
from tests.peers.browser import NARROW, WIDE, Browser, complaints_of
from tests.peers.page_checkers import PageCheckers
from tests.web.site_scene import GERMAN, HOSTILE, SAMPLE, served_site, site_pages, write_sites
from tests.web.test_site import NOW

pytestmark = pytest.mark.peer("chromium")

SIZES = [(NARROW, True), (WIDE, False)]  # each width and each palette
ALL_SIZES = [(width, dark) for width in (NARROW, WIDE) for dark in (False, True)]
RICHEST = (f"{SAMPLE}/", f"{SAMPLE}/changes/", f"{SAMPLE}/changes/v2..v3/")
KINDS = (
    "", f"{SAMPLE}/", f"{SAMPLE}/v4/", f"{SAMPLE}/v4/de/", f"{SAMPLE}/v3/practices/",
    f"{SAMPLE}/changes/", f"{SAMPLE}/changes/v2..v3/", f"{SAMPLE}/changes/v1..v4/", f"{SAMPLE}/clauses/",
    f"{SAMPLE}/clauses/cookies/", f"{SAMPLE}/on/", f"{SAMPLE}/on/later/", "nothing/",
    f"{GERMAN}/changes/v1..v2/",
)  # fmt: skip
EVILS = tuple(
    f"{HOSTILE}/{path}"
    for path in (
        "",
        "v3/",
        "v3/de/",
        "practices/",
        "v2/practices/",
        "changes/",
        "changes/v1..v2/",
        "clauses/",
        "on/",
    )
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SitePages:
    folder = tmp_path_factory.mktemp("browsed") / "site"
    return site_pages(folder, write_sites(folder, NOW.date()), NOW)


@pytest.fixture(scope="module")
def url(site: SitePages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_site(tmp_path_factory.mktemp("ledger"), site) as found:
        yield found


@contextmanager
def window(browser: Browser, **options: object) -> Iterator[Page]:
    """A clean window; whatever goes to another host, or is refused by a page's own policy, is told."""
    context = browser.chromium.new_context(**options)  # type: ignore[arg-type]
    astray: list[str] = []
    context.on(
        "request",
        lambda request: None if urlsplit(request.url).hostname == "127.0.0.1" else astray.append(request.url),
    )
    page = context.new_page()
    page.on("console", lambda said: astray.append(said.text) if "404" not in said.text else None)
    page.on("dialog", lambda dialog: astray.append(dialog.message))
    try:
        yield page
    finally:
        context.close()
    assert astray == []


@pytest.mark.parametrize("path", KINDS)
def test_everybody_can_read_every_kind_of_page(browser: Browser, url: str, path: str) -> None:
    found = []
    with window(browser, bypass_csp=True) as page:  # axe is a script, which our pages let none run
        page.goto(f"{url}/{path}")
        for width, dark in ALL_SIZES if path in RICHEST else SIZES:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme="dark" if dark else "light")
            found += [f"{width} px, {'dark' if dark else 'light'}: {each}" for each in complaints_of(page)]
    assert found == []


@pytest.mark.parametrize("path", EVILS)
def test_everybody_can_read_a_page_whatever_stands_on_it(browser: Browser, url: str, path: str) -> None:
    with window(browser, bypass_csp=True, viewport={"width": NARROW, "height": 800}) as page:
        page.goto(f"{url}/{path}")
        assert complaints_of(page) == []


@pytest.mark.parametrize("path", EVILS)
def test_nothing_of_a_policys_text_runs_loads_or_hides(browser: Browser, url: str, path: str) -> None:
    with window(browser) as page:
        page.goto(f"{url}/{path}", wait_until="load")
        assert page.url == f"{url}/{path}"
        assert "RAN" not in page.title()
        assert (
            page.locator("article script, article img, article svg, article iframe, article style").count()
            == 0
        )
        assert (
            page.locator("article [hidden], article [style], article [onload], article [onerror]").count()
            == 0
        )
        for link in page.locator("main a").all():
            assert re.match(
                r"https?:|mailto:|#|\.{0,2}/|v\d|\d{4}|[a-z0-9-]+/", link.get_attribute("href") or ""
            )
        if path.endswith(("v3/", "v3/de/")):
            said = page.locator("article").inner_text()
            assert "<script>" in said
            assert "more hidden words" in said


def test_a_reader_without_javascript_finds_the_way_by_keyboard(browser: Browser, url: str) -> None:
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{url}/{SAMPLE}/")
        page.get_by_role("link", name="See what changes").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/changes/v3..v4/")
        assert page.get_by_role("heading", level=1).inner_text().startswith("What changed in version 4")
        page.get_by_role("link", name="Changes", exact=True).click()
        page.get_by_label("From").select_option("v1")
        page.get_by_role("button", name="Compare").click()
        page.wait_for_url("**/changes/v1..v4/")


def test_the_keyboard_skips_what_stands_above_the_text_and_is_seen_to(browser: Browser, url: str) -> None:
    with window(browser, java_script_enabled=False, viewport={"width": NARROW, "height": 800}) as page:
        page.goto(f"{url}/{SAMPLE}/v3/")
        page.keyboard.press("Tab")
        skip = page.locator(".skip")
        assert skip.evaluate("each => each === document.activeElement")
        box = skip.bounding_box()
        assert box is not None
        assert box["y"] >= 0
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.locator("main a").first.evaluate("each => each === document.activeElement")
        outline = page.locator("main a").first.evaluate("each => getComputedStyle(each).outlineWidth")
        assert outline == "3px"


@pytest.mark.parametrize("path", [path for path in KINDS if path != "nothing/"])
def test_who_goes_from_heading_to_heading_misses_none(browser: Browser, url: str, path: str) -> None:
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{url}/{path}")
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])")
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert [below for above, below in pairwise(levels) if below > above + 1] == []


def test_a_redline_is_told_without_colour_and_by_ear(browser: Browser, url: str) -> None:
    with window(browser) as page:
        page.goto(f"{url}/{SAMPLE}/changes/v2..v3/")
        heard = page.locator("#clause-profiles").aria_snapshot()
        assert "deletion: " in heard
        assert "insertion: " in heard
        for mark, sign, line, words in (
            ("del", "−", "line-through", " deleted: "),
            ("ins", "+", "underline", " inserted: "),
        ):
            first = page.locator(f"#clause-profiles {mark}").first
            assert first.locator(".sign").inner_text().strip() == sign
            assert first.locator(".said").first.text_content() == words
            style = first.locator(".run").evaluate("each => getComputedStyle(each).textDecorationLine")
            assert style == line


def test_a_day_is_asked_for_in_a_form(browser: Browser, url: str) -> None:
    with window(browser, java_script_enabled=False) as page:
        page.goto(f"{url}/{SAMPLE}/on/")
        page.get_by_label("Day").fill(str(NOW.date()))
        page.get_by_role("button", name="Show the text").click()
        page.wait_for_url(f"**/{SAMPLE}/v3/")


def test_a_clause_is_reached_through_the_address_of_a_day(browser: Browser, url: str) -> None:
    with window(browser) as page:
        page.goto(f"{url}/{SAMPLE}/on/{NOW.date()}/#cookies")
        assert page.url == f"{url}/{SAMPLE}/v3/#cookies"
        assert page.locator("h2:target").inner_text().startswith("Cookies")


def test_version_and_address_stand_at_the_foot_of_every_printed_sheet(
    browser: Browser, url: str, tmp_path: Path, page_checkers: PageCheckers
) -> None:
    with window(browser) as page:
        page.goto(f"{url}/{SAMPLE}/v3/")
        page.pdf(path=str(tmp_path / "v3.pdf"), prefer_css_page_size=True)
    sheets = page_checkers.text_of(tmp_path / "v3.pdf").split("\f")[:-1]
    assert len(sheets) > 1
    for sheet in sheets:
        assert "Example Fax Privacy Policy, version 3" in sheet
        assert f"https://fax.example.com/privacy/{SAMPLE}/v3/" in sheet


def test_a_validator_finds_nothing_wrong_with_any_page(site: SitePages, page_checkers: PageCheckers) -> None:
    pages = {}
    german = [f"{GERMAN}/{path}" for path in ("", "practices/", "changes/", "clauses/daten/", "on/")]
    translated = [f"{SAMPLE}/v4/de/practices/", f"{HOSTILE}/v3/de/practices/"]
    for path in [*KINDS, *EVILS, *german, *translated]:
        data = site.folder.read(f"{path}index.html") or site.folder.read("404.html") or b""
        pages[path.replace("/", "_") or "top"] = data.decode()
    assert {*page_checkers.vnu(pages), *page_checkers.html_validate(pages)} == set()
    broken = {"broken": "<!doctype html><html lang=en><p id=a><p id=a></div>"}
    assert page_checkers.vnu(broken)
    assert page_checkers.html_validate(broken)
