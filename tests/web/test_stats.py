# SPDX-License-Identifier: Apache-2.0
"""The counts as the service tells them: to whom, how old, in a browser."""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from policyctl import wiring
from policyctl.adapters.ledger import Ledger
from policyctl.core.policy import VersionKey
from policyctl.reports.ledger.page import ledger_page, page_policy
from policyctl.settings import load_settings
from policyctl.web.counts import Counts
from tests.adapters.ledger_samples import KEY
from tests.peers.browser import NARROW, WIDE, Browser, complaints_of
from tests.reports.ledger_report import AT, EMPTY, report
from tests.web.service import EMAIL, NOW, Running, make_repository, new_key, problem, serving

TAG = {"subject": "u1", "category": EMAIL, "record": "crm-1", "collected_at": "2026-02-01T00:00:00Z"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_repository(tmp_path_factory.mktemp("stats") / "policies")


@pytest.fixture(scope="module")
def service(root: Path) -> Iterator[Running]:
    """Two tags of acme's, one of bolt's."""
    with serving(root) as running:
        for customer, records in (("acme", ("1", "2")), ("bolt", ("1",))):
            with running.client(new_key(root, customer=customer)) as caller:
                caller.post("/v1/tags", {"tags": [{**TAG, "record": name} for name in records]})
        yield running


def by_password(service: Running, token: str, path: str = "/stats") -> httpx.Response:
    words = b64encode(f"whoever:{token}".encode()).decode()
    with service.client() as caller:
        return caller.get(path, authorization=f"Basic {words}")


def test_each_key_is_told_what_it_reaches(root: Path, service: Running) -> None:
    found = {}
    for customer in (None, "acme", "bolt"):
        with service.client(new_key(root, "read", customer=customer)) as caller:
            said = caller.get("/v1/stats")
            assert int(said.headers["age"]) < 60
            found[customer] = sum(each["count"] for each in said.json()["tags"])
            page = caller.get("/stats").text
            assert f"{found[customer]} tag" in page
            if customer:
                assert said.json()["sequence"] is None
                assert ("acme" in page, "bolt" in page) == (customer == "acme", customer == "bolt")
    assert found == {None: 3, "acme": 2, "bolt": 1}
    with service.client(new_key(root, "admin")) as caller:
        assert "2 tags" in caller.get("/stats?customer=acme").text
        problem(caller.get("/stats?customer=nobody"), 422, "invalid-request")


def test_a_browser_is_asked_for_the_key_and_sends_it_as_a_password(root: Path, service: Running) -> None:
    token = new_key(root, "read", customer="acme")
    with service.client() as caller:
        refused = caller.get("/stats")
    problem(refused, 401, "no-key")
    assert refused.headers["www-authenticate"] == 'Basic realm="policyctl"'
    page = by_password(service, token)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == page_policy()
    assert page.headers["cache-control"] == "no-store"
    for wrong in (token[:-1], "", "pck_", "\u00e9"):
        problem(by_password(service, wrong), 401, "no-key")
    # A browser sends a password by itself, so that what is no page does not take it.
    problem(by_password(service, token, "/v1/stats"), 401, "no-key")


# How often it is counted


@pytest.fixture
def ledger(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    with wiring.open_ledger(load_settings(root)) as opened:
        yield opened


def test_counts_are_told_again_while_nothing_is_new_and_for_an_hour_at_most(ledger: Ledger) -> None:
    counts = Counts()
    first = counts.report(None, now=NOW, ledger=ledger)
    for passed, again in ((0, True), (29, True), (3_500, True), (3_601, False)):
        found = counts.report(None, now=NOW + timedelta(seconds=passed), ledger=ledger)
        assert (found is first) is again, passed


def test_what_is_new_is_counted_once_the_last_count_has_rested(ledger: Ledger) -> None:
    counts = Counts()
    first = counts.report(None, now=NOW, ledger=ledger)
    ledger.accept("new", VersionKey("fax", 2), NOW, now=NOW)
    assert counts.report(None, now=NOW + timedelta(seconds=29), ledger=ledger) is first
    second = counts.report(None, now=NOW + timedelta(seconds=31), ledger=ledger)
    assert second.stats.sequence == ledger.sequence()
    assert second.at == NOW + timedelta(seconds=31)


def test_when_a_customers_counts_are_made_anew_tells_nothing_of_others(ledger: Ledger) -> None:
    """With or without an entry of another's in between."""
    later = NOW + timedelta(seconds=31)
    for write in (False, True):
        counts = Counts()
        counts.report("acme", now=NOW, ledger=ledger)
        if write:
            ledger.accept("new", VersionKey("fax", 1), NOW, now=NOW, within="bolt")
        assert counts.report("acme", now=later, ledger=ledger).at == later


def test_who_asks_while_it_is_counted_is_told_the_last_count(ledger: Ledger) -> None:
    counts, later = Counts(), NOW + timedelta(hours=2)
    first = counts.report(None, now=NOW, ledger=ledger)
    with counts._alone(None, wait=True):  # as one who counts
        assert counts.report(None, now=later, ledger=ledger) is first
        waiting: list[object] = []
        asks = threading.Thread(
            target=lambda: waiting.append(Counts.report(counts, "acme", now=later, ledger=ledger))
        )
        asks.start()
        asks.join(20)
        assert waiting, "another customer's count need not wait"
    assert counts.report(None, now=later, ledger=ledger).at == later


# In a browser


@pytest.mark.peer("chromium")
@pytest.mark.parametrize("found", [report(30), EMPTY], ids=("full", "empty"))
def test_everybody_can_read_the_page(browser: Browser, found: object) -> None:
    assert browser.complaints(ledger_page(found, now=AT + timedelta(minutes=3))) == []  # type: ignore[arg-type]


@pytest.mark.peer("chromium")
def test_the_page_as_it_is_served(browser: Browser, root: Path, service: Running) -> None:
    """Under its own security policy, with the key as a password, by keyboard, without any script."""
    token, trouble = new_key(root, "read"), list[str]()
    for width in (NARROW, WIDE):
        context = browser.chromium.new_context(
            viewport={"width": width, "height": 800},
            http_credentials={"username": "me", "password": token},
            bypass_csp=True,  # only for axe, which is a script
        )
        page = context.new_page()
        page.goto(f"{service.url}/stats")
        assert complaints_of(page) == []
        context.close()
    context = browser.chromium.new_context(
        java_script_enabled=False, http_credentials={"username": "me", "password": token}
    )
    page = context.new_page()
    page.on("console", lambda message: trouble.append(message.text))
    page.goto(f"{service.url}/stats")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.url.endswith("#uses")
    assert page.locator("svg.bar rect.permitted").first.bounding_box()["width"] > 50  # type: ignore[index]
    assert page.locator("svg.bar").first.evaluate("e => getComputedStyle(e).display") == "block"
    context.close()
    assert trouble == []


def test_every_bar_stands_beside_its_number() -> None:
    page = ledger_page(report(), now=AT)
    assert "<script" not in page
    assert "style=" not in page
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    drawn = [row for row in rows if "<svg" in row]
    assert len(drawn) > 8
    assert all(re.search(r'<td class="number">[0-9,]+</td>', row) for row in drawn)
