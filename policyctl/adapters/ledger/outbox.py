# SPDX-License-Identifier: Apache-2.0
"""Notices on their way: claimed before they are posted, settled after, and what became of them.

``planned -> posting`` is a compare-and-set that is committed before the mailer is called. A row that
is found in ``posting`` is never taken over because time has passed: it may have left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)

from policyctl.adapters.ledger.common import (
    Complaints,
    Writer,
    administrator,
    is_administrator,
    rows_by,
    tenant_of,
)
from policyctl.adapters.tables import (
    ADDRESS,
    CUSTOMER,
    DELIVERY_EVENT,
    NOTICE,
    OUTBOX,
    OUTBOX_STATE,
    POLICY,
    SUBJECT,
    VERSION,
)
from policyctl.core.notices.notice import Notice, NoticeKind
from policyctl.core.notices.notice_json import notice_from_json
from policyctl.core.notices.outbox import (
    DeliveryEvent,
    DeliveryName,
    DeliveryReceipt,
    OutboxCount,
    OutboxItem,
    OutboxState,
)
from policyctl.core.policy import VersionKey
from policyctl.core.records import ImportReceipt
from policyctl.errors import CannotCompareError, Place, RefusedError

_DOUBTFUL = (OutboxState.POSTING.value, OutboxState.UNKNOWN.value)
_ERASED = "the address is not on record any more"


def claim(connection: Connection, now: datetime, limit: int, slug: str | None) -> tuple[OutboxItem, ...]:
    """Planned rows that are due, set to posting; a row without an address is rejected on the way."""
    due = _rows(slug).where(
        OUTBOX_STATE.c.state == OutboxState.PLANNED.value,
        or_(OUTBOX_STATE.c.not_before.is_(None), OUTBOX_STATE.c.not_before <= now),
    )
    while found := connection.execute(due.limit(limit)).all():
        lost = [row for row in found if row.email is None]
        kept = [row for row in found if row.email is not None]
        _set_state(connection, lost, OutboxState.REJECTED, now, reason=_ERASED)
        _set_state(connection, kept, OutboxState.POSTING, now, attempts=1)
        if kept:
            return _items(connection, kept, attempts=1)
    return ()


def in_doubt(connection: Connection, slug: str | None) -> tuple[OutboxItem, ...]:
    """Rows that may or may not have left: posting (a crash, or another process at work) or unknown."""
    rows = connection.execute(_rows(slug).where(OUTBOX_STATE.c.state.in_(_DOUBTFUL))).all()
    return _items(connection, rows, attempts=0)


_STATED = and_(
    OUTBOX_STATE.c.subject_no == OUTBOX.c.subject_no,
    OUTBOX_STATE.c.notice_no == OUTBOX.c.notice_no,
    OUTBOX_STATE.c.contact == OUTBOX.c.contact,
)
_PUBLISHED = NOTICE.join(VERSION, VERSION.c.version_no == NOTICE.c.version_no).join(POLICY)


def _rows(slug: str | None) -> Select[Any]:
    address = and_(ADDRESS.c.subject_no == OUTBOX.c.subject_no, ADDRESS.c.position == OUTBOX.c.contact)
    owed = OUTBOX.join(OUTBOX_STATE, _STATED).join(NOTICE)
    query = (
        select(OUTBOX, OUTBOX_STATE.c.attempts, ADDRESS.c.email, ADDRESS.c.name, ADDRESS.c.locale)
        .select_from(owed.outerjoin(ADDRESS, address))
        .order_by(OUTBOX.c.entry, NOTICE.c.position, OUTBOX.c.nid)
    )
    return query if slug is None else query.where(NOTICE.c.version_no.in_(_of_policy(slug)))


def _of_policy(slug: str) -> Select[Any]:
    return select(VERSION.c.version_no).select_from(VERSION.join(POLICY)).where(POLICY.c.slug == slug)


def _items(connection: Connection, rows: Sequence[Row[Any]], *, attempts: int) -> tuple[OutboxItem, ...]:
    notices = _notices(connection, {row.notice_no for row in rows})
    addressees = _addressees(connection, [row.subject_no for row in rows])
    return tuple(
        OutboxItem(
            nid=row.nid,
            notice=notices[row.notice_no],
            addressee_kind=addressees[row.subject_no][0],
            addressee=addressees[row.subject_no][1],
            address=row.email or "",
            name=row.name or "",
            locale=row.locale or "",
            attempts=row.attempts + attempts,
        )
        for row in rows
    )


def _addressees(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """What a number stands for: a customer by its id, a subject by its pseudonym ('' once erased)."""
    customers = [tenant_of(number) for number in numbers if is_administrator(number)]
    subjects = [number for number in numbers if not is_administrator(number)]
    found = {
        administrator(row.tenant_no): ("customer", row.id)
        for row in rows_by(connection, CUSTOMER, CUSTOMER.c.tenant_no, customers)
    }
    for row in rows_by(connection, SUBJECT, SUBJECT.c.subject_no, subjects):
        found[row.subject_no] = ("subject", "" if row.ext_id is None else row.ext_id.hex())
    return found


def _notices(connection: Connection, numbers: Iterable[int]) -> dict[int, Notice]:
    found = rows_by(connection, NOTICE, NOTICE.c.notice_no, sorted(numbers))
    return {row.notice_no: notice_from_json(row.body) for row in found}


def notices_of(connection: Connection, version: VersionKey) -> tuple[Notice, ...]:
    """The notices of a version, in the order they were planned."""
    query = (
        select(NOTICE.c.body)
        .select_from(_PUBLISHED)
        .where(POLICY.c.slug == version.slug, VERSION.c.number == version.number)
    )
    return tuple(
        notice_from_json(body) for body in connection.execute(query.order_by(NOTICE.c.position)).scalars()
    )


def _set_state(
    connection: Connection,
    rows: Sequence[Row[Any]],
    state: OutboxState,
    now: datetime,
    *,
    attempts: int = 0,
    reason: str = "",
) -> None:
    if not rows:
        return
    change = (
        update(OUTBOX_STATE)
        .where(
            OUTBOX_STATE.c.subject_no == bindparam("who"),
            OUTBOX_STATE.c.notice_no == bindparam("what"),
            OUTBOX_STATE.c.contact == bindparam("which"),
        )
        .values(
            state=state.value,
            attempts=OUTBOX_STATE.c.attempts + attempts,
            changed_at=now,
            reason=reason,
            not_before=None,
        )
    )
    keys = [{"who": row.subject_no, "what": row.notice_no, "which": row.contact} for row in rows]
    connection.execute(change, keys)


def settle(
    connection: Connection,
    nid: str,
    state: OutboxState,
    at: datetime,
    *,
    receipt: str,
    reason: str,
    not_before: datetime | None,
) -> None:
    """Write down what the mailer said of a row that was posting (or unknown)."""
    values = {"state": state.value, "changed_at": at, "reason": reason, "not_before": not_before}
    if receipt:
        values["receipt"] = receipt
    (key,) = _keys(connection, [nid]) or (None,)
    if key is None:
        raise CannotCompareError(
            f"no notice {nid!r} is in the outbox", hint="a nid is the file name of a mail without .eml"
        )
    change = update(OUTBOX_STATE).where(_is(key), OUTBOX_STATE.c.state.in_(_DOUBTFUL))
    if connection.execute(change.values(values)).rowcount == 1:
        return
    found = connection.execute(select(OUTBOX_STATE.c.state).where(_is(key))).scalar()
    if found != state.value:
        raise RefusedError(f"notice {nid} is {found}, not on its way", hint="claim it before it is sent")


def _keys(connection: Connection, nids: Iterable[str]) -> list[Row[Any]]:
    """The rows of the outbox that these nids name."""
    return list(rows_by(connection, OUTBOX, OUTBOX.c.nid, sorted(set(nids))))


def _is(row: Row[Any]) -> ColumnElement[bool]:
    return and_(
        OUTBOX_STATE.c.subject_no == row.subject_no,
        OUTBOX_STATE.c.notice_no == row.notice_no,
        OUTBOX_STATE.c.contact == row.contact,
    )


def reopen(connection: Connection, nids: Iterable[str], now: datetime) -> int:
    """Rows in doubt, planned again. Only for a mailer that cannot send the same nid twice."""
    values = {"state": OutboxState.PLANNED.value, "changed_at": now, "not_before": None}
    count = 0
    for row in _keys(connection, nids):
        change = update(OUTBOX_STATE).where(_is(row), OUTBOX_STATE.c.state.in_(_DOUBTFUL))
        count += connection.execute(change.values(values)).rowcount
    return count


def counts(connection: Connection, slug: str | None) -> tuple[OutboxCount, ...]:
    """How many addressees of each version and kind stand where."""
    ranked = (
        select(DELIVERY_EVENT.c.nid, func.max(_rank()).label("rank"))
        .group_by(DELIVERY_EVENT.c.nid)
        .subquery()
    )
    query = (
        select(
            POLICY.c.slug, VERSION.c.number, NOTICE.c.kind, ranked.c.rank, OUTBOX_STATE.c.state, func.count()
        )
        .select_from(
            _PUBLISHED.join(OUTBOX, OUTBOX.c.notice_no == NOTICE.c.notice_no)
            .join(OUTBOX_STATE, _STATED)
            .outerjoin(ranked, ranked.c.nid == OUTBOX.c.nid)
        )
        .group_by(POLICY.c.slug, VERSION.c.number, NOTICE.c.kind, ranked.c.rank, OUTBOX_STATE.c.state)
    )
    if slug is not None:
        query = query.where(POLICY.c.slug == slug)
    totals: dict[tuple[str, int, str, str], int] = {}
    for found_slug, number, kind, rank, state, count in connection.execute(query):
        stands = state if rank is None else list(DeliveryName)[rank].value
        group = (found_slug, number, kind, stands)
        totals[group] = totals.get(group, 0) + count
    return tuple(
        OutboxCount(VersionKey(found, number), NoticeKind(kind), state, count)
        for (found, number, kind, state), count in sorted(totals.items())
    )


def _rank() -> ColumnElement[int]:
    ranks = {name.value: name.rank for name in DeliveryName}
    return case(ranks, value=DELIVERY_EVENT.c.event, else_=0)


def nids(connection: Connection, version: VersionKey) -> tuple[tuple[str, str, str, str], ...]:
    """(nid, notice kind, addressee kind, addressee) of everything owed for a version."""
    query = (
        select(OUTBOX.c.nid, NOTICE.c.kind, OUTBOX.c.subject_no)
        .select_from(_PUBLISHED.join(OUTBOX, OUTBOX.c.notice_no == NOTICE.c.notice_no))
        .where(POLICY.c.slug == version.slug, VERSION.c.number == version.number)
        .order_by(NOTICE.c.position, OUTBOX.c.subject_no, OUTBOX.c.contact)
    )
    rows = connection.execute(query).all()
    addressees = _addressees(connection, [row.subject_no for row in rows])
    return tuple((row.nid, row.kind, *addressees[row.subject_no]) for row in rows)


def record_deliveries(writer: Writer, events: Iterable[DeliveryEvent]) -> DeliveryReceipt:
    """Enter reports, in any order and as often as they come; each counts once."""
    given = {(event.nid, event.event.value, event.at): event for event in events}
    ids = {nid for nid, _, _ in given}
    known = {
        (row.nid, row.event, row.happened_at)
        for row in rows_by(writer.connection, DELIVERY_EVENT, DELIVERY_EVENT.c.nid, sorted(ids))
    }
    owed = {row.nid for row in rows_by(writer.connection, OUTBOX, OUTBOX.c.nid, sorted(ids))}
    fresh = [key for key in given if key not in known]
    writer.add(DELIVERY_EVENT, [{"nid": nid, "event": name, "happened_at": at} for nid, name, at in fresh])
    return DeliveryReceipt(
        added=len(fresh),
        repeated=len(given) - len(fresh),
        orphans=sum(nid not in owed for nid, _, _ in fresh),
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
