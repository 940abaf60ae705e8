# SPDX-License-Identifier: Apache-2.0
"""How the addressees of a version stand, counted by the database; and the next contacts of customers whose
notice was not given.

1. Whole chunks are counted, less those of whom there is a report, less those whom a later contact stands
   for: what is read grows with chunks and reports, not with people.
2. A customer's next contact is a row of the outbox of its own, planned once: the key of the outbox holds it.
3. Nothing more is planned of a notice that was recalled.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, case, exists, func, insert, literal, select, union

from policyctl.adapters.ledger.base.common import Writer, is_administrator, notice_secret, rows_by, tenant_of
from policyctl.adapters.ledger.base.engine import nid_of
from policyctl.adapters.ledger.sending.audience import last_place
from policyctl.adapters.ledger.sending.batches import recalled_notices
from policyctl.adapters.ledger.sending.chunks import add_chunks
from policyctl.adapters.ledger.sending.outbox import GONE_STATES, PUBLISHED, ranked_reports
from policyctl.adapters.ledger.sending.owed import notice_id
from policyctl.adapters.tables import (
    ACKNOWLEDGEMENT,
    ADDRESS,
    CHANGE,
    CHOICE,
    CHUNK,
    CUSTOMER,
    DELIVERY_EVENT,
    NOTICE,
    OBJECTION,
    OUTBOX,
    POLICY,
    PRACTICE,
    REPORT_CUT,
    VERSION,
    UtcTime,
)
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import TAKEN, DeliveryName, OutboxState
from policyctl.core.notices.progress import (
    NOT_GIVEN,
    REPORTS_WITHIN,
    Answered,
    Progress,
    Standing,
    Unreached,
)
from policyctl.core.policy import VersionKey

_TAKEN = [state.value for state in TAKEN]
NOT_GIVEN_NAMES = [name.value for name in NOT_GIVEN]


def progress(connection: Connection, slug: str | None, now: datetime) -> tuple[Progress, ...]:
    """How every version with notices stands, by slug and number."""
    found: dict[VersionKey, list[Standing]] = defaultdict(list)
    for one in _standings(connection, slug, now):
        found[one.version].append(one)
    answered, cut = _answered(connection, slug), Counter[VersionKey]()
    for (name, number, *_), count in _cut_reports(connection, slug).items():
        cut[VersionKey(name, number)] += count
    unreached = _unreached(connection, slug)
    return tuple(
        Progress(
            version,
            tuple(ones),
            answered.get(version, {}),
            unreached.get(version, Unreached()),
            cut[version],
        )
        for version, ones in sorted(found.items())
    )


# Standings


def _standings(connection: Connection, slug: str | None, now: datetime) -> Iterable[Standing]:
    stands = _chunks(slug, now).subquery()
    group = (stands.c.slug, stands.c.number, stands.c.kind, stands.c.state, stands.c.overdue, stands.c.late)
    totals: Counter[tuple[Any, ...]] = Counter()
    whole = select(*group, func.sum(stands.c.hi - stands.c.lo + 1)).group_by(*group)
    for *key, count in connection.execute(whole):
        totals[*key, None] += count
    ranked = ranked_reports().subquery()
    reported = (
        select(*group, ranked.c.rank, func.count())
        .select_from(stands.join(OUTBOX, _held_by(stands)).join(ranked, ranked.c.nid == OUTBOX.c.nid))
        .group_by(*group, ranked.c.rank)
    )
    for *key, rank, count in connection.execute(reported):
        totals[*key, None] -= count
        totals[*key, rank] += count
    for (*key, rank), count in _cut_reports(connection, slug).items():
        _confirm(totals, key, rank, count)
    stood_for = (
        select(*group, ranked.c.rank, func.count())
        .select_from(stands.join(OUTBOX, _held_by(stands)).outerjoin(ranked, ranked.c.nid == OUTBOX.c.nid))
        .where(stands.c.audience_kind == "administrators", _has_later_contact())
        .group_by(*group, ranked.c.rank)
    )
    for *key, rank, count in connection.execute(stood_for):
        totals[*key, rank] -= count
    return (_standing(key, count) for key, count in totals.items() if count)


def _cut_reports(connection: Connection, slug: str | None) -> Counter[tuple[Any, ...]]:
    """Of how many addressees the reports were cut out (custody/pruning.py): policy, version, kind, rank."""
    query = select(
        POLICY.c.slug, VERSION.c.number, NOTICE.c.kind, REPORT_CUT.c.event, REPORT_CUT.c.addressees
    ).select_from(PUBLISHED.join(REPORT_CUT, REPORT_CUT.c.notice_no == NOTICE.c.notice_no))
    found: Counter[tuple[Any, ...]] = Counter()
    for *key, event, count in connection.execute(
        query if slug is None else query.where(POLICY.c.slug == slug)
    ):
        found[*key, DeliveryName(event).rank] += count
    return found


def _confirm(totals: Counter[tuple[Any, ...]], kind: Sequence[Any], rank: int, count: int) -> None:
    """Count so many of those of whom there is no report any more by the one that there was: those who were
    taken longest ago first.
    """
    silent = [key for key in totals if key[:3] == tuple(kind) and key[-1] is None and key[3] in _TAKEN]
    for key in sorted(silent, key=lambda each: -each[4]):
        moved = min(count, totals[key])
        totals[key] -= moved
        totals[*key[:-1], rank] += moved
        count -= moved


def _standing(key: Sequence[Any], count: int) -> Standing:
    slug, number, kind, state, overdue, late, rank = key
    event = None if rank is None else list(DeliveryName)[rank]
    version, stands = VersionKey(slug, number), OutboxState(state)
    return Standing(version, NoticeKind(kind), stands, event, bool(overdue), bool(late), count)


def _chunks(slug: str | None, now: datetime) -> Select[Any]:
    left = func.coalesce(CHUNK.c.send_at, CHUNK.c.changed_at, type_=UtcTime)
    taken = CHUNK.c.state.in_(_TAKEN)
    query = (
        select(
            CHUNK.c.notice_no,
            CHUNK.c.lo,
            CHUNK.c.hi,
            CHUNK.c.state,
            POLICY.c.slug,
            VERSION.c.number,
            NOTICE.c.kind,
            NOTICE.c.audience_kind,
            case((and_(taken, left <= now - REPORTS_WITHIN), 1), else_=0).label("overdue"),
            case((and_(taken, left >= VERSION.c.effective_at), 1), else_=0).label("late"),
        )
        .select_from(PUBLISHED.join(CHUNK, CHUNK.c.notice_no == NOTICE.c.notice_no))
        .where(CHUNK.c.state.not_in(GONE_STATES))
    )
    return query if slug is None else query.where(POLICY.c.slug == slug)


def _held_by(stands: Any) -> Any:
    return and_(OUTBOX.c.notice_no == stands.c.notice_no, OUTBOX.c.place.between(stands.c.lo, stands.c.hi))


def _has_later_contact() -> Any:
    later = OUTBOX.alias("later")
    return exists().where(
        later.c.subject_no == OUTBOX.c.subject_no,
        later.c.notice_no == OUTBOX.c.notice_no,
        later.c.contact > OUTBOX.c.contact,
    )


# Answers


def _answered(connection: Connection, slug: str | None) -> dict[VersionKey, dict[NoticeKind, Answered]]:
    of_organisations: dict[int, Counter[str]] = defaultdict(Counter)
    of_people: Counter[int] = Counter()
    for version_no, subject_no in connection.execute(_choosers()):
        if is_administrator(subject_no):
            of_organisations[version_no]["chosen"] += 1
        else:
            of_people[version_no] += 1
    seen = select(ACKNOWLEDGEMENT.c.version_no, func.count()).group_by(ACKNOWLEDGEMENT.c.version_no)
    for version_no, count in connection.execute(seen):
        of_organisations[version_no]["acknowledged"] += count
    last: dict[tuple[int, int], int] = {}
    for row in connection.execute(select(OBJECTION).order_by(OBJECTION.c.objected_at)):
        last[row.version_no, row.subject_no] = row.stands
    for (version_no, _), stands in last.items():
        of_organisations[version_no]["objected"] += stands
    named = select(VERSION.c.version_no, POLICY.c.slug, VERSION.c.number).join(POLICY)
    return {
        VersionKey(found, number): {
            NoticeKind.REVISION: Answered(**of_organisations[version_no]),
            NoticeKind.CHOICE: Answered(chosen=of_people[version_no]),
        }
        for version_no, found, number in connection.execute(named).all()
        if slug in {None, found}
    }


def _choosers() -> Select[Any]:
    """Who of those that a version asked has answered any of its questions."""
    asked = (
        select(literal(1))
        .select_from(OUTBOX.join(NOTICE))
        .where(OUTBOX.c.subject_no == CHOICE.c.subject_no, NOTICE.c.version_no == PRACTICE.c.version_no)
    )
    changed = CHOICE.join(CHANGE, CHANGE.c.practice_no == CHOICE.c.practice_no).join(
        PRACTICE, PRACTICE.c.practice_no == CHANGE.c.practice_no
    )
    return (
        select(PRACTICE.c.version_no, CHOICE.c.subject_no)
        .select_from(changed)
        .where(asked.exists())
        .distinct()
    )


# Customers whose notice was not given


def _not_given(slug: str | None) -> Select[Any]:
    """The rows of customers that no later contact stands for, and the next contact, NULL where none is."""
    reported = (
        select(OUTBOX.c.nid)
        .join(DELIVERY_EVENT, DELIVERY_EVENT.c.nid == OUTBOX.c.nid)
        .where(DELIVERY_EVENT.c.event.in_(NOT_GIVEN_NAMES))
    )
    unfit = (
        select(OUTBOX.c.nid).join(CHUNK, _held_by(CHUNK)).where(CHUNK.c.state == OutboxState.REJECTED.value)
    )
    ids = union(reported, unfit).subquery()
    following = (
        select(func.min(ADDRESS.c.position))
        .where(ADDRESS.c.subject_no == OUTBOX.c.subject_no, ADDRESS.c.position > OUTBOX.c.contact)
        .scalar_subquery()
    )
    query = (
        select(
            POLICY.c.slug,
            VERSION.c.number,
            NOTICE.c.notice_no,
            NOTICE.c.position,
            NOTICE.c.kind,
            OUTBOX.c.subject_no,
            following.label("following"),
        )
        .select_from(
            PUBLISHED.join(OUTBOX, OUTBOX.c.notice_no == NOTICE.c.notice_no).join(
                ids, ids.c.nid == OUTBOX.c.nid
            )
        )
        .where(
            NOTICE.c.audience_kind == "administrators",
            NOTICE.c.kind != NoticeKind.REMINDER.value,
            ~_has_later_contact(),
        )
    )
    return query if slug is None else query.where(POLICY.c.slug == slug)


def _unreached(connection: Connection, slug: str | None) -> dict[VersionKey, Unreached]:
    counts: dict[VersionKey, Counter[str]] = defaultdict(Counter)
    nowhere = {(key, number) for key, number in _without_address(connection, slug)}
    for row in connection.execute(_not_given(slug)):
        key = VersionKey(row.slug, row.number)
        if (key, row.subject_no) not in nowhere:
            counts[key]["no_contact" if row.following is None else "next_contact"] += 1
    for key, _ in nowhere:
        counts[key]["no_address"] += 1
    return {key: Unreached(**found) for key, found in counts.items()}


def _without_address(connection: Connection, slug: str | None) -> Iterable[tuple[VersionKey, int]]:
    known = exists().where(ADDRESS.c.subject_no == OUTBOX.c.subject_no)
    given = exists().where(
        DELIVERY_EVENT.c.nid == OUTBOX.c.nid, DELIVERY_EVENT.c.event == DeliveryName.DELIVERED.value
    )
    query = (
        select(POLICY.c.slug, VERSION.c.number, OUTBOX.c.subject_no)
        .select_from(PUBLISHED.join(OUTBOX, OUTBOX.c.notice_no == NOTICE.c.notice_no))
        .where(
            NOTICE.c.audience_kind == "administrators",
            NOTICE.c.kind != NoticeKind.REMINDER.value,
            ~known,
            ~given,
        )
    )
    if slug is not None:
        query = query.where(POLICY.c.slug == slug)
    for found, number, subject_no in connection.execute(query):
        yield VersionKey(found, number), subject_no


def add_next_contacts(writer: Writer, slug: str | None, *, key: bytes) -> int:
    """Plan the notice for the next contact of customers to whom it was not given (2); how many."""
    rows = [row for row in writer.connection.execute(_not_given(slug)) if row.following is not None]
    by_notice: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_notice[row.notice_no].append(row)
    recalled = recalled_notices(writer.connection)
    return sum(
        _add_contacts(writer, found, key=key) for number, found in by_notice.items() if number not in recalled
    )


def _add_contacts(writer: Writer, rows: Sequence[Row[Any]], *, key: bytes) -> int:
    connection, first = writer.connection, rows[0]
    version = VersionKey(first.slug, first.number)
    secret = notice_secret(key, notice_id(version, first.position, NoticeKind(first.kind)))
    wanted = {row.subject_no: row.following for row in rows}
    names = {
        row.tenant_no: row.id
        for row in rows_by(connection, CUSTOMER, CUSTOMER.c.tenant_no, [tenant_of(no) for no in wanted])
    }
    people = [
        row
        for row in rows_by(connection, ADDRESS, ADDRESS.c.subject_no, list(wanted))
        if row.position == wanted[row.subject_no]
    ]
    people.sort(key=lambda row: (row.locale, row.name != "", row.subject_no))
    above = last_place(connection, first.notice_no)
    made = [
        {
            "subject_no": row.subject_no,
            "entry": writer.entry,
            "notice_no": first.notice_no,
            "contact": row.position,
            "place": above + offset,
            "nid": nid_of(secret, f"customer:{names[tenant_of(row.subject_no)]}:{row.position}"),
            "locale": row.locale,
        }
        for offset, row in enumerate(people, start=1)
    ]
    connection.execute(insert(OUTBOX), made)
    add_chunks(connection, first.notice_no, above, writer.now)
    return len(made)
