# SPDX-License-Identifier: Apache-2.0
"""``policyctl status``: where every version stands, and what is still owed to anybody.

A publication is complete when its version is in the ledger and every notice it owes has been
delivered, to a customer at one of its contacts. A mail that a mailer took is not one that arrived: it stays
owed until a report says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from policyctl.actions.versions.sources import missing_policy, plain_files, slugs_in_tree, version_files
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.write import uncommitted
from policyctl.core.formats.slugs import check_slug
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.notices.progress import Progress, duties
from policyctl.core.place_standing import PlaceStanding, owed_at, standings
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.postings import Posting, PostingPlace
from policyctl.errors import CannotCompareError

_NOT_SYNCED = "the ledger does not hold it, so nobody is told: policyctl sync"


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """``in_ledger`` False: run sync. ``progress``: how its notices stand. ``duties``: what is still owed, one
    sentence each. ``in_force`` for those who are under the policy already. ``places``: where it is posted.
    """

    version: VersionKey
    title: str
    change_class: ChangeClass | None
    published_at: datetime
    effective: date | None
    in_force: bool
    in_ledger: bool
    progress: Progress
    duties: tuple[str, ...]
    places: tuple[PlaceStanding, ...] = ()

    @property
    def complete(self) -> bool:
        """True when it is in the ledger and no duty is open."""
        return self.in_ledger and not self.duties


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """``draft_differs``: the committed text is not the last version's. Versions newest last."""

    slug: str
    versions: tuple[VersionStatus, ...]
    draft_differs: bool
    uncommitted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the ledger knows; nothing where there is no ledger yet."""

    versions: frozenset[VersionKey]
    progress: tuple[Progress, ...]
    postings: tuple[Posting, ...] = ()
    places: Sequence[PostingPlace] = ()


def status(
    slug: str | None,
    *,
    now: datetime,
    history: History,
    ledger: Ledger,
    places: Sequence[PostingPlace] = (),
) -> tuple[PolicyStatus, ...]:
    """The state of one policy, or of all in order; reads only. ``places``: where else it is to be posted."""
    marked = history.published(check_slug(slug) if slug else None)
    known = tuple(sorted({*slugs_in_tree(history), *(mark.key.slug for mark in marked)}))
    if slug and slug not in known:
        raise missing_policy(slug, known)
    recorded = _recorded(ledger, slug, now, places)
    return tuple(
        _policy(each, [mark for mark in marked if mark.key.slug == each], recorded, history, now.date())
        for each in ((slug,) if slug else known)
    )


def _recorded(ledger: Ledger, slug: str | None, now: datetime, places: Sequence[PostingPlace]) -> _Recorded:
    try:
        versions = frozenset(record.key for record in ledger.versions())
        return _Recorded(versions, ledger.progress(now, slug), ledger.postings(), places)
    except CannotCompareError:
        return _Recorded(frozenset(), (), (), places)


def _policy(
    slug: str, marked: Sequence[MarkedVersion], recorded: _Recorded, history: History, today: date
) -> PolicyStatus:
    head, folder = history.head(), f"policies/{slug}"
    force = max((m.key for m in marked if m.note.effective <= today), default=None)
    return PolicyStatus(
        slug,
        tuple(
            _version(mark, recorded, in_force=mark.key == force, newest=mark is marked[-1]) for mark in marked
        ),
        bool(marked) and _differs(slug, marked[-1].commit, head, history),
        tuple(
            f"{folder}/{name}"
            for name in uncommitted(history.runner, folder, plain_files(slug, head, history))
        ),
    )


def _differs(slug: str, last: str, head: str, history: History) -> bool:
    return version_files(slug, last, history) != version_files(slug, head, history)


def _version(mark: MarkedVersion, recorded: _Recorded, *, in_force: bool, newest: bool) -> VersionStatus:
    progress = next((one for one in recorded.progress if one.version == mark.key), Progress(mark.key))
    in_ledger = mark.key in recorded.versions
    places = standings(mark.key, recorded.places, recorded.postings, newest=newest)
    owed = [words for each in places if in_ledger and (words := owed_at(each, mark.key))]
    return VersionStatus(
        version=mark.key,
        title=mark.note.title,
        change_class=mark.note.change_class,
        published_at=mark.published_at,
        effective=mark.note.effective,
        in_force=in_force,
        in_ledger=in_ledger,
        progress=progress,
        duties=(*(() if in_ledger else (_NOT_SYNCED,)), *duties(progress), *owed),
        places=places,
    )
