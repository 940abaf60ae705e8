# SPDX-License-Identifier: Apache-2.0
"""What ``sync`` does for other places, once ledger and site are up to the version refs:

1. the site and its feeds are there: what was put there is recorded, with the hash of the bytes;
2. a file is written, whole or not at all, and recorded;
3. a webhook is planned: it is sent by ``policyctl notify``;
4. where a person posts nothing is done: he says so with ``policyctl places record``.

Run again, it records nothing twice; bytes that differ from those recorded last are recorded anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.actions.posting.copies import copy_of
from policyctl.adapters.files import write_atomically
from policyctl.adapters.ledger import Ledger
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.policy import VersionKey
from policyctl.core.postings import NewPosting, PlaceKind, Posting, PostingPlace, is_known, to_post
from policyctl.errors import CannotCompareError, RefusedError
from policyctl.reports.posting.posting_v1 import posting_json

if TYPE_CHECKING:
    from policyctl.actions.versions.sources import Shelf


@dataclass(frozen=True, slots=True)
class Posted:
    """What there is to post: the versions of all policies in order of slug and number, the folder of the
    site, its address, the top of the repository, and where versions are read.
    """

    marked: Sequence[MarkedVersion]
    site: Path
    base_url: str
    root: Path
    shelf: Shelf


def record_places(places: Sequence[PostingPlace], what: Posted, *, ledger: Ledger, now: datetime) -> int:
    """Bring every place up to the versions; how many postings were recorded."""
    there = ledger.postings() if places else ()
    new = [each for place in places for each in _new(place, what, there, now) if not is_known(each, there)]
    return ledger.enter_postings(new, now=now) if new else 0


def _new(place: PostingPlace, what: Posted, there: Sequence[Posting], now: datetime) -> Iterator[NewPosting]:
    for slug in dict.fromkeys(mark.key.slug for mark in what.marked):
        own = [mark for mark in what.marked if mark.key.slug == slug]
        if not place.takes(slug):
            continue
        if place.kind is PlaceKind.SITE:
            yield from _on_site(place, own, what, now)
        elif place.kind is PlaceKind.FEED:
            yield from _in_feed(place, own[-1].key, what, now)
        else:
            wanted = set(to_post(place, [mark.key for mark in own], there))
            yield from _elsewhere(place, [mark for mark in own if mark.key in wanted], what, now)


def _on_site(
    place: PostingPlace, own: Iterable[MarkedVersion], what: Posted, now: datetime
) -> Iterator[NewPosting]:
    """Every version has a page of its own, for good."""
    for mark in own:
        path = f"{mark.key.slug}/v{mark.key.number}/"
        if digest := _digest(what.site / path / "index.html"):
            target = f"{(place.target or what.base_url).rstrip('/')}/{path}".lstrip("/")
            yield NewPosting(mark.key, place.name, place.kind, target, digest, posted_at=now)


def _in_feed(place: PostingPlace, key: VersionKey, what: Posted, now: datetime) -> Iterator[NewPosting]:
    """The feed of the policy, as it is since the newest version."""
    path = f"{key.slug}/feed.xml"
    if digest := _digest(what.site / path):
        target = place.target_of(key) or f"{what.base_url.rstrip('/')}/{path}".lstrip("/")
        yield NewPosting(key, place.name, place.kind, target, digest, posted_at=now)


def _elsewhere(
    place: PostingPlace,
    own: Sequence[MarkedVersion],
    what: Posted,
    now: datetime,
) -> Iterator[NewPosting]:
    for mark in own:
        target = place.target_of(mark.key)
        if place.kind is PlaceKind.WEBHOOK:
            body = posting_json(mark, what.base_url)
            digest = hashlib.sha256(body.encode()).hexdigest()
            yield NewPosting(mark.key, place.name, place.kind, target, digest, body)
        elif place.kind is PlaceKind.FILE:
            data = copy_of(mark, what.shelf.version(mark))
            _write(what.root, target, data)
            digest = hashlib.sha256(data).hexdigest()
            yield NewPosting(mark.key, place.name, place.kind, target, digest, posted_at=now)


def _write(root: Path, target: str, data: bytes) -> None:
    """A file that is as it should be is left alone."""
    path = root / target
    if not path.parent.resolve().is_relative_to(root.resolve()):
        raise RefusedError(
            f"{target} is not below the top of the repository", hint="mend target in [[places]]"
        )
    if path.is_symlink() or not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)


def _digest(path: Path) -> str:
    """Of a page; empty where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def record_by_hand(
    place: PostingPlace,
    version: VersionKey,
    *,
    target: str,
    sha256: str,
    at: datetime,
    now: datetime,
    ledger: Ledger,
    dry_run: bool = False,
) -> bool:
    """A person posted a version at a place, at ``at``; False when that is on record. RefusedError for a place
    that is posted by policyctl, CannotCompareError for a version the ledger does not hold.
    """
    if not place.kind.by_hand:
        raise RefusedError(
            f"{place.name} is posted by policyctl itself", hint="`policyctl sync` records it, or sends it"
        )
    if not place.takes(version.slug):
        raise RefusedError(
            f"{place.name} does not take {version.slug}", hint="add it to policies in [[places]]"
        )
    if at > now:
        raise RefusedError("nothing can be posted in the future", hint="name the moment it was posted at")
    if version not in {record.key for record in ledger.versions(version.slug)}:
        raise CannotCompareError(f"the ledger does not hold {version}", hint="run `policyctl sync` first")
    new = NewPosting(version, place.name, place.kind, target, sha256, posted_at=at)
    if is_known(new, ledger.postings(version)):
        return False
    return dry_run or ledger.enter_postings([new], now=now) == 1
