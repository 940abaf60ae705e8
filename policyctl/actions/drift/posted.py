# SPDX-License-Identifier: Apache-2.0
"""The posted pages against the version refs: the folder of the site, and what an address on the web gives.

1. All pages are made anew from the version refs, and compared byte by byte with those in the folder.
2. At an address the site's own ``data.json`` says which version is posted as the one in force; its page must
   be the very bytes that the version gives.
3. A page that is not of our making is read as text: each clause of the version in force must be there
   with the same words, and none beside them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from policyctl.actions.drift.checks import ERROR, OK, WARNING, Check, few, looked
from policyctl.actions.site.build import SiteOptions, site_pages
from policyctl.actions.versions.sources import Shelf
from policyctl.adapters.live import fetch
from policyctl.adapters.site.folder import earlier_site, posted_digests
from policyctl.core.diff.compare import compare
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.practice import Taxonomy
from policyctl.core.revision import Kind
from policyctl.core.text.parse import parse
from policyctl.errors import CannotCompareError

_FOUND, _GONE = 200, (404, 410)
_BUILD = "run `policyctl site build`"
Pages = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class SiteLook:
    """Where the pages are written, and how they are made."""

    folder: Path
    options: SiteOptions
    taxonomy: Taxonomy


def wanted_pages(marked: Sequence[MarkedVersion], shelf: Shelf, site: SiteLook, today: date) -> Pages:
    """Every page as the version refs give it today."""
    return site_pages(
        marked,
        load=shelf.version,
        site=site.folder,
        today=today,
        taxonomy=site.taxonomy,
        options=site.options,
    )


def folder_checks(wanted: Pages, folder: Path) -> Iterator[Check]:
    """The folder of the site against the pages that ought to be there."""
    there, written = posted_digests(folder), earlier_site(folder).files
    if not there:
        yield Check("site", WARNING, "there are no pages yet", _BUILD)
        return
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in wanted.items()}
    altered = sorted(path for path in there if path in written and there[path] != written[path])
    missing = sorted(path for path in written if path not in there)
    strange = sorted(path for path in there if path not in written)
    behind = sorted(path for path in digests if written.get(path) != digests[path] and path not in altered)
    found = (
        ("altered by another hand", altered, f"look who changed them, then {_BUILD}"),
        ("missing", missing, f"look who removed them, then {_BUILD}"),
        ("not of the site", strange, f"move them elsewhere, then {_BUILD}"),
        (
            "not what the version refs give today",
            behind,
            f"{_BUILD}; do it every day; with --anew where who signed can be told otherwise now",
        ),
    )
    troubles = [Check("site", ERROR, f"{what}: {few(paths)}", mend) for what, paths, mend in found if paths]
    yield from troubles or [
        Check("site", OK, f"{len(there)} files, byte for byte what the version refs give")
    ]


def live_checks(
    url: str, wanted: Pages, marked: Sequence[MarkedVersion], shelf: Shelf, today: date
) -> Iterator[Check]:
    """What is posted at an address: below it the site, or a page of another make with one policy."""
    base = url.rstrip("/")
    slugs = tuple(dict.fromkeys(mark.key.slug for mark in marked))
    for slug in slugs:
        own = [mark for mark in marked if mark.key.slug == slug]
        force = max((mark for mark in own if mark.note.effective <= today), key=lambda m: m.key, default=None)
        name = f"posted {slug}"
        if force is None:
            yield Check(name, OK, "no version is in force yet")
            continue
        alone = len(slugs) == 1
        yield from looked(name, _live(name, base, wanted, force, shelf, alone=alone))


def _live(
    name: str, base: str, wanted: Pages, force: MarkedVersion, shelf: Shelf, *, alone: bool
) -> Callable[[], list[Check]]:
    def look() -> list[Check]:
        slug = force.key.slug
        data = fetch(f"{base}/{slug}/data.json")
        if data.status == _FOUND:
            return [_ours(name, base, wanted, force, data.body)]
        if data.status in _GONE and alone:
            return [_foreign(name, base, force, shelf)]
        raise CannotCompareError(
            f"{base}/{slug}/data.json gives {data.status}",
            hint="name the address that the site is posted below, the one of [site] base_url",
        )

    return look


def _ours(name: str, base: str, wanted: Pages, force: MarkedVersion, data: bytes) -> Check:
    slug = force.key.slug
    posted = _posted_version(data)
    if posted != (force.key.number, force.note.text_sha256):
        there = f"v{posted[0]} (text {posted[1][:12]})" if posted[0] else "no version as the one in force"
        seen = f"{base}/{slug}/ posts {there}; in force is {force.key} (text {force.note.text_sha256[:12]})"
        return Check(name, ERROR, seen, f"{_BUILD}, and copy the folder to the web server")
    for path, address in ((f"{slug}/index.html", f"{base}/{slug}/"), _version_page(base, force)):
        page = fetch(address)
        if page.status != _FOUND or page.body != wanted[path]:
            seen = f"{address} is not the page that {force.key} gives"
            said = f"{seen} (status {page.status})" if page.status != _FOUND else f"{seen}: its bytes differ"
            mend = f"{_BUILD} and copy the folder; nothing on the way may rewrite pages"
            return Check(name, ERROR, said, mend)
    return Check(name, OK, f"{base}/{slug}/ is {force.key}, byte for byte")


def _version_page(base: str, force: MarkedVersion) -> tuple[str, str]:
    place = f"{force.key.slug}/v{force.key.number}"
    return f"{place}/index.html", f"{base}/{place}/"


def _posted_version(data: bytes) -> tuple[int, str]:
    """Number and hash of the text that is posted as the one in force; (0, '') where it does not say."""
    try:
        raw: dict[str, Any] = json.loads(data)
        number = int(raw["current"])
        row = next(each for each in raw["versions"] if each["version"] == number)
        return number, str(row["text_sha256"])
    except (ValueError, KeyError, TypeError, StopIteration, RecursionError):
        return 0, ""


def _foreign(name: str, url: str, force: MarkedVersion, shelf: Shelf) -> Check:
    """A page of the company's own making, by its words."""
    from policyctl.adapters.html_text import html_to_markdown

    page = fetch(url)
    if page.status != _FOUND:
        raise CannotCompareError(f"{url} gives {page.status}", hint="name the address of the page")
    document = parse(html_to_markdown(page.body.decode("utf-8", "replace")).markdown, file=url)
    source = shelf.version(force)
    body = parse(source.document.text[source.document.body :], cut_at=source.document.cut_at)
    alike = {Kind.UNCHANGED, Kind.FORMAT_ONLY}
    others = [change for change in compare(body, document).clauses if change.kinds - alike]
    if not others:
        return Check(name, OK, f"{url} has the words of {force.key}")
    clauses = [(change.old or change.new)[0].heading or "a clause without a heading" for change in others]
    seen = f"{url} differs from {force.key} in {len(others)} clauses: {few(clauses)}"
    return Check(name, ERROR, seen, f"post the text of {force.key}, or the folder of the site")
