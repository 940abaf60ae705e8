# SPDX-License-Identifier: Apache-2.0
"""Atom (RFC 4287): what was published, and what is announced and not in force yet.

1. An entry is one version of one policy. Its id is a tag URI (RFC 4151) that nothing else ever gets; it is
   the same in every feed the entry stands in, so a reader of two feeds sees it once. Where an authority is
   named, an id stays what it is when the site moves.
2. ``updated`` is when the version was published. No clock is read: the same versions give the same bytes.
3. The summary is plain text. The content is HTML that is made here of escaped words, so nothing of a policy's
   text is markup in it, and what cannot be seen is written out.
4. An entry carries what proves it: the SHA-256 of the text, and the ledger head of its version ref. Whoever
   kept a feed can tell later whether the ledger was altered (core/proof/heads.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from policyctl.core.proof.heads import LedgerHead
from policyctl.reports.words import shown

PROOF = "policyctl:feed/1"
"""The namespace of what is ours in a feed: ``text`` and ``head``."""

_ATOM = "http://www.w3.org/2005/Atom"
_NO_AUTHORITY = "policyctl.invalid"
_NO_XML = re.compile("[\ufffe\uffff]")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """One version in a feed. ``name`` is ``<slug>/v3``, ``path`` where it is shown, both from the top of the
    site; ``minted`` the moment the policy was first published. ``paragraphs`` and ``clauses`` are plain text:
    the content and the clauses that changed, ``changed`` stands above these. ``category`` is the class of the
    change, ``label`` what it is called in the language of the entry, ``lang``.
    """

    name: str
    minted: datetime
    title: str
    updated: datetime
    path: str
    summary: str
    category: str
    paragraphs: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    text_sha256: str = ""
    heads: tuple[LedgerHead, ...] = ()
    label: str = ""
    lang: str = "en"
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed at ``path`` on the site, about what ``home`` shows. ``name`` and ``minted`` make its id;
    ``lang`` is the language of its title.
    """

    name: str
    minted: datetime
    path: str
    home: str
    title: str
    author: str
    updated: datetime
    entries: Sequence[Entry]
    lang: str = "en"


def atom_feed(feed: Feed, base_url: str, authority: str = "") -> str:
    """The feed as XML text, its entries in the order given. Links are relative to the feed where the site
    has no address of its own. ``authority`` begins every id (RFC 4151: ``example.com,2026``).
    """
    top = f"{base_url.rstrip('/')}/" if base_url else "../" * feed.path.count("/")
    root = ET.Element("feed", {"xmlns": _ATOM, "xmlns:p": PROOF, "xml:lang": feed.lang})
    tag = partial(_tag_uri, base_url, authority)
    _say(root, "id", tag(feed.minted, feed.name))
    _say(root, "title", feed.title)
    _say(root, "updated", _time(feed.updated))
    _link(root, "self", "application/atom+xml", f"{top}{feed.path}")
    _link(root, "alternate", "text/html", f"{top}{feed.home}" or "./")
    _say(ET.SubElement(root, "author"), "name", feed.author)
    for entry in feed.entries:
        _add(root, entry, tag(entry.minted, entry.name), top, feed.lang)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add(root: ET.Element, entry: Entry, own_id: str, top: str, lang: str) -> None:
    element = ET.SubElement(root, "entry", {"xml:lang": entry.lang} if entry.lang != lang else {})
    _say(element, "id", own_id)
    _say(element, "title", entry.title)
    _say(element, "updated", _time(entry.updated))
    _say(element, "published", _time(entry.updated))
    _link(element, "alternate", "text/html", f"{top}{entry.path}")
    ET.SubElement(element, "category", {"term": entry.category, "label": entry.label or entry.category})
    _say(element, "summary", entry.summary)
    _say(element, "content", _html(entry), type="html")
    if entry.text_sha256:
        ET.SubElement(element, "p:text", {"sha256": entry.text_sha256})
    for server, head in enumerate(entry.heads):
        proof = {"server": str(server), "entry": str(head.entry), "root": head.root.hex()}
        ET.SubElement(element, "p:head", proof)


def _html(entry: Entry) -> str:
    parts = [
        f"<p>{_words(part)}</p>"
        for paragraph in entry.paragraphs
        for part in _BLANK_LINE.split(paragraph.strip())
        if part.strip()
    ]
    if entry.clauses:
        parts += [f"<p>{_words(entry.changed)}</p>", "<ul>"]
        parts += [f"<li>{_words(clause)}</li>" for clause in entry.clauses]
        parts.append("</ul>")
    return "\n".join(parts)


def _words(text: str) -> str:
    return escape(_safe(" ".join(text.split())))


def _say(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = _safe(text)


def _safe(text: str) -> str:
    """What may stand in XML and can be seen."""
    return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", shown(text))


def _link(parent: ET.Element, rel: str, kind: str, href: str) -> None:
    ET.SubElement(parent, "link", {"rel": rel, "type": kind, "href": href})


def _tag_uri(base_url: str, authority: str, minted: datetime, name: str) -> str:
    """Named after the authority; where none is named, after the site's host and the day of a first version.
    ``name`` tells apart what is named on that day: a slug, ``<slug>/v3``, and what no slug can be.
    """
    host = urlsplit(base_url).hostname or _NO_AUTHORITY
    return f"tag:{authority or f'{host},{minted.astimezone(UTC).date().isoformat()}'}:{name}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
