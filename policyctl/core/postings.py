# SPDX-License-Identifier: Apache-2.0
"""Postings: what was put where for a version, when, and how one can tell.

A *place* is somewhere a policy is posted besides the mails: the site, a feed, a webhook, a file, a release, a
page of somebody else's. A *posting* is one version at one place. It is written once; what becomes of it is a
list of events that only grows. The last event counts:

1. none: it waits, and is due at once;
2. ``posted``: it is there; its hash is that of the bytes that were put there;
3. ``failed``: it waits for ``not_before``. After the last of :data:`WAITS` it is ``given-up``;
4. ``gone``: whoever was to get it said that he wants no more (410); nothing more is sent to that target;
5. ``again``: a person wants it tried once more, from the start of (3).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policyctl.core.policy import VersionKey

WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)  # fmt: skip
"""How long after each failure it is tried again, as Standard Webhooks has it: three days in all."""
LONGEST_WAIT = timedelta(days=1)
"""A receiver may ask for a longer wait than the next of :data:`WAITS`, up to this."""


class PlaceKind(StrEnum):
    """What is at a place, and who puts it there."""

    SITE = "site"
    FEED = "feed"
    WEBHOOK = "webhook"
    FILE = "file"
    RELEASE = "release"
    URL = "url"

    @property
    def by_hand(self) -> bool:
        """A person posts there, and says so with ``policyctl places record``."""
        return self in {PlaceKind.RELEASE, PlaceKind.URL}


@dataclass(frozen=True, slots=True)
class PostingPlace:
    """A place of ``policyctl.toml``. ``target`` is an address, or for a file a path below the top, in which
    ``{slug}`` and ``{version}`` stand for those of the version. ``policies``: only these; none named: all.
    ``internal``: an address of a network of one's own is meant.
    """

    name: str
    kind: PlaceKind
    target: str = ""
    policies: tuple[str, ...] = ()
    internal: bool = False

    def takes(self, slug: str) -> bool:
        """Whether a policy is posted here."""
        return not self.policies or slug in self.policies

    def target_of(self, version: VersionKey) -> str:
        """The target for a version."""
        return self.target.replace("{slug}", version.slug).replace("{version}", str(version.number))


class PostingOutcome(StrEnum):
    """What became of a posting."""

    POSTED = "posted"
    FAILED = "failed"
    GIVEN_UP = "given-up"
    GONE = "gone"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class PostingEvent:
    """``attempt`` numbers the events of a posting from 1. ``detail`` is one line without a secret in it.
    ``entry`` is that of the ledger.
    """

    attempt: int
    at: datetime
    outcome: PostingOutcome
    not_before: datetime
    detail: str = ""
    entry: int = 0


@dataclass(frozen=True, slots=True)
class NewPosting:
    """A posting to be entered. ``sha256`` in hex, of the bytes; ``body`` those of a webhook, as text.
    ``posted_at`` None: it is still to be sent.
    """

    version: VersionKey
    place: str
    kind: PlaceKind
    target: str
    sha256: str
    body: str = ""
    posted_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting on record. ``id`` stays the same however often it is tried; ``entry`` of the ledger."""

    id: str
    version: VersionKey
    place: str
    kind: PlaceKind
    target: str
    sha256: str
    body: str
    recorded_at: datetime
    entry: int
    events: tuple[PostingEvent, ...] = ()

    @property
    def last(self) -> PostingEvent | None:
        """The event that counts."""
        return self.events[-1] if self.events else None

    @property
    def posted_at(self) -> datetime | None:
        """When it got there; None where it has not."""
        return self.last.at if self.last and self.last.outcome is PostingOutcome.POSTED else None

    @property
    def state(self) -> str:
        """``posted``, ``waiting``, ``given-up`` or ``gone``."""
        outcome = self.last.outcome if self.last else PostingOutcome.AGAIN
        return "waiting" if outcome in {PostingOutcome.FAILED, PostingOutcome.AGAIN} else outcome.value

    @property
    def failures(self) -> int:
        """How often it failed since it was last begun."""
        count = 0
        for event in reversed(self.events):
            if event.outcome is not PostingOutcome.FAILED:
                break
            count += 1
        return count

    def due(self, now: datetime) -> bool:
        """Whether it is to be sent now."""
        return self.state == "waiting" and (self.last is None or self.last.not_before <= now)


def posting_id(new: NewPosting, ordinal: int) -> str:
    """The id of the posting that follows ``ordinal`` others of its version at its place."""
    told = [new.version.slug, new.version.number, new.place, new.target, ordinal]
    return "post_" + hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def is_known(new: NewPosting, there: Sequence[Posting]) -> bool:
    """Whether a posting of this is on record: for a webhook any one to the same target, else the last one
    with the same bytes.
    """
    same = [each for each in there if (each.version, each.place) == (new.version, new.place)]
    if new.kind is PlaceKind.WEBHOOK:
        return any(each.target == new.target for each in same)
    return bool(same) and (same[-1].target, same[-1].sha256) == (new.target, new.sha256)


def after_failure(failures: int, now: datetime, asked: timedelta | None) -> tuple[PostingOutcome, datetime]:
    """What follows the failure after ``failures`` others (3). ``asked``: the wait a receiver asked for."""
    if failures >= len(WAITS):
        return PostingOutcome.GIVEN_UP, now
    wait = max(WAITS[failures], min(asked or timedelta(), LONGEST_WAIT))
    return PostingOutcome.FAILED, now + wait


def gone_targets(postings: Iterable[Posting]) -> frozenset[tuple[str, str]]:
    """The places, each with its target, that want no more (4) and were not tried again."""
    last: dict[tuple[str, str], tuple[int, PostingOutcome]] = {}
    for posting in postings:
        for event in posting.events:
            key = (posting.place, posting.target)
            last[key] = max(last.get(key, (0, event.outcome)), (event.entry, event.outcome))
    return frozenset(key for key, (_, outcome) in last.items() if outcome is PostingOutcome.GONE)


def to_post(
    place: PostingPlace, published: Sequence[VersionKey], there: Sequence[Posting]
) -> tuple[VersionKey, ...]:
    """The versions of one policy, oldest first, that are to be posted at a place: the newest, and each one
    after the last that was posted there. So a place that is added gets no old news, and one that was missed
    for a while gets all.
    """
    if not published or not place.takes(published[-1].slug):
        return ()
    numbers = [each.version.number for each in there if each.place == place.name]
    last = max(numbers, default=published[-1].number - 1)
    return tuple(key for key in published if key.number > last) or (published[-1],)
