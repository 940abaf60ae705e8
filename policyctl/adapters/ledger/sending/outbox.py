# SPDX-License-Identifier: Apache-2.0
"""Who is in a chunk, and how everybody stands: the report of highest rank, else the state of the chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, and_, case, func, select

from policyctl.adapters.ledger.base.common import (
    TENANT_BITS,
    Writer,
    administrator,
    is_administrator,
    last_number,
    rows_by,
    tenant_of,
)
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.tables import (
    CHUNK,
    CUSTOMER,
    DELIVERY_EVENT,
    NOTICE,
    OUTBOX,
    POLICY,
    SENT,
    SUBJECT,
    VERSION,
)
from policyctl.core.notices.notice import Notice, NoticeKind
from policyctl.core.notices.notice_json import notice_from_json
from policyctl.core.notices.outbox import (
    GONE,
    AddresseeState,
    Chunk,
    DeliveryName,
    OutboxCount,
    OutboxItem,
    OutboxState,
    SentForm,
)
from policyctl.core.policy import VersionKey
from policyctl.errors import CannotCompareError

PAGE = 1000
_CACHE_KIB = 8192
GONE_STATES = [state.value for state in GONE]
PUBLISHED = NOTICE.join(VERSION, VERSION.c.version_no == NOTICE.c.version_no).join(POLICY)
IN_CHUNK = and_(
    OUTBOX.c.notice_no == CHUNK.c.notice_no,
    OUTBOX.c.place.between(CHUNK.c.lo, CHUNK.c.hi),
    CHUNK.c.state.not_in(GONE_STATES),
)
# A thousand at a time and a million in all, so on the driver itself.
_ADDRESSEES = (
    "SELECT o.nid, o.place, o.locale, a.email, a.name, c.id, s.ext_id FROM outbox o "  # noqa: S608 - a number
    "LEFT JOIN address a ON a.subject_no = o.subject_no AND a.position = o.contact "
    f"LEFT JOIN customer c ON o.subject_no & {(1 << TENANT_BITS) - 1} = 0 "
    f"AND c.tenant_no = o.subject_no >> {TENANT_BITS} "
    "LEFT JOIN subject s ON s.subject_no = o.subject_no "
    "WHERE o.notice_no = ? AND o.place BETWEEN ? AND ? ORDER BY o.place"
)


def addressees(connection: Connection, chunk: Chunk) -> tuple[OutboxItem, ...]:
    """The addressees of a chunk from its cursor on, in order of their places."""
    if connection.dialect.name == "sqlite":
        # Whoever asks this goes through a million rows once: pages that are kept would only fill the memory.
        connection.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE_KIB}")
    rows = driver_of(connection).rows(_ADDRESSEES, chunk.notice_no, chunk.cursor, chunk.hi)
    return tuple(
        OutboxItem(nid, place, "subject", _hex(ext_id), email or "", name or "", locale)
        if customer is None
        else OutboxItem(nid, place, "customer", customer, email or "", name or "", locale)
        for nid, place, locale, email, name, customer, ext_id in rows
    )


def map_nothing(engine: Engine) -> None:
    """Have the connection that this process works with map no part of SQLite's file and keep few pages: a run
    reads all of it once, and that would count as its memory. Outside of a transaction, else it does nothing.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA mmap_size = 0")
            connection.cursor().execute(f"PRAGMA cache_size = -{_CACHE_KIB}")


def note_sent(writer: Writer, notice_no: int, forms: Sequence[SentForm]) -> None:
    """Rows for forms that are not on record yet for the same places."""
    query = "SELECT lo, hi, form_sha256 FROM sent WHERE notice_no = ? AND lo BETWEEN ? AND ?"
    ends = min(form.lo for form in forms), max(form.lo for form in forms)
    known = set(writer.driver.rows(query, notice_no, *ends))
    fresh = [form for form in forms if (form.lo, form.hi, form.sha256) not in known]
    first = last_number(writer.connection, SENT.c.sent_no) + 1 if fresh else 0
    writer.add(
        SENT,
        [
            {"sent_no": number, "notice_no": notice_no, "lo": form.lo, "hi": form.hi,
             "form_sha256": form.sha256, "form": form.form}
            for number, form in enumerate(fresh, start=first)
        ],
    )  # fmt: skip


def _hex(ext_id: bytes | None) -> str:
    return "" if ext_id is None else ext_id.hex()


def _names(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """What a number stands for: a customer by its id, a subject by its pseudonym ('' once erased)."""
    customers = [tenant_of(number) for number in numbers if is_administrator(number)]
    subjects = [number for number in numbers if not is_administrator(number)]
    found = {
        administrator(row.tenant_no): ("customer", row.id)
        for row in rows_by(connection, CUSTOMER, CUSTOMER.c.tenant_no, customers)
    }
    for row in rows_by(connection, SUBJECT, SUBJECT.c.subject_no, subjects):
        found[row.subject_no] = ("subject", _hex(row.ext_id))
    return found


def notices_of(connection: Connection, version: VersionKey, *, reminders: bool) -> tuple[Notice, ...]:
    """The notices of a version in the order they were planned, with or without its reminders."""
    rows = notice_rows(connection, version)
    found = (notice_from_json(row.body) for row in rows if reminders or row.kind != NoticeKind.REMINDER)
    return tuple(found)


def notice_rows(connection: Connection, version: VersionKey) -> Sequence[Row[Any]]:
    """The rows of a version's notices, in the order they were planned."""
    query = (
        select(NOTICE)
        .select_from(PUBLISHED)
        .where(POLICY.c.slug == version.slug, VERSION.c.number == version.number)
    )
    return connection.execute(query.order_by(NOTICE.c.position)).all()


def numbers_of(connection: Connection, version: VersionKey, kind: NoticeKind | None) -> list[int]:
    """The numbers of a version's notices, of one kind or of all; CannotCompareError where there are none."""
    rows = notice_rows(connection, version)
    mine = [row.notice_no for row in rows if kind is None or row.kind == kind.value]
    if not mine:
        what = "no notice" if kind is None else f"no {kind.value} notice"
        raise CannotCompareError(f"{version} owes {what}", hint="look at `policyctl status`")
    return mine


def counts(connection: Connection, slug: str | None) -> tuple[OutboxCount, ...]:
    """How many addressees of each version and kind stand where: whole chunks, less those of whom there
    is a report.
    """
    totals: Counter[tuple[str, int, str, str]] = Counter()
    for *group, state, count in connection.execute(_in_chunks(slug)):
        totals[*group, state] += count
    for *group, state, rank, count in connection.execute(_reported(slug)):
        totals[*group, state] -= count
        totals[*group, list(DeliveryName)[rank].value] += count
    return tuple(
        OutboxCount(VersionKey(found, number), NoticeKind(kind), state, count)
        for (found, number, kind, state), count in sorted(totals.items())
        if count
    )


_GROUP = (POLICY.c.slug, VERSION.c.number, NOTICE.c.kind, CHUNK.c.state)


def _in_chunks(slug: str | None) -> Select[Any]:
    query = (
        select(*_GROUP, func.sum(CHUNK.c.hi - CHUNK.c.lo + 1))
        .select_from(PUBLISHED.join(CHUNK, CHUNK.c.notice_no == NOTICE.c.notice_no))
        .where(CHUNK.c.state.not_in(GONE_STATES))
        .group_by(*_GROUP)
    )
    return query if slug is None else query.where(POLICY.c.slug == slug)


def _reported(slug: str | None) -> Select[Any]:
    ranked = ranked_reports().subquery()
    query = (
        select(*_GROUP, ranked.c.rank, func.count())
        .select_from(
            PUBLISHED.join(OUTBOX, OUTBOX.c.notice_no == NOTICE.c.notice_no)
            .join(ranked, ranked.c.nid == OUTBOX.c.nid)
            .join(CHUNK, IN_CHUNK)
        )
        .group_by(*_GROUP, ranked.c.rank)
    )
    return query if slug is None else query.where(POLICY.c.slug == slug)


def ranked_reports() -> Select[Any]:
    """The highest rank that was reported of each nid."""
    return select(DELIVERY_EVENT.c.nid, func.max(_rank()).label("rank")).group_by(DELIVERY_EVENT.c.nid)


def _rank() -> ColumnElement[int]:
    ranks = {name.value: name.rank for name in DeliveryName}
    return case(ranks, value=DELIVERY_EVENT.c.event, else_=0)


def nids(connection: Connection, version: VersionKey) -> tuple[tuple[str, str, str, str], ...]:
    """(nid, notice kind, addressee kind, addressee) of everything owed for a version."""
    query = (
        select(OUTBOX.c.nid, NOTICE.c.kind, OUTBOX.c.subject_no)
        .select_from(PUBLISHED.join(OUTBOX, OUTBOX.c.notice_no == NOTICE.c.notice_no))
        .where(POLICY.c.slug == version.slug, VERSION.c.number == version.number)
        .order_by(NOTICE.c.position, OUTBOX.c.subject_no, OUTBOX.c.contact)
    )
    rows = connection.execute(query).all()
    names = _names(connection, [row.subject_no for row in rows])
    return tuple((row.nid, row.kind, *names[row.subject_no]) for row in rows)


def page_of_states(
    connection: Connection, notice_no: int, kind: NoticeKind, after: int
) -> tuple[int, tuple[AddresseeState, ...]]:
    """How the next addressees of a notice stand, in order of places after ``after``; and the last place."""
    query = (
        select(OUTBOX, CHUNK.c.state, CHUNK.c.changed_at, CHUNK.c.send_at, CHUNK.c.reason)
        .select_from(OUTBOX.join(CHUNK, IN_CHUNK))
        .where(OUTBOX.c.notice_no == notice_no, OUTBOX.c.place > after, OUTBOX.c.place <= after + PAGE)
        .order_by(OUTBOX.c.place)
    )
    rows = connection.execute(query).all()
    names = _names(connection, [row.subject_no for row in rows])
    best = _best_reports(connection, [row.nid for row in rows])
    return after + PAGE, tuple(_state(row, kind, names[row.subject_no], best.get(row.nid)) for row in rows)


def _best_reports(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[int, Any]]:
    """For each nid the rank of the highest report and when it happened (first)."""
    best: dict[str, tuple[int, Any]] = {}
    for row in rows_by(connection, DELIVERY_EVENT, DELIVERY_EVENT.c.nid, ids):
        found = (DeliveryName(row.event).rank, row.happened_at)
        known = best.get(row.nid)
        if known is None or found[0] > known[0] or (found[0] == known[0] and found[1] < known[1]):
            best[row.nid] = found
    return best


def _state(
    row: Row[Any], kind: NoticeKind, name: tuple[str, str], report: tuple[int, Any] | None
) -> AddresseeState:
    return AddresseeState(
        nid=row.nid,
        kind=kind,
        addressee_kind=name[0],
        addressee=name[1],
        contact=row.contact,
        locale=row.locale,
        state=OutboxState(row.state),
        changed_at=row.changed_at,
        send_at=row.send_at,
        reason=row.reason,
        event=None if report is None else list(DeliveryName)[report[0]],
        event_at=None if report is None else report[1],
    )
