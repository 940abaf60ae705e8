# SPDX-License-Identifier: Apache-2.0
"""Receipts that are owed to those who answered on their pages: one a notice, for what stands when it is
sent. No answer is in them, and no address.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, and_, insert, select, update

from policyctl.adapters.tables import ADDRESS, ANSWER_RECEIPT, OUTBOX, microseconds


class Addressed(Protocol):
    """Whatever names a notice to an addressee."""

    @property
    def subject_no(self) -> int:
        """The addressee."""

    @property
    def notice_no(self) -> int:
        """The notice."""

    @property
    def contact(self) -> int:
        """Which of his addresses."""


def _is(who: Addressed) -> Any:
    return and_(
        ANSWER_RECEIPT.c.subject_no == who.subject_no,
        ANSWER_RECEIPT.c.notice_no == who.notice_no,
        ANSWER_RECEIPT.c.contact == who.contact,
    )


def owe(connection: Connection, who: Addressed, now: datetime) -> None:
    """Owe a receipt from now on; one that is owed already says what stands when it is sent."""
    values = {"answered_at": now, "owed_since": now, "not_before": None, "attempts": 0, "reason": ""}
    if connection.execute(update(ANSWER_RECEIPT).where(_is(who)).values(values)).rowcount == 0:
        key = {"subject_no": who.subject_no, "notice_no": who.notice_no, "contact": who.contact}
        connection.execute(insert(ANSWER_RECEIPT), {**key, **values})


def mail_id(nid: str, answered_at: datetime) -> str:
    """What a receipt's mail is called: by its notice and the answer it is for, so that reports find it."""
    return f"{nid}-{microseconds(answered_at):x}"


def note_failed(connection: Connection, failed: Mapping[str, str]) -> None:
    """Write down that receipts did not arrive: the ids of their mails, and what was reported. Their notices
    stand as they did: that somebody was told is another matter than that the receipt came.
    """
    notices = {name.partition("-")[0] for name in failed}
    for row in connection.execute(receipts().where(OUTBOX.c.nid.in_(notices))).all() if notices else ():
        said = failed.get(mail_id(row.nid, row.answered_at))
        if said is not None:
            settle(connection, row, {"reason": said})


def receipts() -> Any:
    """A query for receipts with the id of their notice and the address, NULL where that is gone."""
    same = and_(
        ANSWER_RECEIPT.c.subject_no == OUTBOX.c.subject_no,
        ANSWER_RECEIPT.c.notice_no == OUTBOX.c.notice_no,
        ANSWER_RECEIPT.c.contact == OUTBOX.c.contact,
    )
    reached = and_(
        ADDRESS.c.subject_no == ANSWER_RECEIPT.c.subject_no, ADDRESS.c.position == ANSWER_RECEIPT.c.contact
    )
    return select(ANSWER_RECEIPT, OUTBOX.c.nid, ADDRESS.c.email, ADDRESS.c.name).select_from(
        ANSWER_RECEIPT.join(OUTBOX, same).outerjoin(ADDRESS, reached)
    )


def due(now: datetime) -> Any:
    """A query for those that are to be sent, oldest first."""
    table = ANSWER_RECEIPT
    free = table.c.not_before.is_(None) | (table.c.not_before <= now)
    return receipts().where(table.c.owed_since.is_not(None), free).order_by(table.c.owed_since, OUTBOX.c.nid)


def settle(connection: Connection, row: Addressed, values: Mapping[str, Any]) -> None:
    """Write down how far one has come."""
    connection.execute(update(ANSWER_RECEIPT).where(_is(row)).values(values))
