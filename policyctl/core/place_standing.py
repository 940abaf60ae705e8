# SPDX-License-Identifier: Apache-2.0
"""Where a version stands at each place: posted, on its way, or still owed (core/postings.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from policyctl.core.policy import VersionKey
from policyctl.core.postings import PlaceKind, Posting, PostingPlace, gone_targets

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class PlaceStanding:
    """The last posting of a version at a place. ``state``: ``posted``, ``waiting``, ``given-up``, ``gone``,
    or ``missing`` where nothing is on record. ``sha256`` in hex of what was or is to be posted. ``tries`` so
    far; ``next_at``: before that it is not tried again. ``known`` False: the place is no longer in the
    settings, so nothing is owed there.
    """

    place: str
    kind: PlaceKind
    target: str
    state: str
    posted_at: datetime | None = None
    sha256: str = ""
    tries: int = 0
    next_at: datetime | None = None
    detail: str = ""
    known: bool = True


def standings(
    version: VersionKey, places: Sequence[PostingPlace], postings: Sequence[Posting], *, newest: bool
) -> tuple[PlaceStanding, ...]:
    """The places of a version: those of the settings in their order, then others where it was posted. Only
    the ``newest`` version of a policy is missed where nothing is on record: a place that is added later holds
    no old ones.
    """
    own = {each.place: each for each in postings if each.version == version}
    gone = gone_targets(postings)
    found = []
    for place in places:
        if place.name in own:
            found.append(_standing(own.pop(place.name), place, gone))
        elif newest and place.takes(version.slug):
            found.append(PlaceStanding(place.name, place.kind, place.target_of(version), MISSING))
    return (*found, *(_standing(posting, None, gone) for posting in own.values()))


def _standing(
    posting: Posting, place: PostingPlace | None, gone: frozenset[tuple[str, str]]
) -> PlaceStanding:
    last, waits = posting.last, posting.state == "waiting"
    stopped = waits and (posting.place, posting.target) in gone
    target = place.target_of(posting.version) if place else ""
    return PlaceStanding(
        place=posting.place,
        kind=posting.kind,
        target=posting.target,
        state="gone" if stopped else posting.state,
        posted_at=posting.posted_at,
        sha256=posting.sha256,
        tries=sum(event.outcome.value != "again" for event in posting.events),
        next_at=last.not_before if last and waits else None,
        detail=last.detail if last else "",
        known=place is not None and (posting.kind is not PlaceKind.WEBHOOK or target == posting.target),
    )


def owed_at(standing: PlaceStanding, version: VersionKey) -> str:
    """What is owed at a place, one sentence with its mend; empty where nothing is."""
    if not standing.known or standing.state == "posted":
        return ""
    name = f"{standing.place} ({standing.kind.value})"
    if standing.state == MISSING and standing.kind.by_hand:
        told = f"policyctl places record {standing.place} {version} --file FILE"
        return f"not posted at {name}: post it, then {told}"
    if standing.state == MISSING:
        return f"not posted at {name}: policyctl sync"
    why = f": {standing.detail}" if standing.detail else ""
    if standing.state == "gone":
        return f"{name} wants no more{why}; take it out of [[places]], or policyctl places retry"
    if standing.state == "given-up":
        return f"{name} was given up after {standing.tries} tries{why}; policyctl places retry"
    return f"not taken by {name} yet{why}; policyctl notify"
