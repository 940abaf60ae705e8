# SPDX-License-Identifier: Apache-2.0
"""Send the webhooks that are due, each with the id it always has.

1. What is due is sent, and what came of it is entered before the next one. Killed between the two, it is
   sent again by the next run: at least once, under the same id, and the receiver keeps the ids he has seen.
2. What failed waits longer each time, or as long as the receiver asks; after the last try it is given up, and
   `status` shows it until somebody says `policyctl places retry`.
3. Who answers 410 gets nothing more at that address.
4. A place without a secret, or with an address that will not do, stays owed; the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from policyctl.adapters.ledger import Ledger
from policyctl.adapters.posting.webhooks import Sent, Webhooks
from policyctl.core.policy import VersionKey
from policyctl.core.postings import (
    PlaceKind,
    Posting,
    PostingOutcome,
    PostingPlace,
    after_failure,
    gone_targets,
)
from policyctl.errors import CannotCompareError, RefusedError, UsageError
from policyctl.faults import fault_point


@dataclass(slots=True)
class Delivered:
    """What a run did, in webhooks. ``owed`` are not there yet, now or from earlier runs; ``refused`` says by
    place why nothing was tried.
    """

    posted: int = 0
    failed: int = 0
    owed: int = 0
    refused: dict[str, str] = field(default_factory=dict)


def due_webhooks(
    ledger: Ledger, places: Sequence[PostingPlace], now: datetime, slug: str | None = None
) -> tuple[Posting, ...]:
    """The webhooks to be sent now: of places that are still in the settings, with the target of then, whose
    receiver still wants them.
    """
    return tuple(each for each in _wanted(ledger, places, slug) if each.due(now))


def _wanted(ledger: Ledger, places: Sequence[PostingPlace], slug: str | None) -> list[Posting]:
    known = {place.name: place for place in places if place.kind is PlaceKind.WEBHOOK}
    every = ledger.postings() if known else ()
    gone = gone_targets(every)
    return [
        each
        for each in every
        if slug in {None, each.version.slug}
        and (each.place, each.target) not in gone
        and (place := known.get(each.place)) is not None
        and place.target_of(each.version) == each.target
    ]


def send_webhooks(
    *,
    ledger: Ledger,
    places: Sequence[PostingPlace],
    webhooks: Webhooks,
    clock: Callable[[], datetime],
    slug: str | None = None,
    stop: Callable[[], bool] | None = None,
) -> Delivered:
    """Send what is due, of one policy or of all. ``stop`` is asked between two."""
    done = Delivered()
    by_name = {place.name: place for place in places}
    for posting in due_webhooks(ledger, places, clock(), slug):
        if stop and stop():
            break
        if posting.place not in done.refused:
            _try(posting, by_name, ledger, webhooks, clock, done)
    done.owed = sum(each.state != "posted" for each in _wanted(ledger, places, slug))
    return done


def _try(
    posting: Posting,
    places: Mapping[str, PostingPlace],
    ledger: Ledger,
    webhooks: Webhooks,
    clock: Callable[[], datetime],
    done: Delivered,
) -> None:
    try:
        sent = webhooks.send(posting, now=clock(), internal=places[posting.place].internal)
    except UsageError as error:
        done.refused[posting.place] = f"{error.message}: {error.hint}"
        return
    fault_point("posting.answered")
    outcome, not_before = _outcome(posting, sent, clock())
    ledger.note_posting(posting.id, outcome, now=clock(), not_before=not_before, detail=sent.detail)
    done.posted += sent.taken
    done.failed += not sent.taken
    if sent.gone:
        done.refused[posting.place] = "its receiver wants no more (410)"


def _outcome(posting: Posting, sent: Sent, now: datetime) -> tuple[PostingOutcome, datetime]:
    if sent.taken:
        return PostingOutcome.POSTED, now
    if sent.gone:
        return PostingOutcome.GONE, now
    return after_failure(posting.failures, now, sent.wait)


def retry(place: str, version: VersionKey, *, ledger: Ledger, now: datetime, dry_run: bool = False) -> int:
    """Have what was not taken at a place tried once more, from the start; how many. CannotCompareError where
    nothing of the version was ever planned there, RefusedError where it is there.
    """
    found = [each for each in ledger.postings(version) if each.place == place]
    if not found:
        raise CannotCompareError(
            f"nothing of {version} was planned for {place}", hint="look at [[places]], then `policyctl sync`"
        )
    owed = [each for each in found if each.posted_at is None]
    if not owed:
        raise RefusedError(f"{version} is posted at {place}", hint="there is nothing to do")
    for each in owed if not dry_run else ():
        ledger.note_posting(each.id, PostingOutcome.AGAIN, now=now, detail="to be tried again")
    return len(owed)
