# SPDX-License-Identifier: Apache-2.0
"""Atom (RFC 4287): one entry for each published version of a policy.

An entry's id is a tag URI (RFC 4151) and is never reused; its date is the publication's, so the
bytes of a feed change only when a version is published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from policyctl.reports.words import shown

_ATOM = "http://www.w3.org/2005/Atom"
_NO_AUTHORITY = "policyctl.invalid"


@dataclass(frozen=True, slots=True)
class Entry:
    """One version in the feed. ``path`` is relative to the policy's folder on the site."""

    name: str
    title: str
    updated: datetime
    path: str
    summary: str
    category: str


def atom_feed(
    *,
    slug: str,
    title: str,
    base_url: str,
    first_published: datetime,
    entries: Sequence[Entry],
) -> str:
    """The feed as XML text, newest entry first. ``base_url`` may be empty: links are relative then."""
    root = ET.Element("feed", {"xmlns": _ATOM})
    home = f"{base_url.rstrip('/')}/{slug}/" if base_url else ""
    if home:
        root.set("xml:base", home)
    tag = _tag_uri(base_url, first_published, slug)
    _say(root, "id", tag)
    _say(root, "title", title)
    _say(root, "updated", _time(entries[0].updated))
    ET.SubElement(root, "link", {"rel": "self", "type": "application/atom+xml", "href": f"{home}feed.xml"})
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": home or "./"})
    _say(ET.SubElement(root, "author"), "name", title.removeprefix("Changes to "))
    for entry in entries:
        _add(root, entry, home, tag)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(root: ET.Element, entry: Entry, home: str, tag: str) -> None:
    element = ET.SubElement(root, "entry")
    _say(element, "id", f"{tag}/{entry.name}")
    _say(element, "title", entry.title)
    _say(element, "updated", _time(entry.updated))
    _say(element, "published", _time(entry.updated))
    ET.SubElement(element, "link", {"rel": "alternate", "type": "text/html", "href": f"{home}{entry.path}"})
    ET.SubElement(element, "category", {"term": entry.category})
    _say(element, "summary", entry.summary)


def _say(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = shown(text)


def _tag_uri(base_url: str, first_published: datetime, slug: str) -> str:
    """Named after the site's host and the day of the first version: both stay as they are."""
    host = urlsplit(base_url).hostname or _NO_AUTHORITY
    return f"tag:{host},{first_published.astimezone(UTC).date().isoformat()}:{slug}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
