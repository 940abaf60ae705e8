# SPDX-License-Identifier: Apache-2.0
"""Chunks of addressees and their states. Every step is a compare-and-set: it happens to the chunk that
was seen, or not at all.

1. The chunks in use of a notice cover its places, each once; those of a reminder, the places of all who
   still need it. A chunk is never moved or made smaller: it is given up (``split``, ``void``) in the
   transaction that puts others in its stead.
2. ``posting`` is committed before the mailer is called. No claim ever takes a chunk in ``posting``.
3. A notice with a paused chunk is not claimed: what stopped one of its mails would stop them all.
4. Nothing that is recalled is planned, however it comes back: whether it is, is asked in the same step.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, or_, select, update

from policyctl.adapters.ledger.base.common import last_number
from policyctl.adapters.tables import CHUNK, NOTICE, OUTBOX, POLICY, VERSION
from policyctl.core.notices.notice import Notice
from policyctl.core.notices.notice_json import notice_from_json
from policyctl.core.notices.outbox import Chunk, OutboxState, Part

SIZE = 1000
"""Addressees in one chunk at most: as many as SendGrid takes in one call."""

NOT_SENT = "recalled before it was sent"
_WAITING = (OutboxState.PLANNED, OutboxState.PAUSED, OutboxState.STAGED)
_NOTICES_KEPT = 8
_EMPTY = {
    "attempts": 0, "recalled": 0, "mailer": "", "owner": "", "batch_id": "", "body_sha256": "", "receipt": "",
    "reason": "", "send_at": None, "not_before": None,
}  # fmt: skip


def add_chunks(connection: Connection, notice_no: int, above: int, now: datetime) -> None:
    """Planned chunks for the places of a notice from ``above`` on: each of one language."""
    runs = (
        select(OUTBOX.c.locale, func.min(OUTBOX.c.place), func.max(OUTBOX.c.place))
        .where(OUTBOX.c.notice_no == notice_no, OUTBOX.c.place > above)
        .group_by(OUTBOX.c.locale)
        .order_by(func.min(OUTBOX.c.place))
    )
    found = connection.execute(runs).all()
    rows = [
        {**_EMPTY, "notice_no": notice_no, "locale": locale, "state": OutboxState.PLANNED.value,
         "changed_at": now, "lo": lo, "hi": min(lo + SIZE - 1, last), "cursor": lo}
        for locale, first, last in found for lo in range(first, last + 1, SIZE)
    ]  # fmt: skip
    _add(connection, rows)


def _add(connection: Connection, rows: Sequence[dict[str, Any]]) -> tuple[int, ...]:
    """New chunks, numbered; their numbers."""
    first = last_number(connection, CHUNK.c.chunk_no) + 1
    numbered = [{**row, "chunk_no": number} for number, row in enumerate(rows, start=first)]
    if numbered:
        connection.execute(insert(CHUNK), numbered)
    return tuple(row["chunk_no"] for row in numbered)


class Chunks:
    """The chunks of a ledger; keeps the last few notices, which never change."""

    def __init__(self) -> None:
        self._notices: dict[int, Notice] = {}

    def claim(
        self,
        connection: Connection,
        now: datetime,
        *,
        to: OutboxState,
        mailer: str,
        owner: str,
        slug: str | None,
        skip: Collection[int],
    ) -> Chunk | None:
        """The first planned chunk that is due, set to ``to`` for ``owner``; None where none is due."""
        row = connection.execute(_due(now, slug, skip)).first()
        if row is None:
            return None
        (chunk,) = self.read(connection, [row])
        known: dict[str, Any] = {"mailer": mailer, "owner": owner, "cursor": chunk.lo, "batch_id": ""}
        known["attempts"] = chunk.attempts + (to is OutboxState.POSTING)
        if not set_state(connection, chunk, to, now, {**known, "not_before": None}):
            return None
        return replace(chunk, state=to, changed_at=now, **known)

    def in_states(
        self, connection: Connection, states: Iterable[OutboxState], slug: str | None
    ) -> tuple[Chunk, ...]:
        """The chunks that stand so, oldest first."""
        query = _of_policy(select(CHUNK), slug).where(CHUNK.c.state.in_([state.value for state in states]))
        return tuple(self.read(connection, connection.execute(query.order_by(CHUNK.c.chunk_no)).all()))

    def read(self, connection: Connection, rows: Sequence[Row[Any]]) -> Iterator[Chunk]:
        """The chunks of rows of the table."""
        for row in rows:
            yield Chunk(
                number=row.chunk_no,
                notice_no=row.notice_no,
                notice=self._notice(connection, row.notice_no),
                locale=row.locale,
                state=OutboxState(row.state),
                lo=row.lo,
                hi=row.hi,
                cursor=row.cursor,
                attempts=row.attempts,
                mailer=row.mailer,
                owner=row.owner,
                batch_id=row.batch_id,
                send_at=row.send_at,
                recalled=bool(row.recalled),
                changed_at=row.changed_at,
                reason=row.reason,
            )

    def _notice(self, connection: Connection, number: int) -> Notice:
        if number not in self._notices:
            body = connection.execute(select(NOTICE.c.body).where(NOTICE.c.notice_no == number)).scalar_one()
            if len(self._notices) >= _NOTICES_KEPT:
                self._notices.clear()
            self._notices[number] = notice_from_json(body)
        return self._notices[number]


def _due(now: datetime, slug: str | None, skip: Collection[int]) -> Select[Any]:
    other = CHUNK.alias("other")
    paused = (
        select(other.c.chunk_no)
        .where(other.c.notice_no == CHUNK.c.notice_no, other.c.state == OutboxState.PAUSED.value)
        .exists()
    )
    due = or_(CHUNK.c.not_before.is_(None), CHUNK.c.not_before <= now)
    planned = (CHUNK.c.state == OutboxState.PLANNED.value, CHUNK.c.recalled == 0)
    query = _of_policy(select(CHUNK), slug).where(*planned, due, ~paused)
    if skip:
        query = query.where(CHUNK.c.notice_no.not_in(sorted(skip)))
    return query.order_by(CHUNK.c.chunk_no).limit(1)


def _of_policy(query: Select[Any], slug: str | None) -> Select[Any]:
    if slug is None:
        return query
    published = NOTICE.join(VERSION, VERSION.c.version_no == NOTICE.c.version_no).join(POLICY)
    return query.where(
        CHUNK.c.notice_no.in_(select(NOTICE.c.notice_no).select_from(published).where(POLICY.c.slug == slug))
    )


def move(
    connection: Connection, chunk: Chunk, to: OutboxState, now: datetime, values: dict[str, Any]
) -> Chunk | None:
    """The chunk in its next state; None where it is not as it was seen any more."""
    if not set_state(connection, chunk, to, now, values):
        return None
    if to in _WAITING and is_recalled(connection, chunk):
        _done_with(connection, now, CHUNK.c.chunk_no == chunk.number)
    known = {name: values[name] for name in ("batch_id", "send_at", "owner", "attempts") if name in values}
    return replace(chunk, state=to, changed_at=now, reason=values.get("reason", chunk.reason), **known)


def set_state(
    connection: Connection,
    chunk: Chunk,
    to: OutboxState,
    now: datetime,
    values: dict[str, Any],
    *conditions: ColumnElement[bool],
) -> bool:
    """Set a chunk that is as it was seen, and meets the conditions; False where it does not."""
    as_seen = (
        CHUNK.c.chunk_no == chunk.number,
        CHUNK.c.state == chunk.state.value,
        CHUNK.c.owner == chunk.owner,
        CHUNK.c.cursor == chunk.cursor,
    )
    change = update(CHUNK).where(*as_seen, *conditions).values(state=to.value, changed_at=now, **values)
    return connection.execute(change).rowcount == 1


def is_recalled(connection: Connection, chunk: Chunk) -> bool:
    """Nothing of the chunk is to be sent any more."""
    found = select(CHUNK.c.recalled).where(CHUNK.c.chunk_no == chunk.number)
    return bool(connection.execute(found).scalar_one())


def split(
    connection: Connection, chunk: Chunk, parts: Sequence[Part], now: datetime
) -> tuple[int, ...] | None:
    """Put ``parts``, which cover the chunk, in its stead; their numbers. None where it is not as seen."""
    _require_cover(chunk, parts)
    if not set_state(connection, chunk, OutboxState.SPLIT, now, {}):
        return None
    recalled = is_recalled(connection, chunk)
    return _add(connection, [_part(chunk, part, now, recalled=recalled) for part in parts])


def _require_cover(chunk: Chunk, parts: Sequence[Part]) -> None:
    begins = [part.lo for part in parts] + [chunk.hi + 1]
    ends = [chunk.lo] + [part.hi + 1 for part in parts]
    if begins != ends:
        raise ValueError(f"the parts of chunk {chunk.number} do not cover it")


def _part(chunk: Chunk, part: Part, now: datetime, *, recalled: bool) -> dict[str, Any]:
    planned = part.state is OutboxState.PLANNED
    done = recalled and part.state in _WAITING
    return {
        **_EMPTY,
        "notice_no": chunk.notice_no,
        "locale": chunk.locale,
        "lo": part.lo,
        "hi": part.hi,
        "cursor": part.lo,
        "state": (OutboxState.RECALLED if done else part.state).value,
        "changed_at": now,
        "attempts": chunk.attempts,
        "recalled": int(recalled),
        "mailer": "" if planned else chunk.mailer,
        "receipt": part.receipt,
        "reason": NOT_SENT if done else part.reason,
        "not_before": part.not_before,
    }


def give_up(connection: Connection, chunk: Chunk, now: datetime, reason: str) -> bool:
    """A chunk that certainly did not leave: planned again as a new one, or done with if it is recalled."""
    if is_recalled(connection, chunk):
        said = {"reason": "recalled before its release"}
        return set_state(connection, chunk, OutboxState.RECALLED, now, said)
    return void(connection, chunk, now, reason)


def void(connection: Connection, chunk: Chunk, now: datetime, reason: str) -> bool:
    """A chunk of which nothing left: its addressees are planned again, in a new one."""
    if not set_state(connection, chunk, OutboxState.VOID, now, {"reason": reason}):
        return False
    again = Part(chunk.lo, chunk.hi, OutboxState.PLANNED, reason)
    _add(connection, [_part(chunk, again, now, recalled=False)])
    return True


def was_given_up(connection: Connection, chunk: Chunk, reason: str) -> bool:
    """A chunk that held the same places was given up for this reason."""
    query = select(CHUNK.c.chunk_no).where(
        CHUNK.c.notice_no == chunk.notice_no,
        CHUNK.c.state == OutboxState.VOID.value,
        CHUNK.c.reason == reason,
        CHUNK.c.lo <= chunk.lo,
        CHUNK.c.hi >= chunk.hi,
    )
    return connection.execute(query.limit(1)).first() is not None


def advance(connection: Connection, chunk: Chunk, place: int, now: datetime) -> Chunk | None:
    """The mail at the cursor is settled, that at ``place`` is handed over next; None for a chunk that is
    recalled, too.
    """
    if not set_state(connection, chunk, chunk.state, now, {"cursor": place}, CHUNK.c.recalled == 0):
        return None
    return replace(chunk, cursor=place, changed_at=now)


def set_all(
    connection: Connection,
    frm: OutboxState,
    to: OutboxState,
    now: datetime,
    *,
    slug: str | None = None,
    sent_by: datetime | None = None,
) -> int:
    """Move every chunk of a state on; with ``sent_by`` only those that were to be sent by then."""
    change = update(CHUNK).where(CHUNK.c.state == frm.value)
    if slug is not None:
        numbers = _of_policy(select(CHUNK.c.chunk_no), slug)
        change = change.where(CHUNK.c.chunk_no.in_(numbers))
    if sent_by is not None:
        change = change.where(CHUNK.c.send_at <= sent_by)
    return connection.execute(change.values(state=to.value, changed_at=now)).rowcount


def hold_back(connection: Connection, until: datetime) -> None:
    """No planned chunk is due before ``until``: one limit for every worker."""
    later = or_(CHUNK.c.not_before.is_(None), CHUNK.c.not_before < until)
    change = update(CHUNK).where(CHUNK.c.state == OutboxState.PLANNED.value, later)
    connection.execute(change.values(not_before=until))


def drop_recalled(connection: Connection, now: datetime) -> None:
    """Chunks that are recalled and certainly did not leave are done with: also those that a run has claimed
    and not begun to post, which it finds out when it would.
    """
    _done_with(connection, now, CHUNK.c.recalled == 1)


def _done_with(connection: Connection, now: datetime, which: ColumnElement[bool]) -> None:
    states = [state.value for state in _WAITING]
    change = update(CHUNK).where(CHUNK.c.state.in_(states), which)
    connection.execute(change.values(state=OutboxState.RECALLED.value, changed_at=now, reason=NOT_SENT))
