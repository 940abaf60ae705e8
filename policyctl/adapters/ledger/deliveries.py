# SPDX-License-Identifier: Apache-2.0
"""What became of mails, as reported: in any order, as often as it comes, each report once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from policyctl.adapters.ledger.common import Complaints, Writer, rows_by
from policyctl.adapters.tables import CHUNK, DELIVERY_EVENT, OUTBOX
from policyctl.core.notices.outbox import Chunk, DeliveryEvent, DeliveryReceipt
from policyctl.core.records import ImportReceipt
from policyctl.errors import Place


def record_deliveries(writer: Writer, events: Iterable[DeliveryEvent]) -> DeliveryReceipt:
    """Enter reports; the same report again changes nothing."""
    given = {(event.nid, event.event.value, event.at, event.attempt): event for event in events}
    ids = {nid for nid, *_ in given}
    known = {
        (row.nid, row.event, row.happened_at, row.attempt)
        for row in rows_by(writer.connection, DELIVERY_EVENT, DELIVERY_EVENT.c.nid, sorted(ids))
    }
    owed = {row.nid for row in rows_by(writer.connection, OUTBOX, OUTBOX.c.nid, sorted(ids))}
    fresh = [key for key in given if key not in known]
    rows = [
        {"nid": nid, "event": name, "happened_at": at, "attempt": attempt} for nid, name, at, attempt in fresh
    ]
    writer.add(DELIVERY_EVENT, rows)
    return DeliveryReceipt(
        added=len(fresh),
        repeated=len(given) - len(fresh),
        orphans=sum(nid not in owed for nid, *_ in fresh),
    )


def import_deliveries(writer: Writer, rows: Sequence[DeliveryEvent]) -> ImportReceipt:
    """Enter reports that a person wrote down: each must be about a notice in the outbox."""
    owed = {row.nid for row in rows_by(writer.connection, OUTBOX, OUTBOX.c.nid, [row.nid for row in rows])}
    complaints = Complaints([])
    for row in rows:
        if row.nid not in owed:
            message = f"no notice {row.nid!r} is in the outbox"
            place = row.place or Place("deliveries")
            complaints.say(place, "nid", message, "a nid is the file name of a mail without .eml")
    complaints.raise_if_any()
    receipt = record_deliveries(writer, rows)
    return ImportReceipt(receipt.added, len(rows) - receipt.added)


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
