# SPDX-License-Identifier: Apache-2.0
"""Whether what was posted is still there as it was: the last posting of each policy at each place is held
against what is there now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from policyctl.adapters.files import read_bytes
from policyctl.adapters.ledger import Ledger
from policyctl.core.formats.slugs import check_slug
from policyctl.core.policy import VersionKey
from policyctl.core.postings import PlaceKind, Posting, PostingPlace
from policyctl.errors import CannotCompareError, PolicyctlError

Fetch = Callable[..., str]
"""The SHA-256 of what is at an address, in hex; as ``adapters/posting/pages.py`` has it."""


@dataclass(frozen=True, slots=True)
class PlaceCheck:
    """``state``: ``same``, ``differs``, ``unknown`` (it could not be looked at: never to be read as same), or
    ``missing`` (nothing is on record).
    """

    place: str
    version: VersionKey
    target: str
    state: str
    detail: str = ""


def check_places(
    places: Sequence[PostingPlace],
    *,
    ledger: Ledger,
    root: Path,
    fetch: Fetch,
    slug: str | None = None,
) -> tuple[PlaceCheck, ...]:
    """Look at every place but webhooks, which keep nothing that could be looked at."""
    every = ledger.postings()
    newest = {record.key.slug: record.key for record in ledger.versions(slug and check_slug(slug))}
    if slug and slug not in newest:
        raise CannotCompareError(f"no version of {slug} is on record", hint="look at `policyctl status`")
    return tuple(
        _check(place, key, every, root, fetch)
        for place in places
        if place.kind is not PlaceKind.WEBHOOK
        for key in newest.values()
        if place.takes(key.slug)
    )


def _check(
    place: PostingPlace, newest: VersionKey, every: Sequence[Posting], root: Path, fetch: Fetch
) -> PlaceCheck:
    own = [each for each in every if (each.place, each.version) == (place.name, newest)]
    if not own:
        return PlaceCheck(place.name, newest, place.target_of(newest), "missing", "nothing is on record")
    posting = own[-1]
    try:
        found = _now(posting, place, root, fetch)
    except PolicyctlError as error:
        return PlaceCheck(place.name, newest, posting.target, "unknown", error.message)
    if found == posting.sha256:
        return PlaceCheck(place.name, newest, posting.target, "same")
    return PlaceCheck(
        place.name, newest, posting.target, "differs", f"SHA-256 is {found}, was {posting.sha256}"
    )


def _now(posting: Posting, place: PostingPlace, root: Path, fetch: Fetch) -> str:
    if posting.kind is PlaceKind.FILE:
        return hashlib.sha256(read_bytes(root / posting.target, file=posting.target)).hexdigest()
    return fetch(posting.target, internal=place.internal)
