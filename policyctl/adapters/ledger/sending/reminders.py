# SPDX-License-Identifier: Apache-2.0
"""Reminders of notices that asked something: who is to get one, planned once and looked at again before
it leaves.

1. Somebody is reminded whose notice has left before the lead was reached, did not fail, and asked something
   that he has not answered and that is still open: no later version took its place, and the organisation
   has not refused it for all of its people.
2. Nobody who stopped reminders, whose address was erased, who has another contact written to in his stead,
   or whose last reminder failed.
3. A reminder is a notice row of its own, one for each notice and lead, that tells of no change: it never
   makes silence bind. Its ids come from those of the notice it repeats, so planning again adds nothing.
4. Of a recalled notice nobody is reminded.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
)

from policyctl.adapters.ledger.base.common import TENANT_BITS, Writer, last_number, notice_secret
from policyctl.adapters.ledger.people.answers import ANSWERS
from policyctl.adapters.ledger.sending.audience import is_named, last_place, nid_in_sql
from policyctl.adapters.ledger.sending.chunks import add_chunks
from policyctl.adapters.ledger.sending.outbox import IN_CHUNK, PUBLISHED
from policyctl.adapters.ledger.sending.owed import notice_id
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import (
    ADDRESS,
    CHOICE,
    CHUNK,
    DELIVERY_EVENT,
    NOTICE,
    OUTBOX,
    POLICY,
    REMINDER,
    REMINDER_STOP,
    VERSION,
    UtcTime,
    Whole,
)
from policyctl.core.notices.inquiry import newer_than
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.notice_json import notice_from_json, notice_to_json
from policyctl.core.notices.outbox import Chunk, DeliveryName, OutboxState
from policyctl.core.notices.progress import NOT_GIVEN
from policyctl.core.notices.reminder import ReminderDue, lead_reached, reminder_of
from policyctl.core.policy import VersionKey
from policyctl.core.records import Answer, split_change

_ASKING = (NoticeKind.REVISION.value, NoticeKind.CHOICE.value)
_LEFT = (OutboxState.RELEASED.value, OutboxState.ACCEPTED.value)
_FAILED = [name.value for name in NOT_GIVEN]
_YES = ANSWERS[Answer.CONSENT]
_LOCALS = 1 << TENANT_BITS


@dataclass(frozen=True, slots=True)
class _Question:
    """A change by its name and number. ``alike``: the numbers of the same practice under every version."""

    change: str
    practice_no: int
    alike: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Asking:
    """A notice that asked something, and what of it is open."""

    notice_no: int
    version_no: int
    version: VersionKey
    kind: NoticeKind
    audience_kind: str
    effective_at: datetime
    questions: tuple[_Question, ...]


def due(
    connection: Connection, slug: str | None, lead_days: Sequence[int], now: datetime, known: Known
) -> tuple[ReminderDue, ...]:
    """How many :func:`add_reminders` would plan."""
    found = []
    for asking, lead in _to_plan(connection, slug, lead_days, now, known):
        people = _candidates(asking, asking.effective_at - timedelta(days=lead)).subquery()
        count = connection.execute(select(func.count()).select_from(people)).scalar_one()
        found.append(ReminderDue(asking.version, asking.kind, lead, count))
    return tuple(one for one in found if one.count)


def add_reminders(
    writer: Writer, slug: str | None, lead_days: Sequence[int], *, key: bytes, known: Known
) -> int:
    """Plan the reminders that are due and were not planned before; how many."""
    plans = list(_to_plan(writer.connection, slug, lead_days, writer.now, known))
    return sum(_add(writer, asking, lead, key=key) for asking, lead in plans)


def unanswered(
    connection: Connection, chunk: Chunk, leaves_at: datetime, known: Known
) -> Mapping[int, frozenset[str]]:
    """For each place of a chunk of reminders whose addressee needs it still, what he has left unanswered.
    ``leaves_at``: when the mail would go out; none of it from the effective date on.
    """
    origin = select(REMINDER).where(REMINDER.c.notice_no == chunk.notice_no)
    reminder = connection.execute(origin).one()
    mine = NOTICE.c.notice_no == reminder.of_notice
    asking = next(iter(_asking(connection, mine, leaves_at, known)), None)
    if asking is None or _is_overtaken(connection, reminder):
        return {}
    own, opens = OUTBOX.alias("own"), _opens(asking)
    query = (
        select(own.c.place, *opens)
        .select_from(OUTBOX.join(ADDRESS, _address()).join(own, _same_person(own)))
        .where(OUTBOX.c.notice_no == asking.notice_no, *_wanted(asking), or_(*(each == 1 for each in opens)))
        .where(own.c.notice_no == chunk.notice_no, own.c.place.between(chunk.lo, chunk.hi))
    )
    names = [question.change for question in asking.questions]
    return {
        place: frozenset(name for name, is_open in zip(names, flags, strict=True) if is_open)
        for place, *flags in connection.execute(query)
    }


def _is_overtaken(connection: Connection, reminder: Any) -> bool:
    """A later reminder of the same notice has been planned: one is enough."""
    later = select(REMINDER.c.notice_no).where(
        REMINDER.c.of_notice == reminder.of_notice, REMINDER.c.lead_days < reminder.lead_days
    )
    return connection.execute(later).first() is not None


# Which notices


def _to_plan(
    connection: Connection, slug: str | None, lead_days: Sequence[int], now: datetime, known: Known
) -> Iterator[tuple[_Asking, int]]:
    """Notices with the lead that has been reached, where that was not planned yet."""
    mine = literal(value=True) if slug is None else POLICY.c.slug == slug
    for asking in _asking(connection, mine, now, known):
        lead = lead_reached(asking.effective_at, lead_days, now)
        if lead is None:
            continue
        planned = select(REMINDER.c.notice_no).where(
            REMINDER.c.of_notice == asking.notice_no, REMINDER.c.lead_days <= lead
        )
        if connection.execute(planned).first() is None:
            yield asking, lead


def _asking(
    connection: Connection, mine: ColumnElement[bool], now: datetime, known: Known
) -> Iterable[_Asking]:
    """Notices that asked something which is open, of versions not in effect yet, none recalled (4)."""
    recalled = exists().where(CHUNK.c.notice_no == NOTICE.c.notice_no, CHUNK.c.recalled == 1)
    query = (
        select(NOTICE, POLICY.c.slug, VERSION.c.number, VERSION.c.effective_at)
        .select_from(PUBLISHED)
        .where(NOTICE.c.kind.in_(_ASKING), NOTICE.c.changes != "[]", VERSION.c.effective_at > now)
        .where(mine, ~recalled)
        .order_by(NOTICE.c.notice_no)
    )
    for row in connection.execute(query).all():
        questions = tuple(_open_questions(json.loads(row.changes), row.slug, known))
        if questions:
            yield _Asking(
                notice_no=row.notice_no,
                version_no=row.version_no,
                version=VersionKey(row.slug, row.number),
                kind=NoticeKind(row.kind),
                audience_kind=row.audience_kind,
                effective_at=row.effective_at,
                questions=questions,
            )


def _open_questions(changes: Iterable[str], slug: str, known: Known) -> Iterator[_Question]:
    for change in changes:
        if newer_than(change, known.by_slug[slug]) is None:
            practice = (split_change(change) or ("", ""))[1]
            alike = (
                number
                for name, number in known.practice_no.items()
                if (other := split_change(name)) and (other[0].slug, other[1]) == (slug, practice)
            )
            yield _Question(change, known.practice_no[change], tuple(sorted(alike)))


# Who


def _candidates(asking: _Asking, reached_at: datetime) -> Select[Any]:
    """Who is to be reminded (1, 2), with a column for each question: 1 where it is unanswered."""
    left = func.coalesce(CHUNK.c.send_at, CHUNK.c.changed_at, type_=UtcTime)
    given = exists().where(
        DELIVERY_EVENT.c.nid == OUTBOX.c.nid, DELIVERY_EVENT.c.event == DeliveryName.DELIVERED.value
    )
    opens = _opens(asking)
    return (
        select(
            OUTBOX.c.subject_no,
            OUTBOX.c.contact,
            OUTBOX.c.nid,
            ADDRESS.c.locale,
            is_named(ADDRESS.c.name).label("named"),
            *opens,
        )
        .select_from(OUTBOX.join(ADDRESS, _address()).join(CHUNK, IN_CHUNK))
        .where(OUTBOX.c.notice_no == asking.notice_no, *_wanted(asking), or_(*(each == 1 for each in opens)))
        .where(or_(CHUNK.c.state.in_(_LEFT), given), left <= reached_at)
    )


def _address() -> ColumnElement[bool]:
    return and_(ADDRESS.c.subject_no == OUTBOX.c.subject_no, ADDRESS.c.position == OUTBOX.c.contact)


def _same_person(other: Any) -> ColumnElement[bool]:
    return and_(other.c.subject_no == OUTBOX.c.subject_no, other.c.contact == OUTBOX.c.contact)


def _wanted(asking: _Asking) -> Iterator[ColumnElement[bool]]:
    """What must hold of a row of the outbox beside an open question."""
    stop, later, earlier = REMINDER_STOP, OUTBOX.alias("later"), OUTBOX.alias("earlier")
    yield ~exists().where(DELIVERY_EVENT.c.nid == OUTBOX.c.nid, DELIVERY_EVENT.c.event.in_(_FAILED))
    yield ~exists().where(stop.c.subject_no == OUTBOX.c.subject_no, stop.c.contact == OUTBOX.c.contact)
    failed = (
        select(literal(1))
        .select_from(
            earlier.join(REMINDER, REMINDER.c.notice_no == earlier.c.notice_no).join(
                DELIVERY_EVENT, DELIVERY_EVENT.c.nid == earlier.c.nid
            )
        )
        .where(
            REMINDER.c.of_notice == asking.notice_no,
            _same_person(earlier),
            DELIVERY_EVENT.c.event.in_(_FAILED),
        )
    )
    yield ~failed.exists()
    if asking.audience_kind == "administrators":
        yield ~exists().where(
            later.c.subject_no == OUTBOX.c.subject_no,
            later.c.notice_no == OUTBOX.c.notice_no,
            later.c.contact > OUTBOX.c.contact,
        )


def _opens(asking: _Asking) -> list[ColumnElement[int]]:
    return [
        case((_is_open(question, asking.audience_kind), 1), else_=0).label(f"open_{place}")
        for place, question in enumerate(asking.questions)
    ]


def _is_open(question: _Question, audience_kind: str) -> ColumnElement[bool]:
    """Not answered, and for a person not refused by the organisation: the last it said of the practice."""
    answered = exists().where(
        CHOICE.c.subject_no == OUTBOX.c.subject_no, CHOICE.c.practice_no == question.practice_no
    )
    if audience_kind == "administrators":
        return ~answered
    local = literal(_LOCALS, Whole)
    said = CHOICE.alias("said")
    last = (
        select(said.c.answer)
        .where(
            said.c.subject_no == cast(OUTBOX.c.subject_no // local, Whole) * local,
            said.c.practice_no.in_(question.alike),
        )
        .order_by(said.c.given_at.desc(), said.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return and_(~answered, func.coalesce(last, _YES) == _YES)


# Planning


def _add(writer: Writer, asking: _Asking, lead: int, *, key: bytes) -> int:
    """A reminder and its outbox, those of one language and of the same open questions side by side."""
    connection = writer.connection
    people = _candidates(asking, asking.effective_at - timedelta(days=lead)).subquery()
    if connection.execute(select(people.c.contact).limit(1)).first() is None:
        return 0
    notice_no, position = _add_notice(writer, asking, lead)
    secret = notice_secret(key, notice_id(asking.version, position, NoticeKind.REMINDER))
    opens = [people.c[f"open_{place}"] for place in range(len(asking.questions))]
    order = (people.c.locale, *opens, people.c.named, people.c.subject_no, people.c.contact)
    rows = select(
        people.c.subject_no,
        literal(writer.entry, Whole),
        literal(notice_no, Integer),
        people.c.contact,
        cast(func.row_number().over(order_by=order), Integer),
        nid_in_sql(connection, secret, people.c.nid),
        people.c.locale,
    )
    columns = ["subject_no", "entry", "notice_no", "contact", "place", "nid", "locale"]
    connection.execute(insert(OUTBOX).from_select(columns, rows))
    add_chunks(connection, notice_no, 0, writer.now)
    return last_place(connection, notice_no)


def _add_notice(writer: Writer, asking: _Asking, lead: int) -> tuple[int, int]:
    """The rows of a reminder itself; its number and position. It tells of no change (3)."""
    connection = writer.connection
    origin = connection.execute(select(NOTICE).where(NOTICE.c.notice_no == asking.notice_no)).one()
    changes = {question.change for question in asking.questions}
    reminder = reminder_of(notice_from_json(origin.body), changes)
    if reminder is None:
        raise ValueError("a notice was asked to be reminded of that asked nothing")
    number = last_number(connection, NOTICE.c.notice_no) + 1
    last = select(func.max(NOTICE.c.position)).where(NOTICE.c.version_no == asking.version_no)
    position = connection.execute(last).scalar_one() + 1
    row = {
        "notice_no": number,
        "version_no": asking.version_no,
        "kind": NoticeKind.REMINDER.value,
        "position": position,
        "audience_kind": origin.audience_kind,
        "audience_categories": origin.audience_categories,
        "changes": "[]",
        "body": notice_to_json(reminder),
    }
    writer.add(NOTICE, [row])
    writer.add(REMINDER, [{"notice_no": number, "of_notice": asking.notice_no, "lead_days": lead}])
    return number, position
