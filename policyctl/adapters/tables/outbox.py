# SPDX-License-Identifier: Apache-2.0
"""The tables of the outbox: who is owed which notice, how far each chunk of them has come, reports.

``outbox`` is written once. ``place`` numbers the addressees of a notice from 1, those of one language
and with a name side by side; a chunk is a range of places, so its state stands for a thousand people
at once. The chunks of a notice that are in use never overlap and leave no place out.

**Shape.** ``outbox`` is cut by subject. ``chunk`` is small, a row for a thousand addressees, and copied
to every server: each server finds the addressees of a chunk that it holds by (notice, place).
"""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

from policyctl.adapters.tables.kinds import (
    Small,
    UtcTime,
    Whole,
    entry,
    entry_of_old,
    number,
    own,
    reference,
    spread,
    subject,
    text,
    time,
)

OUTBOX = spread(
    "outbox",
    "subject_no",
    subject(),
    entry(),
    number("notice_no", Integer, ForeignKey("notice.notice_no"), autoincrement=False),
    number("contact", autoincrement=False),
    number("place", autoincrement=False),
    text("nid"),
    text("locale"),
    PrimaryKeyConstraint("subject_no", "notice_no", "contact"),
    Index("outbox_nid", "nid"),
    Index("outbox_place", "notice_no", "place"),
)
# ``cursor``: the place that is being handed over by a mailer that takes one mail at a time.
# ``recalled`` 1: as soon as its batch is cancelled it is done with, not planned again.
CHUNK = reference(
    "chunk",
    Column("send_at", UtcTime),
    Column("not_before", UtcTime),
    time("changed_at"),
    own("chunk_no"),
    number("notice_no", Integer, ForeignKey("notice.notice_no"), autoincrement=False),
    number("lo"),
    number("hi"),
    number("cursor"),
    number("attempts"),
    number("recalled", Small),
    text("state"),
    text("locale"),
    text("mailer"),
    text("owner"),
    text("batch_id"),
    text("body_sha256"),
    text("receipt"),
    text("reason"),
    CheckConstraint("lo >= 1 AND hi >= lo AND cursor >= lo AND cursor <= hi", name="chunk_range"),
    Index("chunk_state", "state", "chunk_no"),
    Index("chunk_notice", "notice_no", "lo"),
)
# Which notice a reminder repeats, and how many days before the effective date. The outbox of a reminder is
# planned with it, once.
REMINDER = reference(
    "reminder",
    Column("notice_no", Integer, ForeignKey("notice.notice_no"), primary_key=True, autoincrement=False),
    number("of_notice", Integer, ForeignKey("notice.notice_no"), autoincrement=False),
    number("lead_days"),
    entry_of_old(),
    UniqueConstraint("of_notice", "lead_days"),
)
# What the mails to places ``lo`` to ``hi`` of a notice were made by, before they were handed over: the hash
# of the mail without names and links, and what it takes to write it again. A mail sent twice has two rows.
SENT = reference(
    "sent",
    own("sent_no"),
    entry(),
    number("notice_no", Integer, ForeignKey("notice.notice_no"), autoincrement=False),
    number("lo"),
    number("hi"),
    text("form_sha256"),
    text("form"),
    CheckConstraint("lo >= 1 AND hi >= lo", name="sent_range"),
    Index("sent_notice", "notice_no", "lo"),
)
DELIVERY_EVENT = spread(
    "delivery_event",
    "nid",
    time("happened_at"),
    entry(),
    number("attempt", autoincrement=False, info={"later": 0}),
    number("by_address", info={"later": 0}),
    text("nid"),
    text("event"),
    text("status", info={"later": ""}),
    PrimaryKeyConstraint("nid", "event", "happened_at", "attempt"),
    Index("delivery_event_entry", "entry"),
)
# One row: the ledger itself. It is no part of the record, so a copy may be told apart from what it copies.
INSTANCE = reference(
    "instance",
    own("instance_no"),
    number("lost_up_to", Whole),
    text("id"),
    text("place"),
    text("erasures"),
    CheckConstraint("instance_no = 1", name="instance_one"),
)
