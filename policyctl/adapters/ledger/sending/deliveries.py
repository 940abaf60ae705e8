# SPDX-License-Identifier: Apache-2.0
"""Reports of what became of mails, entered in any order and as often as they come.

1. A report is known by nid, event, time and attempt; known before, it adds nothing.
2. Nothing is ever taken back: the state of a notice is the highest rank of its reports.
3. A nid that is not in the outbox is kept as an orphan: a report may overtake a restored ledger.
4. A report that names an address only (a delayed bounce) is about every notice that was planned for this
   address in the days before it. That may be one too many: then a notice counts as failed that was not,
   and goes to the next contact; the other mistake would count one as given that was not.
5. A report of ``<nid>-<answer>`` is about the receipt for an answer. It says nothing of the notice.
6. An entry of a list of suppressed addresses speaks only of notices that left and have no last word: a
   delivery that was reported stays one, as the entry may be about another mail of the same sender. What
   left up to two weeks before the entry was made failed as it says; what left after it was dropped at once,
   where the list stops mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, func, select

from policyctl.adapters.ledger.base.common import Complaints, Writer
from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.ledger.people.answer_receipts import note_failed
from policyctl.adapters.tables import CHUNK, DELIVERY_EVENT, OUTBOX, microseconds, moment_of
from policyctl.core.notices.outbox import (
    IN_DOUBT,
    TAKEN,
    Chunk,
    DeliveryEvent,
    DeliveryName,
    DeliveryReceipt,
    Suppressed,
)
from policyctl.core.notices.progress import NOT_GIVEN
from policyctl.core.records import ImportReceipt
from policyctl.errors import Place

BY_ADDRESS = timedelta(days=14)
"""How long before a report that names an address only its notice may have been planned."""

_Key = tuple[str, str, int, int]


def record_deliveries(
    writer: Writer, events: Iterable[DeliveryEvent], *, keep_orphans: bool = True
) -> DeliveryReceipt:
    """Enter reports; each counts once. Orphans are only named where it is not known who sent them."""
    given = {_key(event): event for event in _named(writer, list(events))}
    nids = {key[0] for key in given}
    known = _known(writer, nids)
    owed = _owed(writer, nids)
    orphans = nids - owed
    fresh = [
        (key, event) for key, event in given.items() if key not in known and (keep_orphans or key[0] in owed)
    ]
    writer.add(DELIVERY_EVENT, [_row(event) for _, event in fresh])
    note_failed(
        writer.connection,
        {key[0]: key[1] for key, event in fresh if "-" in key[0] and event.event in NOT_GIVEN},
    )
    return DeliveryReceipt(
        added=len(fresh),
        repeated=sum(key in known for key in given),
        orphans=sum(key[0] in orphans for key, _ in fresh),
        unknown=frozenset(orphans),
    )


def import_deliveries(writer: Writer, rows: Sequence[DeliveryEvent]) -> ImportReceipt:
    """Enter reports that a person wrote down: each must be about a notice in the outbox."""
    owed = _owed(writer, {row.nid for row in rows})
    complaints = Complaints([])
    for row in rows:
        if row.nid not in owed:
            message = f"no notice {row.nid!r} is in the outbox"
            place = row.place or Place("deliveries")
            complaints.say(place, "nid", message, "a nid is the file name of a mail without .eml")
    complaints.raise_if_any()
    receipt = record_deliveries(writer, rows)
    return ImportReceipt(receipt.added, len(rows) - receipt.added)


def _key(event: DeliveryEvent) -> _Key:
    return event.nid, event.event.value, microseconds(event.at), event.attempt


def _row(event: DeliveryEvent) -> dict[str, object]:
    return {
        "happened_at": event.at,
        "nid": event.nid,
        "event": event.event.value,
        "attempt": event.attempt,
        "status": event.status,
        "by_address": int(event.by_address),
    }


def _known(writer: Writer, nids: Iterable[str]) -> set[_Key]:
    query = "SELECT nid, event, happened_at, attempt FROM delivery_event WHERE nid IN ?*"
    return {(nid, event, at, attempt) for nid, event, at, attempt in writer.driver.rows_in(query, nids)}


def _owed(writer: Writer, nids: Iterable[str]) -> set[str]:
    """Those of notices in the outbox, and of the receipts for answers to them (5)."""
    bare = {nid: nid.partition("-")[0] for nid in nids}
    query = "SELECT nid FROM outbox WHERE nid IN ?*"
    found = {nid for (nid,) in writer.driver.rows_in(query, set(bare.values()))}
    return {nid for nid, notice in bare.items() if notice in found}


def _named(writer: Writer, events: Sequence[DeliveryEvent]) -> Iterator[DeliveryEvent]:
    """Reports by nid; those by address only as one for each notice they can be about (4)."""
    strays = [event for event in events if not event.nid]
    yield from (event for event in events if event.nid)
    if strays:
        planned = _planned_for(writer, {event.address.lower() for event in strays})
        for event in strays:
            latest = microseconds(event.at)
            earliest = latest - BY_ADDRESS // timedelta(microseconds=1)
            for nid, at in planned.get(event.address.lower(), ()):
                if earliest <= at <= latest:
                    yield replace(event, nid=nid, address="", by_address=True)


def _planned_for(writer: Writer, addresses: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """For each address the notices that were planned for it, with when."""
    query = (
        "SELECT lower(a.email), o.nid, e.recorded_at FROM address a "
        "JOIN outbox o ON o.subject_no = a.subject_no AND o.contact = a.position "
        "JOIN entry e ON e.seq = o.entry WHERE lower(a.email) IN ?*"
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for address, nid, at in set(writer.driver.rows_in(query, addresses)):
        found.setdefault(address, []).append((nid, at))
    return found


def is_reported(connection: Connection, chunk: Chunk) -> bool:
    """Somebody of the chunk has a report: then all of it was taken, as a call is taken whole."""
    mine = (OUTBOX.c.notice_no == chunk.notice_no, OUTBOX.c.place.between(chunk.lo, chunk.hi))
    query = select(OUTBOX.c.nid).where(*mine, select(1).where(DELIVERY_EVENT.c.nid == OUTBOX.c.nid).exists())
    return connection.execute(query.limit(1)).first() is not None


def is_later_reported(connection: Connection, chunk: Chunk) -> bool:
    """A report came about a chunk that the same mailer was to send later: reports do arrive."""
    later = (
        select(func.min(CHUNK.c.chunk_no))
        .select_from(
            CHUNK.join(
                OUTBOX,
                (OUTBOX.c.notice_no == CHUNK.c.notice_no) & OUTBOX.c.place.between(CHUNK.c.lo, CHUNK.c.hi),
            ).join(DELIVERY_EVENT, DELIVERY_EVENT.c.nid == OUTBOX.c.nid)
        )
        .where(CHUNK.c.mailer == chunk.mailer, CHUNK.c.send_at > chunk.send_at)
    )
    return connection.execute(later).scalar() is not None


# Lists of addresses that the mail service gave up (6).

_LEFT = ", ".join(f"'{state.value}'" for state in (*TAKEN, *IN_DOUBT))
_LAST_WORDS = ", ".join(f"'{name.value}'" for name in (DeliveryName.DELIVERED, *NOT_GIVEN))
_OPEN = (
    "SELECT lower(a.email), o.nid, coalesce(c.send_at, c.changed_at) FROM address a "  # noqa: S608 - words of ours
    "JOIN outbox o ON o.subject_no = a.subject_no AND o.contact = a.position "
    "JOIN chunk c ON c.notice_no = o.notice_no AND o.place BETWEEN c.lo AND c.hi "
    "WHERE lower(a.email) IN ?* AND c.mailer = 'sendgrid' "
    f"AND c.state IN ({_LEFT}) AND NOT EXISTS (SELECT 1 FROM delivery_event d "
    f"WHERE d.nid = o.nid AND d.event IN ({_LAST_WORDS}))"
)


def of_suppressed(driver: Driver, entries: Sequence[Suppressed], now: int) -> tuple[DeliveryEvent, ...]:
    """What the entries say of notices, one report each; ``now`` in microseconds: what is to leave later is
    not spoken of.
    """
    left: dict[str, list[tuple[str, int]]] = {}
    for address, nid, moment in driver.rows_in(_OPEN, {entry.address.lower() for entry in entries}):
        if moment <= now:
            left.setdefault(address, []).append((nid, moment))
    found: dict[str, DeliveryEvent] = {}
    for event in _entries_of(entries, left):
        if event.nid not in found or event.event.rank > found[event.nid].event.rank:
            found[event.nid] = event
    return tuple(found.values())


def _entries_of(
    entries: Iterable[Suppressed], left: dict[str, list[tuple[str, int]]]
) -> Iterator[DeliveryEvent]:
    within = BY_ADDRESS.total_seconds() * 1_000_000
    for entry in entries:
        made = microseconds(entry.at)
        for nid, moment in left.get(entry.address.lower(), ()):
            if moment <= made <= moment + within:
                yield DeliveryEvent(nid, entry.event, entry.at, status=entry.status, by_address=True)
            elif made < moment and entry.stops_later:
                yield DeliveryEvent(nid, DeliveryName.DROPPED, moment_of(moment), by_address=True)
