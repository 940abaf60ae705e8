# SPDX-License-Identifier: Apache-2.0
"""The feeds of the site: Atom by its RFC and by a reader that is not ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import feedparser
import pytest

from policyctl.core.proof.heads import LedgerHead
from policyctl.reports.site.atom import PROOF
from policyctl.reports.site.feeds import Fed, feed_files
from policyctl.reports.site.look import Look
from tests.reports import samples
from tests.reports.atom_rules import ATOM, faults
from tests.reports.test_faces import Page
from tests.reports.test_site_pages import DECLARED, EVIL, LOOK

HEADS = {3: (LedgerHead(812, bytes(range(32))), LedgerHead(7, bytes(32)))}
SITE = samples.site(*DECLARED, look=LOOK, heads=HEADS)
SOME_DAY = date(2026, 2, 10)  # version 2 is in force, version 3 is not published yet
ALL = ("feed.xml", "upcoming.xml", "example-notes/feed.xml", "example-notes/upcoming.xml")


def read(site: dict[str, bytes], path: str) -> Any:
    feed = feedparser.parse(site[path])
    assert not feed.bozo
    assert feed.version == "atom10"
    return feed


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("base", ["https://policies.example.com/site", ""])
@pytest.mark.parametrize("today", [date(2026, 1, 1), SOME_DAY, samples.LATE])
def test_every_feed_keeps_to_the_rfc_on_every_day(path: str, base: str, today: date) -> None:
    site = samples.site(*DECLARED, look=replace(LOOK, base_url=base), today=today, heads=HEADS)
    assert faults(site[path]) == []
    read(site, path)


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [
        ((b"<author>", b"<owner>"), "0 of author"),
        ((b"2026-03-01T12:30:00Z", b"2026-03-01"), "updated is"),
        ((b"/v2</id>", b"/v3</id>"), "twice"),
        ((b'rel="self"', b'rel="alternate"'), "where it is"),
        ((b'type="html"', b'type="xhtml"'), "of type xhtml"),
        ((b"<summary>", b"<abstract>"), "abstract in"),
    ],
)
def test_the_check_itself_finds_what_the_rfc_forbids(spoilt: tuple[bytes, bytes], told: str) -> None:
    data = SITE["example-notes/feed.xml"]
    for name in (b"author", b"summary"):
        if spoilt[0] == b"<" + name + b">":
            data = data.replace(b"</" + name, spoilt[1].replace(b"<", b"</")[:-1])
    assert any(told in fault for fault in faults(data.replace(*spoilt)))


def test_a_feed_has_one_entry_for_each_version_dated_by_its_publication() -> None:
    feed = read(SITE, "example-notes/feed.xml")
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
    assert feed.feed.updated == feed.entries[0].updated
    assert feed.feed.id == "tag:policies.example.com,2026-01-01:example-notes"
    assert "Example Notes & Co" in feed.feed.title
    assert "Plain words." in feed.entries[0].summary
    assert "Sharing" in feed.entries[1].content[0].value
    assert feed.feed.author


def test_an_id_is_of_one_thing_for_good_in_every_feed() -> None:
    before = samples.site(*DECLARED[:2], look=LOOK)
    old, new = (
        [entry.id for entry in read(site, "example-notes/feed.xml").entries] for site in (before, SITE)
    )
    assert old == new[1:]
    assert [entry.id for entry in read(SITE, "feed.xml").entries] == new
    feeds = {read(SITE, path).feed.id for path in ALL}
    assert len(feeds) == len(ALL)
    assert not feeds & set(new)


def test_the_feed_of_all_holds_the_versions_of_every_policy_by_their_date() -> None:
    ours = tuple(DECLARED)
    theirs = tuple(replace(each, key=replace(each.key, slug="another")) for each in DECLARED[:1])
    fed = [Fed("another", theirs, (), {}), Fed("example-notes", ours, (), {})]
    files = dict(feed_files(fed, LOOK, samples.LATE))
    names = [entry.id.rpartition(":")[2] for entry in read(files, "feed.xml").entries]
    assert names == ["example-notes/v3", "example-notes/v2", "another/v1", "example-notes/v1"]
    assert faults(files["feed.xml"]) == []
    assert dict(feed_files(fed[::-1], LOOK, samples.LATE)) == files


@pytest.mark.parametrize("path", ["upcoming.xml", "example-notes/upcoming.xml"])
def test_what_is_to_come_stands_in_its_own_feed_until_its_day(path: str) -> None:
    effective = DECLARED[2].effective
    days = (date.fromordinal(effective.toordinal() - 1), effective)
    before, after = (read(samples.site(*DECLARED, look=LOOK, today=day), path) for day in days)
    assert [entry.id for entry in before.entries] == ["tag:policies.example.com,2026-01-01:example-notes/v3"]
    assert before.feed.updated == "2026-03-01T12:30:00Z"
    assert after.entries == []
    assert after.feed.updated == f"{effective}T00:00:00Z"


def test_a_feed_is_the_same_bytes_on_every_day_between_two_changes() -> None:
    first, later = (samples.site(*DECLARED, look=LOOK, today=date(2027, 1, day)) for day in (1, 30))
    assert all(first[path] == later[path] for path in ALL)


def test_an_entry_carries_the_hash_of_its_text_and_the_ledger_head_of_its_version_ref() -> None:
    root = ET.fromstring(SITE["feed.xml"])  # noqa: S314 - our own feed
    newest, *older = root.findall(f"{ATOM}entry")
    heads = [dict(head.attrib) for head in newest.findall(f"{{{PROOF}}}head")]
    assert [(head["server"], head["entry"]) for head in heads] == [("0", "812"), ("1", "7")]
    assert heads[0]["root"] == bytes(range(32)).hex()
    text = newest.find(f"{{{PROOF}}}text")
    assert text is not None
    assert text.get("sha256") == DECLARED[2].text_sha256
    assert not any(entry.findall(f"{{{PROOF}}}head") for entry in older)


def test_a_hostile_text_is_words_in_every_feed() -> None:
    evil = "<script>alert(1)</script> <img src=x onerror=alert(2)> \x1b[31m \u202e ]]> \ufffe &amp; {{7*7}}"
    versions = [replace(each, title=f"{evil} {EVIL}", summary=evil, impact=evil) for each in DECLARED]
    site = samples.site(*versions, look=Look(name=evil, base_url='https://example.com/a"b<c'), heads=HEADS)
    for path in ALL:
        assert faults(site[path]) == []
        feed = feedparser.parse(site[path], sanitize_html=False)
        assert not feed.bozo
        for entry in feed.entries:
            assert not {"script", "img"} & set(Page(entry.content[0].value).tags)
        for hidden in ("\x1b", "\u202e", "\ufffe"):
            assert hidden.encode() not in site[path]
