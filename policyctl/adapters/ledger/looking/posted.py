# SPDX-License-Identifier: Apache-2.0
"""The part of the ledger that keeps what was posted where (core/postings.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Engine

from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import Driver, driver_of
from policyctl.adapters.ledger.base.engine import reading
from policyctl.adapters.tables import POSTING, POSTING_EVENT, moment_of
from policyctl.core.policy import VersionKey
from policyctl.core.postings import (
    NewPosting,
    PlaceKind,
    Posting,
    PostingEvent,
    PostingOutcome,
    is_known,
    posting_id,
)
from policyctl.errors import CannotCompareError

_POSTINGS = (
    "SELECT p.posting_no, p.id, y.slug, v.number, p.place, p.kind, p.target, p.sha256, p.body, "
    "p.recorded_at, p.entry FROM posting p JOIN version v ON v.version_no = p.version_no "
    "JOIN policy y ON y.policy_no = v.policy_no {} ORDER BY p.posting_no"
)
_OF_ONE = "WHERE y.slug = ? AND v.number = ?"
_EVENTS = (
    "SELECT posting_no, attempt, happened_at, outcome, not_before, detail, entry FROM posting_event "
    "ORDER BY posting_no, attempt"
)
_VERSION_NO = (
    "SELECT v.version_no FROM version v JOIN policy y ON y.policy_no = v.policy_no "
    "WHERE y.slug = ? AND v.number = ?"
)
_NEXT_NO = "SELECT coalesce(max(posting_no), 0) + 1 FROM posting"
_NUMBER_OF = "SELECT posting_no FROM posting WHERE id = ?"
_LAST_ATTEMPT = "SELECT coalesce(max(attempt), 0) FROM posting_event WHERE posting_no = ?"


class Postings:
    """What :class:`~policyctl.adapters.ledger.Ledger` has for what is posted."""

    _engine: Engine

    def _writing(self, kind: str, now: datetime, *, dry_run: bool = False) -> AbstractContextManager[Writer]:
        raise NotImplementedError

    def postings(self, version: VersionKey | None = None) -> tuple[Posting, ...]:
        """What was posted of a version, or of all, each with its events; in the order of recording."""
        with reading(self._engine) as connection:
            return tuple(_read(driver_of(connection), version))

    def enter_postings(self, new: Sequence[NewPosting], *, now: datetime) -> int:
        """Record postings, those that are on record left out; how many entered, in one transaction.
        CannotCompareError for a version the ledger does not hold.
        """
        with self._writing("posting", now) as writer:
            added = 0
            there = list(_read(writer.driver, None))
            for each in new:
                if not is_known(each, there):
                    there.append(_enter(writer, each, there, now))
                    added += 1
            return added

    def note_posting(
        self,
        posting: str,
        outcome: PostingOutcome,
        *,
        now: datetime,
        not_before: datetime | None = None,
        detail: str = "",
    ) -> None:
        """Add an event to the posting with this id: the only thing that ever changes about one."""
        with self._writing("posting", now) as writer:
            found = writer.driver.rows(_NUMBER_OF, posting)
            if not found:
                raise CannotCompareError(
                    f"the ledger holds no posting {posting}", hint="run `policyctl sync`"
                )
            number = found[0][0]
            ((attempt,),) = writer.driver.rows(_LAST_ATTEMPT, number)
            _add_event(writer, number, attempt + 1, PostingEvent(0, now, outcome, not_before or now, detail))


def _read(driver: Driver, version: VersionKey | None) -> Iterator[Posting]:
    events: dict[int, list[PostingEvent]] = {}
    for number, attempt, at, outcome, not_before, detail, entry in driver.rows(_EVENTS):
        event = PostingEvent(
            attempt, moment_of(at), PostingOutcome(outcome), moment_of(not_before), detail, entry
        )
        events.setdefault(number, []).append(event)
    query = _POSTINGS.format(_OF_ONE if version else "")
    values = (version.slug, version.number) if version else ()
    for number, name, slug, of, place, kind, target, sha256, body, at, entry in driver.rows(query, *values):
        key = VersionKey(slug, of)
        known = tuple(events.get(number, ()))
        yield Posting(
            name, key, place, PlaceKind(kind), target, sha256, body, moment_of(at), entry, known
        )  # fmt: skip


def _enter(writer: Writer, new: NewPosting, there: Sequence[Posting], now: datetime) -> Posting:
    found = writer.driver.rows(_VERSION_NO, new.version.slug, new.version.number)
    if not found:
        raise CannotCompareError(f"the ledger does not hold {new.version}", hint="run `policyctl sync` first")
    ((number,),) = writer.driver.rows(_NEXT_NO)
    before = sum((each.version, each.place) == (new.version, new.place) for each in there)
    name = posting_id(new, before)
    row = {
        "recorded_at": now, "posting_no": number, "version_no": found[0][0], "id": name, "place": new.place,
        "kind": new.kind.value, "target": new.target, "sha256": new.sha256, "body": new.body,
    }  # fmt: skip
    writer.add(POSTING, [{column.name: row[column.name] for column in POSTING.c if column.name in row}])
    events: tuple[PostingEvent, ...] = ()
    if new.posted_at is not None:
        event = PostingEvent(1, new.posted_at, PostingOutcome.POSTED, new.posted_at, new.detail)
        _add_event(writer, number, 1, event)
        events = (event,)
    return Posting(
        name, new.version, new.place, new.kind, new.target, new.sha256, new.body, now, writer.entry, events
    )


def _add_event(writer: Writer, number: int, attempt: int, event: PostingEvent) -> None:
    row = {
        "happened_at": event.at, "not_before": event.not_before, "posting_no": number, "attempt": attempt,
        "outcome": event.outcome.value, "detail": event.detail,
    }  # fmt: skip
    writer.add(POSTING_EVENT, [row])
