# SPDX-License-Identifier: Apache-2.0
"""The posted pages as the service serves them."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from policyctl.web.problems import Answer
from policyctl.web.site import SitePages, Wanted
from tests.actions.instance import DAYS as PUBLISHED
from tests.actions.instance import PRACTICES_2, SLUG, TEXT_2, make_instance, policy, publish
from tests.actions.test_site_build import TEXT_3, THIRD
from tests.web.service import serving
from tests.web.site_scene import SAMPLE, sample_versions, served_site, site_pages, write_sites

DAYS = [version.effective for version in sample_versions()]
NOW = datetime.combine(DAYS[2], datetime.min.time(), UTC) + timedelta(days=20, hours=9)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SitePages:
    """On a day when version 3 is in force and version 4 is to come."""
    folder = tmp_path_factory.mktemp("served") / "site"
    return site_pages(folder, write_sites(folder, NOW.date()), NOW)


def get(site: SitePages, path: str, now: datetime = NOW, **headers: str) -> Answer:
    path, _, query = path.partition("?")
    pairs = dict(part.split("=") for part in query.split("&")) if query else {}
    return site.answer(
        Wanted(path, pairs, {name.replace("_", "-"): text for name, text in headers.items()}, now)
    )


def led(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.headers["Location"]


def v(number: int) -> str:
    return f"/privacy/{SAMPLE}/v{number}/"


def test_pages_are_served_with_their_type_and_their_own_security_policy(site: SitePages) -> None:
    for path, kind in (
        ("", "text/html; charset=utf-8"),
        (f"{SAMPLE}/", "text/html; charset=utf-8"),
        (f"{SAMPLE}/v3/data.json", "application/json"),
        (f"{SAMPLE}/feed.xml", "application/atom+xml"),
        ("sitemap.xml", "application/xml"),
        ("style.css", "text/css; charset=utf-8"),
    ):
        answer = get(site, path)
        assert (answer.status, answer.media_type) == (200, kind), path
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    said = re.search(rb'Policy" content="([^"]*)"', get(site, f"{SAMPLE}/").content)
    assert said
    own = said[1].decode().replace("&#39;", "'")
    assert get(site, f"{SAMPLE}/").headers["Content-Security-Policy"] == f"{own}; frame-ancestors 'none'"


def test_what_has_not_changed_is_not_sent_again(site: SitePages) -> None:
    first = get(site, f"{SAMPLE}/v3/")
    again = get(site, f"{SAMPLE}/v3/", if_none_match=f'W/"x", {first.headers["ETag"]}')
    assert (again.status, again.content) == (304, b"")


def test_the_moment_a_page_was_written_counts_where_no_mark_is_named(site: SitePages) -> None:
    first = get(site, f"{SAMPLE}/v3/")
    written = first.headers["Last-Modified"]
    moment = parsedate_to_datetime(written)
    earlier, later = (format_datetime(moment + timedelta(seconds=by), usegmt=True) for by in (-1, 1))
    for since, status in ((written, 304), (later, 304), (earlier, 200), ("yesterday", 200)):
        answer = get(site, f"{SAMPLE}/v3/", if_modified_since=since)
        assert (answer.status, bool(answer.content)) == (status, status == 200), since
        assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert get(site, f"{SAMPLE}/v3/", if_none_match='"other"', if_modified_since=later).status == 200
    assert get(site, f"{SAMPLE}/v3/", if_none_match="*").status == 304
    assert "Last-Modified" not in get(site, f"{SAMPLE}/changes/v1..v4/").headers


def test_the_form_for_a_day_leads_to_the_text_of_that_day(site: SitePages) -> None:
    assert led(get(site, f"{SAMPLE}/on/day?day={DAYS[1]}")) == (302, f"/privacy/{SAMPLE}/on/{DAYS[1]}/")
    for words in ("", "?day=", "?day=tomorrow", "?day=2026-05-01/../../x", "?other=1"):
        assert led(get(site, f"{SAMPLE}/on/day{words}")) == (302, f"/privacy/{SAMPLE}/on/")
    assert get(site, "nothing/on/day?day=2026-05-01").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "nothing", "nothing/", f"{SAMPLE}/v9/", f"{SAMPLE}/v0/", f"{SAMPLE}/v3/nothing",
        f"{SAMPLE}/changes/v1..v9/",
        f"{SAMPLE}/changes/v2..v2/", f"{SAMPLE}/changes/compare", f"{SAMPLE}/changes/compare?from=v1&to=x",
        f"{SAMPLE}/on/2026-02-30/", f"{SAMPLE}/on/1999-01-01/", f"{SAMPLE}/on/x/", "../policyctl.toml",
        f"{SAMPLE}/../../secret", ".policyctl-site", f"{SAMPLE}//v3/", f"{SAMPLE}\\v3", "a\0b", "_redirects",
        "nothing/timemap/", "nothing/on/2026-05-01/", "nothing/changes/v1..v3/", f"{SAMPLE}/v3/on/",
        "%2e%2e/",
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(site: SitePages, path: str) -> None:
    answer = get(site, path)
    assert answer.status == 404
    assert b"There is no page here" in answer.content


def test_a_folder_without_its_slash_leads_to_it(site: SitePages) -> None:
    assert led(get(site, SAMPLE)) == (301, f"/privacy/{SAMPLE}/")


def test_any_day_leads_to_the_version_that_was_in_force(site: SitePages) -> None:
    for number, day in enumerate(DAYS[:3], 1):
        for when in (day, day + timedelta(days=3)):
            assert led(get(site, f"{SAMPLE}/on/{when}/")) == (302, v(number))
        if number > 1:
            assert led(get(site, f"{SAMPLE}/on/{day - timedelta(days=1)}/")) == (302, v(number - 1))
    assert led(get(site, f"{SAMPLE}/on/{NOW.date()}/")) == (302, v(3))


@pytest.mark.parametrize("ahead", [1, 30, 4000])
def test_a_day_to_come_cannot_be_answered_yet(site: SitePages, ahead: int) -> None:
    answer = get(site, f"{SAMPLE}/on/{NOW.date() + timedelta(days=ahead)}/")
    assert answer.status == 416
    assert b"Nobody can say yet" in answer.content


def test_a_version_whose_day_came_since_the_site_was_built_is_led_to(site: SitePages) -> None:
    assert get(site, f"{SAMPLE}/").status == 200
    later = datetime.combine(DAYS[3], datetime.min.time(), UTC)
    assert led(get(site, f"{SAMPLE}/", later)) == (302, v(4))
    assert get(site, f"{SAMPLE}/", later - timedelta(seconds=1)).status == 200


def test_the_redline_between_any_two_versions(site: SitePages) -> None:
    answer = get(site, f"{SAMPLE}/changes/v1..v4/")
    assert answer.status == 200
    assert b"What changed from version 1 to version 4" in answer.content
    assert answer.headers["X-Robots-Tag"] == "noindex"  # there are as many as pairs of versions
    assert b"Cloud Ltd" in answer.content
    assert get(site, f"{SAMPLE}/changes/v1..v4/").content == answer.content
    assert led(get(site, f"{SAMPLE}/changes/v4..v1/")) == (301, f"/privacy/{SAMPLE}/changes/v1..v4/")
    assert get(site, f"{SAMPLE}/changes/v1..v2/").content == site.folder.read(
        f"{SAMPLE}/changes/v1..v2/index.html"
    )


def test_the_form_leads_to_the_redline_between_two_versions(site: SitePages) -> None:
    assert led(get(site, f"{SAMPLE}/changes/compare?from=v4&to=v1")) == (
        302,
        f"/privacy/{SAMPLE}/changes/v1..v4/",
    )
    assert led(get(site, f"{SAMPLE}/changes/compare?from=v2&to=v2")) == (302, v(2))


# --- Memento (RFC 7089)

DATED = re.compile(r'<([^>]+)>; rel="([^"]+)"(?:; type="[^"]+")?(?:; datetime="([^"]+)")?')


def links(text: str) -> dict[str, tuple[str, str]]:
    return {relation: (target, when) for target, relation, when in DATED.findall(text)}


def at(day: date) -> str:
    return f"{day:%a, %d %b %Y} 00:00:00 GMT"


def test_a_version_says_from_when_it_was_what_the_page_said(site: SitePages) -> None:
    answer = get(site, f"{SAMPLE}/v2/")
    assert answer.headers["Memento-Datetime"] == at(DAYS[1])
    assert links(answer.headers["Link"]) == {
        "original timegate": (f"/privacy/{SAMPLE}/", ""),
        "timemap": (f"/privacy/{SAMPLE}/timemap/", ""),
        "first prev memento": (v(1), at(DAYS[0])),
        "memento": (v(2), at(DAYS[1])),
        "next last memento": (v(3), at(DAYS[2])),
    }


def test_a_version_to_come_is_no_memento_yet(site: SitePages) -> None:
    answer = get(site, f"{SAMPLE}/v4/")
    assert answer.status == 200
    assert "Memento-Datetime" not in answer.headers
    assert v(4) not in answer.headers["Link"]


@pytest.mark.parametrize(
    ("when", "number"),
    [
        (DAYS[0] - timedelta(days=400), 1), (DAYS[0], 1), (DAYS[1] - timedelta(days=1), 1), (DAYS[1], 2),
        (DAYS[2], 3), (NOW.date() + timedelta(days=4000), 3),
    ],
)  # fmt: skip
def test_a_moment_is_answered_with_the_version_of_it(site: SitePages, when: date, number: int) -> None:
    answer = get(site, f"{SAMPLE}/", accept_datetime=at(when))
    assert led(answer) == (302, v(number))
    assert answer.headers["Vary"] == "Accept-Datetime"
    assert "timegate" in answer.headers["Link"]


@pytest.mark.parametrize("words", ["", "yesterday", "2026-05-01", "Mon, 99 Nov 2026 00:00:00 GMT"])
def test_a_moment_that_is_none_is_refused(site: SitePages, words: str) -> None:
    assert get(site, f"{SAMPLE}/", accept_datetime=words).status == 400


def test_the_timemap_lists_every_version_that_was_in_force(site: SitePages) -> None:
    answer = get(site, f"{SAMPLE}/timemap/")
    assert answer.media_type == "application/link-format"
    found = DATED.findall(answer.content.decode())
    assert [(target, when) for target, relation, when in found if "memento" in relation] == [
        (v(number), at(day)) for number, day in enumerate(DAYS[:3], 1)
    ]


def test_a_site_that_is_not_built_yet_has_no_pages(tmp_path: Path) -> None:
    empty = site_pages(tmp_path / "site", write_sites(tmp_path / "other", NOW.date()), NOW)
    for path in ("", f"{SAMPLE}/", f"{SAMPLE}/v1/", f"{SAMPLE}/on/2026-05-01/"):
        assert get(empty, path).status == 404


def test_over_http_pages_stand_beside_the_api_and_callers_hear_of_no_page(
    site: SitePages, tmp_path: Path
) -> None:
    with served_site(tmp_path, site) as url, httpx.Client(trust_env=False) as browser:
        page = browser.get(f"{url}/{SAMPLE}/v3/", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "public, max-age=86400"
        head = browser.head(f"{url}/{SAMPLE}/v3/")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["Content-Length"] == str(len(page.content))
        lost = browser.get(f"{url}/nothing/", headers={"Accept": "text/html,*/*"})
        assert (lost.status_code, lost.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
        caller = browser.get(f"{url}/nothing/")
        assert json.loads(caller.content)["type"] == "urn:policyctl:problem:not-found"
        assert browser.post(f"{url}/{SAMPLE}/").status_code == 405
        assert browser.get(url.replace("/privacy", "/healthz")).json() == {"status": "ok"}


def test_serve_shows_what_publish_has_posted(tmp_path: Path) -> None:
    repo = make_instance(tmp_path / "policies")
    publish(repo.root, PUBLISHED[1])
    repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    publish(repo.root, PUBLISHED[2])
    repo.commit("Third", policy(TEXT_3, PRACTICES_2))
    publish(repo.root, THIRD)
    with serving(repo.root) as service, httpx.Client(trust_env=False, base_url=service.url) as browser:
        page = browser.get(f"/{SLUG}/v1/", headers={"Accept": "text/html"})
        assert "We collect your e-mail address" in page.text
        assert "We may" not in page.text
        redline = browser.get(f"/{SLUG}/changes/v1..v3/")
        assert "What changed from version 1 to version 3" in redline.text
        assert browser.get("/readyz").json() == {"status": "ready"}
        service.stop()
    assert not [line for line in service.log if '"bug"' in line or SLUG in line]
