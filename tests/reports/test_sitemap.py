# SPDX-License-Identifier: Apache-2.0
"""What search engines are told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import pytest

from policyctl.reports.site.look import Theme
from tests.reports import samples
from tests.reports.test_site_pages import DECLARED, LOOK

LOC, DAY = (f"{{http://www.sitemaps.org/schemas/sitemap/0.9}}{name}" for name in ("loc", "lastmod"))


def listed(site: dict[str, bytes]) -> dict[str, str]:
    root = ET.fromstring(site["sitemap.xml"])  # noqa: S314 - our own file
    return {str(url.findtext(LOC)): str(url.findtext(DAY)) for url in root}


def test_every_page_that_is_listed_is_there_and_dated_by_a_publication() -> None:
    site = samples.site(*DECLARED, look=LOOK)
    found = listed(site)
    top = f"{LOOK.base_url}/"
    assert {url.removeprefix(top) + "index.html" for url in found} <= set(site)
    assert {
        f"{top}example-notes/{page}" for page in ("", "de/", "practices/", "changes/", "v1/", "v3/")
    } <= set(found)
    assert found[f"{top}example-notes/v1/"] == "2026-01-01"
    assert found[top] == found[f"{top}example-notes/"] == "2026-03-01"
    assert len(site["sitemap.xml"]) < 50_000


def test_it_is_the_same_on_every_day_while_the_same_version_is_in_force() -> None:
    first, later = (samples.site(*DECLARED, look=LOOK, today=date(2026, 4, day)) for day in (1, 30))
    assert first["sitemap.xml"] == later["sitemap.xml"]


def test_robots_are_told_where_somebody_would_look() -> None:
    assert "robots.txt" not in samples.site(*DECLARED, look=LOOK)
    top = replace(LOOK, base_url="https://policies.example.com")
    assert (
        b"Sitemap: https://policies.example.com/sitemap.xml"
        in samples.site(*DECLARED, look=top)["robots.txt"]
    )
    own = replace(top, theme=Theme("theme", {}, {"robots.txt": b"mine"}))
    assert samples.site(*DECLARED, look=own)["robots.txt"] == b"mine"


@pytest.mark.parametrize("base", ["", "/privacy"])
def test_without_an_address_there_is_none(base: str) -> None:
    site = samples.site(*DECLARED, look=replace(LOOK, base_url=base))
    assert not {"sitemap.xml", "robots.txt"} & set(site)
