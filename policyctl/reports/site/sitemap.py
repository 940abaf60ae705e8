# SPDX-License-Identifier: Apache-2.0
"""What search engines are told: ``sitemap.xml`` (sitemaps.org) and ``robots.txt``.

Both need the address of the site, and ``robots.txt`` is read at the top of a host only. Days are those of
publications, so the same versions give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from policyctl.reports.site.look import Look
from policyctl.reports.site.posted import Posted

_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


@dataclass(frozen=True, slots=True)
class Listed:
    """A policy: its versions, oldest first, and the folders of its pages that change, from its own
    (``""``).
    """

    slug: str
    versions: Sequence[Posted]
    pages: Sequence[str]

    @property
    def changed(self) -> date:
        """The day of the newest publication (UTC)."""
        return self.versions[-1].published_at.date()


def sitemap_files(policies: Sequence[Listed], look: Look) -> Iterator[tuple[str, bytes]]:
    """The files that can be told; none where nobody said where the site is."""
    if not urlsplit(look.base_url).hostname:
        return
    root = ET.Element("urlset", {"xmlns": _NAMESPACE})
    for path, day in _places(policies):
        url = ET.SubElement(root, "url")
        ET.SubElement(url, "loc").text = f"{look.base_url}/{quote(path)}"
        ET.SubElement(url, "lastmod").text = day.isoformat()
    ET.indent(root, "")
    text = ET.tostring(root, encoding="unicode")
    yield "sitemap.xml", f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()
    if not look.prefix:
        yield "robots.txt", f"User-agent: *\nAllow: /\nSitemap: {look.base_url}/sitemap.xml\n".encode()


def _places(policies: Sequence[Listed]) -> Iterator[tuple[str, date]]:
    yield "", max(policy.changed for policy in policies)
    for policy in policies:
        yield from ((f"{policy.slug}/{page}", policy.changed) for page in policy.pages)
        for version in reversed(policy.versions):
            yield f"{policy.slug}/v{version.number}/", version.published_at.date()
