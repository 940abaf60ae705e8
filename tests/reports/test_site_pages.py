# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import posixpath
from urllib.parse import unquote

import feedparser
import pytest

from policyctl.core.text.parse import parse
from policyctl.reports.pages import site_pages
from policyctl.reports.policy_html import policy_body
from tests.reports import samples
from tests.reports.test_faces import Page

TEXTS = (samples.OLD, samples.NEW, samples.NEW.replace("one cookie", "two cookies"))
SITE = site_pages([samples.policy(*TEXTS)], base_url="https://policies.example.com/site/")


def test_every_version_has_its_page_and_every_step_its_redline() -> None:
    assert set(SITE) == {
        "index.html",
        "example-notes/index.html",
        "example-notes/feed.xml",
        "example-notes/changes/index.html",
        "example-notes/changes/v1..v2/index.html",
        "example-notes/changes/v2..v3/index.html",
        "example-notes/v1/index.html",
        "example-notes/v2/index.html",
        "example-notes/v3/index.html",
    }


def test_what_was_published_keeps_its_bytes_when_a_version_follows() -> None:
    before = site_pages([samples.policy(*TEXTS[:2])], base_url="https://policies.example.com/site/")
    fixed = [path for path in before if "/v" in path]
    assert len(fixed) == 3
    assert all(before[path] == SITE[path] for path in fixed)


def test_the_same_versions_give_the_same_bytes_in_any_order() -> None:
    one, two = samples.policy(*TEXTS), samples.policy(*TEXTS)
    other = type(two)("another", two.versions)
    assert site_pages([one, other], base_url="") == site_pages([other, one], base_url="")


@pytest.mark.parametrize("path", [path for path in SITE if path.endswith(".html")])
def test_every_link_within_the_site_leads_to_a_page_and_a_place_that_is_there(path: str) -> None:
    page = Page(SITE[path].decode())
    for link in page.links:
        if link.startswith(("http", "mailto:")):
            continue
        target, _, part = link.partition("#")
        where = posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) if target else path
        where = posixpath.join(where, "index.html") if target.endswith("/") else where
        assert where in SITE, link
        if part:
            assert unquote(part) in Page(SITE[where].decode()).ids


@pytest.mark.parametrize("path", [path for path in SITE if path.endswith(".html")])
def test_every_page_has_no_script_one_top_heading_and_a_strict_security_policy(path: str) -> None:
    page = Page(SITE[path].decode())
    assert "script" not in page.tags
    assert page.tags.count("h1") == 1
    assert b"default-src 'none'" in SITE[path].replace(b"&#39;", b"'")
    assert len(page.ids) == len(set(page.ids))


def test_the_newest_page_says_from_when_it_holds_and_what_holds_before() -> None:
    said = SITE["example-notes/index.html"].decode()
    assert "effective <time" in said
    assert "Before 1 April 2026" in said
    assert "v2/" in said


def test_clauses_have_permanent_addresses_and_their_id_marks_are_not_shown() -> None:
    said = SITE["example-notes/v2/index.html"].decode()
    assert 'id="collection"' in said
    assert "{#collection}" not in said


def test_a_hostile_text_is_shown_and_does_nothing() -> None:
    html = policy_body(parse(samples.HOSTILE))
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert sorted(page.links) == [
        "#collection",
        "https://www.example.com/a?b=1&c=2",
        "mailto:privacy@example.com",
    ]
    assert "[image: pixel]" in html
    assert "\x1b" not in html
    assert "javascript:alert(4)" in html


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "&#106;avascript:alert(1)",
        "data:text/html;base64,PHN2Zz4=", "vbscript:x",
        "file:///etc/passwd", "//evil.example.org", "/\\evil.example.org", "\\\\evil.example.org",
        "blob:x", "ftp://example.org/",
    ],
)  # fmt: skip
def test_a_link_that_leads_anywhere_unsafe_is_no_link(target: str) -> None:
    assert (
        Page(policy_body(parse(f"# A\n\n[press]({target}) <{target}>\n\n[b]\n\n[b]: {target}\n"))).links == []
    )


def test_the_feed_is_atom_with_one_entry_for_each_version() -> None:
    feed = feedparser.parse(SITE["example-notes/feed.xml"])
    assert not feed.bozo
    assert feed.version == "atom10"
    assert [entry.updated for entry in feed.entries] == [
        "2026-03-01T12:30:00Z",
        "2026-02-01T12:30:00Z",
        "2026-01-01T12:30:00Z",
    ]
    assert [entry.link for entry in feed.entries] == [
        "https://policies.example.com/site/example-notes/changes/v2..v3/",
        "https://policies.example.com/site/example-notes/changes/v1..v2/",
        "https://policies.example.com/site/example-notes/v1/",
    ]
    assert feed.feed.id == "tag:policies.example.com,2026-01-01:example-notes"
    assert len({entry.id for entry in feed.entries}) == 3
    assert "Example Notes & Co" in feed.feed.title
    assert "Plain words." in feed.entries[0].summary
    assert feed.feed.author


def test_an_entry_of_the_feed_keeps_its_id_when_a_version_follows() -> None:
    before = site_pages([samples.policy(*TEXTS[:2])], base_url="https://policies.example.com/site/")
    old = feedparser.parse(before["example-notes/feed.xml"]).entries
    new = feedparser.parse(SITE["example-notes/feed.xml"]).entries
    assert [entry.id for entry in old] == [entry.id for entry in new[1:]]


def test_a_feed_without_a_known_address_is_still_a_feed() -> None:
    feed = feedparser.parse(site_pages([samples.policy(samples.OLD)], base_url="")["example-notes/feed.xml"])
    assert not feed.bozo
    assert feed.feed.id.startswith("tag:")


def test_words_of_legal_cannot_break_the_feed_or_the_page() -> None:
    hostile = samples.version(1, samples.OLD, summary="a < b & \x00\x1b]0; \ufffe </summary>")
    site = site_pages([type(samples.policy(samples.OLD))("example-notes", (hostile,))], base_url="")
    feed = feedparser.parse(site["example-notes/feed.xml"])
    assert not feed.bozo
    assert b"\x1b" not in site["example-notes/changes/index.html"]
