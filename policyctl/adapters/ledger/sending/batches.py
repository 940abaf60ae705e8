# SPDX-License-Identifier: Apache-2.0
"""Batches that a mailer holds until their time, each of one or more chunks of one notice; and recalls.

1. A batch is cancelled whole. So all its chunks are put in doubt in one step before, and given up in one
   step after it is confirmed: a crash in between leaves them in doubt, and the next run asks again.
2. Nothing is posted under a batch unless all else in it is with the mailer and fine: a call under one that
   is cancelled would vanish without a word.
3. A recall marks every chunk of a notice, also those that have left: nobody else is written to about it, no
   next contact either, until it is planned again on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, select, update

from policyctl.adapters.ledger.sending.chunks import drop_recalled, give_up, move, set_all, void
from policyctl.adapters.tables import CHUNK
from policyctl.core.notices.outbox import GONE, Chunk, OutboxState

_HELD = [state.value for state in (OutboxState.POSTING, OutboxState.SCHEDULED, OutboxState.UNKNOWN)]
_GONE = [state.value for state in GONE]


def post(connection: Connection, chunk: Chunk, now: datetime, values: dict[str, Any]) -> Chunk | None:
    """A claimed chunk, about to be posted under the batch of ``values``. None where it is recalled, is not
    as it was seen, or something of the batch is not with the mailer and fine (2).
    """
    other = CHUNK.alias("other")
    troubled = exists().where(
        other.c.notice_no == chunk.notice_no,
        other.c.batch_id == values["batch_id"],
        other.c.chunk_no != chunk.number,
        other.c.state != OutboxState.SCHEDULED.value,
    )
    recalled = exists().where(other.c.chunk_no == chunk.number, other.c.recalled == 1)
    if connection.execute(select(troubled | recalled)).scalar_one():
        return None
    return move(connection, chunk, OutboxState.POSTING, now, values)


def put_in_doubt(connection: Connection, chunk: Chunk, now: datetime) -> Chunk | None:
    """Every chunk of the batch of one that is in doubt or recalled, about to be cancelled (1); None where
    that one is not as it was seen.
    """
    cancelling = move(connection, chunk, OutboxState.CANCELLING, now, {"owner": ""})
    if cancelling is not None:
        change = update(CHUNK).where(_of_batch(chunk), CHUNK.c.state.in_(_HELD))
        connection.execute(change.values(state=OutboxState.CANCELLING.value, changed_at=now, owner=""))
    return cancelling


def give_up_batch(connection: Connection, chunks: Sequence[Chunk], now: datetime, reason: str) -> int:
    """Chunks of a batch whose cancellation is confirmed: planned again, or done with where recalled; how many
    are planned again.
    """
    return sum(give_up(connection, chunk, now, reason) and not chunk.recalled for chunk in chunks)


def rows_in_doubt(connection: Connection, chunk: Chunk) -> Sequence[Row[Any]]:
    """The chunks of a batch that is being cancelled."""
    mine = (_of_batch(chunk), CHUNK.c.state == OutboxState.CANCELLING.value)
    return connection.execute(select(CHUNK).where(*mine).order_by(CHUNK.c.chunk_no)).all()


def _of_batch(chunk: Chunk) -> Any:
    return and_(CHUNK.c.notice_no == chunk.notice_no, CHUNK.c.batch_id == chunk.batch_id)


# Recalls


def recall(connection: Connection, notice_no: int, now: datetime) -> None:
    """Nothing of a notice is to be sent any more: what is planned is done with at once, what the mailer
    holds is marked, so that its batch is cancelled. What has left stays as it is (3).
    """
    set_all(connection, OutboxState.SCHEDULED, OutboxState.RELEASED, now, sent_by=now)
    mine = (CHUNK.c.notice_no == notice_no, CHUNK.c.state.not_in(_GONE))
    connection.execute(update(CHUNK).where(*mine).values(recalled=1))
    drop_recalled(connection, now)


def recalled_notices(connection: Connection) -> set[int]:
    """The notices that are recalled, by number."""
    return set(
        connection.execute(select(CHUNK.c.notice_no).where(CHUNK.c.recalled == 1).distinct()).scalars()
    )


def plan_again(connection: Connection, notice_no: int, chunks: Iterable[Chunk], now: datetime) -> int:
    """Take a recall back: ``chunks``, those recalled before they left, are planned again; how many
    addressees. What is still being called off is planned again when that is confirmed.
    """
    connection.execute(update(CHUNK).where(CHUNK.c.notice_no == notice_no).values(recalled=0))
    return sum(chunk.size for chunk in chunks if void(connection, chunk, now, "planned again after a recall"))
