# SPDX-License-Identifier: Apache-2.0
"""The schema of RFC 4287 (appendix B) and the rules of its sections that no schema can say, as a check of our
own: what is wrong with a feed, in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

ATOM = "{http://www.w3.org/2005/Atom}"
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
TAG = re.compile(r"tag:[A-Za-z0-9.-]+,\d{4}-\d\d-\d\d:[A-Za-z0-9/*._~-]+")
# name -> (fewest, most); None: any number. 4.1.1 and 4.1.2.
FEED: dict[str, tuple[int, int | None]] = {
    "author": (1, None), "category": (0, None), "contributor": (0, None), "generator": (0, 1),
    "icon": (0, 1), "id": (1, 1), "link": (0, None), "logo": (0, 1), "rights": (0, 1), "subtitle": (0, 1),
    "title": (1, 1), "updated": (1, 1), "entry": (0, None),
}  # fmt: skip
ENTRY: dict[str, tuple[int, int | None]] = {
    "author": (0, None), "category": (0, None), "content": (0, 1), "contributor": (0, None), "id": (1, 1),
    "link": (0, None), "published": (0, 1), "rights": (0, 1), "source": (0, 1), "summary": (0, 1),
    "title": (1, 1), "updated": (1, 1),
}  # fmt: skip
ATTRIBUTES = {
    "link": {"rel", "type", "href", "hreflang", "title", "length"}, "category": {"term", "scheme", "label"},
    "content": {"type", "src"}, "title": {"type"}, "summary": {"type"},
}  # fmt: skip
COMMON = {"{http://www.w3.org/XML/1998/namespace}base", "{http://www.w3.org/XML/1998/namespace}lang"}


def faults(data: bytes) -> list[str]:
    """What is wrong with a feed; nothing where it is one."""
    root = ET.fromstring(data)  # noqa: S314 - our own feeds
    if root.tag != f"{ATOM}feed":
        return [f"the document is {root.tag}"]
    found = [*_children(root, FEED), *_ids(root)]
    for element in root.iter():
        if element.tag.startswith(ATOM):
            found += _element(element)
    for entry in root.iter(f"{ATOM}entry"):
        found += [*_children(entry, ENTRY), *_links(entry)]
    return [*found, *_links(root)]


def _children(parent: ET.Element, known: dict[str, tuple[int, int | None]]) -> Iterator[str]:
    names = [child.tag.removeprefix(ATOM) for child in parent if child.tag.startswith(ATOM)]
    yield from (f"{name} in {parent.tag}" for name in names if name not in known)
    for name, (fewest, most) in known.items():
        if not fewest <= names.count(name) <= (len(names) if most is None else most):
            yield f"{names.count(name)} of {name} in {parent.tag}"
    strays = [child.tag for child in parent if not child.tag.startswith("{")]
    yield from (f"{tag} of no namespace" for tag in strays)
    if (parent.text or "").strip():
        yield f"words between the elements of {parent.tag}"


def _element(element: ET.Element) -> Iterator[str]:
    name = element.tag.removeprefix(ATOM)
    for attribute in set(element.attrib) - COMMON - ATTRIBUTES.get(name, set()):
        if not attribute.startswith("{"):
            yield f"{name} has {attribute}"
    text = element.text or ""
    if name in {"updated", "published"} and not DATE.fullmatch(text):
        yield f"{name} is {text!r}"
    if name == "id" and not TAG.fullmatch(text):
        yield f"id is {text!r}"
    if name == "link" and not element.get("href"):
        yield "a link leads nowhere"
    if name == "category" and not element.get("term"):
        yield "a category has no term"
    if name == "author" and not (element.findtext(f"{ATOM}name") or "").strip():
        yield "an author has no name"
    if name in {"title", "summary", "content"} and element.get("type", "text") not in {"text", "html"}:
        yield f"{name} is of type {element.get('type')}"
    if name in {"title", "summary", "content"} and len(element):
        yield f"{name} has elements in it"  # 3.1.1.1 and 3.1.1.2: neither text nor html may


def _ids(root: ET.Element) -> Iterator[str]:
    """4.1.1: an id stands for one entry; our feeds hold each once."""
    ids = [element.text for element in root.iter(f"{ATOM}id")]
    yield from (f"id {one} twice" for one in set(ids) if ids.count(one) > 1)


def _links(parent: ET.Element) -> Iterator[str]:
    """4.1.1, 4.1.2: one alternate of a type and language; an entry without content must have one."""
    links = [(link.get("rel", "alternate"), link.get("type")) for link in parent.findall(f"{ATOM}link")]
    if len(links) != len(set(links)):
        yield f"two links of one kind in {parent.tag}"
    if parent.tag == f"{ATOM}feed" and "self" not in {rel for rel, _ in links}:
        yield "the feed does not say where it is"
    for link in parent.findall(f"{ATOM}link"):
        if urlsplit(link.get("href", "")).scheme not in {"", "https", "http"}:
            yield f"a link to {link.get('href')}"
