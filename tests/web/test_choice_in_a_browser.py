# SPDX-License-Identifier: Apache-2.0
"""The pages of answers in a real browser: for everybody, by keyboard alone, and without JavaScript."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.actions.notify_scene import open_scene
from tests.peers.browser import NARROW, WIDE, Browser, complaints_of
from tests.web.choice_scene import URL, Served, copies, local, mail_to, make_scene, publish_anew, served
from tests.web.test_choice_pages import reminders_of

pytestmark = pytest.mark.peer("chromium")

ADA, BOB, U1 = "ada@acme.example.org", "bob@best.example.org", "u1@example.org"
SIZES = [(width, dark) for width in (NARROW, WIDE) for dark in (False, True)]
NO, YES = "No, do not use it in this way", "Yes, use it in this way"


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return copies(make_scene(tmp_path_factory.mktemp("browsed") / "policies"))


@pytest.fixture
def root(scenes: Iterator[Path]) -> Path:
    return next(scenes)


@pytest.fixture
def service(root: Path) -> Iterator[Served]:
    with served(root) as running:
        yield running


@contextmanager
def window(
    browser: Browser, *, width: int = WIDE, dark: bool = False, scripts: bool = False
) -> Iterator[Page]:
    """A clean window that only the service can be reached from, and a note of all that goes elsewhere."""
    context = browser.chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
    )
    elsewhere: list[str] = []
    context.on(
        "request",
        lambda request: None if "//127.0.0.1:" in request.url else elsewhere.append(request.url),
    )
    try:
        yield context.new_page()
    finally:
        context.close()
    assert elsewhere == []


def looked_over(browser: Browser, service: Served, path: str, button: str = "") -> list[str]:
    """What axe finds at every size, before a button of the page is pressed or after it."""
    found = []
    with window(browser, scripts=True) as page:
        page.goto(service.url + path)
        if button:
            page.get_by_role("button", name=button).first.click()
            assert page.get_by_role("status").count() == 1
        for width, dark in SIZES:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme="dark" if dark else "light")
            found += [f"{width} px, {'dark' if dark else 'light'}: {each}" for each in complaints_of(page)]
    return found


@pytest.mark.parametrize("whom", [U1, BOB])
def test_everybody_can_read_a_page_of_answers(
    browser: Browser, root: Path, service: Served, whom: str
) -> None:
    assert looked_over(browser, service, mail_to(root, whom).page) == []


@pytest.mark.parametrize(("whom", "button"), [(U1, NO), (ADA, NO), (ADA, "Object to the revised policy")])
def test_everybody_can_read_what_was_recorded(
    browser: Browser, root: Path, service: Served, whom: str, button: str
) -> None:
    assert looked_over(browser, service, mail_to(root, whom).page, button) == []


def test_everybody_can_read_a_question_that_is_closed(browser: Browser, root: Path, service: Served) -> None:
    with open_scene(root) as ledger:
        publish_anew(ledger)
    assert looked_over(browser, service, mail_to(root, U1).page) == []


def test_everybody_can_read_what_is_wrong(browser: Browser, service: Served) -> None:
    assert looked_over(browser, service, "/answers/nothing") == []


def test_everybody_can_stop_reminders(browser: Browser, root: Path, service: Served) -> None:
    path = reminders_of(root)
    assert looked_over(browser, service, path) == []
    assert looked_over(browser, service, path, "Stop reminders") == []


def focused(page: Page) -> str:
    return str(page.locator(":focus").inner_text()) if page.locator(":focus").count() else ""


def press_until(page: Page, words: str) -> None:
    """Go on with the Tab key until the focus is on what has these words."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if focused(page) == words:
            return
    raise AssertionError(f"{words!r} is not reached by the keyboard")


def test_a_choice_is_made_and_changed_by_keyboard_alone_without_javascript(
    browser: Browser, root: Path, service: Served
) -> None:
    (link,) = {each for each in mail_to(root, U1).links() if "marketing&answer=refuse" in each}
    with window(browser) as page:
        page.goto(service.url + local(link))
        assert "In the mail you chose" in page.inner_text("main")
        press_until(page, NO)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert f"{NO} (" in page.get_by_role("status").inner_text()
        press_until(page, YES)
        with page.expect_navigation():
            page.keyboard.press("Space")
        assert f"{YES} (" in page.get_by_role("status").inner_text()
        page.goto(service.url + mail_to(root, U1).page)
        assert "Yes, since" in page.inner_text("main")


def test_an_administrator_answers_for_the_organisation_and_is_told_whom_it_binds(
    browser: Browser, root: Path, service: Served
) -> None:
    with window(browser) as page:
        page.goto(service.url + mail_to(root, ADA).page)
        assert page.get_by_role("heading", level=1).inner_text() == "For Acme & Sons"
        page.get_by_role("button", name=NO).first.click()
        told = page.get_by_role("status").inner_text()
        assert "A no holds for everybody at Acme & Sons" in told
        page.get_by_role("button", name="Confirm that it has reached us").click()
        assert "You confirmed" in page.get_by_role("status").inner_text()


def test_who_answers_a_question_that_has_changed_meanwhile_is_led_to_the_new_one(
    browser: Browser, root: Path, service: Served
) -> None:
    with window(browser) as page:
        page.goto(service.url + mail_to(root, U1).page)
        with open_scene(root) as ledger:
            publish_anew(ledger)
        page.get_by_role("button", name=NO).first.click()
        assert "Nothing was recorded" in page.get_by_role("alert").inner_text()
        newer = page.get_by_role("link", name="Go to the question that is open now").get_attribute("href")
        assert newer
        assert newer.startswith(URL)
        page.goto(service.url + local(newer))
        page.get_by_role("button", name=NO).click()
        assert f"{NO} (" in page.get_by_role("status").inner_text()
    with sqlite3.connect(root / "ledger.db") as database:
        assert database.execute("SELECT count(*) FROM choice").fetchall() == [(1,)]


@pytest.mark.parametrize(("width", "dark"), SIZES)
def test_both_answers_are_of_one_size_and_style(
    browser: Browser, root: Path, service: Served, width: int, *, dark: bool
) -> None:
    (link,) = {each for each in mail_to(root, U1).links() if "marketing&answer=consent" in each}
    looks = (
        "each => { const s = getComputedStyle(each); const b = each.getBoundingClientRect(); return ["
        "s.color, s.backgroundColor, s.borderColor, s.borderWidth, s.fontSize, s.fontWeight, s.opacity, "
        "Math.round(b.width), Math.round(b.height)].join(' ') }"
    )
    with window(browser, width=width, dark=dark, scripts=True) as page:
        page.goto(service.url + local(link))
        buttons = page.get_by_role("button").all()
        assert len(buttons) == 4
        assert len({str(button.evaluate(looks)) for button in buttons}) == 1
        box = buttons[0].bounding_box()
        assert box
        assert box["height"] >= 44
